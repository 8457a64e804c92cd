#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS_MAX 100000U

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
char *__wrap_strdup(const char *text);

static _Thread_local struct {
    unsigned countdown; // to the allocation that fails; 0: none does
    bool all_after;     // and every one behind it
    bool fired;
} state;
static unsigned failures;

static bool fails(void)
{
    if (state.fired && state.all_after)
        return true;
    if (state.countdown == 0 || --state.countdown > 0)
        return false;
    state.fired = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return fails() ? NULL : __real_realloc(ptr, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

// Whether the n-th allocation was there to fail.
static bool run_round(torture_scenario_fn *scenario, void *arg, unsigned n, bool all_after)
{
    state.countdown = n;
    state.all_after = all_after;
    state.fired = false;
    int err = scenario(arg);
    bool fired = state.fired;
    state.countdown = 0;
    state.fired = false;
    if (!fired)
        assert_int_equal(err, 0);
    else if (err != 0 && err != -ENOMEM)
        fail_msg("allocation %u failed, and the result is %d", n, err);
    return fired;
}

void torture_run(torture_scenario_fn *scenario, void *arg)
{
    failures = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned n = 1;
        while (run_round(scenario, arg, n, pass == 1)) {
            n++;
            failures++;
            assert_true(n < ROUNDS_MAX);
        }
    }
}

unsigned torture_failures(void)
{
    return failures;
}
