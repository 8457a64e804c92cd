#include "loop/work.h"

#include "base/assert.h"
#include "loop/loop.h"

#include <sys/resource.h>

// The weight of a thread at this is about a tenth of what it is at 0.
#define NICENESS 10

// Linux keeps a niceness for each thread. The pool's own threads run nothing else that anybody waits for but
// look-ups of names.
static void step_back(void)
{
    static _Thread_local bool done;
    if (!done)
        (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    done = true;
}

static void run_work(uv_work_t *uv)
{
    struct work *work = CONTAINER_OF(uv, struct work, _uv);
    step_back();
    work->run(work);
}

static void work_ended(uv_work_t *uv, int status)
{
    struct work *work = CONTAINER_OF(uv, struct work, _uv);
    work->_loop->_work_open--;
    work->done(work, status == UV_ECANCELED);
}

void work_post(struct loop *loop, struct work *work)
{
    work->_loop = loop;
    loop->_work_open++;
    int err = uv_queue_work(&loop->uv, &work->_uv, run_work, work_ended);
    HUB_ASSERT(err == 0); // it only fails without a function to run
}

bool work_cancel(struct work *work)
{
    return uv_cancel((uv_req_t *)&work->_uv) == 0;
}

void work_finish(struct loop *loop)
{
    while (loop->_work_open)
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
}
