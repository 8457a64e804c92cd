#include "base/ref.h"

#include "base/attr.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct object {
    struct ref ref;
    unsigned freed;
};

static void count_free(struct ref *ref)
{
    CONTAINER_OF(ref, struct object, ref)->freed++;
}

static void the_last_owner_frees(void **state)
{
    (void)state;
    struct object object = {0};
    ref_init(&object.ref, count_free);
    ref_get(&object.ref);
    ref_get_many(&object.ref, 3);
    for (int i = 0; i < 4; i++)
        ref_put(&object.ref);
    assert_int_equal(object.freed, 0);
    ref_put(&object.ref);
    assert_int_equal(object.freed, 1);
}

static void null_is_accepted(void **state)
{
    (void)state;
    ref_get(NULL);
    ref_get_many(NULL, 5);
    ref_put(NULL);
}

static void *get_and_put(void *arg)
{
    struct object *object = arg;
    for (int i = 0; i < 10000; i++) {
        ref_get(&object->ref);
        ref_put(&object->ref);
    }
    ref_put(&object->ref);
    return NULL;
}

static void owners_on_many_threads_free_it_once(void **state)
{
    (void)state;
    struct object object = {0};
    ref_init(&object.ref, count_free);
    ref_get_many(&object.ref, 4);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_and_put, &object), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(object.freed, 0);
    ref_put(&object.ref);
    assert_int_equal(object.freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_owner_frees),
        cmocka_unit_test(null_is_accepted),
        cmocka_unit_test(owners_on_many_threads_free_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
