#include "transport/bolt/verify.h"

#include "base/buf.h"
#include "base/err.h"
#include "transport/bolt/env.h"
#include "transport/bolt/head.h"

#include <errno.h>
#include <stdbool.h>

#define META_PAGES 2U

struct books {
    uint64_t root;
    uint64_t first_missing; // pages from here on are behind the end of the file
    uint64_t rows;
    uint64_t free;
    uint64_t free_missing;
    uint64_t used;
};

static bool has_number(const size_t *descending, size_t count, uint64_t number)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (descending[middle] == number)
            return true;
        if (descending[middle] > number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

// A row of free pages: how many, then their numbers, the highest first. A root among them is one of an older
// transaction.
static bool count_row(const MDB_val *value, struct books *books)
{
    size_t room = value->mv_size / sizeof(size_t);
    const size_t *words = value->mv_data;
    if (room == 0 || words[0] >= room || has_number(words + 1, words[0], books->root))
        return false;
    books->rows++;
    books->free += words[0];
    for (size_t i = 1; i <= words[0] && words[i] >= books->first_missing; i++)
        books->free_missing++;
    return true;
}

static int count_free(MDB_txn *txn, struct books *books)
{
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, 0, &cursor));
    if (err)
        return err;
    MDB_val key, value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0)
        code = count_row(&value, books) ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : MDB_CORRUPTED;
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
}

static int count_used(MDB_txn *txn, const struct env *env, struct books *books)
{
    const MDB_dbi tables[] = {0, env->rows}; // the first is LMDB's own: free pages
    books->used = META_PAGES;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        MDB_stat stat;
        int err = env_err(mdb_stat(txn, tables[i], &stat));
        if (err)
            return err;
        if (tables[i] == 0 && stat.ms_entries != books->rows)
            return HUB_E_CORRUPT;
        books->used += (uint64_t)stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    }
    return HUB_OK;
}

static int keep_books(const struct env *env, struct books *books)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn));
    if (err)
        return err;
    err = count_free(txn, books);
    if (!err)
        err = count_used(txn, env, books);
    mdb_txn_abort(txn);
    return err;
}

int verify_pages(const char *path, const struct env *env, const struct head *head, struct buf *reterr)
{
    MDB_stat stat;
    (void)mdb_env_stat(env->mdb, &stat);
    uint64_t pages = head->full_size / stat.ms_psize;
    struct books books = {.root = head->root, .first_missing = head->size / stat.ms_psize};
    uint64_t missing = pages > books.first_missing ? pages - books.first_missing : 0;
    int err = keep_books(env, &books);
    const char *what = "a table of it cannot be read";
    if (!err && books.free_missing != missing) {
        err = HUB_E_CORRUPT;
        what = "it is cut short";
    } else if (!err && books.used + books.free != pages) {
        err = HUB_E_CORRUPT;
        what = "its pages do not add up";
    }
    if (err == HUB_E_CORRUPT)
        buf_printf(reterr, "%s is damaged: %s. Put a copy back in its place, or move it away to begin anew",
                   path, what);
    else if (err)
        buf_printf(reterr, "%s cannot be read: %s", path, err_text(err));
    return err;
}
