#include "transport/bolt/import.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uuid.h"
#include "bbolt/walk.h"
#include "mercure/update.h"
#include "transport/bolt/env.h"
#include "transport/bolt/go_file.h"
#include "transport/bolt/go_record.h"
#include "transport/bolt/rows.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

// One transaction: what it holds in memory is bounded by this, or by a single update that is larger.
#define BATCH_BYTES ((size_t)4 << 20)
#define BATCH_COUNT 4096U
#define NOTE_EVERY_MS 5000U
#define NOTE_MAX 1024U

// What the first reading finds out.
struct survey {
    uint64_t count;
    uint64_t first_time_ms; // of the first id that carries a time; 0 when none does
};

// Records that were left out for one reason.
struct left_out {
    uint64_t count;
    uint64_t first; // sequence number of the first
};

struct importer {
    const struct import_order *order;
    const struct go_file *file;
    const char *path;
    struct env *env;
    struct buf *reterr;
    struct go_reader reader;
    struct row_writer writer;
    bool is_writing;
    size_t batch_count;
    size_t batch_bytes;
    uint64_t wanted; // records to look at
    uint64_t seen;   // of them
    struct row_bounds bounds;
    uint64_t time_ms; // of the newest
    uint64_t now_ms;
    uint64_t next_note_ms;
    struct left_out left_out[GO_RECORD_FAULT_COUNT];
};

// Frees the text.
static void note(const struct importer *importer, bool is_warning, struct buf *text)
{
    if (buf_c(text))
        importer->order->note(importer->order->arg, is_warning, buf_c(text));
    buf_done(text);
}

static int check_cancelled(const struct importer *importer)
{
    if (!atomic_load_explicit(importer->order->cancelled, memory_order_relaxed))
        return HUB_OK;
    buf_printf(importer->reterr, "the import of %s was stopped, and begins anew at the next start",
               importer->path);
    return HUB_E_CLOSED;
}

static uint64_t sequence_of(struct str key)
{
    uint64_t sequence = 0;
    if (key.len >= sizeof(sequence))
        memcpy(&sequence, key.ptr, sizeof(sequence));
    return be64toh(sequence);
}

// ---- Walking ----

static int find_bucket(const struct importer *importer, const struct bbolt_file *file,
                       struct bbolt_walk *walk)
{
    const struct import_order *order = importer->order;
    struct buf reason;
    buf_init(&reason, NOTE_MAX);
    int err = bbolt_walk_bucket(walk, file, order->bucket, &reason);
    if (err == HUB_E_NOT_FOUND)
        buf_printf(importer->reterr,
                   "%s has no bucket \"%.*s\", but %.*s: name the one with the history with bucket_name in "
                   "transport_url",
                   importer->path, STR_ARG(order->bucket), STR_ARG(buf_str(&reason)));
    else if (err && reason.len)
        buf_printf(importer->reterr, "%s %.*s", importer->path, STR_ARG(buf_str(&reason)));
    buf_done(&reason);
    return err;
}

static int next_item(const struct importer *importer, struct bbolt_walk *walk, struct bbolt_item *ret_item)
{
    struct buf reason;
    buf_init(&reason, NOTE_MAX);
    int err = bbolt_walk_next(walk, ret_item, &reason);
    if (reason.len)
        buf_printf(importer->reterr, "%s %.*s", importer->path, STR_ARG(buf_str(&reason)));
    buf_done(&reason);
    return err;
}

typedef int take_item_fn(struct importer *importer, void *arg, const struct bbolt_item *item);

static int take_all(struct importer *importer, struct bbolt_walk *walk, take_item_fn *take, void *arg)
{
    int err = HUB_OK;
    for (unsigned turn = 0; !err; turn++) {
        struct bbolt_item item;
        err = turn % BATCH_COUNT ? HUB_OK : check_cancelled(importer);
        if (!err)
            err = next_item(importer, walk, &item);
        if (!err)
            err = take(importer, arg, &item);
    }
    return err == HUB_E_NOT_FOUND ? HUB_OK : err;
}

