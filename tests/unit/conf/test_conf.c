#include "conf/conf.h"

#include "base/log.h"
#include "fixture.h"

static void defaults_are_those_of_the_reference(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->addr.count, 1);
    assert_str(conf->addr.items[0], ":80");
    assert_str(conf->ops_addr, "127.0.0.1:2019");
    assert_str(conf->transport_url, "bolt://mercure.db");
    assert_str(conf->cookie_name, "__Secure-mercure_access_token");
    assert_null(conf->resource_identifier.ptr);
    assert_false(conf->anonymous);
    assert_int_equal(conf->publish_origins.count, 0);
    assert_int_equal(conf->heartbeat_ms, 40000);
    assert_int_equal(conf->write_timeout_ms, 600000);
    assert_int_equal(conf->dispatch_timeout_ms, 5000);
    assert_int_equal(conf->read_timeout_ms, 5000);
    assert_int_equal(conf->read_header_timeout_ms, 3000);
    assert_int_equal(conf->publish_timeout_ms, 5000);
    assert_int_equal(conf->peer_timeout_ms, 20000);
    assert_int_equal(conf->shutdown_timeout_ms, 30000);
    assert_int_equal(conf->max_request_body_size, 1 << 20);
    assert_int_equal(conf->max_header_size, 32 << 10);
    assert_int_equal(conf->max_pipelined, 64);
    assert_int_equal(conf->max_connections, 0);
    assert_int_equal(conf->max_subscribers, 0);
    assert_int_equal(conf->tail_max_bytes, 64 << 20);
    assert_int_equal(conf->worker_lag_max, 64 << 20);
    assert_int_equal(conf->max_unsent_bytes, 64 << 20);
    assert_int_equal(conf->max_pending_bytes, 64 << 20);
    assert_int_equal(conf->max_pending_publishes, 10000);
    assert_int_equal(conf->socket_unsent_max, 64 << 10);
    assert_int_equal(conf->max_topics, 1000);
    assert_int_equal(conf->max_topic_length, 4096);
    assert_int_equal(conf->max_matchers, 100);
    assert_int_equal(conf->max_matcher_length, 4096);
    assert_int_equal(conf->max_matcher_bytes, 256 << 20);
    assert_int_equal(conf->max_id_length, 1024);
    assert_int_equal(conf->token_cache_size, 10000);
    assert_int_equal(conf->workers, 0);
    assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
    assert_int_equal(conf->log_format, CONF_LOG_FORMAT_AUTO);
    assert_false(conf->playground || conf->debugger);
    assert_null(conf->file.ptr);
    assert_origin(fixture, "addr", "default");
}

static void log_levels_are_those_of_the_log(void **state)
{
    struct fixture *fixture = *state;
    static char *const words[] = {"debug", "info", "warn", "error"};
    static const unsigned levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_loaded(fixture, FLAGS("--log-level", words[i]), VARIABLES(KEYS));
        assert_int_equal(fixture->conf->log_level, levels[i]);
    }
    assert_loaded(fixture, FLAGS("--log-format=JSON"), VARIABLES(KEYS)); // as 0.x wrote it
    assert_int_equal(fixture->conf->log_format, CONF_LOG_FORMAT_JSON);
}

// Each step takes the strongest source away.
static void the_strongest_source_wins(void **state)
{
    struct fixture *fixture = *state;
    static const struct conf_override overrides[] = {{"heartbeat", "4s"}};
    fixture->overrides = overrides;
    fixture->override_count = 1;
    const char *path = write_file(fixture, "cinnabar.yaml", STR("heartbeat: 3s\n"));

    assert_loaded(fixture, FLAGS("--heartbeat=1s"),
                  VARIABLES(KEYS, "MERCURE_HEARTBEAT=2s", "HEARTBEAT_INTERVAL=5s"));
    assert_int_equal(fixture->conf->heartbeat_ms, 1000);
    assert_origin(fixture, "heartbeat", "--heartbeat");

    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "HEARTBEAT_INTERVAL=5s", "MERCURE_HEARTBEAT=2s"));
    assert_int_equal(fixture->conf->heartbeat_ms, 2000);
    assert_origin(fixture, "heartbeat", "MERCURE_HEARTBEAT");

    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "HEARTBEAT_INTERVAL=5s"));
    assert_int_equal(fixture->conf->heartbeat_ms, 5000);
    assert_origin(fixture, "heartbeat", "HEARTBEAT_INTERVAL");

    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->heartbeat_ms, 3000);
    char origin[300];
    (void)snprintf(origin, sizeof(origin), "%s:1:12", path);
    assert_origin(fixture, "heartbeat", origin);

    assert_int_equal(unlink(path), 0);
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->heartbeat_ms, 4000);
    assert_origin(fixture, "heartbeat", "cinnabar dev");

    fixture->override_count = 0;
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->heartbeat_ms, 40000);
    assert_origin(fixture, "heartbeat", "default");
}

