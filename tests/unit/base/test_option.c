#include "base/option.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct settings {
    bool flag;
    uint64_t size;
    uint64_t limit;
    uint64_t wait_ms;
    struct str name;
    struct str url;
    struct option_list origins;
    unsigned sync;
};

static const char *const sync_words[] = {"always", "off", NULL};

static const struct option options[] = {
    {.name = "flag", .type = OPTION_BOOL, .default_text = "true", OPTION_AT(struct settings, flag)},
    {.name = "size",
     .type = OPTION_INTEGER,
     .min = 10,
     .max = 1000,
     .or_zero = true,
     OPTION_AT(struct settings, size)},
    {.name = "limit", .type = OPTION_SIZE, .min = 1024, .max = 4096, OPTION_AT(struct settings, limit)},
    {.name = "wait",
     .aliases = (const char *const[]){"wait_interval", NULL},
     .type = OPTION_DURATION,
     .default_text = "40s",
     .max = 60000,
     OPTION_AT(struct settings, wait_ms)},
    {.name = "name", .type = OPTION_TEXT, .min = 2, .max = 5, OPTION_AT(struct settings, name)},
    {.name = "url", .type = OPTION_URL, OPTION_AT(struct settings, url)},
    {.name = "origins", .type = OPTION_LIST, .max = 3, OPTION_AT(struct settings, origins)},
    {.name = "sync", .type = OPTION_ENUM, .words = sync_words, OPTION_AT(struct settings, sync)},
    {.name = "bucket_name", .type = OPTION_TEXT, .flags = OPTION_IGNORED},
    {0},
};

struct fixture {
    struct arena arena;
    struct buf reason;
    struct settings settings;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 1 << 20);
    buf_init(&fixture.reason, 1024);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buf_done(&fixture->reason);
    return 0;
}

static int parse(struct fixture *fixture, const char *name, struct str text)
{
    buf_clear(&fixture->reason);
    return option_parse(option_find(options, str_from_c(name)), &fixture->settings, text, &fixture->arena,
                        &fixture->reason);
}

static void accept(struct fixture *fixture, const char *name, const char *text)
{
    int err = parse(fixture, name, str_from_c(text));
    if (err)
        print_error("%s: %s %s\n", name, text, buf_c(&fixture->reason));
    assert_int_equal(err, HUB_OK);
    assert_int_equal(fixture->reason.len, 0);
}

static void refuse(struct fixture *fixture, const char *name, struct str text, const char *why)
{
    struct settings before = fixture->settings;
    assert_int_equal(parse(fixture, name, text), HUB_E_INVALID);
    assert_string_equal(buf_c(&fixture->reason), why);
    assert_memory_equal(&fixture->settings, &before, sizeof(before));
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len + 1);
}

static void an_option_is_found_by_name_and_alias(void **state)
{
    (void)state;
    assert_ptr_equal(option_find(options, STR("wait")), &options[3]);
    assert_ptr_equal(option_find(options, STR("wait_interval")), &options[3]);
    assert_null(option_find(options, STR("Wait")));
    assert_null(option_find(options, STR("")));
}

static void the_distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(option_distance(STR("addr"), STR("addr")), 0);
    assert_int_equal(option_distance(STR("adr"), STR("addr")), 1);
    assert_int_equal(option_distance(STR("adrd"), STR("addr")), 1);
    assert_int_equal(option_distance(STR("xddr"), STR("addr")), 1);
    assert_int_equal(option_distance(STR("Write-Timeout"), STR("write_timeout")), 0);
    assert_int_equal(option_distance(STR(""), STR("abc")), 3);
    assert_int_equal(option_distance(STR("abc"), STR("")), 3);
}

static void a_long_name_costs_no_more_than_its_first_bytes(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof(text));
    assert_int_equal(option_distance(str_make(text, sizeof(text)), str_make(text, 64)), 0);
    assert_null(option_nearest(options, str_make(text, sizeof(text))));
}

static void the_nearest_name_is_suggested_only_when_it_is_near(void **state)
{
    (void)state;
    assert_string_equal(option_nearest(options, STR("sise")), "size");
    assert_string_equal(option_nearest(options, STR("wait_intervall")), "wait_interval");
    assert_string_equal(option_nearest(options, STR("ORIGINS")), "origins");
    assert_null(option_nearest(options, STR("subscriptions")));
    assert_null(option_nearest(options, STR("zzz")));
}

static void defaults_are_set(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(option_set_defaults(options, &fixture->settings, &fixture->arena), HUB_OK);
    assert_true(fixture->settings.flag);
    assert_int_equal(fixture->settings.wait_ms, 40000);
    assert_int_equal(fixture->settings.size, 0);
    assert_null(fixture->settings.name.ptr);
}

