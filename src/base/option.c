#include "base/option.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/quantity.h"

#include <errno.h>
#include <string.h>

#define DISTANCE_LEN_MAX 64U

static void *member(const struct option *option, void *target)
{
    return (char *)target + option->offset;
}

static bool has_alias(const struct option *option, struct str name)
{
    for (const char *const *alias = option->aliases; alias && *alias; alias++) {
        if (str_eq(str_from_c(*alias), name))
            return true;
    }
    return false;
}

const struct option *option_find(const struct option *options, struct str name)
{
    for (const struct option *option = options; option->name; option++) {
        if (str_eq(str_from_c(option->name), name) || has_alias(option, name))
            return option;
    }
    return NULL;
}

static char fold(char c)
{
    if (c == '-')
        return '_';
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

unsigned option_distance(struct str a, struct str b)
{
    a = str_slice(a, 0, DISTANCE_LEN_MAX);
    b = str_slice(b, 0, DISTANCE_LEN_MAX);
    // rows[i][j]: what it takes to make the first j letters of b of the first i of a.
    unsigned rows[3][DISTANCE_LEN_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            char from = fold(a.ptr[i - 1]);
            char to = fold(b.ptr[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (from != to));
            bool swapped = i > 1 && j > 1 && from == fold(b.ptr[j - 2]) && to == fold(a.ptr[i - 2]);
            if (swapped && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

const char *option_nearest(const struct option *options, struct str name)
{
    const char *nearest = NULL;
    unsigned least = 2 + (unsigned)(name.len < DISTANCE_LEN_MAX ? name.len : DISTANCE_LEN_MAX) / 4;
    for (const struct option *option = options; option->name; option++) {
        const char *const *alias = option->aliases;
        for (const char *known = option->name; known; known = alias ? *alias++ : NULL) {
            unsigned distance = option_distance(name, str_from_c(known));
            if (distance < least) {
                least = distance;
                nearest = known;
            }
        }
    }
    return nearest;
}

const char *option_type_name(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return "bool";
    case OPTION_INTEGER:
        return "integer";
    case OPTION_DURATION:
        return "duration";
    case OPTION_SIZE:
        return "size";
    case OPTION_TEXT:
        return "text";
    case OPTION_PATH:
        return "path";
    case OPTION_URL:
        return "URL";
    case OPTION_LIST:
        return "list";
    case OPTION_ENUM:
        return "word";
    case OPTION_TREE:
        return "structure";
    }
    return "";
}

void option_print_number(const struct option *option, uint64_t number, struct buf *buf)
{
    if (option->type == OPTION_DURATION)
        duration_print(number, buf);
    else if (option->type == OPTION_SIZE)
        size_print(number, buf);
    else
        buf_append_u64(buf, number);
}

static int refuse_range(const struct option *option, const char *words, uint64_t bound, struct buf *reterr)
{
    buf_printf(reterr, "must be %s%s ", option->or_zero ? "0 or " : "", words);
    option_print_number(option, bound, reterr);
    return HUB_E_INVALID;
}

static int set_number(const struct option *option, void *target, uint64_t number, struct buf *reterr)
{
    bool exempt = option->or_zero && number == 0;
    if (number < option->min && !exempt)
        return refuse_range(option, "at least", option->min, reterr);
    if (option->max && number > option->max)
        return refuse_range(option, "at most", option->max, reterr);
    memcpy(member(option, target), &number, sizeof(number));
    return HUB_OK;
}

static int parse_integer(const struct option *option, void *target, struct str text, struct buf *reterr)
{
    uint64_t number;
    if (str_to_u64(text, &number) != HUB_OK) {
        buf_printf(reterr, "must be a whole number");
        return HUB_E_INVALID;
    }
    return set_number(option, target, number, reterr);
}

static int parse_duration(const struct option *option, void *target, struct str text, struct buf *reterr)
{
    uint64_t ms;
    int err = duration_parse(text, &ms, reterr);
    return err ? err : set_number(option, target, ms, reterr);
}

static int parse_size(const struct option *option, void *target, struct str text, struct buf *reterr)
{
    uint64_t bytes;
    int err = size_parse(text, &bytes, reterr);
    return err ? err : set_number(option, target, bytes, reterr);
}

static bool is_word(struct str text, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq_nocase(text, str_from_c(*words)))
            return true;
    }
    return false;
}

static int parse_bool(const struct option *option, void *target, struct str text, struct buf *reterr)
{
    static const char *const yes[] = {"true", "yes", "on", "y", "t", "1", NULL};
    static const char *const no[] = {"false", "no", "off", "n", "f", "0", NULL};
    bool truth = is_word(text, yes);
    if (!truth && !is_word(text, no)) {
        buf_printf(reterr, "must be true or false");
        return HUB_E_INVALID;
    }
    *(bool *)member(option, target) = truth;
    return HUB_OK;
}

static int parse_enum(const struct option *option, void *target, struct str text, struct buf *reterr)
{
    for (unsigned i = 0; option->words[i]; i++) {
        if (str_eq_nocase(text, str_from_c(option->words[i]))) {
            *(unsigned *)member(option, target) = i;
            return HUB_OK;
        }
    }
    buf_printf(reterr, "must be one of");
    for (unsigned i = 0; option->words[i]; i++)
        buf_printf(reterr, "%s %s", i ? "," : "", option->words[i]);
    return HUB_E_INVALID;
}

static int check_text(const struct option *option, struct str text, struct buf *reterr)
{
    uint64_t max = option->max ? option->max : OPTION_TEXT_MAX;
    if (text.len < option->min && !(option->or_zero && text.len == 0))
        buf_printf(reterr, text.len ? "is too short" : "must not be empty");
    else if (text.len > max)
        buf_printf(reterr, "is longer than %llu bytes", (unsigned long long)max);
    else if (str_find(text, 0, '\0') < text.len)
        buf_printf(reterr, "must not hold a zero byte");
    else if (!str_is_utf8(text))
        buf_printf(reterr, "must be valid UTF-8");
    else
        return HUB_OK;
    return HUB_E_INVALID;
}

static int set_text(const struct option *option, void *target, struct str text, struct arena *arena)
{
    struct str copy = arena_dup(arena, text);
    if (!copy.ptr)
        return -ENOMEM;
    *(struct str *)member(option, target) = copy;
    return HUB_OK;
}

static int parse_text(const struct option *option, void *target, struct str text, struct arena *arena,
                      struct buf *reterr)
{
    int err = check_text(option, text, reterr);
    return err ? err : set_text(option, target, text, arena);
}

static bool letter(char c)
{
    return fold(c) >= 'a' && fold(c) <= 'z';
}

static bool has_scheme(struct str text)
{
    size_t i = 0;
    while (i < text.len && (letter(text.ptr[i]) || (i && strchr("0123456789+-.", text.ptr[i]))))
        i++;
    return i && str_starts_with(str_slice(text, i, text.len), STR("://"));
}

static bool has_blank(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

// Does not repeat the text: it may hold a password.
static void refuse_url(const struct option *option, struct str text, struct buf *reterr)
{
    struct str example = str_from_c(option->default_text ? option->default_text : "https://example.com");
    struct str scheme = str_slice(text, 0, str_find(text, 0, ':'));
    if (option->default_text && scheme.len < text.len &&
        str_starts_with(example, str_slice(text, 0, scheme.len + 1)) && !has_scheme(text))
        buf_printf(reterr,
                   "needs \"//\" behind \"%.*s:\": %.*s:// and a name, or %.*s:/// and an absolute path",
                   STR_ARG(scheme), STR_ARG(scheme), STR_ARG(scheme));
    else
        buf_printf(reterr, "must be a URL with a scheme, as %.*s%s", STR_ARG(example),
                   has_blank(text) ? ", without spaces" : "");
}

static int parse_url(const struct option *option, void *target, struct str text, struct arena *arena,
                     struct buf *reterr)
{
    int err = check_text(option, text, reterr);
    if (err)
        return err;
    if (has_blank(text) || !has_scheme(text)) {
        refuse_url(option, text, reterr);
        return HUB_E_INVALID;
    }
    return set_text(option, target, text, arena);
}

static bool separator(char c)
{
    return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

// Takes the next element off the front of *text; false at the end.
static bool next_item(struct str *text, struct str *ret_item)
{
    size_t start = 0;
    while (start < text->len && separator(text->ptr[start]))
        start++;
    size_t end = start;
    while (end < text->len && !separator(text->ptr[end]))
        end++;
    *ret_item = str_slice(*text, start, end);
    *text = str_slice(*text, end, text->len);
    return ret_item->len > 0;
}

// A list's room is always a power of two, so that its count tells when it is full.
static int list_grow(struct option_list *list, struct arena *arena)
{
    if (list->count & (list->count - 1))
        return HUB_OK;
    struct str *items = arena_calloc(arena, list->count ? 2 * list->count : 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    list->items = items;
    return HUB_OK;
}

static int list_append(const struct option *option, struct option_list *list, struct str item,
                       struct arena *arena, struct buf *reterr)
{
    size_t max = option->max ? option->max : OPTION_LIST_MAX;
    if (list->count == max) {
        buf_printf(reterr, "has more than %zu elements", max);
        return HUB_E_INVALID;
    }
    static const struct option element = {.min = 1};
    int err = check_text(&element, item, reterr);
    if (err)
        return err;
    struct str copy = arena_dup(arena, item);
    if (!copy.ptr || list_grow(list, arena) != HUB_OK)
        return -ENOMEM;
    list->items[list->count++] = copy;
    return HUB_OK;
}

static int parse_list(const struct option *option, void *target, struct str text, struct arena *arena,
                      struct buf *reterr)
{
    struct option_list list = {0};
    struct str item;
    while (next_item(&text, &item)) {
        int err = list_append(option, &list, item, arena, reterr);
        if (err)
            return err;
    }
    *(struct option_list *)member(option, target) = list;
    return HUB_OK;
}

int option_parse(const struct option *option, void *target, struct str text, struct arena *arena,
                 struct buf *reterr)
{
    if (option->flags & OPTION_IGNORED)
        return HUB_OK;
    switch (option->type) {
    case OPTION_BOOL:
        return parse_bool(option, target, text, reterr);
    case OPTION_INTEGER:
        return parse_integer(option, target, text, reterr);
    case OPTION_DURATION:
        return parse_duration(option, target, text, reterr);
    case OPTION_SIZE:
        return parse_size(option, target, text, reterr);
    case OPTION_TEXT:
    case OPTION_PATH:
        return parse_text(option, target, text, arena, reterr);
    case OPTION_URL:
        return parse_url(option, target, text, arena, reterr);
    case OPTION_LIST:
        return parse_list(option, target, text, arena, reterr);
    case OPTION_ENUM:
        return parse_enum(option, target, text, reterr);
    case OPTION_TREE:
        break;
    }
    return HUB_E_UNSUPPORTED;
}

void option_clear_list(const struct option *option, void *target)
{
    *(struct option_list *)member(option, target) = (struct option_list){0};
}

int option_append(const struct option *option, void *target, struct str item, struct arena *arena,
                  struct buf *reterr)
{
    return list_append(option, member(option, target), item, arena, reterr);
}

int option_set_defaults(const struct option *options, void *target, struct arena *arena)
{
    struct buf reason;
    buf_init(&reason, 512);
    int err = HUB_OK;
    for (const struct option *option = options; option->name && !err; option++) {
        if (option->default_text && option->type != OPTION_TREE)
            err = option_parse(option, target, str_from_c(option->default_text), arena, &reason);
    }
    buf_done(&reason);
    HUB_ASSERT(err != HUB_E_INVALID); // a default that its own table refuses
    return err;
}
