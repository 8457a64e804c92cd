#include "url/template.h"

#include "base/err.h"
#include "url/template_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Where the automaton may be: one bit for each state. Inside of a %XX, a value waits for two or one more
// digits.
enum phase {
    PHASE_READY,
    PHASE_TWO_DIGITS,
    PHASE_ONE_DIGIT,
};
#define PHASE_COUNT 3
// What it takes to look at a state.
#define WORK_OF_STATE 6U
#define WORK_OF_STATES 2U // at 64 that cannot be
#define WORD_BITS 64U
#define WORDS_MAX (URL_TEMPLATE_MAX / WORD_BITS + 1) // with the end, which is a state too

struct places {
    uint64_t words[PHASE_COUNT][WORDS_MAX];
};

int url_template_compile(struct url_template **ret_template, struct str text)
{
    if (text.len > URL_TEMPLATE_MAX)
        return HUB_E_TOO_BIG;
    struct template_state *states = calloc(text.len + 1, sizeof(*states));
    if (!states)
        return -ENOMEM;
    size_t count;
    struct url_template *template = NULL;
    int err = template_parse(text, states, &count);
    size_t size = sizeof(*template) + count * sizeof(*states) + text.len;
    if (!err && !(template = malloc(size)))
        err = -ENOMEM;
    if (!err) {
        size_t literal = str_find(text, 0, '{');
        *template = (struct url_template){.memory = size, ._count = count};
        template->_states = (struct template_state *)(template + 1);
        memcpy(template->_states, states, count * sizeof(*states));
        char *start = (char *)(template->_states + count);
        memcpy(start, text.ptr, literal);
        template->start = str_make(start, literal);
        *ret_template = template;
    }
    free(states);
    return err;
}

void url_template_free(struct url_template *template)
{
    free(template);
}

static bool is_alphanumeric(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool takes(const struct template_state *state, unsigned char c)
{
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == ',')
        return true;
    if (state->chars == TEMPLATE_CHARS_PAIRS)
        return c == '=';
    return state->chars == TEMPLATE_CHARS_RESERVED && c && strchr("!#$&'()*+/:;=?@[]", c);
}

// False when it was set before.
static bool set(struct places *places, enum phase phase, size_t state)
{
    uint64_t *word = &places->words[phase][state / WORD_BITS];
    uint64_t bit = UINT64_C(1) << state % WORD_BITS;
    bool is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

// Sets a state, and every one that is reached from there for nothing: those all stand behind it.
static void enter(const struct url_template *template, struct places *places, size_t state)
{
    while (set(places, PHASE_READY, state) && state < template->_count && template->_states[state].skip_to)
        state = template->_states[state].skip_to;
}

static void step_ready(const struct url_template *template, struct places *to, size_t i, unsigned char c)
{
    if (i == template->_count)
        return;
    const struct template_state *state = &template->_states[i];
    if (state->byte && c == state->byte)
        enter(template, to, state->repeats ? i : i + 1);
    if (!state->is_value)
        return;
    if (takes(state, c))
        enter(template, to, i);
    else if (c == '%')
        set(to, PHASE_TWO_DIGITS, i);
}

static void step_digit(const struct url_template *template, struct places *to, enum phase phase, size_t i,
                       unsigned char c)
{
    if (str_hex_value((char)c) < 0)
        return;
    if (phase == PHASE_TWO_DIGITS)
        set(to, PHASE_ONE_DIGIT, i);
    else
        enter(template, to, i);
}

// Takes one byte: false when nothing is left that could match.
static bool step(const struct url_template *template, const struct places *from, struct places *to,
                 unsigned char c, uint64_t *done)
{
    size_t words = template->_count / WORD_BITS + 1;
    uint64_t any = 0;
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
        memset(to->words[phase], 0, words * sizeof(to->words[phase][0]));
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
        for (size_t word = 0; word < words; word++) {
            any |= from->words[phase][word];
            *done +=
                WORK_OF_STATES + WORK_OF_STATE * (uint64_t)__builtin_popcountll(from->words[phase][word]);
            for (uint64_t bits = from->words[phase][word]; bits; bits &= bits - 1) {
                size_t i = word * WORD_BITS + (size_t)__builtin_ctzll(bits);
                if (phase == PHASE_READY)
                    step_ready(template, to, i, c);
                else
                    step_digit(template, to, (enum phase)phase, i, c);
            }
        }
    }
    return any != 0;
}

int url_template_test(const struct url_template *template, struct str topic, uint64_t *work)
{
    if (!str_starts_with(topic, template->start))
        return 0;
    struct places places[2];
    size_t words = template->_count / WORD_BITS + 1;
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
        memset(places[0].words[phase], 0, words * sizeof(places[0].words[phase][0]));
    // The states of the start are one for each of its bytes.
    enter(template, &places[0], template->start.len);
    size_t now = 0;
    for (size_t at = template->start.len; at < topic.len; at++, now = !now) {
        uint64_t done = 0;
        if (!step(template, &places[now], &places[!now], (unsigned char)topic.ptr[at], &done))
            return 0;
        if (done > *work)
            return HUB_E_TOO_BIG;
        *work -= done;
    }
    size_t end = template->_count;
    return places[now].words[PHASE_READY][end / WORD_BITS] >> end % WORD_BITS & 1;
}
