#include "sse/encode.h"

#include <stdbool.h>
#include <string.h>

#define TYPE_FIELD "event: "
#define RETRY_FIELD "retry: "
#define ID_FIELD "id: "
#define DATA_FIELD "data: "
#define LITERAL_LEN(literal) (sizeof(literal) - 1)

// Walks the lines of a payload. Each of the two line-end characters is searched for once per occurrence, so
// that a payload without any costs two runs of memchr.
struct lines {
    const char *at;
    const char *end;
    const char *cr; // the first at or after `at`, or `end`
    const char *lf;
};

static const char *find(const char *from, const char *end, char c)
{
    const char *at = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
    return at ? at : end;
}

static struct lines lines_of(struct str data)
{
    const char *end = data.len ? data.ptr + data.len : data.ptr;
    return (struct lines){data.ptr, end, find(data.ptr, end, '\r'), find(data.ptr, end, '\n')};
}

// Moves to the start of the next line; false when this one, *ret_line, is the last.
static bool next_line(struct lines *lines, struct str *ret_line)
{
    const char *stop = lines->cr < lines->lf ? lines->cr : lines->lf;
    *ret_line = str_make(lines->at, (size_t)(stop - lines->at));
    if (stop == lines->end)
        return false;
    bool crlf = lines->cr < lines->lf && lines->cr + 1 == lines->lf && lines->lf != lines->end;
    lines->at = stop + (crlf ? 2 : 1);
    if (lines->cr < lines->at)
        lines->cr = find(lines->at, lines->end, '\r');
    if (lines->lf < lines->at)
        lines->lf = find(lines->at, lines->end, '\n');
    return true;
}

static size_t decimal_len(uint64_t value)
{
    size_t len = 1;
    for (; value >= 10; value /= 10)
        len++;
    return len;
}

static size_t data_size(struct str data)
{
    struct lines lines = lines_of(data);
    struct str line;
    size_t size = 0;
    bool more;
    do {
        more = next_line(&lines, &line);
        size += LITERAL_LEN(DATA_FIELD) + line.len + 1;
    } while (more);
    return size;
}

size_t sse_frame_size(const struct sse_event *event)
{
    size_t size = LITERAL_LEN(ID_FIELD) + event->id.len + 1;
    if (event->type.len)
        size += LITERAL_LEN(TYPE_FIELD) + event->type.len + 1;
    if (event->retry_ms)
        size += LITERAL_LEN(RETRY_FIELD) + decimal_len(event->retry_ms) + 1;
    return size + data_size(event->data) + 1;
}

static char *put(char *to, struct str s)
{
    if (s.len)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *put_field(char *to, struct str field, struct str value)
{
    to = put(put(to, field), value);
    *to = '\n';
    return to + 1;
}

static char *put_retry(char *to, uint64_t value)
{
    char digits[20];
    size_t len = decimal_len(value);
    for (size_t i = len; i > 0; value /= 10)
        digits[--i] = (char)('0' + value % 10);
    return put_field(to, STR(RETRY_FIELD), str_make(digits, len));
}

void sse_frame_write(char *to, const struct sse_event *event)
{
    if (event->type.len)
        to = put_field(to, STR(TYPE_FIELD), event->type);
    if (event->retry_ms)
        to = put_retry(to, event->retry_ms);
    to = put_field(to, STR(ID_FIELD), event->id);
    struct lines lines = lines_of(event->data);
    struct str line;
    bool more;
    do {
        more = next_line(&lines, &line);
        to = put_field(to, STR(DATA_FIELD), line);
    } while (more);
    *to = '\n';
}
