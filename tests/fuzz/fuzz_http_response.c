// Responses of a hostile server mean the same whole as in two pieces, and cost bounded memory.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/response.h"

#define HEAD_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct reading {
    struct http_response_parser parser;
    struct buf log;
    bool no_body;
    int err;
};

static void note(struct reading *reading, int event, struct str piece)
{
    struct http_response_parser *parser = &reading->parser;
    if (event == HTTP_RESPONSE_BODY) {
        buf_append_str(&reading->log, piece);
    } else if (event == HTTP_RESPONSE_HEAD) {
        buf_append_u64(&reading->log, parser->status);
        for (size_t i = 0; i < parser->fields.count; i++) {
            HUB_ASSERT(http_is_token(parser->fields.list[i].name));
            HUB_ASSERT(http_is_field_value(parser->fields.list[i].value));
            buf_append_str(&reading->log, parser->fields.list[i].value);
        }
    } else if (event == HTTP_RESPONSE_END) {
        buf_append_u64(&reading->log, parser->keep_alive);
        http_response_parser_restart(parser, reading->no_body);
    }
}

static void feed(struct reading *reading, struct str bytes)
{
    int event = reading->err;
    while (event >= HTTP_RESPONSE_MORE) {
        struct str piece;
        event = http_response_parser_next(&reading->parser, &bytes, &piece);
        note(reading, event, piece);
        if (event == HTTP_RESPONSE_MORE)
            break;
    }
    reading->err = event;
}

static void read_in_pieces(struct reading *reading, struct str bytes, size_t cut, bool no_body)
{
    *reading = (struct reading){.no_body = no_body};
    http_response_parser_init(&reading->parser, HEAD_MAX);
    http_response_parser_restart(&reading->parser, no_body);
    buf_init(&reading->log, SIZE_MAX / 2);
    feed(reading, str_slice(bytes, 0, cut));
    feed(reading, str_slice(bytes, cut, bytes.len));
    int end = reading->err ? reading->err : http_response_parser_finish(&reading->parser);
    buf_append_u64(&reading->log, (uint64_t)-end);
    http_response_parser_done(&reading->parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    if (len < 3 || len > 65536)
        return 0;
    struct str bytes = str_make((const char *)input + 3, len - 3);
    size_t cut = ((size_t)input[0] << 8 | input[1]) % (bytes.len + 1);
    bool no_body = input[2] & 1;
    struct reading whole, pieces;
    read_in_pieces(&whole, bytes, bytes.len, no_body);
    read_in_pieces(&pieces, bytes, cut, no_body);
    HUB_ASSERT(whole.err == pieces.err);
    HUB_ASSERT(str_eq(buf_str(&whole.log), buf_str(&pieces.log)));
    buf_done(&whole.log);
    buf_done(&pieces.log);
    return 0;
}
