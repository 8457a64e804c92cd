// Server-Sent Events as bytes: one update becomes one frame, encoded once for all subscribers.
//
// Two passes over memory of the caller: the size, then the bytes. Pure; runs for each publish.
#pragma once

#include "sse/event.h"

#include <stddef.h>

// The size of the frame, its closing blank line included. Type and id hold no CR, LF or NUL: who accepts an
// update has checked them. In the data CRLF, CR and LF each end a line. Empty types and retries of 0 are not
// sent; an id always is, and at least one line of data.
size_t sse_frame_size(const struct sse_event *event);
// Writes exactly sse_frame_size bytes.
void sse_frame_write(char *to, const struct sse_event *event);