static int walk_all(struct importer *importer, take_item_fn *take, void *arg)
{
    struct bbolt_file file;
    struct buf reason;
    buf_init(&reason, NOTE_MAX);
    int err = bbolt_open(&file, &importer->file->source, &reason);
    if (reason.len)
        buf_printf(importer->reterr, "%s %.*s", importer->path, STR_ARG(buf_str(&reason)));
    buf_done(&reason);
    if (err)
        return err;
    struct bbolt_walk walk;
    err = find_bucket(importer, &file, &walk);
    if (!err)
        err = take_all(importer, &walk, take, arg);
    bbolt_walk_done(&walk);
    return err;
}

// ---- The first reading ----

static int survey_item(struct importer *importer, void *arg, const struct bbolt_item *item)
{
    (void)importer;
    struct survey *survey = arg;
    survey->count++;
    struct str id = str_slice(item->key, GO_KEY_HEAD, item->key.len);
    uint64_t time_ms;
    if (survey->first_time_ms == 0 && uuid_urn_time(id, &time_ms))
        survey->first_time_ms = time_ms;
    return HUB_OK;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// ---- Storing ----

// LMDB says EIO when the disk took only a part of what it wrote, which is how most full disks show.
static int explain_store(const struct importer *importer, int err)
{
    int fd;
    struct statvfs disk;
    if (err == -EIO && mdb_env_get_fd(importer->env->mdb, &fd) == 0 && fstatvfs(fd, &disk) == 0 &&
        disk.f_bavail < BATCH_BYTES / disk.f_frsize)
        err = -ENOSPC;
    buf_printf(importer->reterr, "the updates of %s cannot be stored: %s", importer->path, err_text(err));
    return err;
}

static int end_batch(struct importer *importer)
{
    uint64_t transaction;
    importer->batch_count = importer->batch_bytes = 0;
    importer->is_writing = false;
    return row_writer_commit(&importer->writer, &transaction);
}

static int store(struct importer *importer, const struct update *update)
{
    int err = HUB_OK;
    if (!importer->is_writing) {
        err = row_writer_begin(&importer->writer, importer->env);
        importer->is_writing = !err;
    }
    if (!err)
        err = row_writer_append(&importer->writer, importer->order->hub, &importer->bounds, &update->record);
    if (err)
        return err;
    importer->batch_count++;
    importer->batch_bytes += update->record.bytes.len;
    if (importer->batch_count < BATCH_COUNT && importer->batch_bytes < BATCH_BYTES)
        return HUB_OK;
    return end_batch(importer);
}

static void leave_out(struct importer *importer, enum go_record_fault fault, struct str key)
{
    struct left_out *left_out = &importer->left_out[fault];
    if (left_out->count++ == 0)
        left_out->first = sequence_of(key);
}

// Times never go back, and are never of the future. An id without a time has that of the update before it.
static void advance_time(struct importer *importer, struct str key)
{
    uint64_t time_ms;
    if (!uuid_urn_time(str_slice(key, GO_KEY_HEAD, key.len), &time_ms))
        return;
    time_ms = min_u64(time_ms, importer->now_ms);
    if (time_ms > importer->time_ms)
        importer->time_ms = time_ms;
}

static int convert(struct importer *importer, const struct bbolt_item *item)
{
    enum go_record_fault fault = GO_RECORD_FAULT_KEY;
    struct update *update = NULL;
    int err = HUB_E_INVALID;
    if (!item->is_bucket) {
        advance_time(importer, item->key);
        err = go_reader_update(&importer->reader, item->key, item->value, importer->time_ms, &update, &fault);
    }
    if (err == HUB_E_INVALID) {
        leave_out(importer, fault, item->key);
        return HUB_OK;
    }
    if (err)
        return err;
    err = store(importer, update);
    ref_put(&update->ref);
    return err ? explain_store(importer, err) : HUB_OK;
}

static void note_progress(struct importer *importer)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < importer->next_note_ms)
        return;
    importer->next_note_ms = now_ms + NOTE_EVERY_MS;
    struct buf text;
    buf_init(&text, NOTE_MAX);
    buf_printf(&text, "%" PRIu64 " of %" PRIu64 " updates of %s have been read", importer->seen,
               importer->wanted, importer->path);
    note(importer, false, &text);
}

