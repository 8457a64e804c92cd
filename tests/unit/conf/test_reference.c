#include "conf/conf.h"

#include "conf/schema.h"
#include "fixture.h"
#include "json/json.h"

static const char *print(struct fixture *fixture, void (*print_fn)(struct buf *))
{
    buf_clear(&fixture->printed);
    print_fn(&fixture->printed);
    assert_int_equal(fixture->printed.err, HUB_OK);
    return buf_c(&fixture->printed);
}

static void print_help(struct buf *buf)
{
    conf_help(NULL, 0, buf);
}

static void the_help_shows_a_commands_own_defaults(void **state)
{
    struct fixture *fixture = *state;
    static const struct conf_override defaults[] = {{"addr", ":3000"}, {"playground", "true"}};
    conf_help(defaults, ARRAY_LEN(defaults), &fixture->printed);
    const char *help = buf_c(&fixture->printed);
    assert_non_null(strstr(help, "Default: :3000\n"));
    assert_null(strstr(help, "Default: :80\n"));
    assert_non_null(strstr(help, "for development only. Default: true\n"));
}

static void the_help_names_every_flag(void **state)
{
    struct fixture *fixture = *state;
    const char *help = print(fixture, print_help);
    assert_non_null(strstr(help, "  -a, --addr LIST\n        Where to listen: host:port, "));
    assert_non_null(strstr(help, "Default: :80\n"));
    assert_non_null(strstr(help, "      --log-level debug|info|warn|error\n"));
    assert_non_null(strstr(help, "  -X, --anonymous[=BOOL]\n"));
    assert_null(strchr(help, '`'));
    for (const struct option *option = conf_options; option->name; option++) {
        char flag[128];
        (void)snprintf(flag, sizeof(flag), "--%s", option->name);
        for (char *c = flag; *c; c++)
            *c = *c == '_' ? '-' : *c;
        assert_non_null(strstr(help, flag));
    }
}

static void no_line_of_the_help_is_wider_than_a_terminal(void **state)
{
    struct fixture *fixture = *state;
    struct str rest = str_from_c(print(fixture, print_help));
    struct str line;
    while (str_split(&rest, '\n', &line))
        assert_true(line.len <= 100);
}

static void the_reference_has_a_row_for_every_key(void **state)
{
    struct fixture *fixture = *state;
    const char *reference = print(fixture, conf_reference);
    assert_non_null(strstr(reference,
                           "| `heartbeat`, `heartbeat_interval` | `--heartbeat`, `-i` | `MERCURE_HEARTBEAT`, "
                           "`HEARTBEAT_INTERVAL` | duration | `40s` | "));
    assert_non_null(strstr(reference, "`0s`: off. 0, or from 100ms to 24h. |\n"));
    for (const struct option *option = conf_options; option->name; option++) {
        char row[128];
        (void)snprintf(row, sizeof(row), "\n| `%s`", option->name);
        assert_non_null(strstr(reference, row));
    }
    for (const struct option *option = conf_absent; option->name; option++)
        assert_non_null(strstr(reference, option->name));
}

static const struct json *property(const struct json *schema, const char *name)
{
    return json_get(json_get(schema, STR("properties")), str_from_c(name));
}

static void the_schema_is_json_and_has_every_name(void **state)
{
    struct fixture *fixture = *state;
    struct json *schema;
    struct json_error error;
    int err = json_parse(&schema, str_from_c(print(fixture, conf_json_schema)), &error);
    if (err)
        print_error("%u:%u %s\n", error.line, error.column, error.text);
    assert_int_equal(err, HUB_OK);
    size_t names = 0;
    for (const struct option *option = conf_options; option->name; option++) {
        assert_int_equal(json_kind(property(schema, option->name)), JSON_KIND_OBJECT);
        names++;
        for (const char *const *alias = option->aliases; alias && *alias; alias++, names++)
            assert_int_equal(json_kind(property(schema, *alias)), JSON_KIND_OBJECT);
    }
    assert_int_equal(json_count(json_get(schema, STR("properties"))), names);
    double most;
    assert_true(json_to_double(json_get(property(schema, "workers"), STR("maximum")), &most));
    assert_true(most == CONF_WORKERS_MAX);
    assert_string_equal(json_str(json_get(property(schema, "log_level"), STR("default"))).ptr, "info");
    json_free(schema);
}

static bool shares_name(const struct option *option, const struct option *others)
{
    if (option_find(others, str_from_c(option->name)))
        return true;
    for (const char *const *alias = option->aliases; alias && *alias; alias++) {
        if (option_find(others, str_from_c(*alias)))
            return true;
    }
    return false;
}

static void no_name_and_no_letter_means_two_things(void **state)
{
    (void)state;
    bool letters[256] = {false};
    for (const struct option *option = conf_options; option->name; option++) {
        assert_false(shares_name(option, option + 1));
        assert_false(shares_name(option, conf_absent));
        assert_false(option->letter && letters[(unsigned char)option->letter]);
        letters[(unsigned char)option->letter] = true;
    }
    for (const struct option *option = conf_absent; option->name; option++) {
        assert_false(shares_name(option, option + 1));
        assert_false(option->letter && letters[(unsigned char)option->letter]);
        letters[(unsigned char)option->letter] = true;
    }
}

static void every_key_is_described(void **state)
{
    (void)state;
    assert_non_null(conf_options[0].section);
    for (const struct option *option = conf_options; option->name; option++) {
        assert_non_null(option->doc);
        assert_true(str_ends_with(str_from_c(option->doc), STR(".")));
        assert_null(strchr(option->doc, '|')); // it would end the cell of a table
        assert_true(option->default_text || option->default_doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_help_names_every_flag),
        TEST(the_help_shows_a_commands_own_defaults),
        TEST(no_line_of_the_help_is_wider_than_a_terminal),
        TEST(the_reference_has_a_row_for_every_key),
        TEST(the_schema_is_json_and_has_every_name),
        TEST(no_name_and_no_letter_means_two_things),
        TEST(every_key_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