static void a_list_of_a_stronger_source_replaces_the_weaker_one(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR("addr: [':1', ':2']\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->addr.count, 2);
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_ADDR=:3"));
    assert_int_equal(fixture->conf->addr.count, 1);
    assert_str(fixture->conf->addr.items[0], ":3");
    assert_loaded(fixture, FLAGS("-a", ":4", "--addr", ":5,:6"), VARIABLES(KEYS, "MERCURE_ADDR=:3"));
    assert_int_equal(fixture->conf->addr.count, 3);
    assert_str(fixture->conf->addr.items[0], ":4");
    assert_str(fixture->conf->addr.items[2], ":6");
}

static void the_development_settings_are_weaker_than_everything_but_defaults(void **state)
{
    struct fixture *fixture = *state;
    static const struct conf_override overrides[] = {
        {"addr", ":3000"},
        {"anonymous", "true"},
        {"playground", "true"},
        {"cookie_name", "mercure_access_token"},
        {"issuers",
         "[{issuer: https://localhost, publisher: {jwt_key: '!dev!'}, subscriber: {jwt_key: '!dev!'}}]"},
    };
    fixture->overrides = overrides;
    fixture->override_count = ARRAY_LEN(overrides);
    assert_loaded(fixture, FLAGS(), VARIABLES());
    assert_str(fixture->conf->addr.items[0], ":3000");
    assert_int_equal(fixture->conf->issuer_count, 1);
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "!dev!");
    assert_loaded(fixture, FLAGS("-a:4000"), VARIABLES("MERCURE_PUBLISHER_JWT_KEY=mine"));
    assert_int_equal(fixture->conf->addr.count, 1);
    assert_str(fixture->conf->addr.items[0], ":4000");
    assert_int_equal(fixture->conf->issuer_count, 1);
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "mine");
    assert_null(fixture->conf->issuers[0].subscriber.jwt_key.ptr);
    assert_true(fixture->conf->anonymous);
}

static void all_errors_of_all_sources_come_at_once(void **state)
{
    struct fixture *fixture = *state;
    const char *path = write_file(fixture, "mercure.yml",
                                  STR("heartbeat: 40\n"
                                      "max_topics: many\n"
                                      "heartbeet: 1s\n"
                                      "drain_spread: 1s\n"
                                      "public_urls: [example.com]\n"));
    char expected[2048];
    (void)snprintf(
        expected, sizeof(expected),
        "--adr: error: unknown flag; did you mean --addr?\n"
        "%1$s:1:12: error: heartbeat needs a unit: write 40s for seconds, or 40ms, 40m, 40h\n"
        "%1$s:2:13: error: max_topics must be a whole number\n"
        "%1$s:3:1: error: unknown key \"heartbeet\"; did you mean \"heartbeat\"?\n"
        "%1$s:4:1: error: drain_spread is not supported yet by this version\n"
        "MERCURE_WORKERS: error: workers must be 0 or at most 256\n"
        "MERCURE_ADRR: warning: unknown variable; did you mean MERCURE_ADDR?\n"
        "--max-topics: error: max_topics must be at least 1\n"
        "%1$s:5:14: error: public_urls: \"example.com\" is not an absolute URL of http or https\n"
        "error: no key verifies publishers: set issuers with publisher: {jwt_key: ...}, or the variable "
        "MERCURE_PUBLISHER_JWT_KEY\n"
        "error: no key verifies subscribers: set issuers with subscriber: {jwt_key: ...}, or the variable "
        "MERCURE_SUBSCRIBER_JWT_KEY, or anonymous: true to allow subscribers without a token\n",
        path);
    assert_refused(fixture, FLAGS("--adr", ":80", "--max-topics=0"),
                   VARIABLES("MERCURE_WORKERS=257", "MERCURE_ADRR=:1"), expected);
    assert_int_equal(fixture->errors.error_count, 10);
}

