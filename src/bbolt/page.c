#include "base/buf.h"
#include "base/err.h"
#include "bbolt/page_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define KIND_BRANCH 1U
#define KIND_LEAF 2U
#define ELEMENT_SIZE 16U // of both kinds
#define FLAG_BUCKET 1U

static int corrupt(const struct bbolt_page *page, const char *what, struct buf *reterr)
{
    if (page->id)
        buf_printf(reterr, "is damaged: page %" PRIu64 " %s", page->id, what);
    else
        buf_printf(reterr, "is damaged: the page of its small bucket %s", what);
    return HUB_E_CORRUPT;
}

static int too_big(const struct bbolt_page *page, struct buf *reterr)
{
    buf_printf(reterr, "cannot be read: page %" PRIu64 " and those above it have more than %zu bytes",
               page->id, BBOLT_MEMORY_MAX);
    return HUB_E_TOO_BIG;
}

static int reserve(struct bbolt_page *page, size_t size)
{
    if (size <= page->_room)
        return HUB_OK;
    free(page->_bytes);
    page->_bytes = malloc(size);
    page->_room = page->_bytes ? size : 0;
    return page->_bytes ? HUB_OK : -ENOMEM;
}

// Where the key of an element is, how long key and value are, and its page where it is of a branch.
struct element {
    size_t at;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t flags;
    uint64_t child;
};

static struct element read_element(const struct bbolt_page *page, unsigned i)
{
    size_t at = PAGE_HEAD_SIZE + (size_t)i * ELEMENT_SIZE;
    const char *from = page->_bytes + at;
    if (page->is_branch)
        return (struct element){
            .at = at + page_u32(from), .key_size = page_u32(from + 4), .child = page_u64(from + 8)};
    return (struct element){
        .at = at + page_u32(from + 4),
        .key_size = page_u32(from + 8),
        .value_size = page_u32(from + 12),
        .flags = page_u32(from),
    };
}

static struct str key_of(const struct bbolt_page *page, const struct element *element)
{
    return str_make(page->_bytes + element->at, element->key_size);
}

static int check_elements(const struct bbolt_page *page, uint64_t page_count, struct buf *reterr)
{
    size_t free_from = PAGE_HEAD_SIZE + (size_t)page->count * ELEMENT_SIZE;
    struct str last = {0};
    for (unsigned i = 0; i < page->count; i++) {
        struct element element = read_element(page, i);
        uint64_t size = (uint64_t)element.key_size + element.value_size;
        if (element.at < free_from || element.at > page->len || size > page->len - element.at)
            return corrupt(page, "has an element outside of its place", reterr);
        free_from = element.at + (size_t)size;
        struct str key = key_of(page, &element);
        if (i > 0 && str_cmp(last, key) >= 0)
            return corrupt(page, "has keys out of order", reterr);
        last = key;
        if (page->is_branch && (element.child < 2 || element.child >= page_count))
            return corrupt(page, "leads to a page that is not there", reterr);
    }
    return HUB_OK;
}

// Reads what the head says; `len` is set.
static int parse(struct bbolt_page *page, uint64_t page_count, struct buf *reterr)
{
    uint16_t kind = page_u16(page->_bytes + 8);
    page->count = page_u16(page->_bytes + 10);
    page->is_branch = kind == KIND_BRANCH;
    if (kind != KIND_BRANCH && kind != KIND_LEAF)
        return corrupt(page, "is neither branch nor leaf", reterr);
    if (page->is_branch && page->count == 0)
        return corrupt(page, "is an empty branch", reterr);
    if (PAGE_HEAD_SIZE + (size_t)page->count * ELEMENT_SIZE > page->len)
        return corrupt(page, "has more elements than room for them", reterr);
    return check_elements(page, page_count, reterr);
}

static int read_bytes(const struct bbolt_file *file, const struct bbolt_page *page, size_t len,
                      struct buf *reterr)
{
    int err = file->source.read(file->source.arg, page->id * file->page_size, page->_bytes, len);
    if (err == HUB_E_NOT_FOUND)
        return corrupt(page, "lies behind the end of the file: it was cut short", reterr);
    if (err)
        buf_printf(reterr, "cannot be read at page %" PRIu64 ": %s", page->id, err_text(err));
    return err;
}

// How many bytes the page has with those that belong to it; its first page has been read.
static int measure(const struct bbolt_file *file, struct bbolt_page *page, size_t max_bytes,
                   struct buf *reterr)
{
    uint64_t more = page_u32(page->_bytes + 12);
    if (page_u64(page->_bytes) != page->id)
        return corrupt(page, "has the number of another page", reterr);
    if (page->id + more >= file->page_count)
        return corrupt(page, "reaches behind the last page", reterr);
    if ((more + 1) * file->page_size > max_bytes)
        return too_big(page, reterr);
    page->pages = more + 1;
    page->len = (size_t)page->pages * file->page_size;
    return HUB_OK;
}

int page_load(const struct bbolt_file *file, uint64_t id, size_t max_bytes, struct bbolt_page *page,
              struct buf *reterr)
{
    page->id = id;
    int err = file->page_size <= max_bytes ? reserve(page, file->page_size) : too_big(page, reterr);
    if (!err)
        err = read_bytes(file, page, file->page_size, reterr);
    if (!err)
        err = measure(file, page, max_bytes, reterr);
    if (!err && page->pages > 1) {
        err = reserve(page, page->len);
        if (!err)
            err = read_bytes(file, page, page->len, reterr);
    }
    return err ? err : parse(page, file->page_count, reterr);
}

int page_load_inline(struct str bytes, struct bbolt_page *page, struct buf *reterr)
{
    page->id = 0;
    page->pages = 0;
    page->len = bytes.len;
    if (bytes.len < PAGE_HEAD_SIZE)
        return corrupt(page, "is cut short", reterr);
    int err = reserve(page, bytes.len);
    if (err)
        return err;
    memcpy(page->_bytes, bytes.ptr, bytes.len);
    return parse(page, 0, reterr);
}

uint64_t page_child(const struct bbolt_page *page, unsigned i)
{
    return read_element(page, i).child;
}

struct bbolt_item page_item(const struct bbolt_page *page, unsigned i)
{
    struct element element = read_element(page, i);
    struct str key = key_of(page, &element);
    return (struct bbolt_item){
        .key = key,
        .value = str_make(key.ptr + key.len, element.value_size),
        .is_bucket = element.flags & FLAG_BUCKET,
    };
}
