// A page of bbolt with the pages that belong to it, checked as a whole when it is loaded: each element lies
// inside, behind the one before it, and its key is greater.
//
//   branch element   u32 distance from the element to its key, u32 size of the key, u64 page
//   leaf element     u32 flags (1: the value is a bucket), u32 distance, u32 size of the key, u32 of the
//   value,
//                    which follows the key
#pragma once

#include "bbolt/file.h"
#include "bbolt/walk.h"

#include <endian.h>
#include <string.h>

#define PAGE_HEAD_SIZE 16U

static inline uint16_t page_u16(const char *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof(value));
    return le16toh(value);
}

static inline uint32_t page_u32(const char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

static inline uint64_t page_u64(const char *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

// Loads page `id` into the memory of `page`, which is made larger when it is too small: to at most
// `max_bytes`. HUB_E_CORRUPT, HUB_E_TOO_BIG, -ENOMEM or the error of the source, with a sentence as that of
// bbolt_open.
MUST_CHECK int page_load(const struct bbolt_file *file, uint64_t id, size_t max_bytes,
                         struct bbolt_page *page, struct buf *reterr);
// The page of a small bucket, which stands in the value of its element; copied.
MUST_CHECK int page_load_inline(struct str bytes, struct bbolt_page *page, struct buf *reterr);
// Of element `i` of a branch.
uint64_t page_child(const struct bbolt_page *page, unsigned i);
// Element `i` of a leaf.
struct bbolt_item page_item(const struct bbolt_page *page, unsigned i);
