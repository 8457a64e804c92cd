#include "conf/conf.h"

#include "fixture.h"

static void an_entry_has_keys_for_its_roles(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml",
               STR("issuers:\n"
                   "  - issuer: https://example.com\n"
                   "    authorization_servers: [https://auth.example.com]\n"
                   "    publisher:  { jwt_key: '!ChangeMe!', jwt_algorithm: HS384 }\n"
                   "  - issuer: other\n"
                   "    subscriber: { jwt_key: sub }\n"
                   "    publisher:\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    const struct conf *conf = fixture->conf;
    assert_int_equal(conf->issuer_count, 2);
    assert_str(conf->issuers[0].issuer, "https://example.com");
    assert_int_equal(conf->issuers[0].authorization_servers.count, 1);
    assert_str(conf->issuers[0].authorization_servers.items[0], "https://auth.example.com");
    assert_str(conf->issuers[0].publisher.jwt_key, "!ChangeMe!");
    assert_str(conf->issuers[0].publisher.jwt_algorithm, "HS384");
    assert_null(conf->issuers[0].subscriber.jwt_key.ptr);
    assert_str(conf->issuers[1].subscriber.jwt_key, "sub");
    assert_str(conf->issuers[1].subscriber.jwt_algorithm, "HS256");
    assert_null(conf->issuers[1].publisher.jwt_key.ptr);
}

// Loads with the text as the value of --issuers; the place of an error is inside it.
static void assert_issuers_refused(struct fixture *fixture, char *text, const char *expected)
{
    assert_refused(fixture, FLAGS("-X", "--issuers", text), VARIABLES(), expected);
}

static void an_entry_is_whole(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(fixture, "[{publisher: {jwt_key: a}}]",
                           "--issuers:1:2: error: issuers: an entry has no issuer\n");
    assert_issuers_refused(fixture, "[{issuer: a}]",
                           "--issuers:1:2: error: issuers: an entry needs a publisher or a subscriber\n");
    assert_issuers_refused(fixture, "[{issuer: '', publisher: {jwt_key: a}}]",
                           "--issuers:1:11: error: issuers: issuer must not be empty\n");
    assert_issuers_refused(fixture, "[a]",
                           "--issuers:1:2: error: issuers: each entry must be a mapping with issuer\n");
    assert_issuers_refused(fixture, "{issuer: a}",
                           "--issuers:1:1: error: issuers: a list is expected, one entry for each issuer\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: secret}]",
                           "--issuers:1:25: error: issuers: publisher must be a mapping with jwt_key\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: {}}]",
                           "--issuers:1:25: error: issuers: publisher has no jwt_key\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: {jwt_key: null}}]",
                           "--issuers:1:25: error: issuers: publisher has no jwt_key\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: {jwt_key: ''}}]",
                           "--issuers:1:35: error: issuers: jwt_key must not be empty\n");
}

static void an_issuer_is_listed_once(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(fixture,
                           "[{issuer: a, publisher: {jwt_key: k}}, {issuer: a, subscriber: {jwt_key: k}}]",
                           "--issuers:1:40: error: issuers: \"a\" is listed twice\n");
}

static void unknown_keys_get_the_nearest_one(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(
        fixture, "[{isuer: a, issuer: b, publisher: {jwt_kye: x, jwt_key: k, qqqqqqqqq: 1}}]",
        "--issuers:1:3: error: issuers: unknown key \"isuer\"; did you mean \"issuer\"?\n"
        "--issuers:1:36: error: issuers: unknown key \"jwt_kye\"; did you mean \"jwt_key\"?\n"
        "--issuers:1:60: error: issuers: unknown key \"qqqqqqqqq\"\n");
}

static void what_comes_with_a_later_version_is_said(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(fixture,
                           "[{issuer: a, publisher: {jwks_uri: https://a, jwt_algorithms: [RS256]}}]",
                           "--issuers:1:26: error: jwks_uri is not supported yet by this version\n"
                           "--issuers:1:47: error: jwt_algorithms is not supported yet by this version\n");
    static const char *const later[] = {"RS256", "RS384", "RS512", "ES256", "ES384",
                                        "ES512", "PS256", "PS384", "PS512", "EdDSA"};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwt_key: k, jwt_algorithm: %s}}]",
                       later[i]);
        assert_issuers_refused(fixture, text,
                               "--issuers:1:25: error: issuers: jwt_algorithm must be HS256, HS384 or HS512: "
                               "public keys are not "
                               "supported yet by this version\n");
    }
}

