// Status codes and the two kinds of lines of a response's head. Pure.
#pragma once

#include "base/buf.h"

#include <stdbool.h>

// "Not Found" and so on; "Unknown" for a status without a name.
struct str http_status_text(unsigned status);
// Whether responses of that status have no body: 1xx, 204, 304.
bool http_status_is_empty(unsigned status);
void http_write_status(struct buf *buf, unsigned status);
void http_write_field(struct buf *buf, struct str name, struct str value);
