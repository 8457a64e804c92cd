// A head that is accepted is what it says: every line is a field with a name and a value that may stand
// there, there is one length and one host. It is found at the same place however the bytes are cut, and so is
// everything in a body of chunks.
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/chunked.h"
#include "http/forwarded.h"
#include "http/head.h"
#include "http/request.h"

#define MAX 32768

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static enum http_head_result scan_in_pieces(struct http_head_scan *scan, struct str bytes, size_t cut)
{
    *scan = (struct http_head_scan){0};
    enum http_head_result result = http_head_scan(scan, str_slice(bytes, 0, cut), MAX);
    return result == HTTP_HEAD_INCOMPLETE ? http_head_scan(scan, bytes, MAX) : result;
}

static void check_fields(const struct http_request *request)
{
    for (size_t i = 0; i < request->fields.count; i++) {
        const struct http_field *field = &request->fields.list[i];
        HUB_ASSERT(http_is_token(field->name));
        HUB_ASSERT(http_is_field_value(field->value));
        HUB_ASSERT(str_eq(str_trim(field->value), field->value));
    }
}

// What proxies say of it is an address, a scheme of HTTP, or nothing.
static void check_forwarded(const struct http_request *request)
{
    struct network network;
    HUB_ASSERT(network_parse(&network, STR("10.0.0.0/8")) == HUB_OK);
    struct http_trust trusts[] = {{.anybody = true}, {.proxies = {&network, 1}}};
    for (size_t i = 0; i < ARRAY_LEN(trusts); i++) {
        struct ip ip;
        struct forwarded said;
        forwarded_read(&said, &request->fields, &trusts[i]);
        HUB_ASSERT(!said.client.ptr || ip_parse(&ip, said.client) == HUB_OK);
        HUB_ASSERT(!said.scheme.ptr || str_starts_with(said.scheme, STR("http")));
    }
}

static void check_request(const struct http_request *request, size_t lines)
{
    HUB_ASSERT(request->fields.count == lines - 1);
    HUB_ASSERT(request->path.len > 0);
    HUB_ASSERT(request->path.ptr[0] == '/' || str_eq(request->path, STR("*")));
    HUB_ASSERT(request->http_1_0 || request->authority.len > 0);
    HUB_ASSERT(!request->chunked || (request->content_length == 0 && !request->http_1_0));
    HUB_ASSERT(http_fields_count(&request->fields, STR("Host")) <= 1);
    HUB_ASSERT(http_fields_count(&request->fields, STR("Content-Length")) <= 1);
    HUB_ASSERT(http_fields_count(&request->fields, STR("Transfer-Encoding")) <= request->chunked);
    check_fields(request);
    check_forwarded(request);
}

static void check_head(struct str bytes, const struct http_head_scan *scan)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX / 2);
    struct http_request request;
    struct http_refusal refusal = {0};
    struct str head = str_slice(bytes, scan->start, scan->end);
    int err = http_request_parse(&request, head, scan->lines, &arena, &refusal);
    if (err == HUB_OK)
        check_request(&request, scan->lines);
    else
        HUB_ASSERT(err == HUB_E_INVALID && refusal.status >= 400 && refusal.reason);
    arena_done(&arena);
}

// The body, a mark for how it ended, and how many bytes were not used.
static int decode(struct http_chunked *chunked, struct str *bytes, struct buf *log)
{
    struct str piece;
    int err;
    do {
        err = http_chunked_next(chunked, bytes, &piece);
        buf_append_str(log, piece);
    } while (!err && piece.len);
    return err;
}

static void decode_in_pieces(struct str bytes, size_t cut, struct buf *log)
{
    struct http_chunked chunked = {0};
    struct str part = str_slice(bytes, 0, cut);
    int err = decode(&chunked, &part, log);
    size_t left = part.len + bytes.len - cut;
    if (!err && !http_chunked_ended(&chunked)) {
        part = str_slice(bytes, cut, bytes.len);
        err = decode(&chunked, &part, log);
        left = part.len;
    }
    buf_append_u64(log, http_chunked_ended(&chunked));
    buf_append_u64(log, err ? 0 : left);
    buf_append_u64(log, (uint64_t)-err);
}

static void check_chunks(struct str bytes, size_t cut)
{
    struct buf whole, pieces;
    buf_init(&whole, SIZE_MAX / 2);
    buf_init(&pieces, SIZE_MAX / 2);
    decode_in_pieces(bytes, bytes.len, &whole);
    decode_in_pieces(bytes, cut, &pieces);
    HUB_ASSERT(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_done(&whole);
    buf_done(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    if (len < 2 || len > 2 * MAX)
        return 0;
    struct str bytes = str_make((const char *)input + 2, len - 2);
    size_t cut = ((size_t)input[0] << 8 | input[1]) % (bytes.len + 1);
    struct http_head_scan scan, cut_scan;
    enum http_head_result result = scan_in_pieces(&scan, bytes, bytes.len);
    HUB_ASSERT(scan_in_pieces(&cut_scan, bytes, cut) == result);
    struct http_refusal refusal;
    (void)http_request_may_begin(bytes, &refusal);
    HUB_ASSERT(http_request_too_big(bytes).status >= 400);
    if (result == HTTP_HEAD_COMPLETE) {
        HUB_ASSERT(cut_scan.start == scan.start && cut_scan.end == scan.end && cut_scan.lines == scan.lines);
        check_head(bytes, &scan);
        bytes = str_slice(bytes, scan.end, bytes.len);
    }
    check_chunks(bytes, bytes.len ? cut % bytes.len : 0);
    return 0;
}