static void booleans_take_the_words_of_yaml_and_go(void **state)
{
    struct fixture *fixture = *state;
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "on",
                                      "ON",   "y",    "Y",    "t",   "T",   "1"};
    static const char *const no[] = {"false", "False", "no", "NO", "off", "Off", "n", "N", "f", "F", "0"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        fixture->settings.flag = false;
        accept(fixture, "flag", yes[i]);
        assert_true(fixture->settings.flag);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        fixture->settings.flag = true;
        accept(fixture, "flag", no[i]);
        assert_false(fixture->settings.flag);
    }
    refuse(fixture, "flag", STR("2"), "must be true or false");
    refuse(fixture, "flag", STR(""), "must be true or false");
    refuse(fixture, "flag", STR("tru"), "must be true or false");
}

static void numbers_are_held_to_their_range(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "size", "10");
    accept(fixture, "size", "1000");
    accept(fixture, "size", "0");
    refuse(fixture, "size", STR("9"), "must be 0 or at least 10");
    refuse(fixture, "size", STR("1001"), "must be 0 or at most 1000");
    refuse(fixture, "size", STR("18446744073709551616"), "must be a whole number");
    refuse(fixture, "size", STR("-1"), "must be a whole number");
    refuse(fixture, "size", STR("1.0"), "must be a whole number");
    accept(fixture, "limit", "1KiB");
    assert_int_equal(fixture->settings.limit, 1024);
    accept(fixture, "limit", "4096");
    refuse(fixture, "limit", STR("1023"), "must be at least 1KiB");
    refuse(fixture, "limit", STR("0"), "must be at least 1KiB");
    refuse(fixture, "limit", STR("4097"), "must be at most 4KiB");
    accept(fixture, "wait", "1m");
    refuse(fixture, "wait", STR("60001ms"), "must be at most 1m");
    refuse(fixture, "wait", STR("40"), "needs a unit: write 40s for seconds, or 40ms, 40m, 40h");
}

static void texts_are_kept_whole_and_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[] = "a, b";
    accept(fixture, "name", text);
    text[0] = 'x';
    assert_str(fixture->settings.name, "a, b");
    accept(fixture, "name", "12345");
    refuse(fixture, "name", STR("123456"), "is longer than 5 bytes");
    refuse(fixture, "name", STR("1"), "is too short");
    refuse(fixture, "name", STR(""), "must not be empty");
    refuse(fixture, "name", str_make("a\0b", 3), "must not hold a zero byte");
    refuse(fixture, "name", STR("a\xff"), "must be valid UTF-8");
}

static void a_url_needs_a_scheme(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "url", "bolt://mercure.db");
    accept(fixture, "url", "pulsar+ssl://a");
    accept(fixture, "url", "local://");
    refuse(fixture, "url", STR("mercure.db"), "must be a URL with a scheme, as https://example.com");
    refuse(fixture, "url", STR("://x"), "must be a URL with a scheme, as https://example.com");
    refuse(fixture, "url", STR("1a://x"), "must be a URL with a scheme, as https://example.com");
    refuse(fixture, "url", STR("bolt:/x"), "must be a URL with a scheme, as https://example.com");
    refuse(fixture, "url", STR("a://b c"),
           "must be a URL with a scheme, as https://example.com, without spaces");
    char text[OPTION_TEXT_MAX + 1];
    memset(text, 'a', sizeof(text));
    memcpy(text, "a://", 4);
    assert_int_equal(parse(fixture, "url", str_make(text, OPTION_TEXT_MAX)), HUB_OK);
    refuse(fixture, "url", str_make(text, sizeof(text)), "is longer than 65536 bytes");
}

static void a_list_is_split_at_white_space_and_commas(void **state)
{
    struct fixture *fixture = *state;
    struct option_list *list = &fixture->settings.origins;
    accept(fixture, "origins", " a,b \t\n c,, ");
    assert_int_equal(list->count, 3);
    assert_str(list->items[0], "a");
    assert_str(list->items[1], "b");
    assert_str(list->items[2], "c");
    refuse(fixture, "origins", STR("a b c d"), "has more than 3 elements");
    accept(fixture, "origins", "");
    assert_int_equal(list->count, 0);
}

static void elements_may_be_added_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    const struct option *origins = option_find(options, STR("origins"));
    struct option_list *list = &fixture->settings.origins;
    accept(fixture, "origins", "a b");
    assert_int_equal(
        option_append(origins, &fixture->settings, STR("c, d"), &fixture->arena, &fixture->reason), 0);
    assert_int_equal(list->count, 3);
    assert_str(list->items[0], "a");
    assert_str(list->items[2], "c, d");
    assert_int_equal(option_append(origins, &fixture->settings, STR("e"), &fixture->arena, &fixture->reason),
                     HUB_E_INVALID);
    option_clear_list(origins, &fixture->settings);
    assert_int_equal(list->count, 0);
    assert_int_equal(option_append(origins, &fixture->settings, STR(""), &fixture->arena, &fixture->reason),
                     HUB_E_INVALID);
    assert_non_null(strstr(buf_c(&fixture->reason), "must not be empty"));
}

