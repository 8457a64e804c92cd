#include "conf/conf.h"

#include "fixture.h"

static void a_flag_takes_its_value_attached_or_next(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--ops-addr=:1", "--cookie-name", "c", "--heartbeat=1s"), VARIABLES(KEYS));
    assert_str(fixture->conf->ops_addr, ":1");
    assert_str(fixture->conf->cookie_name, "c");
    assert_int_equal(fixture->conf->heartbeat_ms, 1000);
    assert_loaded(fixture, FLAGS("--cookie-name", "--x"), VARIABLES(KEYS));
    assert_str(fixture->conf->cookie_name, "--x");
    assert_loaded(fixture, FLAGS("--resource-identifier=https://a/?b=c"), VARIABLES(KEYS));
    assert_str(fixture->conf->resource_identifier, "https://a/?b=c");
}

static void underscores_and_aliases_are_known(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--ops_addr=:1", "--heartbeat-interval=1s", "--transport=local://"),
                  VARIABLES(KEYS));
    assert_str(fixture->conf->ops_addr, ":1");
    assert_int_equal(fixture->conf->heartbeat_ms, 1000);
    assert_str(fixture->conf->transport_url, "local://");
}

static void a_boolean_needs_no_value(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--anonymous", "--debugger=false", "--playground=on"), VARIABLES(KEYS));
    assert_true(fixture->conf->anonymous);
    assert_false(fixture->conf->debugger);
    assert_true(fixture->conf->playground);
    assert_refused(fixture, FLAGS("--anonymous", "true"), VARIABLES(KEYS),
                   "command line: error: unexpected argument \"true\"\n");
    assert_refused(fixture, FLAGS("--anonymous=maybe"), VARIABLES(KEYS),
                   "--anonymous: error: anonymous must be true or false\n");
}

static void the_letters_of_0x_work(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture,
                  FLAGS("-a", ":1", "-t", "local://", "-X", "-p", "*", "-i", "1s", "-R", "2s", "-W", "3s",
                        "-T", "4s", "-D", "-l", "json"),
                  VARIABLES(KEYS));
    const struct conf *conf = fixture->conf;
    assert_str(conf->addr.items[0], ":1");
    assert_str(conf->transport_url, "local://");
    assert_true(conf->anonymous && conf->playground);
    assert_str(conf->publish_origins.items[0], "*");
    assert_int_equal(conf->heartbeat_ms, 1000);
    assert_int_equal(conf->read_timeout_ms, 2000);
    assert_int_equal(conf->write_timeout_ms, 3000);
    assert_int_equal(conf->dispatch_timeout_ms, 4000);
    assert_int_equal(conf->log_format, CONF_LOG_FORMAT_JSON);
}

static void letters_may_be_joined(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("-XDa:5"), VARIABLES(KEYS));
    assert_true(fixture->conf->anonymous && fixture->conf->playground);
    assert_str(fixture->conf->addr.items[0], ":5");
    assert_loaded(fixture, FLAGS("-a=:6", "-X=no", "-Di1s"), VARIABLES(KEYS));
    assert_str(fixture->conf->addr.items[0], ":6");
    assert_false(fixture->conf->anonymous);
    assert_true(fixture->conf->playground);
    assert_int_equal(fixture->conf->heartbeat_ms, 1000);
}

static void the_last_of_repeated_flags_wins(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--heartbeat=1s", "-i2s"), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->heartbeat_ms, 2000);
}

static void a_list_flag_is_repeatable_and_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[64 * 6 + 1] = "";
    for (unsigned i = 0; i < 64; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ":%u,", 1000 + i);
    assert_loaded(fixture, FLAGS("--addr", text), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->addr.count, 64);
    assert_refused(fixture, FLAGS("--addr", text, "--addr=:1"), VARIABLES(KEYS),
                   "--addr: error: addr has more than 64 elements\n");
}

static void what_is_no_flag_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("--heartbeet", "1s", "--nothing-like-it", "-y", "-x1", "x", "-", ""),
                   VARIABLES(KEYS),
                   "--heartbeet: error: unknown flag; did you mean --heartbeat?\n"
                   "--nothing-like-it: error: unknown flag\n"
                   "-y: error: unknown flag -y\n"
                   "-x1: error: unknown flag -x\n"
                   "command line: error: unexpected argument \"x\"\n"
                   "command line: error: unexpected argument \"-\"\n"
                   "command line: error: unexpected argument \"\"\n");
    assert_refused(fixture, FLAGS("--", "--anonymous"), VARIABLES(KEYS),
                   "command line: error: unexpected argument \"--anonymous\"\n");
    assert_refused(fixture, FLAGS("--addr"), VARIABLES(KEYS), "--addr: error: needs a value\n");
    assert_refused(fixture, FLAGS("-Xa"), VARIABLES(KEYS), "-Xa: error: needs a value\n");
}

static void keys_of_later_versions_are_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(
        fixture, FLAGS("--drain-spread=1s", "--cert-file", "a.pem", "-o", "example.com", "-Z"),
        VARIABLES(KEYS),
        "--drain-spread: error: drain_spread is not supported yet by this version\n"
        "--cert-file: error: cert_file is not supported yet by this version: let a proxy in front of the hub "
        "hold the "
        "certificate\n"
        "-o: error: acme_hosts is not supported yet by this version: let a proxy in front of the hub hold "
        "the "
        "certificate\n"
        "-Z: error: compress is not supported yet by this version: leave it out, or let a proxy compress\n");
}

static void a_structure_is_given_as_one_text(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture,
                  FLAGS("--issuers", "[{\"issuer\":\"https://a\",\"publisher\":{\"jwt_key\":\"k\"}}]", "-X"),
                  VARIABLES());
    assert_int_equal(fixture->conf->issuer_count, 1);
    assert_str(fixture->conf->issuers[0].issuer, "https://a");
}

static void a_very_long_flag_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char flag[5000];
    memset(flag, 'a', sizeof(flag) - 1);
    flag[sizeof(flag) - 1] = '\0';
    memcpy(flag, "--", 2);
    assert_int_equal(load(fixture, FLAGS(flag), VARIABLES(KEYS)), HUB_E_INVALID);
    assert_int_equal(fixture->errors.count, 1);
}

static void values_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char flag[14 + 257 + 1] = "--cookie-name=";
    memset(flag + 14, 'a', 256);
    assert_loaded(fixture, FLAGS(flag), VARIABLES(KEYS));
    memset(flag + 14, 'a', 257);
    assert_refused(fixture, FLAGS(flag), VARIABLES(KEYS),
                   "--cookie-name: error: cookie_name is longer than 256 bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flag_takes_its_value_attached_or_next),
        TEST(underscores_and_aliases_are_known),
        TEST(a_boolean_needs_no_value),
        TEST(the_letters_of_0x_work),
        TEST(letters_may_be_joined),
        TEST(the_last_of_repeated_flags_wins),
        TEST(a_list_flag_is_repeatable_and_bounded),
        TEST(what_is_no_flag_is_refused),
        TEST(keys_of_later_versions_are_refused_by_name),
        TEST(a_structure_is_given_as_one_text),
        TEST(a_very_long_flag_is_refused),
        TEST(values_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
