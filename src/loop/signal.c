#include "loop/signal.h"

#include "loop/loop.h"

static void arrived(uv_signal_t *uv, int signal)
{
    (void)signal;
    struct signal_watch *watch = CONTAINER_OF(uv, struct signal_watch, _uv);
    watch->fn(watch);
}

int signal_watch_open(struct signal_watch *watch, struct loop *loop, int signal, signal_fn *fn)
{
    watch->fn = fn;
    int err = uv_signal_init(&loop->uv, &watch->_uv);
    if (err)
        return err;
    err = uv_signal_start(&watch->_uv, arrived, signal);
    if (err)
        uv_close((uv_handle_t *)&watch->_uv, NULL);
    return err;
}

void signal_watch_close(struct signal_watch *watch)
{
    uv_close((uv_handle_t *)&watch->_uv, NULL);
}
