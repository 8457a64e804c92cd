#include "transport/bolt/rows.h"

#include "base/err.h"
#include "mercure/record.h"
#include "transport/bolt/env.h"
#include "transport/bolt/event_rows.h"
#include "transport/number.h"
#include "transport/slice.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

// An id up to this length stands in its key as it is; of a longer one its start and its SHA-256.
#define ID_WHOLE_MAX 256U
#define ID_START (ID_WHOLE_MAX - SHA256_DIGEST_LENGTH)

#define HUB_SIZE sizeof(uint32_t)
#define NUMBER_SIZE sizeof(uint64_t)
#define LOG_KEY_SIZE (1 + HUB_SIZE + NUMBER_SIZE)
// The length keeps ids apart of which one is the start of the other.
#define ID_KEY_HEAD (1 + HUB_SIZE + sizeof(uint16_t))
#define ID_KEY_MAX (ID_KEY_HEAD + ID_WHOLE_MAX + NUMBER_SIZE)

struct log_key {
    char bytes[LOG_KEY_SIZE];
};

struct id_key {
    size_t len; // without the number
    char bytes[ID_KEY_MAX];
};

static void write_hub(char *to, enum env_kind kind, uint32_t hub)
{
    to[0] = (char)kind;
    hub = htobe32(hub);
    memcpy(to + 1, &hub, sizeof(hub));
}

static void write_number(char *to, uint64_t number)
{
    number = htobe64(number);
    memcpy(to, &number, sizeof(number));
}

static uint64_t read_number(const char *from)
{
    uint64_t number;
    memcpy(&number, from, sizeof(number));
    return be64toh(number);
}

static MDB_val make_log_key(struct log_key *key, uint32_t hub, uint64_t number)
{
    write_hub(key->bytes, ENV_LOG, hub);
    write_number(key->bytes + 1 + HUB_SIZE, number);
    return (MDB_val){sizeof(key->bytes), key->bytes};
}

// False for a row of another kind or hub.
static bool read_log_key(const MDB_val *value, uint32_t hub, uint64_t *ret_number)
{
    char head[1 + HUB_SIZE];
    write_hub(head, ENV_LOG, hub);
    if (value->mv_size != LOG_KEY_SIZE || memcmp(value->mv_data, head, sizeof(head)) != 0)
        return false;
    *ret_number = read_number((const char *)value->mv_data + sizeof(head));
    return true;
}

static void make_id_key(struct id_key *key, uint32_t hub, struct str id)
{
    uint16_t len = htobe16((uint16_t)(id.len < UINT16_MAX ? id.len : UINT16_MAX));
    write_hub(key->bytes, ENV_ID, hub);
    memcpy(key->bytes + 1 + HUB_SIZE, &len, sizeof(len));
    char *to = key->bytes + ID_KEY_HEAD;
    if (id.len <= ID_WHOLE_MAX) {
        if (id.len)
            memcpy(to, id.ptr, id.len);
        key->len = ID_KEY_HEAD + id.len;
    } else {
        memcpy(to, id.ptr, ID_START);
        (void)SHA256((const unsigned char *)id.ptr, id.len, (unsigned char *)to + ID_START);
        key->len = ID_KEY_HEAD + ID_WHOLE_MAX;
    }
}

static MDB_val number_id_key(struct id_key *key, uint64_t number)
{
    write_number(key->bytes + key->len, number);
    return (MDB_val){key->len + NUMBER_SIZE, key->bytes};
}

static int parse_record(const MDB_val *value, struct record *ret_record)
{
    int err = record_parse(ret_record, str_make(value->mv_data, value->mv_size));
    return err ? HUB_E_CORRUPT : HUB_OK;
}

// ---- Bounds ----

static int seek_from(MDB_cursor *cursor, uint32_t hub, uint64_t number, uint64_t *ret_number)
{
    struct log_key wanted;
    MDB_val key = make_log_key(&wanted, hub, number);
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code == 0 && !read_log_key(&key, hub, ret_number))
        code = MDB_NOTFOUND;
    return env_err(code);
}

// Puts the cursor on the newest record of the hub.
static int seek_newest(MDB_cursor *cursor, uint32_t hub, uint64_t *ret_number)
{
    struct log_key wanted;
    MDB_val key = make_log_key(&wanted, hub, UINT64_MAX);
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code == 0 || code == MDB_NOTFOUND)
        code = mdb_cursor_get(cursor, &key, &value, code ? MDB_LAST : MDB_PREV);
    if (code == 0 && !read_log_key(&key, hub, ret_number))
        code = MDB_NOTFOUND;
    return env_err(code);
}

int rows_next(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t number, uint64_t *ret_number)
{
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    *ret_number = 0;
    err = seek_from(cursor, hub, number, ret_number);
    mdb_cursor_close(cursor);
    return err == HUB_E_NOT_FOUND ? HUB_OK : err;
}

