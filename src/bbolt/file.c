#include "bbolt/file.h"

#include "base/buf.h"
#include "base/err.h"
#include "bbolt/page_priv.h"

#define MAGIC 0xED0CDAEDU
#define VERSION 2U
#define META_SIZE 64U
#define META_HASHED 56U // the hash comes last
#define FIRST_PAGE 2U   // behind the meta pages

// Where the second meta page may be, as long as the first one does not say it.
#define PAGE_SIZE_MIN 1024U
#define PAGE_SIZE_MAX (1024U << 14)

struct meta {
    uint32_t magic;
    uint32_t version;
    uint32_t page_size;
    uint64_t root;
    uint64_t page_count;
    uint64_t transaction;
    uint64_t hash;
    uint64_t right_hash;
};

static uint64_t hash_fnv(const char *bytes, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3U;
    return hash;
}

// A file that is too short has no such page: all is zero.
static int read_meta(const struct bbolt_source *source, uint64_t offset, struct meta *ret_meta)
{
    char bytes[META_SIZE];
    *ret_meta = (struct meta){0};
    int err = source->read(source->arg, offset + PAGE_HEAD_SIZE, bytes, sizeof(bytes));
    if (err)
        return err == HUB_E_NOT_FOUND ? HUB_OK : err;
    *ret_meta = (struct meta){
        .magic = page_u32(bytes),
        .version = page_u32(bytes + 4),
        .page_size = page_u32(bytes + 8),
        .root = page_u64(bytes + 16),
        .page_count = page_u64(bytes + 40),
        .transaction = page_u64(bytes + 48),
        .hash = page_u64(bytes + META_HASHED),
        .right_hash = hash_fnv(bytes, META_HASHED),
    };
    return HUB_OK;
}

static bool is_page_size(uint32_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

// What is wrong with it, or NULL.
static const char *find_fault(const struct meta *meta)
{
    if (meta->magic == __builtin_bswap32(MAGIC))
        return "it was written on a machine of the other byte order";
    if (meta->magic != MAGIC)
        return "it has no magic number";
    if (meta->version != VERSION)
        return "it is of another version of the format";
    if (meta->hash != meta->right_hash)
        return "its checksum is wrong";
    if (!is_page_size(meta->page_size))
        return "its page size is none";
    if (meta->root < FIRST_PAGE || meta->root >= meta->page_count ||
        meta->page_count > UINT64_MAX / meta->page_size)
        return "its root is not among its pages";
    return NULL;
}

static bool has_magic(const struct meta *meta)
{
    return meta->magic == MAGIC || meta->magic == __builtin_bswap32(MAGIC);
}

// The second meta page, which is one page behind the first. Where the first one does not say how much that
// is, it is the first place with a sound one, or else with one that is recognised.
static int find_second(const struct bbolt_source *source, const struct meta *first, struct meta *ret_second)
{
    *ret_second = (struct meta){0};
    if (!find_fault(first))
        return read_meta(source, first->page_size, ret_second);
    for (uint32_t size = PAGE_SIZE_MIN; size <= PAGE_SIZE_MAX; size *= 2) {
        struct meta meta;
        int err = read_meta(source, size, &meta);
        if (err)
            return err;
        if (!has_magic(&meta))
            continue;
        *ret_second = meta;
        if (!find_fault(&meta) && meta.page_size == size)
            break;
    }
    return HUB_OK;
}

static int read_both(const struct bbolt_source *source, struct meta metas[2])
{
    int err = read_meta(source, 0, &metas[0]);
    return err ? err : find_second(source, &metas[0], &metas[1]);
}

int bbolt_recognise(const struct bbolt_source *source, bool *ret_is)
{
    struct meta metas[2];
    int err = read_both(source, metas);
    *ret_is = !err && (has_magic(&metas[0]) || has_magic(&metas[1]));
    return err;
}

static const struct meta *choose(const struct meta metas[2])
{
    bool first = !find_fault(&metas[0]);
    bool second = !find_fault(&metas[1]) && (!first || metas[0].page_size == metas[1].page_size);
    if (first && second)
        return &metas[metas[1].transaction > metas[0].transaction];
    return first ? &metas[0] : second ? &metas[1] : NULL;
}

static int refuse(const struct meta metas[2], struct buf *reterr)
{
    const struct meta *told = &metas[!has_magic(&metas[0]) && has_magic(&metas[1])];
    buf_printf(reterr, "has no meta page that is sound: of page %u, %s", told == &metas[1], find_fault(told));
    bool is_other = has_magic(told) && (told->magic != MAGIC || told->version != VERSION);
    return is_other ? HUB_E_UNSUPPORTED : HUB_E_CORRUPT;
}

int bbolt_open(struct bbolt_file *ret_file, const struct bbolt_source *source, struct buf *reterr)
{
    struct meta metas[2];
    int err = read_both(source, metas);
    if (err) {
        buf_printf(reterr, "cannot be read: %s", err_text(err));
        return err;
    }
    const struct meta *meta = choose(metas);
    if (!meta)
        return refuse(metas, reterr);
    *ret_file = (struct bbolt_file){
        .source = *source,
        .page_size = meta->page_size,
        .page_count = meta->page_count,
        .root = meta->root,
        .transaction = meta->transaction,
    };
    return HUB_OK;
}
