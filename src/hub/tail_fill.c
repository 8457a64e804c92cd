#include "hub/tail_fill.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hub/broadcast.h"

#define PROGRESS_MS 1000U

static int hand_on(struct tail_fill *fill, const struct history_slice *slice)
{
    int err = fill->_started ? HUB_OK : broadcast_start(fill->_broadcast, &slice->after);
    if (err)
        return err;
    fill->_started = true;
    return broadcast_slice(fill->_broadcast, slice);
}

static int read_next(struct tail_fill *fill)
{
    fill->_request.from = REPLAY_AFTER;
    fill->_request.after = fill->_broadcast->head;
    return fill->_transport->ops->replay(fill->_transport, &fill->_request);
}

// A large tail takes a while, and nobody is served meanwhile.
static void log_progress(struct tail_fill *fill)
{
    uint64_t now_ms = clock_mono_ms();
    if (fill->_logged_ms && now_ms - fill->_logged_ms < PROGRESS_MS)
        return;
    fill->_logged_ms = now_ms;
    const struct tail_budget *tail = &fill->_broadcast->tail;
    LOG(LOG_LEVEL_INFO, "Reading the newest updates of the history",
        LOG_U64("updates", tail->next - tail->first), LOG_U64("bytes", tail->bytes));
}

static void slice_read(struct replay_request *request)
{
    struct tail_fill *fill = CONTAINER_OF(request, struct tail_fill, _request);
    struct history_slice *slice = request->slice;
    int err = fill->_cancelled ? HUB_E_CLOSED : request->err;
    if (!err)
        err = hand_on(fill, slice);
    bool end = err || slice->end;
    if (slice)
        ref_put(&slice->ref);
    if (!end) {
        log_progress(fill);
        err = read_next(fill);
        end = err != HUB_OK;
    }
    if (end)
        fill->_done(fill, err);
}

int tail_fill_start(struct tail_fill *fill, struct broadcast *broadcast, struct transport *transport,
                    size_t max_bytes, void (*done)(struct tail_fill *fill, int err))
{
    *fill = (struct tail_fill){
        ._request = {.from = REPLAY_NEWEST, .max_bytes = max_bytes, .done = slice_read},
        ._broadcast = broadcast,
        ._transport = transport,
        ._done = done,
    };
    return transport->ops->replay(transport, &fill->_request);
}

void tail_fill_cancel(struct tail_fill *fill)
{
    fill->_cancelled = true;
}
