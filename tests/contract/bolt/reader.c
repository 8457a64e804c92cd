#include "contract/bolt/reader.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "contract/probe.h"
#include "loop/loop.h"
#include "transport/bolt/bolt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
    struct loop loop;
    struct transport *transport;
    struct found *found;
    bool done;
    struct replay_request replay;
};

static void on_opened(void *arg, int err, const char *reason, uint64_t epoch)
{
    struct reader *reader = arg;
    reader->done = true;
    reader->found->err = err;
    reader->found->epoch = epoch;
    (void)snprintf(reader->found->reason, sizeof(reader->found->reason), "%s", reason);
}

static void on_note(void *arg, bool is_warning, const char *text)
{
    (void)arg;
    (void)is_warning;
    (void)text;
}

static void on_closed(void *arg)
{
    ((struct reader *)arg)->done = true;
}

static const struct transport_events events = {.opened = on_opened, .note = on_note, .closed = on_closed};

static void on_read(struct replay_request *request)
{
    CONTAINER_OF(request, struct reader, replay)->done = true;
}

static void wait_for(struct reader *reader)
{
    reader->done = false;
    while (!reader->done)
        (void)uv_run(&reader->loop.uv, UV_RUN_ONCE);
}

static bool is_numbered(const struct record *record, size_t *ret_number)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "%.*s", STR_ARG(record->id));
    if (sscanf(id, "urn:update:%zu", ret_number) != 1)
        return false;
    struct update *expected = probe_update_numbered(*ret_number);
    bool is_equal = str_eq(expected->record.bytes, record->bytes);
    ref_put(&expected->ref);
    return is_equal;
}

static bool take(struct found *found, const struct history_slice *slice)
{
    for (size_t i = 0; i < slice->count; i++) {
        size_t number;
        if (!is_numbered(&slice->entries[i].record, &number))
            return false;
        if (found->count == 0)
            found->first = number;
        if (number != found->first + found->count)
            return false;
        found->count++;
    }
    return true;
}

static bool read_all(struct reader *reader)
{
    reader->replay = (struct replay_request){.from = REPLAY_AFTER, .done = on_read};
    for (bool end = false; !end;) {
        if (reader->transport->ops->replay(reader->transport, &reader->replay) != HUB_OK)
            return false;
        wait_for(reader);
        struct history_slice *slice = reader->replay.slice;
        if (reader->replay.err)
            return false;
        bool is_good = take(reader->found, slice);
        end = slice->end;
        if (slice->count)
            reader->replay.after = slice->entries[slice->count - 1].position;
        ref_put(&slice->ref);
        if (!is_good)
            return false;
    }
    return true;
}

static void open_store(struct reader *reader, const char *path)
{
    struct buf url, reason;
    buf_init(&url, 8192);
    buf_init(&reason, sizeof(reader->found->reason));
    buf_printf(&url, "bolt://%s", path);
    struct transport_config config = {
        .loop = &reader->loop, .hub = 1, .url = buf_str(&url), .events = &events, .arg = reader};
    if (loop_init(&reader->loop) != HUB_OK ||
        bolt_transport.open(&reader->transport, &config, &reason) != HUB_OK)
        abort();
    buf_done(&url);
    buf_done(&reason);
    wait_for(reader);
}

static void close_store(struct reader *reader)
{
    bolt_transport.close(reader->transport);
    wait_for(reader);
    loop_done(&reader->loop);
}

void reader_read(struct found *found, const char *path)
{
    *found = (struct found){0};
    struct reader reader = {.found = found};
    open_store(&reader, path);
    found->is_whole = !found->err && read_all(&reader);
    close_store(&reader);
}

// The checkpoint begins with its magic number and the machine's name for the start, and ends with a hash.
void reader_forget_boot(const char *path)
{
    char name[4096], saved[204];
    (void)snprintf(name, sizeof(name), "%s.lmdb-hub", path);
    FILE *file = fopen(name, "r+b");
    if (!file)
        return;
    size_t len = fseek(file, 512, SEEK_SET) ? 0 : fread(saved, 1, sizeof(saved), file);
    if (len == sizeof(saved) && memcmp(saved, "checkpt1", 8) == 0) {
        saved[8] = saved[8] == 'x' ? 'y' : 'x';
        uint32_t hash = hash_stable(str_make(saved, 200));
        memcpy(saved + 200, &hash, sizeof(hash));
        if (fseek(file, 512, SEEK_SET) != 0 || fwrite(saved, 1, sizeof(saved), file) != sizeof(saved))
            abort();
    }
    if (fclose(file) != 0)
        abort();
}

_Noreturn void reader_hold(const char *path)
{
    struct found found = {0};
    struct reader reader = {.found = &found};
    open_store(&reader, path);
    while (found.err == HUB_E_BUSY) {
        close_store(&reader);
        open_store(&reader, path);
    }
    for (;;)
        (void)pause();
}
