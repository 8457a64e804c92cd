#include "base/err.h"
#include "loop/loop.h"
#include "loop/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#define JOBS 40U

struct job {
    struct work work;
    struct scene *scene;
    bool ran;
    bool was_cancelled;
    int niceness;
};

struct scene {
    struct loop loop;
    pthread_t thread;
    pthread_mutex_t gate; // held: the pool's threads wait
    struct job jobs[JOBS];
    size_t begun; // posted
    size_t done;
    size_t out_of_place; // a run on the loop's thread, or a `done` on another
};

static struct job *job_of(struct work *work)
{
    return CONTAINER_OF(work, struct job, work);
}

static void run(struct work *work)
{
    struct job *job = job_of(work);
    if (pthread_equal(pthread_self(), job->scene->thread))
        job->scene->out_of_place++;
    (void)pthread_mutex_lock(&job->scene->gate);
    (void)pthread_mutex_unlock(&job->scene->gate);
    job->niceness = getpriority(PRIO_PROCESS, 0);
    job->ran = true;
}

static void done(struct work *work, bool cancelled)
{
    struct job *job = job_of(work);
    struct scene *scene = job->scene;
    if (!pthread_equal(pthread_self(), scene->thread))
        scene->out_of_place++;
    job->was_cancelled = cancelled;
    if (++scene->done == scene->begun)
        loop_stop(&scene->loop);
}

static void post(struct scene *scene, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        scene->jobs[i] = (struct job){.work = {.run = run, .done = done}, .scene = scene};
        scene->begun++;
        work_post(&scene->loop, &scene->jobs[i].work);
    }
    assert_int_equal(scene->done, 0);
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){.thread = pthread_self()};
    assert_int_equal(pthread_mutex_init(&scene->gate, NULL), 0);
    assert_int_equal(loop_init(&scene->loop), HUB_OK);
}

static void end(struct scene *scene)
{
    assert_int_equal(scene->out_of_place, 0);
    assert_int_equal(scene->done, scene->begun);
    loop_done(&scene->loop);
    (void)pthread_mutex_destroy(&scene->gate);
}

static void work_runs_elsewhere_and_ends_on_the_loop(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    post(&scene, JOBS);
    loop_run(&scene.loop);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(scene.jobs[i].ran);
        assert_false(scene.jobs[i].was_cancelled);
    }
    end(&scene);
}

static void work_has_less_of_the_processor_than_the_loop(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    post(&scene, 1);
    loop_run(&scene.loop);
    int mine = getpriority(PRIO_PROCESS, 0);
    assert_true(scene.jobs[0].niceness > mine || mine >= 10);
    end(&scene);
}

static void cancelled_work_is_never_run_and_still_ends(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    (void)pthread_mutex_lock(&scene.gate); // the first ones hold the pool
    post(&scene, JOBS);
    assert_true(work_cancel(&scene.jobs[JOBS - 1].work));
    (void)pthread_mutex_unlock(&scene.gate);
    loop_run(&scene.loop);
    assert_true(scene.jobs[JOBS - 1].was_cancelled);
    assert_false(scene.jobs[JOBS - 1].ran);
    assert_true(scene.jobs[0].ran);
    end(&scene);
}

static void work_that_is_under_way_when_the_loop_ends_is_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    post(&scene, JOBS);
    work_finish(&scene.loop);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_elsewhere_and_ends_on_the_loop),
        cmocka_unit_test(work_has_less_of_the_processor_than_the_loop),
        cmocka_unit_test(cancelled_work_is_never_run_and_still_ends),
        cmocka_unit_test(work_that_is_under_way_when_the_loop_ends_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
