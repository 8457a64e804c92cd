// Reads files whole. Blocks.
#pragma once

#include "base/attr.h"

struct buf;

// Appends all that there is to read, up to the end. HUB_E_TOO_BIG when that is more than the buffer may hold,
// -ENOMEM, or a negative errno.
MUST_CHECK int file_read(int fd, struct buf *to);
// The same of the file at a path.
MUST_CHECK int file_read_path(const char *path, struct buf *to);
