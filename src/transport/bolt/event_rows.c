#include "transport/bolt/event_rows.h"

#include "base/err.h"
#include "transport/bolt/env.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define EVENT_HEAD 6U // ENV_META and the word
#define EVENT_KEY_SIZE (EVENT_HEAD + sizeof(uint32_t) + sizeof(uint64_t))
#define BOUNDS_HEAD 7U
#define BOUNDS_KEY_SIZE (BOUNDS_HEAD + sizeof(uint32_t))
#define BOUNDS_COUNT 3U

struct event_key {
    char bytes[EVENT_KEY_SIZE];
};

struct bounds_key {
    char bytes[BOUNDS_KEY_SIZE];
};

static void write_head(char *to, const char *word, size_t size, uint32_t hub)
{
    to[0] = ENV_META;
    memcpy(to + 1, word, size - 1);
    hub = htobe32(hub);
    memcpy(to + size, &hub, sizeof(hub));
}

static MDB_val make_event_key(struct event_key *key, uint32_t hub, uint64_t number)
{
    write_head(key->bytes, "event", EVENT_HEAD, hub);
    number = htobe64(number);
    memcpy(key->bytes + EVENT_HEAD + sizeof(hub), &number, sizeof(number));
    return (MDB_val){sizeof(key->bytes), key->bytes};
}

static MDB_val make_bounds_key(struct bounds_key *key, uint32_t hub)
{
    write_head(key->bytes, "bounds", BOUNDS_HEAD, hub);
    return (MDB_val){sizeof(key->bytes), key->bytes};
}

int event_rows_add(const struct row_writer *writer, uint32_t hub, uint64_t number, uint64_t time_ms)
{
    struct event_key event_key;
    MDB_val key = make_event_key(&event_key, hub, number);
    uint64_t time = htobe64(time_ms);
    MDB_val value = {sizeof(time), &time};
    return env_err(mdb_put(writer->txn, writer->env->rows, &key, &value, 0));
}

int event_rows_delete(const struct row_writer *writer, uint32_t hub, uint64_t number)
{
    struct event_key event_key;
    MDB_val key = make_event_key(&event_key, hub, number);
    return env_err(mdb_del(writer->txn, writer->env->rows, &key, NULL));
}

// False for a row of another kind or hub.
static bool read_event(const MDB_val *key, const MDB_val *value, uint32_t hub, uint64_t *ret_number,
                       uint64_t *ret_time_ms)
{
    struct event_key head;
    (void)make_event_key(&head, hub, 0);
    size_t head_size = EVENT_KEY_SIZE - sizeof(uint64_t);
    if (key->mv_size != EVENT_KEY_SIZE || value->mv_size != sizeof(uint64_t) ||
        memcmp(key->mv_data, head.bytes, head_size) != 0)
        return false;
    uint64_t number;
    uint64_t time;
    memcpy(&number, (const char *)key->mv_data + head_size, sizeof(number));
    memcpy(&time, value->mv_data, sizeof(time));
    *ret_number = be64toh(number);
    *ret_time_ms = be64toh(time);
    return true;
}

int event_rows_next(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after, uint64_t *ret_number,
                    uint64_t *ret_time_ms)
{
    *ret_number = 0;
    if (after == UINT64_MAX)
        return HUB_OK;
    MDB_cursor *cursor;
    int err = env_err(mdb_cursor_open(txn, env->rows, &cursor));
    if (err)
        return err;
    struct event_key event_key;
    MDB_val key = make_event_key(&event_key, hub, after + 1);
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code == 0 && !read_event(&key, &value, hub, ret_number, ret_time_ms))
        *ret_number = 0;
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
}

int event_rows_load_bounds(MDB_txn *txn, const struct env *env, uint32_t hub, struct row_bounds *bounds)
{
    struct bounds_key bounds_key;
    MDB_val key = make_bounds_key(&bounds_key, hub);
    MDB_val value;
    int code = mdb_get(txn, env->rows, &key, &value);
    if (code)
        return code == MDB_NOTFOUND ? HUB_OK : env_err(code);
    uint64_t numbers[BOUNDS_COUNT];
    if (value.mv_size != sizeof(numbers))
        return HUB_E_CORRUPT;
    memcpy(numbers, value.mv_data, sizeof(numbers));
    *bounds = (struct row_bounds){
        .oldest = be64toh(numbers[0]), .newest = be64toh(numbers[1]), .others = be64toh(numbers[2])};
    return HUB_OK;
}

int event_rows_store_bounds(const struct row_writer *writer, uint32_t hub, const struct row_bounds *bounds)
{
    struct bounds_key bounds_key;
    MDB_val key = make_bounds_key(&bounds_key, hub);
    uint64_t numbers[BOUNDS_COUNT] = {htobe64(bounds->oldest), htobe64(bounds->newest),
                                      htobe64(bounds->others)};
    MDB_val value = {sizeof(numbers), numbers};
    return env_err(mdb_put(writer->txn, writer->env->rows, &key, &value, 0));
}
