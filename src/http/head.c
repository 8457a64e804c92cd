#include "http/head.h"

#define EMPTY_LINES_MAX 8U

static enum http_head_result check_line(struct str line)
{
    // The line without its LF.
    if (line.len == 0 || str_find(line, 0, '\r') != line.len - 1)
        return HTTP_HEAD_BAD_LINE_END;
    if (line.len == 1)
        return HTTP_HEAD_COMPLETE;
    return line.ptr[0] == ' ' || line.ptr[0] == '\t' ? HTTP_HEAD_FOLDED : HTTP_HEAD_INCOMPLETE;
}

// Takes the line that ends before `next`.
static enum http_head_result take_line(struct http_head_scan *scan, struct str bytes, size_t next)
{
    enum http_head_result result = check_line(str_slice(bytes, scan->_line, next - 1));
    scan->_line = scan->_seen = scan->end = next;
    if (result == HTTP_HEAD_COMPLETE && scan->lines == 0 && next <= EMPTY_LINES_MAX * 2) {
        scan->start = next;
        return HTTP_HEAD_INCOMPLETE;
    }
    if (result == HTTP_HEAD_INCOMPLETE)
        scan->lines++;
    return result;
}

// A CR that is followed by anything but LF need not wait for the end of its line. One at the very end is
// looked at again with what follows.
static enum http_head_result check_rest(struct http_head_scan *scan, struct str bytes)
{
    size_t cr = str_find(bytes, scan->_seen, '\r');
    scan->_seen = cr;
    return cr + 1 < bytes.len ? HTTP_HEAD_BAD_LINE_END : HTTP_HEAD_INCOMPLETE;
}

enum http_head_result http_head_scan(struct http_head_scan *scan, struct str bytes, size_t max)
{
    struct str window = str_slice(bytes, 0, max);
    for (;;) {
        size_t lf = str_find(window, scan->_seen, '\n');
        if (lf == window.len)
            break;
        enum http_head_result result = take_line(scan, window, lf + 1);
        if (result != HTTP_HEAD_INCOMPLETE)
            return result;
    }
    enum http_head_result result = check_rest(scan, window);
    if (result != HTTP_HEAD_INCOMPLETE)
        return result;
    return bytes.len >= max ? HTTP_HEAD_TOO_BIG : HTTP_HEAD_INCOMPLETE;
}