static void more_errors_than_anyone_reads_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    for (unsigned i = 0; i < CONF_ERRORS_MAX + 5; i++)
        buf_printf(&text, "zzzzzzzz%u: 1\n", i);
    write_file(fixture, "cinnabar.yaml", buf_str(&text));
    assert_int_equal(load(fixture, FLAGS(), VARIABLES(KEYS)), HUB_E_INVALID);
    assert_int_equal(fixture->errors.count, CONF_ERRORS_MAX);
    assert_int_equal(fixture->errors.error_count, CONF_ERRORS_MAX + 5);
    assert_true(str_ends_with(buf_str(&fixture->printed), STR("error: and 5 more\n")));
    buf_done(&text);
}

static void a_publisher_and_a_subscriber_need_keys(void **state)
{
    struct fixture *fixture = *state;
    const char *publishers =
        "error: no key verifies publishers: set issuers with publisher: {jwt_key: ...}, or the "
        "variable MERCURE_PUBLISHER_JWT_KEY\n";
    const char *subscribers =
        "error: no key verifies subscribers: set issuers with subscriber: {jwt_key: ...}, or the "
        "variable MERCURE_SUBSCRIBER_JWT_KEY, or anonymous: true to allow subscribers without a "
        "token\n";
    assert_refused(fixture, FLAGS(), VARIABLES("MERCURE_SUBSCRIBER_JWT_KEY=s"), publishers);
    assert_refused(fixture, FLAGS(), VARIABLES("MERCURE_PUBLISHER_JWT_KEY=p"), subscribers);
    assert_refused(fixture, FLAGS("--anonymous"), VARIABLES(), publishers);
    assert_loaded(fixture, FLAGS("--anonymous"), VARIABLES("MERCURE_PUBLISHER_JWT_KEY=p"));
}

static void a_transport_without_slashes_is_told_where_they_go(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(
        fixture, FLAGS("-t", "bolt:/tmp/x.db"), VARIABLES(KEYS),
        "-t: error: transport_url needs \"//\" behind \"bolt:\": bolt:// and a name, or bolt:/// and "
        "an absolute path\n");
    assert_refused(fixture, FLAGS("-t", "mercure.db"), VARIABLES(KEYS),
                   "-t: error: transport_url must be a URL with a scheme, as bolt://mercure.db\n");
}

static void addresses_are_checked(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--addr=127.0.0.1:0 unix:/tmp/a", "--ops-addr="), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->ops_addr.len, 0);
    assert_refused(fixture, FLAGS("--addr="), VARIABLES(KEYS),
                   "--addr: error: addr must name at least one address\n");
    assert_refused(fixture, FLAGS("--addr=80"), VARIABLES(KEYS),
                   "--addr: error: addr: \"80\" has no colon; did you mean \":80\"?\n");
    assert_refused(fixture, FLAGS("--addr=:80,:81,:80"), VARIABLES(KEYS),
                   "--addr: error: addr: \":80\" is listed twice\n");
    assert_refused(fixture, FLAGS("--addr=:80", "--ops-addr=:80"), VARIABLES(KEYS),
                   "--ops-addr: error: ops_addr: \":80\" is an address of addr already\n");
    assert_refused(fixture, FLAGS("--ops-addr=:x"), VARIABLES(KEYS),
                   "--ops-addr: error: ops_addr: \":x\" has no sound port: write a number from 0 to 65535\n");
}

static void urls_origins_and_the_cookie_are_checked(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture,
                  FLAGS("--resource-identifier=https://a/.well-known/mercure",
                        "--public-urls=http://a http://b:1/c", "-p", "https://a null", "-p", "*",
                        "--cookie-name=x"),
                  VARIABLES(KEYS));
    assert_int_equal(fixture->conf->publish_origins.count, 3);
    assert_refused(
        fixture,
        FLAGS("--resource-identifier=https://a#b", "--public-urls=a://b", "-p", "https://a/",
              "--cookie-name=a b"),
        VARIABLES(KEYS),
        "--public-urls: error: public_urls: \"a://b\" is not an absolute URL of http or https\n"
        "-p: error: publish_origins: \"https://a/\" is not an origin: write a scheme and a host alone, as "
        "https://example.com, or * or null\n"
        "--resource-identifier: error: resource_identifier: \"https://a#b\" must not have a fragment\n"
        "--cookie-name: error: cookie_name: \"a b\" holds a character that a cookie's name cannot have\n");
    assert_refused(fixture, FLAGS("--resource-identifier=/a"), VARIABLES(KEYS),
                   "--resource-identifier: error: resource_identifier must be a URL with a scheme, as "
                   "https://example.com\n");
    assert_refused(fixture, FLAGS("--cookie-name="), VARIABLES(KEYS),
                   "--cookie-name: error: cookie_name must not be empty\n");
}

