// Matching without a regular expression. A pattern whose steps each end at one place is walked. For the
// others we keep the set of all places where the steps so far can end, one bit for each place in the text,
// and take each step from all of them at once; so the time is bounded by steps times text whatever the
// pattern says.
#include "base/err.h"
#include "url/pattern_priv.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64
// Texts up to this length need no memory but the stack.
#define STACK_TEXT 8192
#define STACK_WORDS (STACK_TEXT / WORD_BITS + 1)
// What it takes to look at a word of a set, or at a single place.
#define WORK_OF_WORD 20U

static struct str prefix_of(const struct step *step, const struct steps *steps)
{
    return str_make(steps->texts + step->text, step->prefix_len);
}

static struct str suffix_of(const struct step *step, const struct steps *steps)
{
    return str_make(steps->texts + step->text + step->prefix_len, step->suffix_len);
}

// Whether a step without a choice of its own leaves none to its neighbours: `next` follows, then `last`.
static bool ends_at_one_place(const struct step *step, const struct step *next, bool next_is_last,
                              char delimiter, const struct steps *steps)
{
    if (step->modifier != MODIFIER_NONE)
        return false;
    if (step->kind == STEP_TEXT || !next)
        return true;
    if (next->kind != STEP_TEXT || next->modifier != MODIFIER_NONE)
        return false;
    if (step->kind == STEP_ANYTHING)
        return next_is_last;
    return delimiter && steps->texts[next->text] == delimiter;
}

bool steps_can_walk(const struct component *component, const struct steps *steps)
{
    const struct step *step = steps->steps + component->first_step;
    const struct step *end = step + component->step_count;
    for (; step < end; step++) {
        const struct step *next = step + 1 < end ? step + 1 : NULL;
        if (!ends_at_one_place(step, next, step + 2 == end, component->delimiter, steps))
            return false;
    }
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool text_is_at(const struct component *component, struct str text, size_t at, struct str wanted)
{
    if (text.len - at < wanted.len || wanted.len == 0)
        return wanted.len == 0;
    if (!component->ignores_case)
        return memcmp(text.ptr + at, wanted.ptr, wanted.len) == 0;
    for (size_t i = 0; i < wanted.len; i++) {
        if (lower(text.ptr[at + i]) != wanted.ptr[i])
            return false;
    }
    return true;
}

bool steps_walk(const struct component *component, const struct steps *steps, struct str text)
{
    const struct step *step = steps->steps + component->first_step;
    const struct step *end = step + component->step_count;
    size_t at = 0;
    for (; step < end; step++) {
        size_t from = at;
        if (step->kind == STEP_TEXT) {
            if (!text_is_at(component, text, at, prefix_of(step, steps)))
                return false;
            at += step->prefix_len;
        } else if (step->kind == STEP_SEGMENT) {
            at = component->delimiter ? str_find(text, at, component->delimiter) : text.len;
            if (at == from)
                return false;
        } else {
            size_t behind = step + 1 < end ? step[1].prefix_len : 0;
            if (text.len - at < behind)
                return false;
            at = text.len - behind;
        }
    }
    return at == text.len;
}

// Places in a text: bit i is the one before byte i.
struct match {
    const struct component *component;
    const struct steps *steps;
    struct str text;
    size_t words;   // of each set
    uint64_t *now;  // where the steps so far can end
    uint64_t *next; // where one step more can
    uint64_t *more;
    size_t work; // so far, in words
    size_t max_work;
};

static bool has_place(const uint64_t *set, size_t place)
{
    return (set[place / WORD_BITS] >> (place % WORD_BITS)) & 1;
}

static void add_place(uint64_t *set, size_t place)
{
    set[place / WORD_BITS] |= UINT64_C(1) << (place % WORD_BITS);
}

static void clear(const struct match *match, uint64_t *set)
{
    memset(set, 0, match->words * sizeof(*set));
}

// Whether there is exactly one place; *ret_place is the lowest of all, or the end of the words.
static bool has_one_place(const struct match *match, const uint64_t *set, size_t *ret_place)
{
    size_t i = 0;
    while (i < match->words && set[i] == 0)
        i++;
    *ret_place = i * WORD_BITS;
    if (i == match->words)
        return false;
    *ret_place += (size_t)__builtin_ctzll(set[i]);
    if (set[i] & (set[i] - 1))
        return false;
    while (++i < match->words && set[i] == 0)
        ;
    return i == match->words;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))

