#include "base/buf.h"
#include "keys.h"

#include <string.h>

// Asserts that the key in a text is that of a private key.
static void assert_same(const char *text, const char *private, const char *algorithm)
{
    enum jwt_algorithm value;
    assert_true(jwt_algorithm_from_name(str_from_c(algorithm), &value));
    struct jwt_key *signer = key_of(private, algorithm);
    struct jwt_key *key;
    const char *error;
    if (jwt_key_load(&key, str_from_c(text), str_from_c(algorithm), STR(""), &error) != HUB_OK)
        fail_msg("%s: %s", text, error);
    struct buf signature;
    buf_init(&signature, 1024);
    assert_int_equal(jwt_key_sign(signer, value, STR("text"), &signature), HUB_OK);
    assert_int_equal(jwt_key_verify(key, value, STR("text"), buf_str(&signature)), HUB_OK);
    buf_done(&signature);
    jwt_key_free(key);
    jwt_key_free(signer);
}

static void assert_same_file(const char *name, const char *private, const char *algorithm)
{
    char *text = key_text(name);
    assert_same(text, private, algorithm);
    free(text);
}

static void public_keys_certificates_and_private_keys_are_read(void **state)
{
    (void)state;
    assert_same_file("rsa.pub.pem", "rsa.pem", "RS256");
    assert_same_file("rsa.pkcs1.pub.pem", "rsa.pem", "PS384");
    assert_same_file("rsa.crt.pem", "rsa.pem", "RS512");
    assert_same_file("rsa.pkcs1.pem", "rsa.pem", "RS256");
    assert_same_file("p256.pub.pem", "p256.pem", "ES256");
    assert_same_file("p256.crt.pem", "p256.pem", "ES256");
    assert_same_file("p256.sec1.pub.pem", "p256.sec1.pem", "ES256");
    assert_same_file("ed25519.pub.pem", "ed25519.pem", "EdDSA");
    assert_same_file("ed25519.crt.pem", "ed25519.pem", "EdDSA");
}

// Replaces each line end.
static char *with_line_ends(const char *name, const char *end)
{
    char *text = key_text(name);
    struct buf changed;
    buf_init(&changed, 8192);
    for (const char *at = text; *at; at++) {
        if (*at == '\n')
            buf_append_str(&changed, str_from_c(end));
        else
            buf_append_c(&changed, *at);
    }
    free(text);
    assert_non_null(buf_c(&changed));
    return buf_take(&changed);
}

// As Windows, folded YAML and the one line of a variable have them.
static void line_ends_may_be_lost(void **state)
{
    (void)state;
    static const char *const ends[] = {"\r\n", " ", "\\n", "\\r\\n", "", "\n\n", "\n      "};
    static const char *const files[] = {"p256.pub.pem", "p256.crt.pem", "p256.pem"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        for (size_t j = 0; j < ARRAY_LEN(files); j++) {
            char *text = with_line_ends(files[j], ends[i]);
            assert_same(text, "p256.pem", "ES256");
            free(text);
        }
    }
}

static void text_around_the_key_does_not_matter(void **state)
{
    (void)state;
    char *text = key_text("ed25519.pub.pem");
    struct buf around;
    buf_init(&around, 8192);
    buf_printf(&around, "Bag Attributes\n    friendlyName: x\n%s\nand more", text);
    assert_same(buf_c(&around), "ed25519.pem", "EdDSA");
    assert_no_key(buf_c(&around), "", "the algorithm is required with a key in PEM form");
    buf_done(&around);
    free(text);
}

// RFC 8725 §2.1: a token that is signed with the text of the public key as a secret.
static void a_public_key_is_never_a_secret(void **state)
{
    (void)state;
    static const char *const secrets[] = {"HS256", "HS384", "HS512"};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        assert_no_key_in("rsa.pub.pem", secrets[i],
                         "the algorithm is for a shared secret, but the key is in PEM form");
        assert_no_key("  \n-----BEGIN X", secrets[i],
                      "the algorithm is for a shared secret, but the key is in PEM form");
    }
    assert_no_key_in("rsa.pub.pem", "", "the algorithm is required with a key in PEM form");
    assert_no_key_in("set.json", "",
                     "the key is a JWK, not a secret: put a set with it in a file and name that by jwks_uri");
}

