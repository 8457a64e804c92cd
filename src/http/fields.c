#include "http/fields.h"

#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <llhttp.h>
#include <string.h>

struct str http_fields_get(const struct http_fields *fields, struct str name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (str_eq_nocase(fields->list[i].name, name))
            return fields->list[i].value;
    }
    return str_make(NULL, 0);
}

size_t http_fields_count(const struct http_fields *fields, struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++)
        count += str_eq_nocase(fields->list[i].name, name);
    return count;
}

static bool list_has(struct str list, struct str token)
{
    struct str part;
    while (str_split(&list, ',', &part)) {
        if (str_eq_nocase(str_trim(part), token))
            return true;
    }
    return false;
}

bool http_fields_have_token(const struct http_fields *fields, struct str name, struct str token)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (str_eq_nocase(fields->list[i].name, name) && list_has(fields->list[i].value, token))
            return true;
    }
    return false;
}

bool http_is_field_value(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_token_char(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c && str_find(STR("!#$%&'*+-.^_`|~"), 0, c) < 15;
}

bool http_is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_token_char(s.ptr[i]))
            return false;
    }
    return s.len > 0;
}

// What llhttp's callbacks fill. The head comes in one piece, so that each name and value does too.
struct collector {
    llhttp_t llhttp;
    struct http_fields *fields;
    size_t max;
    bool complete;
};

static struct collector *collector_of(llhttp_t *llhttp)
{
    return CONTAINER_OF(llhttp, struct collector, llhttp);
}

static int on_name(llhttp_t *llhttp, const char *at, size_t len)
{
    struct collector *collector = collector_of(llhttp);
    struct http_fields *fields = collector->fields;
    // llhttp lets a line without a name pass.
    if (len == 0 || fields->count == collector->max)
        return -1;
    fields->list[fields->count++] =
        (struct http_field){.name = str_make(at, len), .value = str_make(at + len, 0)};
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_fields *fields = collector_of(llhttp)->fields;
    if (fields->count == 0)
        return -1;
    fields->list[fields->count - 1].value = str_trim(str_make(at, len));
    return 0;
}

static int on_complete(llhttp_t *llhttp)
{
    collector_of(llhttp)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_complete,
};

static int collector_init(struct collector *collector, struct http_fields *fields, llhttp_type_t type,
                          size_t lines, struct arena *arena)
{
    *collector = (struct collector){.fields = fields, .max = lines};
    llhttp_init(&collector->llhttp, type, &settings);
    *fields = (struct http_fields){.list = arena_calloc(arena, lines ? lines : 1, sizeof(*fields->list))};
    return fields->list ? HUB_OK : -ENOMEM;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void blank_value(char *at, char *end)
{
    while (at < end && is_blank(*at))
        *at++ = ' ';
    while (end > at && is_blank(end[-1]))
        *--end = ' ';
}

// A copy in which no tab stands around a value, where it means the same as a space (RFC 9110 §5.6.3): llhttp
// does not know that of all fields. Memory is out: ptr is NULL.
static struct str blank_tabs(struct str head, struct arena *arena)
{
    if (str_find(head, 0, '\t') == head.len)
        return head;
    char *copy = arena_alloc(arena, head.len);
    if (!copy)
        return str_make(NULL, 0);
    memcpy(copy, head.ptr, head.len);
    for (size_t at = str_find(head, 0, '\n'); at < head.len;) {
        size_t end = str_find(head, at, '\r');
        size_t colon = str_find(str_slice(head, 0, end), at, ':');
        if (colon < end)
            blank_value(copy + colon + 1, copy + end);
        at = str_find(head, end, '\n');
    }
    return str_make(copy, head.len);
}

static int execute(struct collector *collector, struct str head, const char **reterr)
{
    llhttp_errno_t err = llhttp_execute(&collector->llhttp, head.ptr, head.len);
    // Each line but the first is a field; one that llhttp took for something else was none.
    if (err == HPE_PAUSED && collector->complete && collector->fields->count + 1 == collector->max)
        return HUB_OK;
    const char *reason = llhttp_get_error_reason(&collector->llhttp);
    *reterr = reason && *reason ? reason : "the head of the message is malformed";
    return HUB_E_INVALID;
}

int http_fields_parse_request(struct http_fields *ret_fields, struct str head, size_t lines,
                              struct arena *arena, const char **reterr)
{
    struct collector collector;
    int err = collector_init(&collector, ret_fields, HTTP_REQUEST, lines, arena);
    if (err)
        return err;
    head = blank_tabs(head, arena);
    if (!head.ptr)
        return -ENOMEM;
    // llhttp knows a fixed list of methods; ours are checked elsewhere, and any will do to read the rest.
    (void)llhttp_execute(&collector.llhttp, "POST", 4);
    return execute(&collector, head, reterr);
}

int http_fields_parse_response(struct http_fields *ret_fields, unsigned *ret_status, struct str head,
                               size_t lines, struct arena *arena, const char **reterr)
{
    struct collector collector;
    int err = collector_init(&collector, ret_fields, HTTP_RESPONSE, lines, arena);
    if (err)
        return err;
    err = execute(&collector, head, reterr);
    if (!err)
        *ret_status = (unsigned)llhttp_get_status_code(&collector.llhttp);
    return err;
}
