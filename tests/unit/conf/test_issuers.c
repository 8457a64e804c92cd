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
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: secret}]",
        "--issuers:1:25: error: issuers: publisher must be a mapping with jwt_key or jwks_uri\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: {}}]",
                           "--issuers:1:25: error: issuers: publisher has neither jwt_key nor jwks_uri\n");
    assert_issuers_refused(fixture, "[{issuer: a, publisher: {jwt_key: null}}]",
                           "--issuers:1:25: error: issuers: publisher has neither jwt_key nor jwks_uri\n");
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

static void a_set_of_keys_is_named_by_url(void **state)
{
    struct fixture *fixture = *state;
    static const char *const urls[] = {"https://a.example/jwks.json", "http://127.0.0.1:8080/k?x=1",
                                       "file:///etc/keys.json", "file:/etc/keys.json",
                                       "file://localhost/etc/keys.json"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        char text[160];
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwks_uri: '%s'}}]", urls[i]);
        assert_loaded(fixture, FLAGS("-X", "--issuers", text), VARIABLES());
        const struct conf_verifier *publisher = &fixture->conf->issuers[0].publisher;
        assert_str(publisher->jwks_uri, urls[i]);
        assert_int_equal(publisher->jwt_algorithms.count, 10);
        assert_null(publisher->jwt_key.ptr);
        assert_null(fixture->conf->issuers[0].subscriber.jwks_uri.ptr);
    }
}

static void its_algorithms_can_be_limited(void **state)
{
    struct fixture *fixture = *state;
    assert_loaded(fixture,
                  FLAGS("-X", "--issuers",
                        "[{issuer: a, publisher: {jwks_uri: 'https://a', jwt_algorithms: 'ES256 EdDSA'}}]"),
                  VARIABLES());
    const struct option_list *algorithms = &fixture->conf->issuers[0].publisher.jwt_algorithms;
    assert_int_equal(algorithms->count, 2);
    assert_str(algorithms->items[0], "ES256");
    assert_str(algorithms->items[1], "EdDSA");
}

static void a_url_that_no_set_can_come_from_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const web[] = {"ftp://a/", "a.example/jwks.json", "https://", "https://a b/",
                                      "data:,x"};
    static const char *const files[] = {"file:keys.json", "file://other/keys.json", "file:////x"};
    char text[160];
    for (size_t i = 0; i < ARRAY_LEN(web); i++) {
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwks_uri: '%s'}}]", web[i]);
        assert_issuers_refused(fixture, text,
                               "--issuers:1:25: error: issuers: jwks_uri must be a URL of https, http or "
                               "file\n");
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwks_uri: '%s'}}]", files[i]);
        assert_issuers_refused(
            fixture, text,
            "--issuers:1:25: error: issuers: jwks_uri must name a file of this machine with "
            "its whole path: file:///etc/keys.json\n");
    }
}

static void a_key_and_a_set_exclude_each_other(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: k, jwks_uri: 'https://a'}}]",
        "--issuers:1:25: error: issuers: jwt_key and jwks_uri exclude each other: leave one of "
        "them out\n");
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_algorithm: ES256, jwks_uri: 'https://a'}}]",
        "--issuers:1:25: error: issuers: jwt_algorithm is for jwt_key; with jwks_uri write "
        "jwt_algorithms\n");
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: k, jwt_algorithms: [ES256]}}]",
        "--issuers:1:25: error: issuers: jwt_algorithms is for jwks_uri; with jwt_key write "
        "jwt_algorithm\n");
}

static void a_set_has_public_keys_only(void **state)
{
    struct fixture *fixture = *state;
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwks_uri: 'https://a', jwt_algorithms: [HS256, none, ES256]}}]",
        "--issuers:1:25: error: issuers: jwt_algorithms: HS256 is for a shared secret; a set of keys behind "
        "a URL "
        "has public keys, which are for RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and "
        "EdDSA\n"
        "--issuers:1:25: error: issuers: jwt_algorithms: none is none of RS256, RS384, RS512, PS256, PS384, "
        "PS512, "
        "ES256, ES384, ES512 and EdDSA\n");
}

