// A file of bbolt in memory, and the walk over it.
#pragma once

#include "base/err.h"
#include "bbolt/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct image {
    char *bytes;
    size_t len;
    struct bbolt_source source; // points to this struct
    uint64_t bytes_read;
};

static inline int image_read(void *arg, uint64_t offset, void *to, size_t len)
{
    struct image *image = arg;
    if (offset > image->len || len > image->len - offset)
        return HUB_E_NOT_FOUND;
    memcpy(to, image->bytes + offset, len);
    image->bytes_read += len;
    return HUB_OK;
}

static inline void image_load(struct image *image, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/bbolt/%s.bbolt", TESTDATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *image = (struct image){.len = (size_t)ftell(file)};
    rewind(file);
    image->bytes = malloc(image->len);
    assert_non_null(image->bytes);
    assert_int_equal(fread(image->bytes, 1, image->len, file), image->len);
    (void)fclose(file);
    image->source = (struct bbolt_source){.read = image_read, .arg = image, .size = image->len};
}

// What a walk over a bucket found.
struct walked {
    int err; // HUB_OK at its end
    char reason[512];
    size_t count;
    size_t buckets;
    uint64_t first; // sequence numbers
    uint64_t last;
    size_t largest;
};

static inline uint64_t image_sequence(struct str key)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8 && i < key.len; i++)
        number = number << 8 | (unsigned char)key.ptr[i];
    return number;
}

static inline void image_note(struct walked *walked, const struct bbolt_item *item)
{
    walked->last = image_sequence(item->key);
    if (walked->count++ == 0)
        walked->first = walked->last;
    walked->buckets += item->is_bucket;
    if (item->value.len > walked->largest)
        walked->largest = item->value.len;
    // Each byte is read, for the sanitizer to see.
    unsigned char sum = 0;
    for (size_t i = 0; i < item->value.len; i++)
        sum = (unsigned char)(sum + item->value.ptr[i]);
    *(volatile unsigned char *)&sum = sum;
}

static inline int image_walk_with(struct image *image, const char *bucket, struct walked *walked,
                                  struct buf *reason)
{
    struct bbolt_file file;
    int err = bbolt_open(&file, &image->source, reason);
    if (err)
        return err;
    struct bbolt_walk walk;
    struct bbolt_item item;
    err = bbolt_walk_bucket(&walk, &file, str_from_c(bucket), reason);
    if (err == HUB_E_NOT_FOUND) {
        bbolt_walk_done(&walk);
        return err;
    }
    while (!err && (err = bbolt_walk_next(&walk, &item, reason)) == HUB_OK)
        image_note(walked, &item);
    bbolt_walk_done(&walk);
    return err == HUB_E_NOT_FOUND ? HUB_OK : err;
}

static inline struct walked image_walk(struct image *image, const char *bucket)
{
    struct walked walked = {0};
    struct buf reason;
    buf_init(&reason, sizeof(walked.reason) - 1);
    walked.err = image_walk_with(image, bucket, &walked, &reason);
    (void)snprintf(walked.reason, sizeof(walked.reason), "%.*s", (int)reason.len,
                   reason.len ? reason.ptr : "");
    buf_done(&reason);
    return walked;
}
