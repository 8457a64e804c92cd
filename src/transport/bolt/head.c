#include "transport/bolt/head.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The layout of LMDB's data version 1 on machines of 64 bits, as far as it is looked at.
#define LMDB_MAGIC 0xBEEFC0DEU
#define LMDB_VERSION 1U
#define PAGE_BRANCH 0x01U
#define PAGE_LEAF 0x02U
#define PAGE_META 0x08U
#define PAGE_SIZE_MIN 512U
#define PAGE_SIZE_MAX 65536U
#define META_PAGES 2U
#define LAST_PAGE_MAX (UINT64_MAX / PAGE_SIZE_MAX / 2)
#define TABLE_INTEGER_KEYS 0x08U
#define ENV_ONE_FILE 0x4000U // kept among the flags of the first table
#define NO_ROOT UINT64_MAX
#define DEPTH_MAX 32U

struct page {
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; // end of the list of nodes
    uint16_t upper; // start of the nodes
    uint16_t nodes[];
};

struct node {
    uint16_t low; // with `high` and `flags`: the number of a page, in a branch
    uint16_t high;
    uint16_t flags;
    uint16_t key_size;
    char key[];
};

struct table {
    uint32_t pad; // of the first table: the size of a page
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};

struct meta {
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint32_t unused;
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_size;
    struct table free; // pages, by the transaction that left them
    struct table rows; // all of ours
    uint64_t last_page;
    uint64_t transaction;
};

_Static_assert(sizeof(struct meta) == HEAD_SIZE, "a head is copied whole");

struct file {
    const char *path;
    int fd;
    struct meta metas[META_PAGES];
    const struct meta *newest;
    const struct meta *older;
    struct buf *reterr;
    char page[PAGE_SIZE_MAX] __attribute__((aligned(16)));
};

static int refuse(const struct file *file, const char *what)
{
    buf_printf(file->reterr, "%s is damaged: %s. Put a copy back in its place, or move it away to begin anew",
               file->path, what);
    return HUB_E_CORRUPT;
}

static int read_at(const struct file *file, uint64_t offset, void *to, size_t len)
{
    ssize_t got = pread(file->fd, to, len, (off_t)offset);
    if (got < 0) {
        int err = -errno;
        buf_printf(file->reterr, "%s cannot be read: %s", file->path, err_text(err));
        return err;
    }
    return (size_t)got == len ? HUB_OK : refuse(file, "it is cut short");
}

static size_t page_size(const struct file *file)
{
    return file->metas[0].free.pad;
}

static int check_meta(const struct file *file, uint64_t number)
{
    const struct meta *meta = &file->metas[number];
    if (meta->magic != LMDB_MAGIC || meta->flags != PAGE_META)
        return refuse(file, "it does not begin as a store does");
    if (meta->version != LMDB_VERSION) {
        buf_printf(file->reterr, "%s was written by another version of LMDB (%u)", file->path, meta->version);
        return HUB_E_UNSUPPORTED;
    }
    if (page_size(file) < PAGE_SIZE_MIN || page_size(file) > PAGE_SIZE_MAX ||
        (page_size(file) & (page_size(file) - 1)) || meta->free.pad != page_size(file))
        return refuse(file, "its size of pages is impossible");
    if (meta->number != number || meta->address != 0 || meta->last_page < META_PAGES - 1 ||
        meta->last_page > LAST_PAGE_MAX)
        return refuse(file, "one of its two heads is impossible");
    // Transactions write the two in turn.
    if (meta->transaction != 0 && (meta->transaction & 1) != number)
        return refuse(file, "one of its two heads stands in the place of the other");
    return HUB_OK;
}

static int read_metas(struct file *file)
{
    for (uint64_t i = 0; i < META_PAGES; i++) {
        int err = read_at(file, i * page_size(file), &file->metas[i], sizeof(file->metas[i]));
        if (!err)
            err = check_meta(file, i);
        if (err)
            return err;
    }
    bool second = file->metas[1].transaction > file->metas[0].transaction;
    file->newest = &file->metas[second];
    file->older = &file->metas[!second];
    return HUB_OK;
}