static void an_algorithm_is_a_known_one_and_fits_the_key(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"none", "hs256", "HS1", "RS257"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwt_key: k, jwt_algorithm: %s}}]",
                       wrong[i]);
        assert_issuers_refused(fixture, text,
                               "--issuers:1:25: error: issuers: jwt_algorithm must be HS256, HS384 or "
                               "HS512\n");
    }
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: '-----BEGIN X'}}]",
        "--issuers:1:25: error: issuers: jwt_algorithm is required with a key in PEM form\n");
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: '  -----BEGIN X', jwt_algorithm: HS256}}]",
        "--issuers:1:25: error: issuers: jwt_algorithm is for a shared secret, but the key is a "
        "public key in PEM form\n");
}

static void authorization_servers_are_urls(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: k}, authorization_servers: [https://a, b]}]",
        "--issuers:1:2: error: issuers: the authorization server \"b\" is not an absolute URL of http "
        "or https\n");
}

static void no_error_tells_a_secret(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        load(fixture,
             FLAGS("-X", "--issuers",
                   "[{issuer: a, publisher: {jwt_key: hunter2, jwt_algorithm: x}}, {issuer: b, publisher: "
                   "hunter2}, {issuer: c, publisher: {jwt_key: [hunter2]}}]",
                   "--transport-url=hunter2"),
             VARIABLES("MERCURE_PUBLISHER_JWT_KEY=hunter2", "MERCURE_PUBLISHER_JWT_ALG=RS256",
                       "JWT_KEY=hunter2")),
        HUB_E_INVALID);
    assert_true(fixture->errors.error_count >= 5);
    assert_null(strstr(buf_c(&fixture->printed), "hunter2"));
}

static void append_issuers(struct buf *buf, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_printf(buf, "- {issuer: i%u, publisher: {jwt_key: k}, subscriber: {jwt_key: k}}\n", i);
}

static void the_number_of_issuers_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_append_str(&text, STR("issuers:\n"));
    append_issuers(&text, 100);
    const char *path = write_file(fixture, "cinnabar.yaml", buf_str(&text));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    assert_int_equal(fixture->conf->issuer_count, 100);
    buf_clear(&text);
    buf_append_str(&text, STR("issuers:\n"));
    append_issuers(&text, 101);
    write_file(fixture, "cinnabar.yaml", buf_str(&text));
    char expected[300];
    (void)snprintf(expected, sizeof(expected), "%s:2:1: error: issuers has more than 100 entries\n", path);
    assert_refused(fixture, FLAGS(), VARIABLES(), expected);
    buf_done(&text);
}

static void the_environment_may_hold_the_most_issuers_and_the_variables(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_append_str(&text, STR("MERCURE_ISSUERS="));
    append_issuers(&text, 100);
    char *variable = strdup(buf_c(&text));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS, variable));
    assert_int_equal(fixture->conf->issuer_count, 101);
    free(variable);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_has_keys_for_its_roles),
        TEST(an_entry_is_whole),
        TEST(an_issuer_is_listed_once),
        TEST(unknown_keys_get_the_nearest_one),
        TEST(what_comes_with_a_later_version_is_said),
        TEST(an_algorithm_is_a_known_one_and_fits_the_key),
        TEST(authorization_servers_are_urls),
        TEST(no_error_tells_a_secret),
        TEST(the_number_of_issuers_is_bounded),
        TEST(the_environment_may_hold_the_most_issuers_and_the_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