// The bytes that are `c` in eight bytes, as eight bits.
static uint64_t equal_bytes(uint64_t bytes, char c)
{
    uint64_t differ = bytes ^ EACH(c);
    uint64_t low = (differ & EACH(0x7F)) + EACH(0x7F);
    uint64_t equal = ~(low | differ | EACH(0x7F)) >> 7;
    return (equal * UINT64_C(0x0102040810204080)) >> 56;
}

// Eight bytes, or fewer at the end, with zero bytes behind them; no text has zero bytes to look for.
static uint64_t load_bytes(struct str text, size_t at)
{
    uint64_t bytes = 0;
    if (text.len - at >= sizeof(bytes))
        memcpy(&bytes, text.ptr + at, sizeof(bytes));
    else
        memcpy(&bytes, text.ptr + at, text.len - at);
    return le64toh(bytes);
}

// The places of one word that have `c` behind them.
static uint64_t places_before(const struct match *match, size_t word, char c)
{
    struct str text = str_slice(match->text, 0, (word + 1) * WORD_BITS);
    bool has_cases = match->component->ignores_case && c >= 'a' && c <= 'z';
    uint64_t places = 0;
    for (size_t at = word * WORD_BITS; at < text.len; at += 8) {
        uint64_t bytes = load_bytes(text, at);
        uint64_t equal = equal_bytes(bytes, c);
        if (has_cases)
            equal |= equal_bytes(bytes, (char)(c & ~0x20));
        places |= equal << (at % WORD_BITS);
    }
    return places;
}

// Moves the places that have `c` behind them over it and drops the others. False when none is left.
static bool take_char(struct match *match, uint64_t *set, char c)
{
    uint64_t carry = 0;
    uint64_t any = 0;
    match->work += match->words;
    for (size_t i = 0; i < match->words; i++) {
        uint64_t taken = set[i] ? set[i] & places_before(match, i, c) : 0;
        set[i] = taken << 1 | carry;
        carry = taken >> (WORD_BITS - 1);
        any |= set[i];
    }
    return any != 0;
}

static void take_text(struct match *match, uint64_t *set, struct str wanted)
{
    size_t place;
    if (has_one_place(match, set, &place)) {
        clear(match, set);
        if (text_is_at(match->component, match->text, place, wanted))
            add_place(set, place + wanted.len);
        return;
    }
    for (size_t i = 0; i < wanted.len; i++) {
        if (!take_char(match, set, wanted.ptr[i]) || match->work > match->max_work)
            return;
    }
}

// The places of one word that have a character of a segment behind them.
static uint64_t segment_places(const struct match *match, size_t word)
{
    size_t from = word * WORD_BITS;
    size_t left = match->text.len > from ? match->text.len - from : 0;
    uint64_t places = left < WORD_BITS ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
    char delimiter = match->component->delimiter;
    return delimiter ? places & ~places_before(match, word, delimiter) : places;
}

// One character, then as many as follow: adding a place to a run of ones that starts there carries to the
// end of the run, and what has changed on the way are the places in it.
static void take_segment(struct match *match, uint64_t *set)
{
    match->work += match->words;
    uint64_t shifted = 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < match->words; i++) {
        uint64_t runs = segment_places(match, i);
        uint64_t first = set[i] & runs;
        uint64_t starts = first << 1 | shifted;
        shifted = first >> (WORD_BITS - 1);
        uint64_t sum;
        bool over = __builtin_add_overflow(starts & runs, runs, &sum);
        over |= __builtin_add_overflow(sum, carry, &sum);
        carry = over;
        set[i] = (sum ^ runs) | starts;
    }
}

static void take_anything(struct match *match, uint64_t *set)
{
    match->work += match->words;
    size_t place;
    (void)has_one_place(match, set, &place);
    size_t first = place / WORD_BITS;
    if (first == match->words)
        return;
    set[first] |= UINT64_MAX << (place % WORD_BITS);
    for (size_t i = first + 1; i < match->words; i++)
        set[i] = UINT64_MAX;
    set[match->words - 1] &= UINT64_MAX >> (WORD_BITS - 1 - match->text.len % WORD_BITS);
}