static int import_item(struct importer *importer, void *arg, const struct bbolt_item *item)
{
    uint64_t *passed_over = arg;
    if (*passed_over > 0) {
        --*passed_over;
        return HUB_OK;
    }
    importer->seen++;
    if (importer->seen % 256 == 0)
        note_progress(importer);
    return convert(importer, item);
}

// ---- What is said ----

static void note_start(const struct importer *importer, uint64_t count)
{
    struct buf text;
    buf_init(&text, NOTE_MAX);
    buf_printf(&text, "the history of a Go hub, %s, is imported: ", importer->path);
    if (importer->wanted < count)
        buf_printf(&text, "the newest %" PRIu64 " of ", importer->wanted);
    buf_printf(&text, "%" PRIu64 " updates", count);
    note(importer, false, &text);
}

static void note_left_out(const struct importer *importer, enum go_record_fault fault)
{
    const struct left_out *left_out = &importer->left_out[fault];
    if (left_out->count == 0)
        return;
    struct buf text;
    buf_init(&text, NOTE_MAX);
    buf_printf(&text,
               "%" PRIu64 " of the updates of %s were not imported, the first of them number %" PRIu64 ": %s",
               left_out->count, importer->path, left_out->first, go_record_fault_text(fault));
    note(importer, true, &text);
}

static void note_end(const struct importer *importer)
{
    for (unsigned fault = 0; fault < GO_RECORD_FAULT_COUNT; fault++)
        note_left_out(importer, fault);
    struct buf text;
    buf_init(&text, NOTE_MAX);
    buf_printf(&text,
               "%" PRIu64 " updates of %s have been imported; that file is as it was, and not used any more",
               importer->bounds.newest, importer->path);
    note(importer, false, &text);
}

// ---- The import ----

static int store_all(struct importer *importer, uint64_t passed_over)
{
    int err = walk_all(importer, import_item, &passed_over);
    if (!err && importer->is_writing) {
        err = end_batch(importer);
        if (err)
            err = explain_store(importer, err);
    }
    if (importer->is_writing)
        row_writer_abort(&importer->writer);
    return err;
}

static int run(struct importer *importer)
{
    struct survey survey = {0};
    int err = walk_all(importer, survey_item, &survey);
    if (err)
        return err;
    uint64_t size = importer->order->size;
    importer->wanted = size ? min_u64(size, survey.count) : survey.count;
    // Where no id carries a time, all that is known is when the file was changed last.
    importer->time_ms =
        min_u64(survey.first_time_ms ? survey.first_time_ms : importer->file->mtime_ms, importer->now_ms);
    importer->next_note_ms = clock_mono_ms() + NOTE_EVERY_MS;
    note_start(importer, survey.count);
    err = store_all(importer, survey.count - importer->wanted);
    if (!err)
        note_end(importer);
    return err;
}

int import_run(const struct import_order *order, const struct go_file *file, const char *path,
               struct env *env, struct buf *reterr)
{
    struct importer importer = {.order = order,
                                .file = file,
                                .path = path,
                                .env = env,
                                .reterr = reterr,
                                .bounds.oldest = 1,
                                .now_ms = clock_real_ms()};
    int err = go_reader_init(&importer.reader);
    if (!err)
        err = run(&importer);
    go_reader_done(&importer.reader);
    return err;
}