int rows_newest(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t *ret_number)
{
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    *ret_number = 0;
    err = seek_newest(cursor, hub, ret_number);
    mdb_cursor_close(cursor);
    return err == HUB_E_NOT_FOUND ? HUB_OK : err;
}

// What was stored of them is as of the last transaction with something but updates in it: since then updates
// alone came and went.
int rows_bounds(MDB_txn *txn, const struct env *env, uint32_t hub, struct row_bounds *ret_bounds)
{
    struct row_bounds bounds = {.oldest = 1};
    uint64_t oldest;
    uint64_t newest;
    int err = rows_next(txn, env, hub, 0, &oldest);
    if (!err)
        err = rows_newest(txn, env, hub, &newest);
    if (!err)
        err = event_rows_load_bounds(txn, env, hub, &bounds);
    if (err)
        return err;
    if (bounds.others == 0 && oldest)
        bounds.oldest = oldest;
    if (newest > bounds.newest)
        bounds.newest = newest;
    *ret_bounds = bounds;
    return HUB_OK;
}

// ---- Writing ----

int row_writer_begin(struct row_writer *writer, const struct env *env)
{
    *writer = (struct row_writer){.env = env};
    int err = env_err(mdb_txn_begin(env->mdb, NULL, 0, &writer->txn));
    if (err)
        return err;
    err = env_err(mdb_cursor_open(writer->txn, env->rows, &writer->cursor));
    if (err)
        row_writer_abort(writer);
    return err;
}

void row_writer_abort(struct row_writer *writer)
{
    mdb_txn_abort(writer->txn); // closes the cursors
}

int row_writer_commit(struct row_writer *writer, uint64_t *ret_transaction)
{
    *ret_transaction = mdb_txn_id(writer->txn);
    return env_err(mdb_txn_commit(writer->txn));
}

// The hub with the highest number in a store nearly always writes at the end of the table.
static int put_last(MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
    int code = mdb_cursor_put(cursor, key, value, MDB_APPEND);
    if (code == MDB_KEYEXIST)
        code = mdb_cursor_put(cursor, key, value, MDB_NOOVERWRITE);
    return code == MDB_KEYEXIST ? HUB_E_CORRUPT : env_err(code);
}

static bool is_event(const struct record *record)
{
    return record->flags & RECORD_SUBSCRIPTION;
}

int row_writer_append(struct row_writer *writer, uint32_t hub, struct row_bounds *bounds,
                      const struct record *record)
{
    struct log_key log_key;
    uint64_t number = ++bounds->newest;
    MDB_val key = make_log_key(&log_key, hub, number);
    MDB_val value = {record->bytes.len, (void *)(uintptr_t)record->bytes.ptr};
    int err = put_last(writer->cursor, &key, &value);
    if (err)
        return err;
    struct id_key id_key;
    make_id_key(&id_key, hub, record->id);
    key = number_id_key(&id_key, number);
    value = (MDB_val){0, id_key.bytes};
    err = env_err(mdb_cursor_put(writer->cursor, &key, &value, 0));
    if (err || !is_event(record))
        return err;
    bounds->others++;
    return event_rows_add(writer, hub, number, record->time_ms);
}

static int drop_id(struct row_writer *writer, uint32_t hub, uint64_t number, struct str id)
{
    struct id_key id_key;
    make_id_key(&id_key, hub, id);
    MDB_val key = number_id_key(&id_key, number);
    int code = mdb_del(writer->txn, writer->env->rows, &key, NULL);
    return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
}

// Deletes a record and all that is kept for it.
static int delete_record(struct row_writer *writer, uint32_t hub, uint64_t number, bool *ret_was_event)
{
    struct log_key log_key;
    MDB_val key = make_log_key(&log_key, hub, number);
    MDB_val value;
    struct record record;
    int err = env_err(mdb_get(writer->txn, writer->env->rows, &key, &value));
    if (err)
        return err;
    *ret_was_event = false;
    // If its id is not known any more, the row of that finds nothing.
    if (parse_record(&value, &record) == HUB_OK) {
        *ret_was_event = is_event(&record);
        err = drop_id(writer, hub, number, record.id);
    }
    if (!err && *ret_was_event)
        err = event_rows_delete(writer, hub, number);
    return err ? err : env_err(mdb_del(writer->txn, writer->env->rows, &key, NULL));
}

int row_writer_drop(struct row_writer *writer, uint32_t hub, struct row_bounds *bounds)
{
    uint64_t number;
    bool was_event;
    int err = rows_next(writer->txn, writer->env, hub, bounds->oldest, &number);
    if (!err && (number == 0 || number - bounds->oldest > bounds->others))
        err = HUB_E_CORRUPT;
    if (!err)
        err = delete_record(writer, hub, number, &was_event);
    if (err)
        return err == HUB_E_NOT_FOUND ? HUB_E_CORRUPT : err;
    bounds->others -= number - bounds->oldest; // the holes before it
    if (was_event && bounds->others)
        bounds->others--;
    bounds->oldest = number + 1;
    return HUB_OK;
}

