// The readers: each request is one short transaction.
#include "base/err.h"
#include "mercure/record.h"
#include "transport/bolt/store_priv.h"
#include "transport/number.h"

static int begin(struct store_reader *reader, const struct env *env)
{
    if (!env->mdb)
        return HUB_E_CLOSED;
    if (reader->txn)
        return env_err(mdb_txn_renew(reader->txn));
    int err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &reader->txn));
    if (err)
        reader->txn = NULL;
    return err;
}

static int find(const struct store_read *read, MDB_txn *txn, const struct env *env)
{
    struct find_request *request = read->find;
    uint64_t first;
    int err = rows_next(txn, env, read->hub, 0, &first);
    if (err)
        return err;
    request->empty = first == 0;
    if (request->empty)
        return HUB_OK;
    struct record oldest;
    err = rows_get(txn, env, read->hub, first, &oldest);
    uint64_t number = 0;
    if (!err)
        err = rows_find(txn, env, read->hub, request->id, &number);
    if (err)
        return err;
    request->oldest_time_ms = oldest.time_ms;
    request->found = number != 0;
    request->position = position_from_number(number);
    return HUB_OK;
}

static int replay(const struct store_read *read, MDB_txn *txn, const struct env *env,
                  struct slice_builder *builder)
{
    struct replay_request *request = read->replay;
    uint64_t after = 0;
    struct row_bounds bounds;
    int err = rows_bounds(txn, env, read->hub, &bounds);
    if (!err && request->from == REPLAY_NEWEST)
        err = rows_back(txn, env, read->hub, request->max_bytes, &after);
    else if (!err)
        err = position_to_number(&request->after, &after);
    if (err)
        return err;
    slice_begin(builder);
    bool end;
    err = request->from == REPLAY_EVENTS ? rows_read_events(txn, env, read->hub, after, builder, &end)
                                         : rows_read(txn, env, read->hub, after, builder, &end);
    if (err)
        return err;
    struct position position = position_from_number(after);
    return slice_finish(builder, &position, after < bounds.oldest - 1, end, &request->slice);
}

static int answer(struct store_read *read, struct store_reader *reader)
{
    struct store *store = read->store;
    int err = begin(reader, &store->env);
    if (err)
        return err;
    err = read->kind == STORE_FIND ? find(read, reader->txn, &store->env)
                                   : replay(read, reader->txn, &store->env, &reader->builder);
    mdb_txn_reset(reader->txn);
    return err;
}

void read_handle(struct message *message)
{
    struct store_read *read = CONTAINER_OF(message, struct store_read, message);
    struct store_reader *reader = read->_reader;
    (void)pthread_rwlock_rdlock(&read->store->env_lock);
    int err = answer(read, reader);
    (void)pthread_rwlock_unlock(&read->store->env_lock);
    if (read->kind == STORE_FIND)
        read->find->err = err;
    else
        read->replay->err = err;
    atomic_fetch_sub(&reader->waiting, 1);
    store_answer(&read->message, &read->reply);
}

void read_done(struct store_reader *reader)
{
    mdb_txn_abort(reader->txn);
    slice_done(&reader->builder);
}