static void a_plain_resource_identifier_is_warned_about_unless_it_is_local(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--resource-identifier=http://localhost:3000/a"), VARIABLES(KEYS));
    assert_loaded(fixture, FLAGS("--resource-identifier=http://127.0.0.1/a"), VARIABLES(KEYS));
    assert_loaded(fixture, FLAGS("--resource-identifier=HTTPS://a"), VARIABLES(KEYS));
    assert_warned(fixture, FLAGS("--resource-identifier=http://a"), VARIABLES(KEYS),
                  "--resource-identifier: warning: resource_identifier should be an https URL\n");
}

static void a_public_url_that_no_request_can_meet_is_warned_about(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture, FLAGS("--public-urls=http://a.example"), VARIABLES(KEYS));
    assert_warned(fixture, FLAGS("--public-urls=http://a.example HTTPS://b.example"), VARIABLES(KEYS),
                  "--public-urls: warning: public_urls: \"HTTPS://b.example\" is met by no request: the hub "
                  "speaks no TLS yet, and believes no proxy that does; set trusted_proxies\n");
    assert_loaded(fixture, FLAGS("--public-urls=https://a", "--trusted-proxies=127.0.0.1"), VARIABLES(KEYS));
    assert_loaded(fixture, FLAGS("--public-urls=https://a", "--use-forwarded-headers"), VARIABLES(KEYS));
    assert_loaded(fixture, FLAGS("--public-urls=https://a", "--addr=unix:/a"), VARIABLES(KEYS));
}

static void the_licence_is_accepted_and_ignored(void **state)
{
    struct fixture *fixture = *state;
    assert_warned(fixture, FLAGS(), VARIABLES(KEYS, "MERCURE_LICENSE=secret"),
                  "MERCURE_LICENSE: warning: license: Accepted and ignored: no licence is needed.\n");
    assert_warned(fixture, FLAGS(), VARIABLES(KEYS, "LICENSE=secret"),
                  "LICENSE: warning: license: Accepted and ignored: no licence is needed.\n");
}

// A number just outside, or NULL where the bound is 0 or the option's type has no more.
struct edge {
    const char *key;
    const char *least;
    const char *too_little;
    const char *most;
    const char *too_much;
};

static int load_with(struct fixture *fixture, const char *key, const char *text)
{
    char flag[128];
    (void)snprintf(flag, sizeof(flag), "--%s=%s", key, text);
    return load(fixture, FLAGS(flag), VARIABLES(KEYS));
}

