// Walks the keys of a bucket in their order. One thread's; holds one page of each level of the tree, together
// at most BBOLT_MEMORY_MAX.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "bbolt/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A tree of the smallest pages that is as deep would not fit on any disk.
#define BBOLT_DEPTH_MAX 32U
#define BBOLT_MEMORY_MAX ((size_t)256 << 20)
#define BBOLT_KEY_MAX 32768U // the most that bbolt takes

struct bbolt_item {
    struct str key;
    struct str value;
    bool is_bucket; // the value is a bucket inside this one
};

struct bbolt_page {
    uint64_t id;    // 0 of a small bucket, whose page stands in a value
    uint64_t pages; // with those that belong to it
    size_t len;
    unsigned count;
    bool is_branch;
    char *_bytes;
    size_t _room;
};

struct bbolt_level {
    struct bbolt_page page;
    unsigned next; // element
};

struct bbolt_walk {
    struct bbolt_file file;
    struct bbolt_level _levels[BBOLT_DEPTH_MAX];
    unsigned _depth;
    uint64_t _pages_read;
    struct buf _last_key;
    bool _begun;
};

// Goes to the start of a bucket; a file without any bucket is taken for one with an empty one of each name.
// HUB_E_NOT_FOUND when there are others: `reterr` lists them. Else as bbolt_open. bbolt_walk_done is called
// in every case.
MUST_CHECK int bbolt_walk_bucket(struct bbolt_walk *walk, const struct bbolt_file *file, struct str name,
                                 struct buf *reterr);
// The next key and value, valid until the next call. HUB_E_NOT_FOUND behind the last, else as bbolt_open.
MUST_CHECK int bbolt_walk_next(struct bbolt_walk *walk, struct bbolt_item *ret_item, struct buf *reterr);
void bbolt_walk_done(struct bbolt_walk *walk);
