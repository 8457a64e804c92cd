// What the encoder writes, the parser reads back, however the bytes are cut; and arbitrary bytes give the
// same events whole as in two pieces.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "sse/encode.h"
#include "sse/parse.h"

#include <stdlib.h>

#define MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void note(struct buf *log, struct str s)
{
    buf_append_u64(log, s.len);
    buf_append_c(log, '.');
    buf_append_str(log, s);
}

static void note_event(void *arg, const struct sse_event *event)
{
    note(arg, event->type);
    note(arg, event->id);
    note(arg, event->data);
    buf_append_u64(arg, event->retry_ms);
}

// The events of the stream when it comes in two pieces, cut at `at`.
static void read_in_pieces(struct buf *log, struct str stream, size_t at)
{
    struct sse_parser parser;
    sse_parser_init(&parser, MAX, note_event, log);
    int err = sse_parser_feed(&parser, str_slice(stream, 0, at));
    if (!err)
        err = sse_parser_feed(&parser, str_slice(stream, at, stream.len));
    HUB_ASSERT(err == HUB_OK);
    sse_parser_done(&parser);
}

static void check_pieces(struct str stream, size_t at)
{
    struct buf whole, cut;
    buf_init(&whole, SIZE_MAX / 2);
    buf_init(&cut, SIZE_MAX / 2);
    read_in_pieces(&whole, stream, stream.len);
    read_in_pieces(&cut, stream, at);
    HUB_ASSERT(str_eq(buf_str(&whole), buf_str(&cut)));
    buf_done(&whole);
    buf_done(&cut);
}

// The data as a browser gives it to the page: each line end is one LF.
static void normalise(struct buf *to, struct str data)
{
    for (size_t i = 0; i < data.len; i++) {
        if (data.ptr[i] == '\r' && i + 1 < data.len && data.ptr[i + 1] == '\n')
            continue;
        buf_append_c(to, data.ptr[i] == '\r' ? '\n' : data.ptr[i]);
    }
}

static void check_round_trip(struct sse_event *event, size_t cut)
{
    size_t size = sse_frame_size(event);
    char *frame = malloc(size);
    HUB_ASSERT(frame);
    sse_frame_write(frame, event);
    struct buf expected, read, data;
    buf_init(&expected, SIZE_MAX / 2);
    buf_init(&read, SIZE_MAX / 2);
    buf_init(&data, SIZE_MAX / 2);
    normalise(&data, event->data);
    event->data = buf_str(&data);
    note_event(&expected, event);
    read_in_pieces(&read, str_make(frame, size), cut % size);
    HUB_ASSERT(str_eq(buf_str(&expected), buf_str(&read)));
    buf_done(&expected);
    buf_done(&read);
    buf_done(&data);
    free(frame);
}

// A piece of the input without what types and ids may not hold.
static struct str take_plain(struct str *input, size_t max)
{
    size_t len = 0;
    while (len < input->len && len < max && input->ptr[len] != '\n' && input->ptr[len] != '\r' &&
           input->ptr[len] != '\0')
        len++;
    struct str piece = str_slice(*input, 0, len);
    *input = str_slice(*input, len, input->len);
    return piece;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 3 || len > MAX / 2)
        return 0;
    struct str input = str_make((const char *)bytes, len);
    size_t cut = (size_t)bytes[0] << 8 | bytes[1];
    size_t plain = bytes[2];
    input = str_slice(input, 2, input.len);
    check_pieces(input, cut % (input.len + 1));
    struct sse_event event = {.retry_ms = plain * cut};
    event.type = take_plain(&input, plain % 16);
    event.id = take_plain(&input, plain / 16);
    event.data = input;
    check_round_trip(&event, cut);
    return 0;
}