static void every_number_is_bounded_at_both_edges(void **state)
{
    struct fixture *fixture = *state;
    static const struct edge edges[] = {
        {"max-connections", "16", "15", "10000000", "10000001"},
        {"read-timeout", "0s", NULL, "24h", "86400001ms"},
        {"read-header-timeout", "0s", NULL, "24h", "86400001ms"},
        {"max-header-size", "1KiB", "1023", "1MiB", "1048577"},
        {"max-pipelined", "1", "0", "10000", "10001"},
        {"socket-unsent-max", "4KiB", "4095", "1GiB", "1073741825"},
        {"peer-timeout", "1s", "999ms", "24h", "86400001ms"},
        {"token-cache-size", "0", NULL, "10000000", "10000001"},
        {"jwks-refresh", "10s", "9s", "720h", "2592000001ms"},
        {"heartbeat", "100ms", "99ms", "24h", "86400001ms"},
        {"write-timeout", "1s", "999ms", "8760h", "31536000001ms"},
        {"dispatch-timeout", "100ms", "99ms", "24h", "86400001ms"},
        {"max-subscribers", "1", NULL, "10000000", "10000001"},
        {"max-matchers", "1", "0", "10000", "10001"},
        {"max-matcher-length", "16", "15", "64KiB", "65537"},
        {"max-matcher-bytes", "64KiB", "65535", "1TiB", "1099511627777"},
        {"subscription-event-ttl", "1s", "999ms", "8760h", "31536000001ms"},
        {"max-unsent-bytes", "64KiB", "65535", "1TiB", "1099511627777"},
        {"publish-timeout", "10ms", "9ms", "1h", "3600001ms"},
        {"max-request-body-size", "0", NULL, "1GiB", "1073741825"},
        {"max-topics", "1", "0", "65535", "65536"},
        {"max-topic-length", "16", "15", "64KiB", "65537"},
        {"max-id-length", "45", "44", "16KiB", "16385"},
        {"max-pending-publishes", "1", "0", "10000000", "10000001"},
        {"max-pending-bytes", "64KiB", "65535", "1TiB", "1099511627777"},
        {"workers", "1", NULL, "256", "257"},
        {"tail-max-bytes", "64KiB", "65535", "1TiB", "1099511627777"},
        {"worker-lag-max", "64KiB", "65535", "1TiB", "1099511627777"},
        {"shutdown-timeout", "0s", NULL, "1h", "3600001ms"},
        {"protocol-version-compatibility", "7", "6", "8", "9"},
    };
    size_t numbers = 0;
    for (const struct option *option = conf_options; option->name; option++)
        numbers += !(option->flags & OPTION_IGNORED) &&
                   (option->type == OPTION_INTEGER || option->type == OPTION_DURATION ||
                    option->type == OPTION_SIZE);
    assert_int_equal(numbers, ARRAY_LEN(edges));
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        const struct edge *edge = &edges[i];
        assert_int_equal(load_with(fixture, edge->key, edge->least), HUB_OK);
        assert_int_equal(load_with(fixture, edge->key, edge->most), HUB_OK);
        assert_int_equal(load_with(fixture, edge->key, edge->too_much), HUB_E_INVALID);
        assert_non_null(strstr(buf_c(&fixture->printed), "at most "));
        if (!edge->too_little)
            continue;
        assert_int_equal(load_with(fixture, edge->key, edge->too_little), HUB_E_INVALID);
        assert_non_null(strstr(buf_c(&fixture->printed), "at least "));
    }
}

static void zero_means_off_where_the_reference_says_so(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {"heartbeat", "write-timeout", "dispatch-timeout", "peer-timeout"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(load_with(fixture, keys[i], "0s"), HUB_OK);
    assert_int_equal(load_with(fixture, "publish-timeout", "0s"), HUB_E_INVALID);
}

static void values_outlive_their_sources(void **state)
{
    struct fixture *fixture = *state;
    char flag[] = "--ops-addr=127.0.0.1:9";
    char variable[] = "MERCURE_PUBLISHER_JWT_KEY=key";
    char name[] = "MERCURE_COOKIE_NAME=cookie";
    assert_loaded(fixture, FLAGS(flag, "-X"), VARIABLES(variable, name));
    memset(flag, 'x', sizeof(flag) - 1);
    memset(variable, 'x', sizeof(variable) - 1);
    memset(name, 'x', sizeof(name) - 1);
    assert_str(fixture->conf->ops_addr, "127.0.0.1:9");
    assert_str(fixture->conf->cookie_name, "cookie");
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "key");
    assert_origin(fixture, "ops_addr", "--ops-addr");
    assert_origin(fixture, "cookie_name", "MERCURE_COOKIE_NAME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_reference),
        TEST(log_levels_are_those_of_the_log),
        TEST(the_strongest_source_wins),
        TEST(a_list_of_a_stronger_source_replaces_the_weaker_one),
        TEST(the_development_settings_are_weaker_than_everything_but_defaults),
        TEST(all_errors_of_all_sources_come_at_once),
        TEST(more_errors_than_anyone_reads_are_counted),
        TEST(a_publisher_and_a_subscriber_need_keys),
        TEST(a_transport_without_slashes_is_told_where_they_go),
        TEST(addresses_are_checked),
        TEST(urls_origins_and_the_cookie_are_checked),
        TEST(a_plain_resource_identifier_is_warned_about_unless_it_is_local),
        TEST(a_public_url_that_no_request_can_meet_is_warned_about),
        TEST(the_licence_is_accepted_and_ignored),
        TEST(every_number_is_bounded_at_both_edges),
        TEST(zero_means_off_where_the_reference_says_so),
        TEST(values_outlive_their_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
