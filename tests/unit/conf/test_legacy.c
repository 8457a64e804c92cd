#include "conf/conf.h"

#include "fixture.h"

static void the_file_of_the_0x_hub_works_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    char expected[400];
    write_file(fixture, "mercure.yaml",
               STR("transport_url: bolt://updates.db\n"
                   "license: '...'\n"
                   "addr: :3001\n"
                   "jwt_key: '!ChangeMe!'\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%s:2:10: warning: license: Accepted and ignored: no licence is needed.\n", fixture->path);
    assert_warned(fixture, FLAGS(), VARIABLES(), expected);
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->legacy.version, 8);
    assert_str(conf->legacy.publisher.jwt_key, "!ChangeMe!");
    assert_str(conf->legacy.publisher.jwt_algorithm, "HS256");
    assert_str(conf->legacy.subscriber.jwt_key, "!ChangeMe!");
    assert_str(conf->transport_url, "bolt://updates.db");
    assert_str(conf->addr.items[0], ":3001");
    assert_int_equal(conf->issuer_count, 0);
}

static void the_sample_of_the_0x_documentation_works_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "mercure.yaml",
               STR("addr: :3001\n"
                   "debug: true\n"
                   "allow_anonymous: true\n"
                   "#cert_file: a\n"
                   "publish_allowed_origins: [\"http://localhost:3001\", \"http://localhost:3000\"]\n"
                   "transport_url: bolt://update.db\n"
                   "jwt_key: \"!ChangeMe!\"\n"
                   "log_format: JSON\n"
                   "metrics_enabled: true\n"
                   "metrics_addr: 127.0.0.1:9999\n"
                   "heartbeat_interval: 15s\n"
                   "compress: false\n"
                   "use_forwarded_headers: 0\n"
                   "acme_hosts: []\n"
                   "acme_http01_addr: :http\n"
                   "cert_file: \"\"\n"
                   "key_file:\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->log_level, 0);
    assert_true(conf->metrics_enabled);
    assert_str(conf->metrics_addr, "127.0.0.1:9999");
    assert_int_equal(conf->log_format, CONF_LOG_FORMAT_JSON);
    assert_int_equal(conf->publish_origins.count, 2);
}

static void the_variables_of_the_0x_hub_work_without_a_prefix(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES("JWT_KEY=common", "JWT_ALGORITHM=HS384", "SUBSCRIBER_JWT_KEY=own",
                            "SUBSCRIBER_JWT_ALGORITHM=HS512", "METRICS=1", "METRICS_LOGIN=me",
                            "METRICS_PASSWORD=secret", "METRICS_ENABLED=t", "METRICS_ADDR=:9", "COMPRESS=F",
                            "USE_FORWARDED_HEADERS=0", "SUBSCRIPTIONS=false",
                            "ACME_HOSTS= ", "ACME_HTTP01_ADDR=:http", "CERT_FILE="));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->legacy.version, 8);
    assert_str(conf->legacy.publisher.jwt_key, "common");
    assert_str(conf->legacy.publisher.jwt_algorithm, "HS384");
    assert_str(conf->legacy.subscriber.jwt_key, "own");
    assert_str(conf->legacy.subscriber.jwt_algorithm, "HS512");
    assert_true(conf->metrics && conf->metrics_enabled);
    assert_str(conf->metrics_login, "me");
    assert_str(conf->metrics_password, "secret");
    assert_str(conf->metrics_addr, ":9");
}

static void the_flags_of_the_0x_hub_work(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture,
                  FLAGS("-K", "p", "-A", "HS512", "-L", "s", "-B", "HS384", "-O", "HS256", "-d", "-m",
                        "--metrics_login", "me", "--metrics_password", "secret", "--compress=false",
                        "--subscriptions=0", "--cert-file", "", "-J", ""),
                  VARIABLES());
    const struct conf *conf = fixture->conf;
    assert_str(conf->legacy.publisher.jwt_key, "p");
    assert_str(conf->legacy.publisher.jwt_algorithm, "HS512");
    assert_str(conf->legacy.subscriber.jwt_key, "s");
    assert_str(conf->legacy.subscriber.jwt_algorithm, "HS384");
    assert_int_equal(conf->log_level, 0);
    assert_str(conf->metrics_login, "me");
    assert_loaded(fixture, FLAGS("-k", "both", "--jwt-algorithm=HS512"), VARIABLES());
    assert_str(fixture->conf->legacy.subscriber.jwt_key, "both");
    assert_str(fixture->conf->legacy.subscriber.jwt_algorithm, "HS512");
}

