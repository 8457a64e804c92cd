#include "hub/grant.h"

#include "hub/pattern_use.h"

#include "authorization.h"
#include "base/err.h"
#include "mercure/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct pattern_matches no_patterns;

#define DETAIL(topics) \
    "[{\"type\":\"https://mercure.rocks/" \
    "authorization-detail\",\"actions\":[\"subscribe\"],\"topics\":[" topics "]}]"

static struct update *update_on(const char *topic)
{
    struct str topics[] = {str_from_c(topic)};
    struct record_fields fields = {
        .flags = RECORD_PRIVATE, .topics = topics, .topic_count = 1, .id = STR("x")};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    return update;
}

static void count_visit(struct grant *grant, void *arg)
{
    (void)grant;
    ++*(unsigned *)arg;
}

static void test_equal_authorizations_share_one_grant(void **state)
{
    (void)state;
    struct grants grants;
    grants_init(&grants);
    struct authorization *a = parse_authorization(DETAIL("{\"match\":\"t\"},{\"match\":\"u\"}"));
    struct authorization *b = parse_authorization(DETAIL("{\"match\":\"u\"},{\"match\":\"t\"}"));
    struct authorization *c = parse_authorization(DETAIL("{\"match\":\"t\"}"));
    struct grant *ga;
    struct grant *gb;
    struct grant *gc;
    uint32_t index[3];
    struct subscriber *subscribers[3] = {(void *)&index[0], (void *)&index[1], (void *)&index[2]};
    assert_int_equal(grants_add(&grants, a, subscribers[0], &ga, &index[0]), HUB_OK);
    assert_int_equal(grants_add(&grants, b, subscribers[1], &gb, &index[1]), HUB_OK);
    assert_int_equal(grants_add(&grants, c, subscribers[2], &gc, &index[2]), HUB_OK);
    assert_ptr_equal(ga, gb);
    assert_ptr_not_equal(ga, gc);
    struct update *on_t = update_on("t");
    struct update *on_u = update_on("u");
    assert_int_equal(grants_count(&grants, &on_t->record, &no_patterns, 100), 3);
    assert_int_equal(grants_count(&grants, &on_u->record, &no_patterns, 100), 2);
    assert_int_equal(grants_count(&grants, &on_t->record, &no_patterns, 1), 1);
    unsigned visits = 0;
    grants_visit(&grants, &on_t->record, 5, &no_patterns, count_visit, &visits);
    assert_int_equal(visits, 2);
    assert_true(grant_covers(ga, &on_u->record, 6));
    assert_false(grant_covers(gc, &on_u->record, 6));
    assert_ptr_equal(grants_remove(&grants, ga, index[0]), subscribers[1]);
    assert_null(grants_remove(&grants, ga, 0));
    assert_null(grants_remove(&grants, gc, index[2]));
    assert_int_equal(grants_count(&grants, &on_t->record, &no_patterns, 100), 0);
    grants_done(&grants);
    ref_put(&on_t->ref);
    ref_put(&on_u->ref);
    ref_put(&a->ref);
    ref_put(&b->ref);
    ref_put(&c->ref);
}

static void test_a_grant_of_every_topic_is_visited_for_each(void **state)
{
    (void)state;
    struct grants grants;
    grants_init(&grants);
    struct authorization *all = parse_authorization(DETAIL("{\"match\":\"*\"}"));
    struct grant *grant;
    uint32_t index;
    assert_int_equal(grants_add(&grants, all, (void *)&index, &grant, &index), HUB_OK);
    struct update *update = update_on("anything");
    unsigned visits = 0;
    grants_visit(&grants, &update->record, 9, &no_patterns, count_visit, &visits);
    assert_int_equal(visits, 1);
    assert_true(grant_covers(grant, &update->record, 9));
    assert_null(grants_remove(&grants, grant, index));
    grants_done(&grants);
    ref_put(&update->ref);
    ref_put(&all->ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_authorizations_share_one_grant),
        cmocka_unit_test(test_a_grant_of_every_topic_is_visited_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
