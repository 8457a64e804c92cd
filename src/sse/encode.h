// Server-Sent Events as bytes: one update becomes one frame, encoded once for all subscribers.
//
// Two passes over memory of the caller: the size, then the bytes. Pure; runs for each publish.
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct sse_event {
    struct str type;   // empty: no "event:" line. No CR, LF or NUL
    struct str id;     // always sent. No CR, LF or NUL
    struct str data;   // CRLF, CR and LF each end a line
    uint64_t retry_ms; // 0: no "retry:" line
};

// The size of the frame, its closing blank line included.
size_t sse_frame_size(const struct sse_event *event);
// Writes exactly sse_frame_size bytes.
void sse_frame_write(char *to, const struct sse_event *event);
