#include "bbolt/walk.h"

#include "base/err.h"
#include "bbolt/page_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define BUCKET_SIZE 16U // the value of one: u64 page, u64 sequence; with page 0 its page follows
#define NAMES_MAX 10U
#define NAME_SHOWN 64U

static void free_page(struct bbolt_page *page)
{
    free(page->_bytes);
    *page = (struct bbolt_page){0};
}

// The memory that may still be taken, for a page on the next level.
static size_t memory_left(const struct bbolt_walk *walk)
{
    size_t used = 0;
    for (unsigned i = 0; i < walk->_depth; i++)
        used += walk->_levels[i].page._room;
    return used < BBOLT_MEMORY_MAX ? BBOLT_MEMORY_MAX - used : 0;
}

// What the lower levels keep from before counts as soon as there is one of them: it is freed first.
static void free_below(struct bbolt_walk *walk)
{
    for (unsigned i = walk->_depth + 1; i < BBOLT_DEPTH_MAX; i++)
        free_page(&walk->_levels[i].page);
}

static int push(struct bbolt_walk *walk, uint64_t id, struct buf *reterr)
{
    if (walk->_depth == BBOLT_DEPTH_MAX) {
        buf_printf(reterr, "is damaged: its tree is deeper than %u pages at page %" PRIu64, BBOLT_DEPTH_MAX,
                   id);
        return HUB_E_CORRUPT;
    }
    free_below(walk);
    struct bbolt_level *level = &walk->_levels[walk->_depth];
    level->next = 0;
    int err = page_load(&walk->file, id, memory_left(walk), &level->page, reterr);
    if (err)
        return err;
    walk->_pages_read += level->page.pages;
    if (walk->_pages_read > walk->file.source.size / walk->file.page_size) {
        buf_printf(reterr, "is damaged: page %" PRIu64 " is in its tree more than once", id);
        return HUB_E_CORRUPT;
    }
    walk->_depth++;
    return HUB_OK;
}

static int check_order(struct bbolt_walk *walk, struct str key, struct buf *reterr)
{
    const struct bbolt_level *level = &walk->_levels[walk->_depth - 1];
    if (key.len > BBOLT_KEY_MAX) {
        buf_printf(reterr, "is damaged: page %" PRIu64 " has a key of %zu bytes", level->page.id, key.len);
        return HUB_E_CORRUPT;
    }
    if (walk->_begun && str_cmp(buf_str(&walk->_last_key), key) >= 0) {
        buf_printf(reterr, "is damaged: page %" PRIu64 " begins before the end of the one before it",
                   level->page.id);
        return HUB_E_CORRUPT;
    }
    buf_clear(&walk->_last_key);
    buf_append_str(&walk->_last_key, key);
    walk->_begun = true;
    return walk->_last_key.err;
}

static int take(struct bbolt_walk *walk, struct bbolt_level *level, struct bbolt_item *ret_item,
                struct buf *reterr)
{
    *ret_item = page_item(&level->page, level->next++);
    return check_order(walk, ret_item->key, reterr);
}

int bbolt_walk_next(struct bbolt_walk *walk, struct bbolt_item *ret_item, struct buf *reterr)
{
    while (walk->_depth) {
        struct bbolt_level *level = &walk->_levels[walk->_depth - 1];
        if (level->next == level->page.count) {
            walk->_depth--;
        } else if (!level->page.is_branch) {
            return take(walk, level, ret_item, reterr);
        } else {
            int err = push(walk, page_child(&level->page, level->next++), reterr);
            if (err)
                return err;
        }
    }
    return HUB_E_NOT_FOUND;
}

// ---- Finding a bucket ----

static void begin(struct bbolt_walk *walk)
{
    walk->_depth = 0;
    walk->_begun = false;
    walk->_pages_read = 0;
}

static int enter(struct bbolt_walk *walk, struct str value, struct buf *reterr)
{
    if (value.len < BUCKET_SIZE) {
        buf_printf(reterr, "is damaged: the bucket has no root");
        return HUB_E_CORRUPT;
    }
    uint64_t root = page_u64(value.ptr);
    if (root) {
        begin(walk);
        if (root >= 2 && root < walk->file.page_count)
            return push(walk, root, reterr);
        buf_printf(reterr, "is damaged: the root of the bucket is not among its pages");
        return HUB_E_CORRUPT;
    }
    struct bbolt_page page = {0}; // the value stands in one of the levels
    int err = page_load_inline(str_slice(value, BUCKET_SIZE, value.len), &page, reterr);
    if (!err && page.is_branch) {
        buf_printf(reterr, "is damaged: the page of its small bucket is a branch");
        err = HUB_E_CORRUPT;
    }
    if (err) {
        free_page(&page);
        return err;
    }
    begin(walk);
    free_page(&walk->_levels[0].page);
    walk->_levels[0] = (struct bbolt_level){.page = page};
    walk->_depth = 1;
    return HUB_OK;
}

static void list_name(struct str name, unsigned *count, struct buf *names)
{
    if (++*count > NAMES_MAX)
        return;
    buf_append_str(names, *count > 1 ? STR(", \"") : STR("\""));
    for (size_t i = 0; i < name.len && i < NAME_SHOWN; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x20 || c >= 0x7F)
            buf_printf(names, "\\x%02x", c);
        else
            buf_append_c(names, (char)c);
    }
    buf_append_c(names, '"');
}

int bbolt_walk_bucket(struct bbolt_walk *walk, const struct bbolt_file *file, struct str name,
                      struct buf *reterr)
{
    *walk = (struct bbolt_walk){.file = *file};
    buf_init(&walk->_last_key, BBOLT_KEY_MAX);
    struct buf names;
    buf_init(&names, NAMES_MAX * (4 * NAME_SHOWN + 4));
    unsigned count = 0;
    int err = push(walk, file->root, reterr);
    while (!err) {
        struct bbolt_item item;
        err = bbolt_walk_next(walk, &item, reterr);
        if (err || !item.is_bucket)
            continue;
        if (str_eq(item.key, name)) {
            err = enter(walk, item.value, reterr);
            break;
        }
        list_name(item.key, &count, &names);
    }
    if (err == HUB_E_NOT_FOUND && count == 0)
        err = HUB_OK; // the walk is at its end
    else if (err == HUB_E_NOT_FOUND)
        buf_append_str(reterr, buf_str(&names));
    buf_done(&names);
    return err;
}

void bbolt_walk_done(struct bbolt_walk *walk)
{
    for (unsigned i = 0; i < BBOLT_DEPTH_MAX; i++)
        free_page(&walk->_levels[i].page);
    buf_done(&walk->_last_key);
}
