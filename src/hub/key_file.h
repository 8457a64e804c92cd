// A file with a set of keys that may be replaced while the hub runs: looked at often, read whole, and only
// when it has changed. Reading blocks; main does it.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/stat.h>

struct buf;

// What the file was when it was last read; zeroed: it never was.
struct key_file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    int err; // why it could not be read
};

// The path of a file: URL, with %XX decoded, appended to `to`. HUB_E_INVALID when it is none.
MUST_CHECK int key_file_path(struct str url, struct buf *to);
// Whether the file is another than when the stamp was taken, or can be read now and could not then.
bool key_file_has_changed(const char *path, const struct key_file_stamp *stamp);
// Reads the file into `text`, whose maximum bounds it, and takes the stamp. HUB_E_TOO_BIG, HUB_E_INVALID (not
// a regular file), -ENOMEM, or a negative errno.
MUST_CHECK int key_file_read(const char *path, struct key_file_stamp *ret_stamp, struct buf *text);
