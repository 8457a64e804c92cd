#include "base/quantity.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct unit {
    struct str name;
    uint64_t factor;
};

#define NS_PER_MS UINT64_C(1000000)

// In nanoseconds, as Go has them. The micro sign exists twice in Unicode.
static const struct unit duration_units[] = {
    {{"ns", 2}, 1},
    {{"us", 2}, 1000},
    {{"\xC2\xB5s", 3}, 1000},
    {{"\xCE\xBCs", 3}, 1000},
    {{"ms", 2}, NS_PER_MS},
    {{"s", 1}, 1000 * NS_PER_MS},
    {{"m", 1}, 60000 * NS_PER_MS},
    {{"h", 1}, 3600000 * NS_PER_MS},
};

static const struct unit size_units[] = {
    {{"", 0}, 1},
    {{"B", 1}, 1},
    {{"KiB", 3}, UINT64_C(1) << 10},
    {{"MiB", 3}, UINT64_C(1) << 20},
    {{"GiB", 3}, UINT64_C(1) << 30},
    {{"TiB", 3}, UINT64_C(1) << 40},
    {{"KB", 2}, UINT64_C(1000)},
    {{"MB", 2}, UINT64_C(1000000)},
    {{"GB", 2}, UINT64_C(1000000000)},
    {{"TB", 2}, UINT64_C(1000000000000)},
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

// Takes the digits off the front.
static struct str take_digits(struct str *s)
{
    size_t len = 0;
    while (len < s->len && digit(s->ptr[len]))
        len++;
    struct str digits = str_make(s->ptr, len);
    *s = str_slice(*s, len, s->len);
    return digits;
}

// Takes what stands before the next digit off the front.
static struct str take_unit(struct str *s)
{
    size_t len = 0;
    while (len < s->len && !digit(s->ptr[len]) && s->ptr[len] != '.')
        len++;
    struct str unit = str_make(s->ptr, len);
    *s = str_slice(*s, len, s->len);
    return unit;
}

// Case matters for durations, as in Go ("1M" might mean a month), and not for sizes.
static const struct unit *find_duration_unit(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (str_eq(duration_units[i].name, name))
            return &duration_units[i];
    }
    return NULL;
}

static const struct unit *find_size_unit(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
        if (str_eq_nocase(size_units[i].name, name))
            return &size_units[i];
    }
    return NULL;
}

// Digit by digit, so that no product can overflow; what is finer than a nanosecond is lost, as in Go.
static uint64_t fraction_ns(struct str digits, uint64_t factor)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < digits.len && factor; i++) {
        factor /= 10;
        ns += (uint64_t)(digits.ptr[i] - '0') * factor;
    }
    return ns;
}

// One number and its unit off the front of *s, added to *ns. False when it is not one or does not fit.
static bool add_term(struct str *s, uint64_t *ns)
{
    struct str whole = take_digits(s);
    struct str fraction = {0};
    if (s->len && s->ptr[0] == '.') {
        *s = str_slice(*s, 1, s->len);
        fraction = take_digits(s);
    }
    if (whole.len == 0 && fraction.len == 0)
        return false;
    const struct unit *unit = find_duration_unit(take_unit(s));
    uint64_t value = 0;
    if (!unit || (whole.len && str_to_u64(whole, &value) != HUB_OK))
        return false;
    return !__builtin_mul_overflow(value, unit->factor, &value) &&
           !__builtin_add_overflow(value, fraction_ns(fraction, unit->factor), &value) &&
           !__builtin_add_overflow(value, *ns, ns);
}

static bool all_digits(struct str s)
{
    return take_digits(&s).len > 0 && s.len == 0;
}

int duration_parse(struct str text, uint64_t *ret_ms, struct buf *reterr)
{
    if (str_eq(text, STR("0"))) {
        *ret_ms = 0;
        return HUB_OK;
    }
    if (all_digits(text) && text.len < 20) {
        buf_printf(reterr, "needs a unit: write %.*ss for seconds, or %.*sms, %.*sm, %.*sh", STR_ARG(text),
                   STR_ARG(text), STR_ARG(text), STR_ARG(text));
        return HUB_E_INVALID;
    }
    uint64_t ns = 0;
    struct str rest = text;
    do {
        if (!add_term(&rest, &ns)) {
            buf_printf(reterr, "must be a duration, as 300ms, 40s or 1h30m");
            return HUB_E_INVALID;
        }
    } while (rest.len);
    if (ns % NS_PER_MS) {
        buf_printf(reterr, "must be a duration of whole milliseconds");
        return HUB_E_INVALID;
    }
    *ret_ms = ns / NS_PER_MS;
    return HUB_OK;
}

int size_parse(struct str text, uint64_t *ret_bytes, struct buf *reterr)
{
    struct str rest = text;
    struct str digits = take_digits(&rest);
    const struct unit *unit = find_size_unit(str_trim(rest));
    uint64_t value;
    if (!unit || str_to_u64(digits, &value) != HUB_OK ||
        __builtin_mul_overflow(value, unit->factor, &value)) {
        buf_printf(reterr, "must be a size, as 64KiB, 1MiB, 1MB or a whole number of bytes");
        return HUB_E_INVALID;
    }
    *ret_bytes = value;
    return HUB_OK;
}

void duration_print(uint64_t ms, struct buf *buf)
{
    static const struct unit units[] = {{{"h", 1}, 3600000}, {{"m", 1}, 60000}, {{"s", 1}, 1000}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (ms && ms % units[i].factor == 0) {
            buf_printf(buf, "%llu%s", (unsigned long long)(ms / units[i].factor), units[i].name.ptr);
            return;
        }
    }
    buf_append_u64(buf, ms);
    buf_append_str(buf, ms ? STR("ms") : STR("s"));
}

void size_print(uint64_t bytes, struct buf *buf)
{
    static const struct unit units[] = {
        {{"TiB", 3}, UINT64_C(1) << 40},
        {{"GiB", 3}, UINT64_C(1) << 30},
        {{"MiB", 3}, UINT64_C(1) << 20},
        {{"KiB", 3}, UINT64_C(1) << 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (bytes && bytes % units[i].factor == 0) {
            buf_append_u64(buf, bytes / units[i].factor);
            buf_append_str(buf, units[i].name);
            return;
        }
    }
    buf_append_u64(buf, bytes);
}