static void a_long_list_keeps_every_element(void **state)
{
    struct fixture *fixture = *state;
    const struct option list = {.name = "l", .type = OPTION_LIST, OPTION_AT(struct settings, origins)};
    for (unsigned i = 0; i < OPTION_LIST_MAX; i++) {
        char text[] = {(char)('a' + i % 26), 0};
        assert_int_equal(
            option_append(&list, &fixture->settings, str_from_c(text), &fixture->arena, &fixture->reason),
            HUB_OK);
    }
    for (unsigned i = 0; i < OPTION_LIST_MAX; i++)
        assert_int_equal(fixture->settings.origins.items[i].ptr[0], 'a' + i % 26);
    assert_int_equal(option_append(&list, &fixture->settings, STR("x"), &fixture->arena, &fixture->reason),
                     HUB_E_INVALID);
    assert_string_equal(buf_c(&fixture->reason), "has more than 1000 elements");
}

static void an_enum_is_one_of_its_words(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "sync", "OFF");
    assert_int_equal(fixture->settings.sync, 1);
    refuse(fixture, "sync", STR("never"), "must be one of always, off");
}

static void memory_that_runs_out_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct arena small;
    arena_init(&small, 0);
    assert_int_equal(option_parse(option_find(options, STR("name")), &fixture->settings, STR("abc"), &small,
                                  &fixture->reason),
                     -ENOMEM);
    assert_int_equal(option_parse(option_find(options, STR("origins")), &fixture->settings, STR("abc"),
                                  &small, &fixture->reason),
                     -ENOMEM);
    assert_null(fixture->settings.name.ptr);
    arena_done(&small);
}

static int parse_query(struct fixture *fixture, const char *query, struct buf *warnings)
{
    buf_clear(&fixture->reason);
    return option_parse_query(options, &fixture->settings, str_from_c(query), &fixture->arena, warnings,
                              &fixture->reason);
}

static void a_query_sets_what_it_names(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse_query(fixture, "size=20&name=a+%62&&sync=off&flag=1&", NULL), HUB_OK);
    assert_int_equal(fixture->settings.size, 20);
    assert_str(fixture->settings.name, "a b");
    assert_int_equal(fixture->settings.sync, 1);
    assert_int_equal(parse_query(fixture, "", NULL), HUB_OK);
    assert_int_equal(option_parse_query(options, &fixture->settings, (struct str){0}, &fixture->arena, NULL,
                                        &fixture->reason),
                     HUB_OK);
}

static void ignored_parameters_are_warned_about(void **state)
{
    struct fixture *fixture = *state;
    struct buf warnings;
    buf_init(&warnings, 256);
    assert_int_equal(parse_query(fixture, "bucket_name=updates&size=10", &warnings), HUB_OK);
    assert_string_equal(buf_c(&warnings), "the parameter \"bucket_name\" has no effect\n");
    assert_int_equal(parse_query(fixture, "bucket_name=updates", NULL), HUB_OK);
    buf_done(&warnings);
}

static void a_query_with_an_error_is_refused_with_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"sise=1", "unknown parameter \"sise\"; did you mean \"size\"?"},
        {"qwertyuiop=1", "unknown parameter \"qwertyuiop\""},
        {"sise=1&size=20&&qwertyuiop=1&flag=1",
         "unknown parameter \"sise\"; did you mean \"size\"?\nunknown parameter \"qwertyuiop\""},
        {"size=x", "the parameter \"size\" must be a whole number"},
        {"size", "the parameter \"size\" must be a whole number"},
        {"size=10&size=11", "the parameter \"size\" is given twice"},
        {"wait=1s&wait_interval=1s", "the parameter \"wait\" is given twice"},
        {"name=%6", "a '%' stands without two hexadecimal digits after it"},
        {"name=%zz", "a '%' stands without two hexadecimal digits after it"},
        {"name=a%00", "the parameter \"name\" must not hold a zero byte"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(parse_query(fixture, cases[i][0], NULL), HUB_E_INVALID);
        assert_string_equal(buf_c(&fixture->reason), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_found_by_name_and_alias),
        cmocka_unit_test(the_distance_counts_edits),
        cmocka_unit_test(a_long_name_costs_no_more_than_its_first_bytes),
        cmocka_unit_test(the_nearest_name_is_suggested_only_when_it_is_near),
        cmocka_unit_test_setup_teardown(defaults_are_set, setup, teardown),
        cmocka_unit_test_setup_teardown(booleans_take_the_words_of_yaml_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_are_held_to_their_range, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_kept_whole_and_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_url_needs_a_scheme, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_is_split_at_white_space_and_commas, setup, teardown),
        cmocka_unit_test_setup_teardown(elements_may_be_added_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list_keeps_every_element, setup, teardown),
        cmocka_unit_test_setup_teardown(an_enum_is_one_of_its_words, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_query_sets_what_it_names, setup, teardown),
        cmocka_unit_test_setup_teardown(ignored_parameters_are_warned_about, setup, teardown),
        cmocka_unit_test_setup_teardown(a_query_with_an_error_is_refused_with_a_sentence, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