static int check_table(const struct file *file, const struct table *table, unsigned flags, uint64_t last_page)
{
    if ((table->flags & ~ENV_ONE_FILE) != flags)
        return refuse(file, "a table is of another kind");
    if (table->root == NO_ROOT)
        return table->depth == 0 && table->entries == 0 ? HUB_OK : refuse(file, "a table has no root");
    if (table->root < META_PAGES || table->root > last_page || table->depth == 0 ||
        table->depth > DEPTH_MAX || table->entries == 0)
        return refuse(file, "a table has an impossible root");
    return HUB_OK;
}

// Reads a page with nodes; *ret_last is the last node of it.
static int read_page(struct file *file, uint64_t number, unsigned kind, const struct node **ret_last)
{
    int err = read_at(file, number * page_size(file), file->page, page_size(file));
    if (err)
        return err;
    const struct page *page = (const struct page *)(const void *)file->page;
    size_t list_end = page->lower;
    if (page->number != number || page->flags != kind || list_end < sizeof(*page) + sizeof(uint16_t) ||
        list_end > page->upper || page->upper > page_size(file))
        return refuse(file, "a page is not what its table takes it for");
    size_t at = page->nodes[(list_end - sizeof(*page)) / sizeof(uint16_t) - 1];
    if (at < page->upper || at % 2 || at + sizeof(struct node) > page_size(file))
        return refuse(file, "a page has an impossible node");
    *ret_last = (const struct node *)(const void *)(file->page + at);
    return HUB_OK;
}

// Goes down from the root by the last nodes; the last node of the last leaf stays in file->page.
static int go_down(struct file *file, const struct table *table, uint64_t last_page,
                   const struct node **ret_last)
{
    uint64_t number = table->root;
    for (unsigned level = table->depth; level > 1; level--) {
        const struct node *node;
        int err = read_page(file, number, PAGE_BRANCH, &node);
        if (err)
            return err;
        number = (uint64_t)node->flags << 32 | (uint64_t)node->high << 16 | node->low;
        if (number < META_PAGES || number > last_page)
            return refuse(file, "a branch leads nowhere");
    }
    return read_page(file, number, PAGE_LEAF, ret_last);
}

// Each transaction leaves pages behind, which it notes under its own number: the last key of the table of
// free pages is the number of the transaction that wrote the head.
static int last_free(struct file *file, const struct meta *meta, uint64_t *ret_transaction)
{
    *ret_transaction = 0;
    int err = check_table(file, &meta->free, TABLE_INTEGER_KEYS, meta->last_page);
    if (err || meta->free.root == NO_ROOT)
        return err;
    const struct node *node;
    err = go_down(file, &meta->free, meta->last_page, &node);
    if (err)
        return err;
    if (node->key_size != sizeof(*ret_transaction) ||
        node->key + sizeof(*ret_transaction) > file->page + page_size(file))
        return refuse(file, "its list of free pages cannot be read");
    memcpy(ret_transaction, node->key, sizeof(*ret_transaction));
    return HUB_OK;
}

static int check_newest(struct file *file)
{
    const struct meta *meta = file->newest;
    uint64_t transaction;
    int err = last_free(file, meta, &transaction);
    if (!err && transaction != meta->transaction && meta->transaction > 1)
        err = refuse(file, "its newest head is of another transaction");
    if (!err)
        err = check_table(file, &meta->rows, 0, meta->last_page);
    if (!err && meta->rows.root == NO_ROOT)
        err = refuse(file, "it is empty");
    const struct node *node;
    return err ? err : go_down(file, &meta->rows, meta->last_page, &node);
}

// The store is older than it was. That is so after a copy was put back, or when the power failed without
// sync; not when the head of the newest transaction is there and only its number is damaged.
static int check_went_back(struct file *file)
{
    size_t said = file->reterr->len;
    uint64_t transaction;
    int err = last_free(file, file->older, &transaction);
    file->reterr->len = said;
    if (!err && transaction > file->newest->transaction)
        return refuse(file, "the number of its newest transaction is wrong");
    return HUB_OK;
}