static void the_case_of_keys_does_not_matter_in_a_file(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "mercure.yaml", STR("JWT_KEY: k\nAddr: :7\nCompress: false\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    assert_str(fixture->conf->addr.items[0], ":7");
    assert_str(fixture->conf->legacy.publisher.jwt_key, "k");
}

static void the_variables_of_the_container_never_turn_compatibility_on(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->legacy.version, 0);
    assert_null(fixture->conf->legacy.publisher.jwt_key.ptr);
}

static void with_the_version_set_they_are_0x_keys_too(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--protocol-version-compatibility=7"),
                  VARIABLES(KEYS, "MERCURE_PUBLISHER_JWT_ALG=HS512"));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->legacy.version, 7);
    assert_str(conf->legacy.publisher.jwt_key, "p");
    assert_str(conf->legacy.publisher.jwt_algorithm, "HS512");
    assert_str(conf->legacy.subscriber.jwt_key, "s");
    assert_str(conf->legacy.subscriber.jwt_algorithm, "HS256");
    assert_int_equal(conf->issuer_count, 1);
    assert_str(conf->issuers[0].publisher.jwt_key, "p");
}

static void a_0x_key_wins_over_them(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(),
                  VARIABLES(KEYS, "MERCURE_PROTOCOL_VERSION_COMPATIBILITY=8", "JWT_KEY=old"));
    assert_str(fixture->conf->legacy.publisher.jwt_key, "old");
    assert_str(fixture->conf->legacy.subscriber.jwt_key, "old");
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "p");
}

static void only_7_and_8_are_versions(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("--protocol-version-compatibility=6"), VARIABLES(KEYS),
                   "--protocol-version-compatibility: error: protocol_version_compatibility must be at least "
                   "7\n");
    assert_refused(fixture, FLAGS("--protocol-version-compatibility=9"), VARIABLES(KEYS),
                   "--protocol-version-compatibility: error: protocol_version_compatibility must be at most "
                   "8\n");
}

static void what_was_an_open_hub_is_refused_with_the_key_to_set(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("-K", "p"), VARIABLES(),
                   "error: no key verifies subscribers: set jwt_key or subscriber_jwt_key (0.x let everybody "
                   "subscribe without), or anonymous: true to allow subscribers without a token\n");
    assert_loaded(fixture, FLAGS("-K", "p", "-X"), VARIABLES());
    assert_refused(fixture, FLAGS("-L", "s"), VARIABLES(),
                   "error: no key verifies publishers: set jwt_key or publisher_jwt_key\n");
}

static void the_algorithm_of_a_0x_key_is_checked(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(
        fixture, FLAGS("-k", "x", "-O", "none", "-B", "HS256"), VARIABLES(),
        "-O: error: jwt_algorithm must be HS256, HS384 or HS512, or with a public key one of RS256, "
        "RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA\n");
    assert_refused(fixture, FLAGS("--jwt-key="), VARIABLES(),
                   "--jwt-key: error: jwt_key must not be empty\n");
    assert_warned(fixture, FLAGS("-A", "HS256"), VARIABLES(KEYS),
                  "-A: warning: publisher_jwt_algorithm has no effect without a key\n");
    assert_int_equal(fixture->conf->legacy.version, 0);
}

static void the_keys_of_0x_may_be_behind_a_url(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--subscriber-jwks-url", "file:///etc/keys.json"),
                  VARIABLES("PUBLISHER_JWKS_URL=https://example.com/keys.json"));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->legacy.version, 8);
    assert_str(conf->legacy.publisher.jwks_uri, "https://example.com/keys.json");
    assert_int_equal(conf->legacy.publisher.jwt_algorithms.count, 10);
    assert_str(conf->legacy.subscriber.jwks_uri, "file:///etc/keys.json");
    assert_loaded(fixture, FLAGS("-k", "k"), VARIABLES("PUBLISHER_JWKS_URL=https://example.com/keys.json"));
    assert_null(fixture->conf->legacy.publisher.jwt_key.ptr);
    assert_str(fixture->conf->legacy.subscriber.jwt_key, "k");
    assert_warned(fixture, FLAGS("-K", "k", "-X"),
                  VARIABLES("PUBLISHER_JWKS_URL=https://example.com/keys.json"),
                  "-K: warning: publisher_jwt_key has no effect beside publisher_jwks_url\n");
    assert_refused(fixture, FLAGS("-k", "k"), VARIABLES("SUBSCRIBER_JWKS_URL=ftp://example.com"),
                   "SUBSCRIBER_JWKS_URL: error: subscriber_jwks_url must be a URL of https, http or file\n");
}

