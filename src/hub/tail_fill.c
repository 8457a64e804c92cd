#include "hub/tail_fill.h"

#include "base/err.h"
#include "hub/broadcast.h"

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