static int check(struct file *file, uint64_t marked, struct head *ret_head)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return -errno;
    int err = read_metas(file);
    if (!err && file->newest->transaction - file->older->transaction > 1)
        err = refuse(file, "its two heads do not follow each other");
    if (!err)
        err = check_newest(file);
    if (!err && file->newest->transaction < marked)
        err = check_went_back(file);
    if (err)
        return err;
    *ret_head = (struct head){
        .transaction = file->newest->transaction,
        .root = file->newest->rows.root,
        .size = (uint64_t)status.st_size,
        .full_size = (file->newest->last_page + 1) * page_size(file),
    };
    return HUB_OK;
}

int head_verify(const char *path, int fd, uint64_t marked, struct head *ret_head, struct buf *reterr)
{
    struct file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct file){.path = path, .fd = fd, .reterr = reterr};
    int err = check(file, marked, ret_head);
    free(file);
    return err;
}

// ---- Heads that are put back ----

static int open_file(struct file **ret_file, int fd, struct buf *unread)
{
    struct file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    buf_init(unread, 0); // nobody reads the sentence
    *file = (struct file){.path = "", .fd = fd, .reterr = unread};
    int err = read_metas(file);
    if (err)
        free(file);
    else
        *ret_file = file;
    return err;
}

static int hash_root(struct file *file, const struct table *table, uint32_t *hash)
{
    if (table->root == NO_ROOT)
        return HUB_OK;
    int err = read_at(file, table->root * page_size(file), file->page, page_size(file));
    *hash = *hash * 31 + hash_stable(str_make(file->page, page_size(file)));
    return err;
}

static int hash_roots(struct file *file, const struct meta *meta, uint32_t *ret_hash)
{
    *ret_hash = 0;
    int err = hash_root(file, &meta->free, ret_hash);
    return err ? err : hash_root(file, &meta->rows, ret_hash);
}

int head_save(int fd, struct head_copy *ret_copy)
{
    struct buf unread;
    struct file *file;
    int err = open_file(&file, fd, &unread);
    if (err)
        return err;
    memcpy(ret_copy->bytes, file->newest, HEAD_SIZE);
    err = hash_roots(file, file->newest, &ret_copy->roots);
    free(file);
    return err;
}

// Whatever came to the disk since, no head in it is older than the copy. A file that was put in the store's
// place is, or has other pages where the copy leads.
static bool is_of_this_file(struct file *file, const struct meta *meta, uint32_t roots)
{
    if (meta->transaction == 0 || file->newest->transaction < meta->transaction ||
        meta->free.pad != page_size(file))
        return false;
    file->newest = meta;
    uint32_t hash;
    return check_newest(file) == HUB_OK && hash_roots(file, meta, &hash) == HUB_OK && hash == roots;
}

static int write_meta(const struct file *file, struct meta meta, uint64_t transaction)
{
    meta.number = transaction & 1;
    meta.transaction = transaction;
    ssize_t len = pwrite(file->fd, &meta, sizeof(meta), (off_t)(meta.number * page_size(file)));
    return len == (ssize_t)sizeof(meta) ? HUB_OK : len < 0 ? -errno : -EIO;
}

int head_restore(int fd, const struct head_copy *copy, bool *ret_is_ours)
{
    struct buf unread;
    struct file *file;
    *ret_is_ours = false;
    int err = open_file(&file, fd, &unread);
    if (err == HUB_E_CORRUPT || err == HUB_E_UNSUPPORTED)
        return HUB_OK; // what it is instead is for head_verify to say
    if (err)
        return err;
    struct meta meta;
    memcpy(&meta, copy->bytes, sizeof(meta));
    if (is_of_this_file(file, &meta, copy->roots)) {
        *ret_is_ours = true;
        // Both, so that neither can be newer; the older one is the same but for its number.
        err = write_meta(file, meta, meta.transaction - 1);
        if (!err)
            err = write_meta(file, meta, meta.transaction);
    }
    free(file);
    return err;
}
