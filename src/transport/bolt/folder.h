// The folder that a file is in.
#pragma once

#include "base/attr.h"

struct buf;

// Creates the folders that are missing above the file, for this user alone, and syncs them. A negative errno
// with a sentence.
MUST_CHECK int folder_create(const char *path, struct buf *reterr);
// Syncs the folder of the file, so that its name is there after a power cut. A negative errno.
MUST_CHECK int folder_sync(const char *path);
