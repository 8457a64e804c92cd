// From a configuration to a hub that takes publishes: the transport is opened, the tails are filled from its
// history, and the subscriptions of the last run are looked for.
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/sequencer_priv.h"

#define NOTES_MAX 4096U

// Checks the URL, and logs what is to be known of it though it is good.
static int check_url(const struct transport_ops *ops, struct str url, struct buf *reterr)
{
    struct buf notes;
    buf_init(&notes, NOTES_MAX);
    int err = ops->check(url, &notes, reterr);
    struct str left = buf_str(&notes);
    struct str note;
    while (!err && str_split(&left, '\n', &note)) {
        if (note.len)
            LOG(LOG_LEVEL_WARN, "The transport's URL", LOG_STR("note", note));
    }
    buf_done(&notes);
    return err;
}

int sequencer_open(struct sequencer *sequencer, const struct transport_ops *driver, struct buf *reterr)
{
    const struct hub *hub = sequencer->config.hub;
    sequencer->ops = driver;
    int err = check_url(driver, hub->conf->transport_url, reterr);
    if (err)
        return err;
    struct transport_config config = {
        .loop = sequencer->config.loop,
        .hub = hub->number,
        .url = hub->conf->transport_url,
        .event_ttl_ms = hub->conf->subscription_event_ttl_ms,
        .events = &sequencer_transport_events,
        .arg = sequencer,
    };
    return driver->open(&sequencer->transport, &config, reterr);
}

static void fail_open(struct sequencer *sequencer, int err, const char *reason)
{
    sequencer->not_open = "the transport could not be opened";
    sequencer->config.opened(sequencer->config.arg, err, reason);
}

static void finish_open(struct sequencer *sequencer)
{
    const struct tail_budget *tail = &sequencer->broadcast.tail;
    LOG(LOG_LEVEL_INFO, "The newest updates of the history are in memory",
        LOG_U64("updates", tail->next - tail->first), LOG_U64("bytes", tail->bytes));
    sequencer->open = sequencer->sends = sequencer->is_ready = true;
    sequencer->lookups.transport = sequencer->transport;
    sequencer_update_pause(sequencer);
    sequencer->config.opened(sequencer->config.arg, HUB_OK, "");
}

static void close_ghosts(struct sequencer *sequencer)
{
    size_t count = ghosts_close(&sequencer->ghosts, &sequencer->presence);
    if (count)
        LOG(LOG_LEVEL_INFO, "The ends of subscriptions of the last run are announced",
            LOG_U64("subscriptions", count));
}

static void ghosts_found(struct ghosts *ghosts, int err)
{
    struct sequencer *sequencer = CONTAINER_OF(ghosts, struct sequencer, ghosts);
    if (!err && sequencer->closing)
        err = HUB_E_CLOSED;
    if (err) {
        ghosts_done(ghosts);
        fail_open(sequencer, err, err_text(err));
        return;
    }
    finish_open(sequencer);
    close_ghosts(sequencer);
}

static void tails_filled(struct tail_fill *fill, int err)
{
    struct sequencer *sequencer = CONTAINER_OF(fill, struct sequencer, fill);
    sequencer_batch_posted(sequencer);
    if (sequencer->has_presence && sequencer->broadcast.newest)
        presence_note_newest(&sequencer->presence, sequencer->broadcast.newest);
    if (!err && sequencer->has_presence)
        err = ghosts_find(&sequencer->ghosts, sequencer->transport, ghosts_found);
    if (err)
        fail_open(sequencer, err, err_text(err));
    else if (!sequencer->has_presence)
        finish_open(sequencer);
}

void sequencer_opening_note(void *arg, bool is_warning, const char *text)
{
    (void)arg;
    LOG(is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "The transport is being opened", LOG_C("note", text));
}

void sequencer_opened(void *arg, int err, const char *text, uint64_t epoch)
{
    struct sequencer *sequencer = arg;
    if (err || sequencer->closing) {
        fail_open(sequencer, err ? err : HUB_E_CLOSED, text);
        return;
    }
    LOG(LOG_LEVEL_INFO, "The transport is open", LOG_STR("note", *text ? str_from_c(text) : (struct str){0}),
        LOG_U64("epoch", epoch));
    if (sequencer->ops->has_history) {
        sequencer->ops->pause(sequencer->transport, true);
        err = tail_fill_start(&sequencer->fill, &sequencer->broadcast, sequencer->transport,
                              sequencer->config.hub->conf->tail_max_bytes / 2, tails_filled);
    } else {
        err = broadcast_start(&sequencer->broadcast, &(struct position){0});
    }
    if (err)
        fail_open(sequencer, err, err_text(err));
    else if (!sequencer->ops->has_history)
        finish_open(sequencer);
}
