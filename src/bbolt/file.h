// The file of bbolt, the store of Go hubs, read and never written. Pure: bytes come through a callback, and
// nothing in them is believed. What is read is bounded: no page twice on one walk, and so no more bytes than
// the file has.
//
//   page   u64 number, u16 kind, u16 count, u32 pages that follow and belong to it; then its elements
//   meta   pages 0 and 1, written in turn: magic, version, page size, flags, the root bucket (u64 page, u64
//          sequence), u64 page of the free list, u64 number of pages, u64 transaction, u64 FNV-1a of all that
//
// Numbers are in the byte order of the machine that wrote the file; only little-endian files are read.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct bbolt_source {
    // Reads exactly `len` bytes. HUB_E_NOT_FOUND when the file ends before, or a negative errno.
    int (*read)(void *arg, uint64_t offset, void *to, size_t len);
    void *arg;
    uint64_t size; // of the file
};

// Copied at will; nothing to free.
struct bbolt_file {
    struct bbolt_source source;
    uint32_t page_size;
    uint64_t page_count; // all pages of the file have lower numbers
    uint64_t root;       // page of the bucket that holds the buckets
    uint64_t transaction;
};

// Whether it is such a file, perhaps a damaged one: one of its two meta pages has the magic number, in either
// byte order. Or the error of the source.
MUST_CHECK int bbolt_recognise(const struct bbolt_source *source, bool *ret_is);
// Takes the newer of the two meta pages that are sound. HUB_E_CORRUPT, HUB_E_UNSUPPORTED for another version
// or byte order, or the error of the source; with what is wrong as the end of a sentence that the name of the
// file begins (but for -ENOMEM).
MUST_CHECK int bbolt_open(struct bbolt_file *ret_file, const struct bbolt_source *source, struct buf *reterr);