static void the_metrics_of_0x_need_both_halves_of_their_credentials(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("-m"), VARIABLES(KEYS),
                   "-m: error: metrics needs a metrics_password, or an empty metrics_login to let everybody "
                   "read them\n");
    assert_refused(fixture, FLAGS("-m", "--metrics-login=", "--metrics-password=x"), VARIABLES(KEYS),
                   "--metrics-login: error: metrics_login must not be empty with a metrics_password\n");
    assert_refused(fixture, FLAGS("-m", "--metrics-login=a:b", "--metrics-password=x"), VARIABLES(KEYS),
                   "--metrics-login: error: metrics_login must not hold a colon\n");
    assert_loaded(fixture, FLAGS("-m", "--metrics-login="), VARIABLES(KEYS));
}

static void the_address_of_the_metrics_is_one_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("--metrics-enabled", "--metrics-addr=:9", "-a", ":9"), VARIABLES(KEYS),
                   "--metrics-addr: error: metrics_addr: \":9\" is an address of addr already\n");
    assert_refused(fixture, FLAGS("--metrics-enabled", "--metrics-addr=127.0.0.1:2019"), VARIABLES(KEYS),
                   "--metrics-addr: error: metrics_addr: \"127.0.0.1:2019\" is the address of ops_addr "
                   "already\n");
    assert_refused(fixture, FLAGS("--metrics-enabled", "--metrics-addr=9764"), VARIABLES(KEYS),
                   "--metrics-addr: error: metrics_addr: \"9764\" has no colon; did you mean \":9764\"?\n");
    assert_loaded(fixture, FLAGS("--metrics-addr=9764"), VARIABLES(KEYS)); // and not listened on
}

static void a_debug_that_is_no_truth_belongs_to_another_program(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "DEBUG=express:*"));
    assert_int_equal(fixture->conf->log_level, 1);
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "DEBUG=1"));
    assert_int_equal(fixture->conf->log_level, 0);
    assert_loaded(fixture, FLAGS("--log-level=warn"), VARIABLES(KEYS, "DEBUG=1"));
    assert_int_equal(fixture->conf->log_level, 2);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_DEBUG=express:*"),
                   "MERCURE_DEBUG: error: debug must be true or false\n");
}

static void the_size_of_a_cache_is_accepted_and_ignored(void **state)
{
    struct fixture *fixture = *state;
    assert_warned(fixture, FLAGS("--tcsz", "1000"), VARIABLES(KEYS),
                  "--tcsz: warning: tcsz: Accepted and ignored: matching needs no cache of a fixed size.\n");
}

static void a_file_in_another_format_is_warned_about(void **state)
{
    struct fixture *fixture = *state;
    char expected[400];
    write_file(fixture, "mercure.toml", STR("addr = \":80\"\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%s: warning: is not read here, though 0.x did: write its keys to a mercure.yaml\n",
                   fixture->path);
    assert_warned(fixture, FLAGS(), VARIABLES(KEYS), expected);
    write_file(fixture, "mercure.yaml", STR("addr: :80\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
}

static void the_history_of_0x_is_not_passed_over_silently(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "updates.db", STR(""));
    assert_warned(fixture, FLAGS("-k", "x"), VARIABLES(),
                  "warning: the history of the 0.x hub was in updates.db by default, which is here: set "
                  "transport_url to bolt://updates.db to go on with it\n");
    assert_loaded(fixture, FLAGS("-k", "x", "-t", "bolt://updates.db"), VARIABLES());
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_of_the_0x_hub_works_as_it_is),
        TEST(the_sample_of_the_0x_documentation_works_as_it_is),
        TEST(the_variables_of_the_0x_hub_work_without_a_prefix),
        TEST(the_flags_of_the_0x_hub_work),
        TEST(the_case_of_keys_does_not_matter_in_a_file),
        TEST(the_variables_of_the_container_never_turn_compatibility_on),
        TEST(with_the_version_set_they_are_0x_keys_too),
        TEST(a_0x_key_wins_over_them),
        TEST(only_7_and_8_are_versions),
        TEST(what_was_an_open_hub_is_refused_with_the_key_to_set),
        TEST(the_algorithm_of_a_0x_key_is_checked),
        TEST(the_keys_of_0x_may_be_behind_a_url),
        TEST(the_metrics_of_0x_need_both_halves_of_their_credentials),
        TEST(the_address_of_the_metrics_is_one_of_its_own),
        TEST(a_debug_that_is_no_truth_belongs_to_another_program),
        TEST(the_size_of_a_cache_is_accepted_and_ignored),
        TEST(a_file_in_another_format_is_warned_about),
        TEST(the_history_of_0x_is_not_passed_over_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