int row_writer_expire(struct row_writer *writer, uint32_t hub, uint64_t before_ms, uint64_t *max,
                      uint64_t *ret_left_ms)
{
    for (uint64_t number = 0;;) {
        uint64_t time_ms = 0;
        int err = event_rows_next(writer->txn, writer->env, hub, number, &number, &time_ms);
        if (err)
            return err;
        *ret_left_ms = number ? time_ms : 0;
        if (number == 0 || time_ms >= before_ms || *max == 0)
            return HUB_OK;
        bool was_event;
        err = delete_record(writer, hub, number, &was_event);
        if (!err && !was_event)
            err = event_rows_delete(writer, hub, number);
        if (err)
            return err == HUB_E_NOT_FOUND ? HUB_E_CORRUPT : err;
        --*max;
    }
}

// ---- Reading ----

int rows_get(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t number, struct record *ret_record)
{
    struct log_key log_key;
    MDB_val key = make_log_key(&log_key, hub, number);
    MDB_val value;
    int err = env_err(mdb_get(txn, env->rows, &key, &value));
    return err ? err : parse_record(&value, ret_record);
}

// The next number in the rows of this id, or 0 behind the last.
static int next_number(MDB_cursor *cursor, const struct id_key *id_key, MDB_val *key, MDB_cursor_op op,
                       uint64_t *ret_number)
{
    *ret_number = 0;
    MDB_val value;
    int code = mdb_cursor_get(cursor, key, &value, op);
    if (code)
        return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
    if (key->mv_size == id_key->len + NUMBER_SIZE && memcmp(key->mv_data, id_key->bytes, id_key->len) == 0)
        *ret_number = read_number((const char *)key->mv_data + id_key->len);
    return HUB_OK;
}

static int find_with(MDB_cursor *cursor, MDB_txn *txn, const struct env *env, uint32_t hub, struct str id,
                     uint64_t *ret_number)
{
    struct id_key id_key;
    make_id_key(&id_key, hub, id);
    MDB_val key = number_id_key(&id_key, 0);
    int err = next_number(cursor, &id_key, &key, MDB_SET_RANGE, ret_number);
    while (!err && *ret_number) {
        struct record record;
        err = rows_get(txn, env, hub, *ret_number, &record);
        if (err ? err != HUB_E_NOT_FOUND : str_eq(record.id, id))
            break;
        err = next_number(cursor, &id_key, &key, MDB_NEXT, ret_number);
    }
    return err;
}

int rows_find(MDB_txn *txn, const struct env *env, uint32_t hub, struct str id, uint64_t *ret_number)
{
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    err = find_with(cursor, txn, env, hub, id, ret_number);
    mdb_cursor_close(cursor);
    return err;
}

static int read_with(MDB_cursor *cursor, uint32_t hub, uint64_t after, struct slice_builder *builder,
                     bool *ret_end)
{
    struct log_key wanted;
    MDB_val key = make_log_key(&wanted, hub, after + 1);
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    uint64_t number;
    while (code == 0 && read_log_key(&key, hub, &number)) {
        struct position position = position_from_number(number);
        int err = slice_add(builder, &position, str_make(value.mv_data, value.mv_size));
        if (err) {
            *ret_end = false;
            return err == HUB_E_FULL ? HUB_OK : err;
        }
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    *ret_end = true;
    return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
}

int rows_read(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
              struct slice_builder *builder, bool *ret_end)
{
    *ret_end = true;
    if (after == UINT64_MAX)
        return HUB_OK;
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    err = read_with(cursor, hub, after, builder, ret_end);
    mdb_cursor_close(cursor);
    return err;
}

int rows_read_events(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
                     struct slice_builder *builder, bool *ret_end)
{
    *ret_end = false;
    for (;;) {
        uint64_t time_ms;
        struct record record;
        int err = event_rows_next(txn, env, hub, after, &after, &time_ms);
        if (!err && after == 0) {
            *ret_end = true;
            return HUB_OK;
        }
        if (!err)
            err = rows_get(txn, env, hub, after, &record);
        struct position position = position_from_number(after);
        if (!err)
            err = slice_add(builder, &position, record.bytes);
        if (err)
            return err == HUB_E_FULL ? HUB_OK : err;
    }
}

int rows_back(MDB_txn *txn, const struct env *env, uint32_t hub, size_t max_bytes, uint64_t *ret_after)
{
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    uint64_t number = 0;
    err = seek_newest(cursor, hub, &number);
    *ret_after = number;
    MDB_val key, value;
    int code = err ? MDB_NOTFOUND : mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
    while (code == 0 && read_log_key(&key, hub, &number)) {
        size_t memory = slice_entry_memory(value.mv_size);
        if (memory > max_bytes)
            break;
        max_bytes -= memory;
        *ret_after = number - 1;
        code = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
    }
    mdb_cursor_close(cursor);
    if (err && err != HUB_E_NOT_FOUND)
        return err;
    return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
}