static void an_encrypted_key_is_refused_without_a_question(void **state)
{
    (void)state;
    const char *sentence =
        "the key is an encrypted private key: decrypt it first (openssl pkey -in KEY -out DECRYPTED)";
    assert_no_key_in("encrypted.pkcs8.pem", "ES256", sentence);
    assert_no_key_in("encrypted.pkcs1.pem", "RS256", sentence);
    char *text = key_text("encrypted.pkcs8.pem");
    struct buf mislabelled;
    buf_init(&mislabelled, 8192);
    const char *body = strchr(text, '\n');
    size_t len = (size_t)(strstr(body, "-----END") - body);
    buf_printf(&mislabelled, "-----BEGIN PRIVATE KEY-----%.*s-----END PRIVATE KEY-----", (int)len, body);
    assert_no_key(buf_c(&mislabelled), "ES256",
                  "the key is not valid PEM: it does not hold the kind of key that its line BEGIN says");
    buf_done(&mislabelled);
    free(text);
}

static void what_is_no_key_is_told_precisely(void **state)
{
    (void)state;
    static const char *const cut =
        "the key is not valid PEM: its line END is missing or not that of its line BEGIN";
    assert_no_key("-----BEGIN PUBLIC KEY-----\nMCow", "EdDSA", cut);
    assert_no_key("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PRIVATE KEY-----", "EdDSA", cut);
    assert_no_key("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY", "EdDSA", cut);
    assert_no_key("-----BEGIN", "EdDSA", cut);
    assert_no_key("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----", "ES256",
                  cut);
    assert_no_key(
        "-----BEGIN PUBLIC KEY-----\nMC$w\n-----END PUBLIC KEY-----", "EdDSA",
        "the key is not valid PEM: between its lines BEGIN and END there is something else than base64");
    assert_no_key("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", "EdDSA",
                  "the key is not valid PEM: it does not hold the kind of key that its line BEGIN says");
    assert_no_key("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "EdDSA",
                  "the key is not valid PEM: it does not hold the kind of key that its line BEGIN says");
    assert_no_key("-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----", "EdDSA",
                  "the key is not valid PEM: it does not hold a certificate");
    assert_no_key("-----BEGIN X509 CRL-----\nMCow\n-----END X509 CRL-----", "EdDSA",
                  "the key is PEM, but none of a public key, a certificate and a private key");
    assert_no_key(
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "EdDSA",
        "the algorithm needs a public key or a certificate in PEM form, but the key is a shared secret");
}

static void a_key_of_another_kind_than_its_label_says_is_refused(void **state)
{
    (void)state;
    char *text = key_text("p256.pub.pem");
    struct buf changed;
    buf_init(&changed, 8192);
    const char *body = strchr(text, '\n');
    size_t len = (size_t)(strstr(body, "-----END") - body);
    static const char *const labels[] = {"RSA PUBLIC KEY", "PRIVATE KEY", "EC PRIVATE KEY",
                                         "RSA PRIVATE KEY"};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        buf_clear(&changed);
        buf_printf(&changed, "-----BEGIN %s-----%.*s-----END %s-----", labels[i], (int)len, body, labels[i]);
        assert_no_key(buf_c(&changed), "ES256",
                      "the key is not valid PEM: it does not hold the kind of key that its line BEGIN says");
    }
    buf_done(&changed);
    free(text);
}

static void a_text_of_any_size_is_not_read(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 17);
    buf_append_str(&text, STR("-----BEGIN PUBLIC KEY-----\n"));
    while (text.len <= 65536)
        buf_append_c(&text, 'A');
    assert_no_key(buf_c(&text), "ES256", "the key is larger than 64 KiB");
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_keys_certificates_and_private_keys_are_read),
        cmocka_unit_test(line_ends_may_be_lost),
        cmocka_unit_test(text_around_the_key_does_not_matter),
        cmocka_unit_test(a_public_key_is_never_a_secret),
        cmocka_unit_test(an_encrypted_key_is_refused_without_a_question),
        cmocka_unit_test(what_is_no_key_is_told_precisely),
        cmocka_unit_test(a_key_of_another_kind_than_its_label_says_is_refused),
        cmocka_unit_test(a_text_of_any_size_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
