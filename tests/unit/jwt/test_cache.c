#include "jwt/cache.h"

#include "base/err.h"
#include "base/ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIFE_MS 1000U

// An object that the cache owns in part; `alive` counts those that are not freed.
struct object {
    struct ref ref;
};

static size_t alive;

static void free_object(struct ref *ref)
{
    alive--;
    free(CONTAINER_OF(ref, struct object, ref));
}

static struct ref *make_object(void)
{
    struct object *object = malloc(sizeof(*object));
    assert_non_null(object);
    ref_init(&object->ref, free_object);
    alive++;
    return &object->ref;
}

static const struct jwt_cache_scope here = {.hub = 1, .generation = 2, .role = JWT_ROLE_PUBLISHER};

static struct jwt_cache *make_cache(size_t entries, size_t bytes)
{
    const struct jwt_cache_limits limits = {.entries = entries,
                                            .bytes = bytes,
                                            .failure_entries = entries / 2,
                                            .failure_bytes = bytes,
                                            .failure_life_ms = LIFE_MS};
    struct jwt_cache *cache;
    assert_int_equal(jwt_cache_new(&cache, &limits), HUB_OK);
    return cache;
}

static struct jwt_cache_key key_in(struct jwt_cache *cache, const char *token,
                                   const struct jwt_cache_scope *scope)
{
    struct jwt_cache_key key;
    assert_int_equal(jwt_cache_key(cache, str_from_c(token), scope, &key), HUB_OK);
    return key;
}

static struct ref *add(struct jwt_cache *cache, const char *token, size_t size)
{
    struct jwt_cache_key key = key_in(cache, token, &here);
    struct ref *object = make_object();
    jwt_cache_add(cache, &key, object, size);
    ref_put(object);
    return object;
}

static struct ref *add_failure(struct jwt_cache *cache, const char *token, uint64_t now_ms)
{
    struct jwt_cache_key key = key_in(cache, token, &here);
    struct ref *object = make_object();
    jwt_cache_add_failure(cache, &key, object, 0, now_ms);
    ref_put(object);
    return object;
}

static struct ref *find(struct jwt_cache *cache, const char *token, uint64_t now_ms)
{
    struct jwt_cache_key key = key_in(cache, token, &here);
    return jwt_cache_find(cache, &key, now_ms);
}

static void assert_missed(struct jwt_cache *cache, const char *token, struct jwt_cache_scope scope)
{
    struct jwt_cache_key key = key_in(cache, token, &scope);
    assert_null(jwt_cache_find(cache, &key, 0));
}

