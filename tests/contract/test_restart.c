// What holds for every driver that keeps updates beyond the process.
#include "contract/suite.h"

#include "base/err.h"

static const struct position beginning;

static void the_history_is_there_after_a_restart(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1000, 100);
    struct position last = probe->fed[999].position;
    struct position middle = probe->fed[500].position;
    uint64_t epoch = probe->epoch;
    probe_reopen(probe, NULL);
    assert_int_equal(probe->epoch, epoch);
    struct position head = probe_head(probe);
    assert_int_equal(position_cmp(&head, &last), 0);
    probe_expect(probe, &beginning, 0, 1000);
    probe_expect(probe, &middle, 501, 1000);
    struct find_request find;
    probe_find(probe, STR("urn:update:500"), &find);
    assert_true(find.found);
    assert_int_equal(position_cmp(&find.position, &middle), 0);
}

static void it_is_not_fed_again(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 10, 10);
    probe_reopen(probe, NULL);
    probe_publish(probe, 10, 20, 1);
    probe_expect_fed(probe, 10, 20);
}

static void positions_go_on_where_they_were(void **state)
{
    struct probe *probe = *state;
    struct position last = beginning;
    for (size_t i = 0; i < 20; i++) {
        probe_publish(probe, i, i + 1, 1);
        assert_true(position_cmp(&last, &probe->fed[0].position) < 0);
        last = probe->fed[0].position;
        probe_reopen(probe, NULL);
    }
    probe_expect(probe, &beginning, 0, 20);
}

static void hubs_of_one_back_end_do_not_see_each_other(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 10, 10);
    probe->hub = 2;
    probe_reopen(probe, NULL);
    struct position head = probe_head(probe);
    assert_int_equal(head.len, 0);
    probe_expect(probe, &beginning, 0, 0);
    struct find_request find;
    probe_find(probe, STR("urn:update:3"), &find);
    assert_true(find.empty);
    probe_publish(probe, 100, 120, 10);
    probe->hub = 1;
    probe_reopen(probe, NULL);
    probe_publish(probe, 10, 30, 10);
    probe_expect(probe, &beginning, 0, 30);
    probe_find(probe, STR("urn:update:110"), &find);
    assert_false(find.found);
    probe->hub = 2;
    probe_reopen(probe, NULL);
    probe_expect(probe, &beginning, 100, 120);
}

int main(int argc, char **argv)
{
    suite_begin(argc, argv, NULL);
    const struct CMUnitTest tests[] = {
        TEST(the_history_is_there_after_a_restart),
        TEST(it_is_not_fed_again),
        TEST(positions_go_on_where_they_were),
        TEST(hubs_of_one_back_end_do_not_see_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