static void an_algorithm_is_a_known_one_and_fits_the_key(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"none", "hs256", "HS1", "RS257"};
    char text[128];
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwt_key: k, jwt_algorithm: %s}}]",
                       wrong[i]);
        assert_issuers_refused(
            fixture, text,
            "--issuers:1:25: error: issuers: jwt_algorithm must be HS256, HS384 or HS512, or "
            "with a public key one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, "
            "ES512 and EdDSA\n");
    }
    static const char *const public[] = {"RS256", "RS384", "RS512", "ES256", "ES384",
                                         "ES512", "PS256", "PS384", "PS512", "EdDSA"};
    for (size_t i = 0; i < ARRAY_LEN(public); i++) {
        (void)snprintf(text, sizeof(text), "[{issuer: a, publisher: {jwt_key: k, jwt_algorithm: %s}}]",
                       public[i]);
        assert_issuers_refused(
            fixture, text,
            "--issuers:1:25: error: issuers: jwt_algorithm needs a public key or a certificate "
            "in PEM form, but the key is a shared secret\n");
    }
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: '-----BEGIN X'}}]",
        "--issuers:1:25: error: issuers: jwt_algorithm is required with a key in PEM form\n");
    assert_issuers_refused(
        fixture, "[{issuer: a, publisher: {jwt_key: '  -----BEGIN X', jwt_algorithm: HS256}}]",
        "--issuers:1:25: error: issuers: jwt_algorithm is for a shared secret, but the key is in PEM form\n");
}

#define P256 \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+" \
    "257rn0s2ldbqkL" \
    "JK2KRiMohYjlrQ=="

static void a_key_in_pem_form_is_loaded_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml",
               STR("anonymous: true\nissuers:\n  - issuer: a\n    publisher:\n      jwt_algorithm: ES256\n"
                   "      jwt_key: |\n        -----BEGIN PUBLIC KEY-----\n        " P256
                   "\n        -----END PUBLIC KEY-----\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    assert_loaded(
        fixture,
        FLAGS("-X", "--issuers",
              "[{issuer: a, publisher: {jwt_algorithm: ES256, jwt_key: '-----BEGIN PUBLIC KEY-----" P256
              "-----END PUBLIC KEY-----'}}]"),
        VARIABLES());
}

static void what_is_wrong_inside_a_pem_text_is_told(void **state)
{
    struct fixture *fixture = *state;
#define REFUSED(algorithm, label, body, sentence) \
    assert_issuers_refused(fixture, \
                           "[{issuer: a, publisher: {jwt_algorithm: " algorithm \
                           ", jwt_key: '-----BEGIN " label "-----" body "-----END " label "-----'}}]", \
                           "--issuers:1:25: error: issuers: " sentence "\n")
    REFUSED("ES384", "PUBLIC KEY", P256,
            "jwt_algorithm does not fit the key, which is an EC key on P-256, for ES256");
    REFUSED("ES256", "CERTIFICATE", P256, "jwt_key is not valid PEM: it does not hold a certificate");
    REFUSED("ES256", "ENCRYPTED PRIVATE KEY", P256,
            "jwt_key is an encrypted private key: decrypt it first (openssl pkey -in KEY -out DECRYPTED)");
    REFUSED("ES256", "PUBLIC KEY", "!",
            "jwt_key is not valid PEM: between its lines BEGIN and END there is something else than base64");
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
        TEST(a_set_of_keys_is_named_by_url),
        TEST(its_algorithms_can_be_limited),
        TEST(a_url_that_no_set_can_come_from_is_refused),
        TEST(a_key_and_a_set_exclude_each_other),
        TEST(a_set_has_public_keys_only),
        TEST(an_algorithm_is_a_known_one_and_fits_the_key),
        TEST(a_key_in_pem_form_is_loaded_at_the_start),
        TEST(what_is_wrong_inside_a_pem_text_is_told),
        TEST(authorization_servers_are_urls),
        TEST(no_error_tells_a_secret),
        TEST(the_number_of_issuers_is_bounded),
        TEST(the_environment_may_hold_the_most_issuers_and_the_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