static void a_token_is_found_again(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(8, 1 << 20);
    assert_null(find(cache, "token", 0));
    struct ref *object = add(cache, "token", 100);
    assert_ptr_equal(find(cache, "token", 0), object);
    assert_ptr_equal(find(cache, "token", UINT64_MAX - 1), object);
    assert_null(find(cache, "token2", 0));
    assert_null(find(cache, "", 0));
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void another_role_hub_or_set_of_keys_never_finds_it(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(8, 1 << 20);
    (void)add(cache, "token", 0);
    assert_missed(cache, "token",
                  (struct jwt_cache_scope){.hub = 2, .generation = 2, .role = JWT_ROLE_PUBLISHER});
    assert_missed(cache, "token",
                  (struct jwt_cache_scope){.hub = 1, .generation = 1, .role = JWT_ROLE_PUBLISHER});
    assert_missed(cache, "token",
                  (struct jwt_cache_scope){.hub = 2, .generation = 1, .role = JWT_ROLE_PUBLISHER});
    assert_missed(cache, "token",
                  (struct jwt_cache_scope){.hub = 1, .generation = 2, .role = JWT_ROLE_SUBSCRIBER});
    assert_non_null(find(cache, "token", 0));
    jwt_cache_free(cache);
}

static void the_least_recently_used_goes_at_the_bound(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(3, 1 << 20);
    (void)add(cache, "a", 0);
    (void)add(cache, "b", 0);
    (void)add(cache, "c", 0);
    assert_non_null(find(cache, "a", 0));
    (void)add(cache, "d", 0);
    assert_int_equal(alive, 3);
    assert_non_null(find(cache, "a", 0));
    assert_null(find(cache, "b", 0));
    assert_non_null(find(cache, "c", 0));
    assert_non_null(find(cache, "d", 0));
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void the_bytes_are_bounded_too(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(100, 4000);
    (void)add(cache, "a", 1500);
    (void)add(cache, "b", 1500);
    assert_int_equal(alive, 2);
    (void)add(cache, "c", 1500);
    assert_int_equal(alive, 2);
    assert_null(find(cache, "a", 0));
    (void)add(cache, "large", 4000); // larger than all: not worth emptying the cache
    assert_null(find(cache, "large", 0));
    assert_int_equal(alive, 2);
    (void)add(cache, "d", 3000);
    assert_int_equal(alive, 1);
    assert_non_null(find(cache, "d", 0));
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void an_object_lives_while_somebody_has_it(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(2, 1 << 20);
    struct ref *object = add(cache, "a", 0);
    ref_get(object);
    (void)add(cache, "b", 0);
    (void)add(cache, "c", 0);
    assert_null(find(cache, "a", 0));
    assert_int_equal(alive, 3);
    ref_put(object);
    assert_int_equal(alive, 2);
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void failures_are_forgotten_after_their_life(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(8, 1 << 20);
    struct ref *object = add_failure(cache, "bad", 5000);
    assert_ptr_equal(find(cache, "bad", 5000), object);
    assert_ptr_equal(find(cache, "bad", 5000 + LIFE_MS - 1), object);
    assert_null(find(cache, "bad", 5000 + LIFE_MS));
    assert_int_equal(alive, 0);
    jwt_cache_free(cache);
}

static void a_flood_of_failures_pushes_no_good_token_out(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(8, 1 << 20);
    (void)add(cache, "good", 0);
    for (unsigned i = 0; i < 1000; i++) {
        char token[16];
        (void)snprintf(token, sizeof(token), "bad%u", i);
        (void)add_failure(cache, token, 0);
    }
    assert_int_equal(alive, 1 + 4);
    assert_non_null(find(cache, "good", 0));
    assert_null(find(cache, "bad995", 0));
    assert_non_null(find(cache, "bad996", 0));
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void the_newer_answer_replaces_the_older(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(8, 1 << 20);
    (void)add_failure(cache, "token", 0);
    struct ref *object = add(cache, "token", 0);
    assert_int_equal(alive, 1);
    assert_ptr_equal(find(cache, "token", LIFE_MS), object);
    object = add(cache, "token", 0);
    assert_int_equal(alive, 1);
    assert_ptr_equal(find(cache, "token", 0), object);
    jwt_cache_free(cache);
    assert_int_equal(alive, 0);
}

static void a_cache_of_no_entries_remembers_nothing(void **state)
{
    (void)state;
    struct jwt_cache *cache = make_cache(0, 1 << 20);
    (void)add(cache, "token", 0);
    (void)add_failure(cache, "bad", 0);
    assert_int_equal(alive, 0);
    jwt_cache_free(cache);
    jwt_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_again),
        cmocka_unit_test(another_role_hub_or_set_of_keys_never_finds_it),
        cmocka_unit_test(the_least_recently_used_goes_at_the_bound),
        cmocka_unit_test(the_bytes_are_bounded_too),
        cmocka_unit_test(an_object_lives_while_somebody_has_it),
        cmocka_unit_test(failures_are_forgotten_after_their_life),
        cmocka_unit_test(a_flood_of_failures_pushes_no_good_token_out),
        cmocka_unit_test(the_newer_answer_replaces_the_older),
        cmocka_unit_test(a_cache_of_no_entries_remembers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