// The text once or more often: `now` becomes `next`.
static void take_text_again(struct match *match, struct str wanted)
{
    clear(match, match->next);
    match->work += match->text.len;
    for (size_t at = 0; at < match->text.len; at++) {
        bool is_here = has_place(match->now, at) || has_place(match->next, at);
        if (is_here && text_is_at(match->component, match->text, at, wanted))
            add_place(match->next, at + wanted.len);
    }
}

// Segments with the suffix and the prefix between each two: `next` has the places before one and is
// replaced by those behind one.
static void take_segments(struct match *match, const struct step *step)
{
    struct str text = match->text;
    uint64_t *before = match->next;
    uint64_t *behind = match->more;
    bool is_in_segment = false;
    clear(match, behind);
    match->work += text.len;
    for (size_t at = 0; at <= text.len; at++) {
        if (is_in_segment && match->component->delimiter && text.ptr[at - 1] == match->component->delimiter)
            is_in_segment = false;
        if (is_in_segment) {
            add_place(behind, at);
            if (text_is_at(match->component, text, at, suffix_of(step, match->steps)) &&
                text_is_at(match->component, text, at + step->suffix_len, prefix_of(step, match->steps)))
                add_place(before, at + step->suffix_len + step->prefix_len);
        }
        is_in_segment = is_in_segment || has_place(before, at);
    }
    match->next = behind;
    match->more = before;
}

static bool is_repeated(const struct step *step)
{
    return step->modifier == MODIFIER_ZERO_OR_MORE || step->modifier == MODIFIER_ONE_OR_MORE;
}

// Behind "now" in `next`. Of wildcards only segments come again (part_least_modifier), with a delimiter in
// the texts between them.
static void take_once_or_more(struct match *match, const struct step *step)
{
    struct str prefix = prefix_of(step, match->steps);
    if (step->kind == STEP_TEXT && is_repeated(step)) {
        take_text_again(match, prefix);
        return;
    }
    memcpy(match->next, match->now, match->words * sizeof(*match->next));
    take_text(match, match->next, prefix);
    if (step->kind == STEP_ANYTHING)
        take_anything(match, match->next);
    else if (step->kind == STEP_SEGMENT && is_repeated(step))
        take_segments(match, step);
    else if (step->kind == STEP_SEGMENT)
        take_segment(match, match->next);
    take_text(match, match->next, suffix_of(step, match->steps));
}

static void take_step(struct match *match, const struct step *step)
{
    take_once_or_more(match, step);
    bool may_be_missing = step->modifier == MODIFIER_OPTIONAL || step->modifier == MODIFIER_ZERO_OR_MORE;
    for (size_t i = 0; may_be_missing && i < match->words; i++)
        match->next[i] |= match->now[i];
    uint64_t *behind = match->next;
    match->next = match->now;
    match->now = behind;
}

static int match_all(struct match *match)
{
    const struct step *step = match->steps->steps + match->component->first_step;
    const struct step *end = step + match->component->step_count;
    clear(match, match->now);
    add_place(match->now, 0);
    for (; step < end && match->work <= match->max_work; step++)
        take_step(match, step);
    return match->work <= match->max_work ? has_place(match->now, match->text.len) : HUB_E_TOO_BIG;
}

int steps_match_sets(const struct component *component, const struct steps *steps, struct str text,
                     uint64_t *work)
{
    uint64_t stack[3 * STACK_WORDS];
    struct match match = {component, steps, text, .words = text.len / WORD_BITS + 1};
    match.max_work = *work / WORK_OF_WORD;
    bool fits = match.words <= STACK_WORDS;
    uint64_t *sets = fits ? stack : malloc(3 * match.words * sizeof(*sets));
    if (!sets)
        return -ENOMEM;
    match.now = sets;
    match.next = sets + match.words;
    match.more = sets + 2 * match.words;
    int result = match_all(&match);
    uint64_t done = (uint64_t)match.work * WORK_OF_WORD;
    *work = done < *work ? *work - done : 0;
    if (!fits)
        free(sets);
    return result;
}
