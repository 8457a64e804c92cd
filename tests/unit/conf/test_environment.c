#include "conf/conf.h"

#include "fixture.h"

static void every_key_has_a_variable(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES(KEYS, "MERCURE_ADDR=:1 :2", "MERCURE_ANONYMOUS=yes",
                            "MERCURE_MAX_HEADER_SIZE=64KiB", "MERCURE_LOG_LEVEL=warn",
                            "MERCURE_HEARTBEAT_INTERVAL=1s", "MERCURE_TRANSPORT=local://"));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->addr.count, 2);
    assert_true(conf->anonymous);
    assert_int_equal(conf->max_header_size, 65536);
    assert_int_equal(conf->log_level, 2);
    assert_int_equal(conf->heartbeat_ms, 1000);
    assert_str(conf->transport_url, "local://");
}

static void the_names_of_0x_work_without_a_prefix(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES(KEYS, "ADDR=:1", "TRANSPORT_URL=local://", "ALLOW_ANONYMOUS=1",
                            "PUBLISH_ALLOWED_ORIGINS=* null", "HEARTBEAT_INTERVAL=1s", "READ_TIMEOUT=2s",
                            "READ_HEADER_TIMEOUT=3s", "WRITE_TIMEOUT=0", "DISPATCH_TIMEOUT=4s", "DEMO=1",
                            "LOG_FORMAT=JSON"));
    const struct conf *conf = fixture->conf;
    assert_str(conf->addr.items[0], ":1");
    assert_str(conf->transport_url, "local://");
    assert_true(conf->anonymous && conf->playground);
    assert_int_equal(conf->publish_origins.count, 2);
    assert_int_equal(conf->heartbeat_ms, 1000);
    assert_int_equal(conf->read_timeout_ms, 2000);
    assert_int_equal(conf->read_header_timeout_ms, 3000);
    assert_int_equal(conf->write_timeout_ms, 0);
    assert_int_equal(conf->dispatch_timeout_ms, 4000);
    assert_int_equal(conf->log_format, CONF_LOG_FORMAT_JSON);
}

static void a_name_that_0x_did_not_have_needs_the_prefix(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(
        fixture, FLAGS(),
        VARIABLES(KEYS, "WORKERS=many", "ANONYMOUS=maybe", "TRANSPORT=x", "DEBUG=1", "LOG_LEVEL=x"));
    assert_int_equal(fixture->conf->workers, 0);
}

static void an_empty_variable_is_unset(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES(KEYS, "MERCURE_OPS_ADDR=", "MERCURE_HEARTBEAT=", "HEARTBEAT_INTERVAL=3s",
                            "MERCURE_ZZZ=", "MERCURE_CORS_ORIGINS=", "MERCURE_TRANSPORT_URL_FILE="));
    assert_str(fixture->conf->ops_addr, "127.0.0.1:2019");
    assert_int_equal(fixture->conf->heartbeat_ms, 3000);
}

static void a_secret_may_come_from_a_file(void **state)
{
    struct fixture *fixture = *state;
    char variable[300];
    (void)snprintf(variable, sizeof(variable), "MERCURE_PUBLISHER_JWT_KEY_FILE=%s",
                   write_file(fixture, "key", STR("secret \r\n")));
    assert_loaded(fixture, FLAGS("-X"), VARIABLES(variable));
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "secret ");
    char url[300];
    (void)snprintf(url, sizeof(url), "TRANSPORT_URL_FILE=%s", write_file(fixture, "url", STR("local://")));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, url));
    assert_str(fixture->conf->transport_url, "local://");
    assert_origin(fixture, "transport_url", "TRANSPORT_URL_FILE");
    (void)snprintf(url, sizeof(url), "MERCURE_ISSUERS_FILE=%s",
                   write_file(fixture, "issuers", STR("- issuer: a\n  publisher: {jwt_key: b}\n")));
    assert_loaded(fixture, FLAGS("-X"), VARIABLES(url));
    assert_str(fixture->conf->issuers[0].issuer, "a");
}

static void a_secret_file_that_cannot_be_used_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    char variable[300];
    char expected[600];
    assert_refused(
        fixture, FLAGS("-X"), VARIABLES("MERCURE_PUBLISHER_JWT_KEY_FILE=/nowhere/key"),
        "MERCURE_PUBLISHER_JWT_KEY_FILE: error: cannot read the file \"/nowhere/key\": No such file or "
        "directory\n");
    (void)snprintf(variable, sizeof(variable), "MERCURE_PUBLISHER_JWT_KEY_FILE=%s",
                   write_file(fixture, "key", STR("\n")));
    (void)snprintf(expected, sizeof(expected),
                   "MERCURE_PUBLISHER_JWT_KEY_FILE: error: the file \"%s\" is empty\n", fixture->path);
    assert_refused(fixture, FLAGS("-X"), VARIABLES(variable), expected);
    (void)snprintf(
        expected, sizeof(expected),
        "MERCURE_TRANSPORT_URL_FILE: error: MERCURE_TRANSPORT_URL is set as well: set one of them\n");
    (void)snprintf(variable, sizeof(variable), "MERCURE_TRANSPORT_URL_FILE=%s", fixture->path);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_TRANSPORT_URL=local://", variable), expected);
}

