#include "json/writer.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_writer_init(struct json_writer *writer, struct buf *buf, enum json_style style)
{
    *writer = (struct json_writer){._buf = buf, ._style = style, ._first = true};
}

static void new_line(struct json_writer *writer)
{
    if (writer->_style != JSON_STYLE_PRETTY)
        return;
    buf_append_c(writer->_buf, '\n');
    for (unsigned i = 0; i < writer->_depth; i++)
        buf_append_str(writer->_buf, STR("  "));
}

// What stands before a key, an element or the root value.
static void separate(struct json_writer *writer)
{
    if (writer->_keyed) {
        writer->_keyed = false;
        return;
    }
    if (!writer->_first)
        buf_append_c(writer->_buf, ',');
    if (writer->_depth)
        new_line(writer);
    writer->_first = false;
}

static void begin(struct json_writer *writer, char bracket)
{
    separate(writer);
    buf_append_c(writer->_buf, bracket);
    writer->_depth++;
    writer->_first = true;
}

static void end(struct json_writer *writer, char bracket)
{
    writer->_depth--;
    if (!writer->_first)
        new_line(writer);
    buf_append_c(writer->_buf, bracket);
    writer->_first = false;
}

void json_begin_object(struct json_writer *writer)
{
    begin(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    begin(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']');
}

// The letter of a short escape, or 0.
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void append_control(struct buf *buf, char c)
{
    char letter = short_escape(c);
    if (letter) {
        buf_append_c(buf, '\\');
        buf_append_c(buf, letter);
    } else {
        buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

// The length of the valid UTF-8 character at the start, or 0.
static size_t character_len(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++) {
        if (str_is_utf8(str_make(s.ptr, len)))
            return len;
    }
    return 0;
}

static void append_beyond_ascii(struct buf *buf, struct str s, size_t *at)
{
    struct str rest = str_slice(s, *at, s.len);
    size_t len = character_len(rest);
    buf_append_str(buf, len ? str_make(rest.ptr, len) : STR("\xEF\xBF\xBD"));
    *at += len ? len : 1;
}

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void append_quoted(struct buf *buf, struct str s)
{
    buf_append_c(buf, '"');
    size_t at = 0;
    while (at < s.len) {
        size_t run = at;
        while (run < s.len && plain(s.ptr[run]))
            run++;
        buf_append(buf, s.ptr + at, run - at);
        at = run;
        if (at == s.len)
            break;
        if ((unsigned char)s.ptr[at] >= 0x80)
            append_beyond_ascii(buf, s, &at);
        else
            append_control(buf, s.ptr[at++]);
    }
    buf_append_c(buf, '"');
}

void json_write_key(struct json_writer *writer, struct str key)
{
    separate(writer);
    append_quoted(writer->_buf, key);
    buf_append_str(writer->_buf, writer->_style == JSON_STYLE_PRETTY ? STR(": ") : STR(":"));
    writer->_keyed = true;
}

void json_write_str(struct json_writer *writer, struct str s)
{
    separate(writer);
    append_quoted(writer->_buf, s);
}

void json_write_u64(struct json_writer *writer, uint64_t number)
{
    separate(writer);
    buf_append_u64(writer->_buf, number);
}

void json_write_i64(struct json_writer *writer, int64_t number)
{
    separate(writer);
    if (number < 0)
        buf_append_c(writer->_buf, '-');
    buf_append_u64(writer->_buf, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void json_write_double(struct json_writer *writer, double number)
{
    if (!isfinite(number)) {
        json_write_null(writer);
        return;
    }
    char text[32];
    // 17 digits always give the number back; most numbers were written with fewer.
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    // "-0" would be read back as an integer, which has no negative zero.
    json_write_raw(writer, number == 0 && signbit(number) ? STR("-0.0") : str_from_c(text));
}

void json_write_bool(struct json_writer *writer, bool value)
{
    json_write_raw(writer, value ? STR("true") : STR("false"));
}

void json_write_null(struct json_writer *writer)
{
    json_write_raw(writer, STR("null"));
}

void json_write_raw(struct json_writer *writer, struct str json)
{
    separate(writer);
    buf_append_str(writer->_buf, json);
}

void json_write_member(struct json_writer *writer, struct str key, struct str value)
{
    json_write_key(writer, key);
    json_write_str(writer, value);
}

void json_write_member_u64(struct json_writer *writer, struct str key, uint64_t number)
{
    json_write_key(writer, key);
    json_write_u64(writer, number);
}
