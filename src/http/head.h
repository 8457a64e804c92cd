// Finds where the head of an HTTP/1 message ends, in bytes that come in any pieces, and refuses what parsers
// disagree about before one sees it: a CR or LF alone, folded lines. Pure.
#pragma once

#include "base/attr.h"
#include "base/str.h"

enum http_head_result {
    HTTP_HEAD_INCOMPLETE,
    HTTP_HEAD_COMPLETE,
    HTTP_HEAD_BAD_LINE_END, // a CR or LF alone
    HTTP_HEAD_FOLDED,       // a line that begins with a space or a tab
    HTTP_HEAD_TOO_BIG,
};

// Zero it before each message.
struct http_head_scan {
    size_t start; // where the message begins: some old clients send an empty line after a body
    size_t end;   // of the complete head, behind its empty line
    size_t lines; // complete ones: the first line and the header fields
    size_t _line; // where the unfinished line starts
    size_t _seen; // no LF stands before this in the unfinished line
};

// `bytes` is everything from the start of the message: each call gives the same bytes and perhaps more.
enum http_head_result http_head_scan(struct http_head_scan *scan, struct str bytes, size_t max);
