#include "base/arena.h"
#include "cli/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct target {
    struct str url;
    struct option_list topics;
    uint64_t count;
    bool json;
};

static const struct option options[] = {
    {.name = "url",
     .letter = 'u',
     .type = OPTION_TEXT,
     .default_text = "x",
     OPTION_AT(struct target, url),
     .doc = "."},
    {.name = "topic", .type = OPTION_LIST, OPTION_AT(struct target, topics), .doc = "."},
    {.name = "max_count",
     .letter = 'c',
     .type = OPTION_INTEGER,
     .max = 9,
     OPTION_AT(struct target, count),
     .doc = "."},
    {.name = "json", .type = OPTION_BOOL, OPTION_AT(struct target, json), .doc = "."},
    {0},
};

static const struct flags_spec spec = {.command = "test",
                                       .operands = "WHAT",
                                       .about = ".",
                                       .operands_min = 0,
                                       .operands_max = 1,
                                       .options = options};

struct fixture {
    struct arena arena;
    struct target target;
    struct flags_operands operands;
    int status;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.status = -1};
    arena_init(&fixture.arena, 65536);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    return 0;
}

static bool parse(struct fixture *fixture, const char *const *args)
{
    char text[16][64];
    char *argv[16];
    int argc = 0;
    for (; args[argc]; argc++) {
        assert_true(strlen(args[argc]) < sizeof(text[0]));
        strncpy(text[argc], args[argc], sizeof(text[0]));
        argv[argc] = text[argc];
    }
    return flags_parse(&spec, argc, argv, &fixture->target, &fixture->arena, &fixture->operands,
                       &fixture->status);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void values_follow_or_are_joined(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("--url", "a", "--max-count=7", "--json")));
    assert_true(str_eq(fixture->target.url, STR("a")));
    assert_int_equal(fixture->target.count, 7);
    assert_true(fixture->target.json);
}

static void defaults_stand_where_nothing_is_given(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, (const char *const[]){NULL}));
    assert_true(str_eq(fixture->target.url, STR("x")));
    assert_false(fixture->target.json);
}

static void a_list_takes_one_element_per_flag_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("--topic", "a, b", "--topic=c")));
    assert_int_equal(fixture->target.topics.count, 2);
    assert_true(str_eq(fixture->target.topics.items[0], STR("a, b")));
    assert_true(str_eq(fixture->target.topics.items[1], STR("c")));
}

static void letters_and_operands_are_taken(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("-u", "a", "thing")));
    assert_true(str_eq(fixture->target.url, STR("a")));
    assert_int_equal(fixture->operands.count, 1);
    assert_true(str_eq(fixture->operands.items[0], STR("thing")));
}

static void a_letter_may_have_its_value_joined(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("-ua", "-c=7")));
    assert_true(str_eq(fixture->target.url, STR("a")));
    assert_int_equal(fixture->target.count, 7);
    assert_true(parse(fixture, ARGS("-u-", "-c3")));
    assert_true(str_eq(fixture->target.url, STR("-")));
    assert_int_equal(fixture->target.count, 3);
}

static void behind_two_dashes_everything_is_an_operand(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("--", "--json")));
    assert_false(fixture->target.json);
    assert_true(str_eq(fixture->operands.items[0], STR("--json")));
}

static void a_dash_alone_is_a_value(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(fixture, ARGS("--url", "-", "-")));
    assert_true(str_eq(fixture->target.url, STR("-")));
    assert_true(str_eq(fixture->operands.items[0], STR("-")));
}

static void wrong_use_has_status_2(void **state)
{
    struct fixture *fixture = *state;
    const char *const *const wrong[] = {
        ARGS("--jsn"),         ARGS("-x"),     ARGS("-xa"),
        ARGS("-cx"),           ARGS("--url"),  ARGS("--max-count", "10"),
        ARGS("--max-count=x"), ARGS("a", "b"),
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        fixture->status = -1;
        assert_false(parse(fixture, wrong[i]));
        assert_int_equal(fixture->status, CLI_WRONG_USE);
    }
}

static void help_ends_the_command_well(void **state)
{
    struct fixture *fixture = *state;
    assert_false(parse(fixture, ARGS("--jsn", "--help")));
    assert_int_equal(fixture->status, CLI_DONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_follow_or_are_joined),
        TEST(defaults_stand_where_nothing_is_given),
        TEST(a_list_takes_one_element_per_flag_as_it_is),
        TEST(letters_and_operands_are_taken),
        TEST(a_letter_may_have_its_value_joined),
        TEST(behind_two_dashes_everything_is_an_operand),
        TEST(a_dash_alone_is_a_value),
        TEST(wrong_use_has_status_2),
        TEST(help_ends_the_command_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
