#include "hub/key_source.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "fetch/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FETCH_TIMEOUT_MS 10000U
#define LOOK_MS 1000U
#define REASON_MAX 1024U

int key_source_init(struct key_source *source, struct str url, unsigned number,
                    const struct key_source_owner *owner)
{
    *source = (struct key_source){.url = url, .number = number, .owner = owner, .was_good = true};
    if (str_starts_with(url, STR("https://")) || str_starts_with(url, STR("http://")))
        return HUB_OK;
    struct buf path;
    buf_init(&path, url.len + 1);
    int err = key_file_path(url, &path);
    if (!err && !buf_c(&path))
        err = -ENOMEM;
    if (!err)
        source->path = buf_take(&path);
    buf_done(&path);
    return err;
}

void key_source_done(struct key_source *source)
{
    free(source->path);
    free(source->document);
}

// ---- A document, or none ----

static bool is_same(const struct key_source *source, struct str document)
{
    return source->document && str_eq(str_make(source->document, source->document_len), document);
}

static int keep(struct key_source *source, struct str document, struct buf *reterr)
{
    char *copy = str_dup_c(document);
    if (!copy)
        return -ENOMEM;
    int err = source->owner->offer(source->owner->arg, source, document, reterr);
    if (err) {
        free(copy);
        return err;
    }
    free(source->document);
    source->document = copy;
    source->document_len = document.len;
    return HUB_OK;
}

static void log_failure(struct key_source *source, struct str reason)
{
    enum log_level level = source->was_good ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG;
    source->was_good = false;
    LOG(level,
        source->document ? "Keys cannot be renewed: those of the last good set stay in use"
                         : "Keys cannot be had: tokens that need them are not accepted",
        LOG_STR("url", source->url), LOG_STR("reason", reason));
}

// `problem` is NULL if there is a document. Whether it is good.
static bool take_document(struct key_source *source, const char *problem, struct str document)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    int err = problem ? HUB_E_INVALID : HUB_OK;
    bool same = !err && is_same(source, document);
    if (!err && !same)
        err = keep(source, document, &reason);
    if (problem)
        buf_append_str(&reason, str_from_c(problem));
    else if (err && reason.len == 0)
        buf_append_str(&reason, str_from_c(err_text(err)));
    if (err)
        log_failure(source, buf_str(&reason));
    else if (!same || !source->was_good)
        LOG(LOG_LEVEL_INFO, "Keys are in use", LOG_STR("url", source->url));
    if (!err)
        source->was_good = true;
    buf_done(&reason);
    return !err;
}

// ---- Files ----

static const char *file_problem(int err)
{
    if (err == HUB_E_INVALID)
        return "it is not a regular file";
    return err == HUB_E_TOO_BIG ? "the file is larger than 256 KiB" : err_text(err);
}

static bool read_file(struct key_source *source)
{
    struct buf text;
    buf_init(&text, KEY_DOCUMENT_MAX);
    int err = key_file_read(source->path, &source->stamp, &text);
    bool good = take_document(source, err ? file_problem(err) : NULL, buf_str(&text));
    buf_done(&text);
    source->owner->ended(source->owner->arg, source, good);
    return good;
}

int key_source_read(struct key_source *source)
{
    return read_file(source) ? HUB_OK : HUB_E_INVALID;
}

static void look(struct key_source *source)
{
    if (key_file_has_changed(source->path, &source->stamp))
        (void)read_file(source);
    timer_set(source->loop, &source->timer, loop_now_ms(source->loop) + LOOK_MS);
}

// ---- URLs ----

static void set_timer(struct key_source *source)
{
    if (source->schedule.due_ms != UINT64_MAX)
        timer_set(source->loop, &source->timer, source->schedule.due_ms);
}

static void end_fetch(struct key_source *source, bool good)
{
    uint64_t dice;
    random_bytes(&dice, sizeof(dice));
    key_schedule_end(&source->schedule, loop_now_ms(source->loop), good, dice);
    set_timer(source);
    source->owner->ended(source->owner->arg, source, good);
}

static void fetched(void *arg, const struct fetch_result *result)
{
    struct key_source *source = arg;
    source->fetch = NULL;
    end_fetch(source, take_document(source, result->reason, result->body));
}

static void fetch(struct key_source *source)
{
    const struct fetch_config config = {
        .url = source->url.ptr,
        .accept = "application/jwk-set+json, application/json",
        .timeout_ms = FETCH_TIMEOUT_MS,
        .max_bytes = KEY_DOCUMENT_MAX,
    };
    timer_cancel(&source->timer);
    key_schedule_begin(&source->schedule, loop_now_ms(source->loop));
    int err = fetch_begin(&source->fetch, source->fetcher, &config, fetched, source);
    if (err)
        end_fetch(source, take_document(source, err_text(err), str_make(NULL, 0)));
}

// ---- Both ----

static void timer_due(struct timer *timer)
{
    struct key_source *source = CONTAINER_OF(timer, struct key_source, timer);
    if (source->path)
        look(source);
    else
        fetch(source);
}

void key_source_start(struct key_source *source, struct loop *loop, struct fetcher *fetcher,
                      uint64_t refresh_ms)
{
    source->loop = loop;
    source->fetcher = fetcher;
    timer_init(&source->timer, timer_due);
    key_schedule_init(&source->schedule, refresh_ms, loop_now_ms(loop));
    if (source->path)
        look(source);
    else
        fetch(source);
}

void key_source_stop(struct key_source *source)
{
    if (!source->loop)
        return;
    timer_cancel(&source->timer);
    if (source->fetch)
        fetch_cancel(source->fetch);
    source->fetch = NULL;
}

bool key_source_ask(struct key_source *source, uint64_t *ret_again_ms)
{
    uint64_t now_ms = loop_now_ms(source->loop);
    *ret_again_ms = now_ms + LOOK_MS;
    if (source->path) {
        look(source);
        return false;
    }
    if (!source->fetch && key_schedule_may_ask(&source->schedule, now_ms))
        fetch(source);
    *ret_again_ms = source->schedule.may_ask_ms;
    return source->fetch;
}
