// Reads an event stream as the HTML standard says ("interpreting an event stream"), in pieces as they come
// from the network. Bytes are passed on as they are: invalid UTF-8 is not replaced.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "sse/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The event's slices are valid during the call. Its id is the last one that the stream has named, its
// retry_ms the parser's. The parser may not be touched.
typedef void sse_event_fn(void *arg, const struct sse_event *event);

struct sse_parser {
    struct buf id;     // what a reconnect sends as Last-Event-ID; empty: nothing
    uint64_t retry_ms; // how long the server asks to wait before a reconnect; 0: it has not said
    struct buf _pending_id;
    struct buf _type;
    struct buf _data;
    struct buf _line; // the start of a line whose end has not come
    sse_event_fn *_fn;
    void *_arg;
    bool _started; // behind the place where a byte order mark may stand
    bool _skip_lf; // the last byte was CR
};

// `max` bounds each line, and the data of each event.
void sse_parser_init(struct sse_parser *parser, size_t max, sse_event_fn *fn, void *arg);
// Accepts a zeroed struct.
void sse_parser_done(struct sse_parser *parser);
// Calls back for each event that the bytes complete. HUB_E_TOO_BIG or -ENOMEM; the parser is of no use then
// until it is restarted.
MUST_CHECK int sse_parser_feed(struct sse_parser *parser, struct str bytes);
// For the stream of a new connection: forgets what was incomplete, keeps id and retry_ms.
void sse_parser_restart(struct sse_parser *parser);
