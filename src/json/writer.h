// Appends JSON to a buffer. The writer sets commas and indentation; it trusts its caller to open and close in
// pairs and to give each member of an object a key. The error is the buffer's, sticky: test it once.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

enum json_style {
    JSON_STYLE_COMPACT, // on one line, without spaces
    JSON_STYLE_PRETTY,  // a line each, indented by two spaces
};

struct json_writer {
    struct buf *_buf;
    enum json_style _style;
    unsigned _depth;
    bool _first; // nothing stands in the open object or array yet
    bool _keyed; // a key waits for its value
};

void json_writer_init(struct json_writer *writer, struct buf *buf, enum json_style style);
void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_write_key(struct json_writer *writer, struct str key);
// Bytes that are not UTF-8 become U+FFFD.
void json_write_str(struct json_writer *writer, struct str s);
void json_write_u64(struct json_writer *writer, uint64_t number);
void json_write_i64(struct json_writer *writer, int64_t number);
// The fewest digits that give the same number back; null for what JSON cannot say (infinite, not a number).
void json_write_double(struct json_writer *writer, double number);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
// A value that is JSON already.
void json_write_raw(struct json_writer *writer, struct str json);
// A key and its value in one call.
void json_write_member(struct json_writer *writer, struct str key, struct str value);
void json_write_member_u64(struct json_writer *writer, struct str key, uint64_t number);