static void a_secret_file_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    static char text[OPTION_TEXT_MAX + 1];
    memset(text, 'k', sizeof(text));
    char variable[300];
    char expected[600];
    (void)snprintf(variable, sizeof(variable), "MERCURE_PUBLISHER_JWT_KEY_FILE=%s",
                   write_file(fixture, "key", str_make(text, OPTION_TEXT_MAX)));
    assert_loaded(fixture, FLAGS("-X"), VARIABLES(variable));
    assert_int_equal(fixture->conf->issuers[0].publisher.jwt_key.len, OPTION_TEXT_MAX);
    write_file(fixture, "key", str_make(text, sizeof(text)));
    (void)snprintf(expected, sizeof(expected),
                   "MERCURE_PUBLISHER_JWT_KEY_FILE: error: the file \"%s\" is larger than 64 KiB\n",
                   fixture->path);
    assert_refused(fixture, FLAGS("-X"), VARIABLES(variable), expected);
}

static void unknown_variables_with_our_prefix_are_warned_about(void **state)
{
    struct fixture *fixture = *state;
    assert_warned(
        fixture, FLAGS(),
        VARIABLES(KEYS, "MERCURE_HEARTBEET=1s", "MERCURE_PORT_80_TCP_ADDR=10.0.0.1", "MERCURE_ADDR_FILE=/x",
                  "MERCURE_JWT_KEY=k", "MERCURE_PUBLISHER_JWT_ALGORITHM=HS256", "MERCURELESS=1", "MERCURE_",
                  "MERCURE_=1"),
        "MERCURE_HEARTBEET: warning: unknown variable; did you mean MERCURE_HEARTBEAT?\n"
        "MERCURE_PORT_80_TCP_ADDR: warning: unknown variable\n"
        "MERCURE_ADDR_FILE: warning: has no effect: only secrets are read from a file\n"
        "MERCURE_JWT_KEY: warning: has no effect: the 0.x keys for tokens have no prefix\n"
        "MERCURE_PUBLISHER_JWT_ALGORITHM: warning: has no effect: the 0.x keys for tokens have no prefix\n"
        "MERCURE_: warning: unknown variable\n");
}

static void keys_of_later_versions_are_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_DRAIN_SPREAD=1s", "CERT_FILE=a.pem"),
                   "MERCURE_DRAIN_SPREAD: error: drain_spread is not supported yet by this version\n"
                   "CERT_FILE: error: cert_file is not supported yet by this version: let a proxy in front "
                   "of the hub hold the "
                   "certificate; the names that 0.x had without a prefix count too: unset CERT_FILE if it is "
                   "meant for another program\n");
}

static void the_variables_of_the_container_image_make_one_issuer(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES("MERCURE_PUBLISHER_JWT_KEY=p", "MERCURE_PUBLISHER_JWT_ALG=HS512",
                            "MERCURE_SUBSCRIBER_JWT_KEY=s"));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->issuer_count, 1);
    assert_str(conf->issuers[0].issuer, "https://localhost");
    assert_str(conf->issuers[0].publisher.jwt_key, "p");
    assert_str(conf->issuers[0].publisher.jwt_algorithm, "HS512");
    assert_str(conf->issuers[0].subscriber.jwt_key, "s");
    assert_str(conf->issuers[0].subscriber.jwt_algorithm, "HS256");
    assert_origin(fixture, "issuers", "MERCURE_PUBLISHER_JWT_KEY");
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_TRUSTED_ISSUERS=https://example.com"));
    assert_str(fixture->conf->issuers[0].issuer, "https://example.com");
}

static void those_variables_replace_the_issuers_of_the_file(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR("issuers: [{issuer: a, publisher: {jwt_key: k}}]\n"));
    char expected[400];
    (void)snprintf(expected, sizeof(expected),
                   "MERCURE_PUBLISHER_JWT_KEY: warning: replaces the issuers of %s\n", fixture->path);
    assert_warned(fixture, FLAGS(), VARIABLES(KEYS), expected);
    assert_int_equal(fixture->conf->issuer_count, 1);
    assert_str(fixture->conf->issuers[0].issuer, "https://localhost");
}

