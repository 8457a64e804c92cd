// Arbitrary bytes as the file of a Go hub: every bucket that it may have is walked to its end or to an error
// that says something, what is read stays inside, and it takes no more reading than the file is long.
#include "base/assert.h"
#include "base/err.h"
#include "bbolt/walk.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size;
    uint64_t read;
};

static int read_bytes(void *arg, uint64_t offset, void *to, size_t len)
{
    struct bytes *bytes = arg;
    if (offset > bytes->size || len > bytes->size - offset)
        return HUB_E_NOT_FOUND;
    memcpy(to, bytes->data + offset, len);
    bytes->read += len;
    return HUB_OK;
}

// Each byte is looked at, for the sanitizer to see.
static void look_at(struct str text)
{
    volatile char sum = 0;
    for (size_t i = 0; i < text.len; i++)
        sum = (char)(sum ^ text.ptr[i]);
}

static int walk_bucket(const struct bbolt_file *file, struct str bucket, struct buf *reason)
{
    struct bbolt_walk walk;
    struct bbolt_item item;
    int err = bbolt_walk_bucket(&walk, file, bucket, reason);
    bool is_found = !err;
    while (!err && (err = bbolt_walk_next(&walk, &item, reason)) == HUB_OK) {
        look_at(item.key);
        look_at(item.value);
    }
    bbolt_walk_done(&walk);
    return is_found && err == HUB_E_NOT_FOUND ? HUB_OK : err;
}

// The fuzzer need not find out checksums: those of both meta pages are put right in a copy.
static void sign(uint8_t *data, size_t size, size_t at)
{
    uint64_t hash = 0xcbf29ce484222325U;
    if (at + 80 > size)
        return;
    for (size_t i = 0; i < 56; i++)
        hash = (hash ^ data[at + 16 + i]) * 0x100000001b3U;
    memcpy(data + at + 72, &hash, sizeof(hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[1 << 20];
    if (size == 0 || size > sizeof(copy))
        return 0;
    memcpy(copy, data, size);
    if (copy[size - 1] != 0xFF) { // one way to leave them as they are
        sign(copy, size, 0);
        sign(copy, size, 1024);
        sign(copy, size, 4096);
    }
    struct bytes bytes = {.data = copy, .size = size};
    struct bbolt_source source = {.read = read_bytes, .arg = &bytes, .size = size};
    struct bbolt_file file;
    struct buf reason;
    buf_init(&reason, 4096);
    bool is = false;
    HUB_ASSERT(bbolt_recognise(&source, &is) == HUB_OK);
    int err = bbolt_open(&file, &source, &reason);
    HUB_ASSERT(err || is);
    if (!err)
        err = walk_bucket(&file, STR("updates"), &reason);
    HUB_ASSERT(err == HUB_OK || err == HUB_E_NOT_FOUND || err == HUB_E_CORRUPT || err == HUB_E_UNSUPPORTED ||
               err == HUB_E_TOO_BIG);
    HUB_ASSERT(err == HUB_OK || reason.len > 0);
    HUB_ASSERT(bytes.read <= 6 * (uint64_t)size + 65536);
    buf_done(&reason);
    return 0;
}
