// The grammar of RFC 6570, section 2.
#include "base/err.h"
#include "url/template.h"
#include "url/template_priv.h"

#include <string.h>

// An expression between its braces, read in part.
struct expression {
    struct str text;
    size_t at;
    char prefix; // what it begins with in a topic; 0: nothing
    char separator;
    enum template_chars chars;
    size_t variables;
    bool explodes;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Section 2.1: any character but these. Others than ASCII are taken as they are.
static bool is_literal(unsigned char c)
{
    return c > ' ' && c != 0x7f && !strchr("\"<>\\^`{|}", c);
}

// Section 2.2. The operators that the RFC reserves make no template.
static void read_operator(struct expression *expression)
{
    static const struct {
        char name;
        char prefix;
        char separator;
        enum template_chars chars;
    } operators[] = {
        {'+', 0, ',', TEMPLATE_CHARS_RESERVED},     {'#', '#', ',', TEMPLATE_CHARS_RESERVED},
        {'.', '.', '.', TEMPLATE_CHARS_UNRESERVED}, {'/', '/', '/', TEMPLATE_CHARS_UNRESERVED},
        {';', ';', ';', TEMPLATE_CHARS_PAIRS},      {'?', '?', '&', TEMPLATE_CHARS_PAIRS},
        {'&', '&', '&', TEMPLATE_CHARS_PAIRS},
    };
    expression->separator = ',';
    expression->chars = TEMPLATE_CHARS_UNRESERVED;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (expression->text.len == 0 || expression->text.ptr[0] != operators[i].name)
            continue;
        expression->prefix = operators[i].prefix;
        expression->separator = operators[i].separator;
        expression->chars = operators[i].chars;
        expression->at = 1;
    }
}

// Section 2.3: characters and %XX, with single dots between them. The length of the name, or 0.
static size_t name_length(struct str text, size_t from)
{
    size_t at = from;
    bool dot = true;
    for (; at < text.len; at++) {
        if (text.ptr[at] == '.' && !dot) {
            dot = true;
            continue;
        }
        if (str_percent_byte(text, at) >= 0)
            at += 2;
        else if (!is_name_char(text.ptr[at]))
            break;
        dot = false;
    }
    return dot ? 0 : at - from;
}

// Section 2.4.1: a length from 1 to 9999.
static bool read_prefix_length(struct expression *expression)
{
    size_t from = expression->at;
    struct str text = expression->text;
    while (expression->at < text.len && text.ptr[expression->at] >= '0' && text.ptr[expression->at] <= '9')
        expression->at++;
    size_t digits = expression->at - from;
    return digits >= 1 && digits <= 4 && text.ptr[from] != '0';
}

static bool read_variable(struct expression *expression)
{
    size_t length = name_length(expression->text, expression->at);
    if (length == 0)
        return false;
    expression->at += length;
    expression->variables++;
    if (expression->at == expression->text.len)
        return true;
    char modifier = expression->text.ptr[expression->at];
    if (modifier != ':' && modifier != '*')
        return true;
    expression->at++;
    expression->explodes = expression->explodes || modifier == '*';
    return modifier == '*' || read_prefix_length(expression);
}

static bool read_variables(struct expression *expression)
{
    if (!read_variable(expression))
        return false;
    while (expression->at < expression->text.len) {
        if (expression->text.ptr[expression->at++] != ',' || !read_variable(expression))
            return false;
    }
    return true;
}

// One state for each value, unless there may be any number, or the values may hold what parts them.
static size_t value_states(const struct expression *expression)
{
    bool one = expression->explodes || expression->separator == ',' || expression->separator == '.';
    return one ? 1 : expression->variables;
}

static void write_states(const struct expression *expression, struct template_state *states, size_t *count)
{
    size_t values = value_states(expression);
    size_t end = *count + (expression->prefix ? 1 : 0) + values;
    if (expression->prefix)
        states[(*count)++] =
            (struct template_state){.byte = (unsigned char)expression->prefix, .skip_to = (uint32_t)end};
    bool pairs = expression->explodes && expression->chars == TEMPLATE_CHARS_UNRESERVED;
    for (size_t i = 0; i < values; i++) {
        bool last = i + 1 == values;
        states[(*count)++] = (struct template_state){
            .byte = last && !expression->explodes ? 0 : (unsigned char)expression->separator,
            .is_value = true,
            .repeats = expression->explodes,
            .chars = pairs ? TEMPLATE_CHARS_PAIRS : expression->chars,
            .skip_to = (uint32_t)end,
        };
    }
}

int template_parse(struct str text, struct template_state *states, size_t *ret_count)
{
    size_t count = 0;
    size_t values = 0;
    for (size_t at = 0; at < text.len; at++) {
        unsigned char c = (unsigned char)text.ptr[at];
        if (c == '{') {
            size_t end = str_find(text, at, '}');
            struct expression expression = {.text = str_slice(text, at + 1, end)};
            read_operator(&expression);
            if (end == text.len || !read_variables(&expression))
                return HUB_E_INVALID;
            values += value_states(&expression);
            write_states(&expression, states, &count);
            at = end;
            continue;
        }
        if (!is_literal(c) || (c == '%' && str_percent_byte(text, at) < 0))
            return HUB_E_INVALID;
        states[count++] = (struct template_state){.byte = c};
    }
    *ret_count = count;
    if (values > URL_TEMPLATE_VALUES_MAX)
        return HUB_E_TOO_BIG;
    return values ? HUB_OK : HUB_E_INVALID;
}