static void those_variables_add_to_a_list_of_the_environment(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES("MERCURE_ISSUERS=[{issuer: a, publisher: {jwt_key: k}}]", KEYS));
    assert_int_equal(fixture->conf->issuer_count, 2);
    assert_str(fixture->conf->issuers[1].issuer, "https://localhost");
    assert_refused(fixture, FLAGS(),
                   VARIABLES("MERCURE_ISSUERS=[{issuer: a, publisher: {jwt_key: k}}]", KEYS,
                             "MERCURE_TRUSTED_ISSUERS=a"),
                   "MERCURE_PUBLISHER_JWT_KEY: error: issuers: \"a\" is listed twice\n");
}

static void those_variables_need_a_key(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml",
               STR("issuers: [{issuer: a, publisher: {jwt_key: k}, subscriber: {jwt_key: k}}]\n"));
    assert_warned(fixture, FLAGS(), VARIABLES("MERCURE_PUBLISHER_JWT_ALG=HS256", "MERCURE_TRUSTED_ISSUERS=b"),
                  "MERCURE_PUBLISHER_JWT_ALG: warning: has no effect without MERCURE_PUBLISHER_JWT_KEY or "
                  "MERCURE_SUBSCRIBER_JWT_KEY\n"
                  "MERCURE_TRUSTED_ISSUERS: warning: has no effect without MERCURE_PUBLISHER_JWT_KEY or "
                  "MERCURE_SUBSCRIBER_JWT_KEY\n");
    assert_str(fixture->conf->issuers[0].issuer, "a");
}

static void they_make_one_issuer(void **state)
{
    struct fixture *fixture = *state;
    static char *const lists[] = {"MERCURE_TRUSTED_ISSUERS=https://a,https://b",
                                  "MERCURE_TRUSTED_ISSUERS=https://a https://b"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        assert_refused(
            fixture, FLAGS(), VARIABLES(KEYS, lists[i]),
            "MERCURE_TRUSTED_ISSUERS: error: is one issuer, not a list: write several as entries of "
            "issuers, in MERCURE_ISSUERS or the file, each with its keys\n");
}

static void their_algorithms_are_checked(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS(),
                   VARIABLES(KEYS, "MERCURE_PUBLISHER_JWT_ALG=RS256", "MERCURE_SUBSCRIBER_JWT_ALG=none"),
                   "MERCURE_PUBLISHER_JWT_ALG: error: the algorithm needs a public key or a certificate in "
                   "PEM form, but "
                   "the key is a shared secret\n"
                   "MERCURE_SUBSCRIBER_JWT_ALG: error: the algorithm must be HS256, HS384 or HS512, or with "
                   "a public key "
                   "one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA\n");
    assert_refused(fixture, FLAGS("-X"), VARIABLES("MERCURE_PUBLISHER_JWT_KEY= -----BEGIN PUBLIC KEY-----"),
                   "MERCURE_PUBLISHER_JWT_KEY: error: the algorithm is required with a key in PEM form\n");
    assert_refused(
        fixture, FLAGS("-X"),
        VARIABLES("MERCURE_PUBLISHER_JWT_KEY=-----BEGIN PUBLIC KEY-----", "MERCURE_PUBLISHER_JWT_ALG=HS256"),
        "MERCURE_PUBLISHER_JWT_ALG: error: the algorithm is for a shared secret, but the key is "
        "in PEM form\n");
}

static void a_broken_structure_is_told_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(
        fixture, FLAGS("-X"), VARIABLES("MERCURE_ISSUERS=[{issuer: a, publisher: {jwt_key: !x!}}]"),
        "MERCURE_ISSUERS:1:35: error: issuers: a value that starts with '!' must stand in quotes\n");
}

static void no_environment_at_all_is_fine(void **state)
{
    struct fixture *fixture = *state;
    struct conf_source source = {.work_dir = fixture->dir, .etc_dir = fixture->dir};
    assert_int_equal(conf_load(&fixture->conf, &source, &fixture->errors), HUB_E_INVALID);
    assert_int_equal(fixture->errors.error_count, 2); // the two keys
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_key_has_a_variable),
        TEST(the_names_of_0x_work_without_a_prefix),
        TEST(a_name_that_0x_did_not_have_needs_the_prefix),
        TEST(an_empty_variable_is_unset),
        TEST(a_secret_may_come_from_a_file),
        TEST(a_secret_file_that_cannot_be_used_is_an_error),
        TEST(a_secret_file_is_bounded),
        TEST(unknown_variables_with_our_prefix_are_warned_about),
        TEST(keys_of_later_versions_are_refused_by_name),
        TEST(the_variables_of_the_container_image_make_one_issuer),
        TEST(those_variables_replace_the_issuers_of_the_file),
        TEST(those_variables_add_to_a_list_of_the_environment),
        TEST(those_variables_need_a_key),
        TEST(they_make_one_issuer),
        TEST(their_algorithms_are_checked),
        TEST(a_broken_structure_is_told_with_its_place),
        TEST(no_environment_at_all_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
