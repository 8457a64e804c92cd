#include "json/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "json/writer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const json_t *inner(const struct json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct json *outer(const json_t *value)
{
    return (const struct json *)(const void *)value;
}

static int refuse(struct json_error *reterr, int err, const char *text)
{
    if (reterr) {
        *reterr = (struct json_error){0};
        (void)snprintf(reterr->text, sizeof(reterr->text), "%s", text);
    }
    return err;
}

// jansson recurses, so that the depth is bounded before it is called. In a malformed text the count may be
// too high, never too low: up to its first error both read the same strings and brackets.
static bool too_deep(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if (!quoted && (c == ']' || c == '}') && depth)
            depth--;
    }
    return false;
}

static json_t *load(struct str text, json_error_t *reterr)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *root = json_loadb(text.ptr, text.len, flags, reterr);
    // An integer beyond 64 bits is sound JSON: it is read as other languages do, as a double.
    if (!root && json_error_code(reterr) == json_error_numeric_overflow)
        root = json_loadb(text.ptr, text.len, flags | JSON_DECODE_INT_AS_REAL, reterr);
    return root;
}

static int report(struct json_error *reterr, const json_error_t *error)
{
    if (json_error_code(error) == json_error_out_of_memory)
        return refuse(reterr, -ENOMEM, err_text(-ENOMEM));
    (void)refuse(reterr, HUB_E_INVALID, error->text);
    if (reterr && error->line > 0) {
        reterr->line = (unsigned)error->line;
        reterr->column = error->column > 0 ? (unsigned)error->column : 1;
    }
    return HUB_E_INVALID;
}

int json_parse(struct json **ret_root, struct str text, struct json_error *reterr)
{
    return json_parse_up_to(ret_root, text, JSON_TEXT_MAX, reterr);
}

int json_parse_up_to(struct json **ret_root, struct str text, size_t max, struct json_error *reterr)
{
    if (text.len > max)
        return refuse(reterr, HUB_E_TOO_BIG, "the JSON text is too long");
    if (text.len == 0)
        return refuse(reterr, HUB_E_INVALID, "the JSON text is empty");
    if (too_deep(text))
        return refuse(reterr, HUB_E_TOO_BIG, "the JSON text is nested too deeply");
    // jansson skips a zero byte behind a number or a word, where it is as wrong as anywhere else.
    if (memchr(text.ptr, '\0', text.len))
        return refuse(reterr, HUB_E_INVALID, "a zero byte stands in the JSON text");
    json_error_t error;
    json_t *root = load(text, &error);
    if (!root)
        return report(reterr, &error);
    *ret_root = (struct json *)(void *)root;
    return HUB_OK;
}

void json_free(struct json *root)
{
    json_decref((json_t *)(void *)root);
}

enum json_kind json_kind(const struct json *value)
{
    if (!value)
        return JSON_KIND_NONE;
    switch (json_typeof(inner(value))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_KIND_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        return JSON_KIND_NULL;
    }
    return JSON_KIND_NONE;
}

const struct json *json_get(const struct json *object, struct str key)
{
    return outer(json_object_getn(inner(object), key.ptr, key.len));
}

size_t json_count(const struct json *value)
{
    return json_kind(value) == JSON_KIND_ARRAY ? json_array_size(inner(value))
                                               : json_object_size(inner(value));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return outer(json_array_get(inner(array), index));
}

// jansson's iterators want an object that may change; ours never does.
static json_t *unconst(const struct json *value)
{
    union {
        const struct json *outer;
        json_t *inner;
    } cast = {.outer = value};
    return cast.inner;
}

bool json_next(const struct json *object, void **iter, struct str *ret_key, const struct json **ret_value)
{
    json_t *json = unconst(object);
    *iter = *iter ? json_object_iter_next(json, *iter) : json_object_iter(json);
    if (!*iter)
        return false;
    *ret_key = str_make(json_object_iter_key(*iter), json_object_iter_key_len(*iter));
    *ret_value = outer(json_object_iter_value(*iter));
    return true;
}

struct str json_str(const struct json *value)
{
    return str_make(json_string_value(inner(value)), json_string_length(inner(value)));
}

bool json_bool(const struct json *value)
{
    return value && json_typeof(inner(value)) == JSON_TRUE;
}

bool json_to_double(const struct json *value, double *ret_number)
{
    if (json_kind(value) != JSON_KIND_NUMBER)
        return false;
    *ret_number = json_number_value(inner(value));
    return true;
}

// A container that is being dumped, and how far.
struct level {
    const struct json *value;
    size_t index;
    void *iter;
};

static void dump_scalar(struct json_writer *writer, const struct json *value)
{
    const json_t *json = inner(value);
    switch (json_typeof(json)) {
    case JSON_STRING:
        json_write_str(writer, json_str(value));
        break;
    case JSON_INTEGER:
        json_write_i64(writer, json_integer_value(json));
        break;
    case JSON_REAL:
        json_write_double(writer, json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(writer, json_typeof(json) == JSON_TRUE);
        break;
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
        json_write_null(writer);
        break;
    }
}

// The next value of the container, its key written; NULL, and the container closed, at its end.
static const struct json *step(struct json_writer *writer, struct level *level)
{
    if (json_kind(level->value) == JSON_KIND_ARRAY) {
        const struct json *value = json_at(level->value, level->index++);
        if (!value)
            json_end_array(writer);
        return value;
    }
    struct str key;
    const struct json *value;
    if (!json_next(level->value, &level->iter, &key, &value)) {
        json_end_object(writer);
        return NULL;
    }
    json_write_key(writer, key);
    return value;
}

void json_dump(const struct json *value, struct buf *buf)
{
    struct json_writer writer;
    json_writer_init(&writer, buf, JSON_STYLE_COMPACT);
    struct level levels[JSON_DEPTH_MAX]; // no parsed tree is deeper
    size_t depth = 0;
    while (value) {
        enum json_kind kind = json_kind(value);
        if (kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT) {
            levels[depth++] = (struct level){.value = value};
            kind == JSON_KIND_ARRAY ? json_begin_array(&writer) : json_begin_object(&writer);
        } else {
            dump_scalar(&writer, value);
        }
        value = NULL;
        while (depth && !(value = step(&writer, &levels[depth - 1])))
            depth--;
    }
}
