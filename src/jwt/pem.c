// A block is "-----BEGIN label-----", base64, "-----END label-----". White space of any kind may stand
// between the characters, and so may "\n" written out: environments and folded YAML texts have no other line
// ends.
#include "jwt/pem.h"

#include "base/buf.h"
#include "base/err.h"
#include "jwt/base64url.h"
#include "jwt/key_priv.h"

#include <errno.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define BEGIN STR("-----BEGIN ")
#define END STR("-----END ")
#define DASHES STR("-----")

struct block {
    struct str label;
    struct str body;
};

// The index of the first `what` at or after `from`, or the length.
static size_t find(struct str text, size_t from, struct str what)
{
    for (size_t i = from; i < text.len; i++) {
        if (str_starts_with(str_slice(text, i, text.len), what))
            return i;
    }
    return text.len;
}

bool pem_is_in(struct str text)
{
    return find(text, 0, STR("-----BEGIN")) < text.len;
}

// Takes the next block off the front of *text. 0: there is none; negative: it is not whole.
static int next_block(struct str *text, struct block *ret_block)
{
    size_t begin = find(*text, 0, BEGIN);
    if (begin == text->len)
        return 0;
    size_t label = begin + BEGIN.len;
    size_t label_end = find(*text, label, DASHES);
    size_t body = label_end + DASHES.len;
    size_t body_end = find(*text, body, END);
    size_t end = body_end + END.len;
    struct str name = str_slice(*text, label, label_end);
    struct str rest = str_slice(*text, end, text->len);
    if (!str_starts_with(rest, name) || !str_starts_with(str_slice(rest, name.len, rest.len), DASHES))
        return HUB_E_INVALID;
    *ret_block = (struct block){.label = name, .body = str_slice(*text, body, body_end)};
    *text = str_slice(rest, name.len + DASHES.len, rest.len);
    return 1;
}

// Base64 (RFC 4648 §4) as base64url without padding.
static void append_digits(struct buf *to, struct str body)
{
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (c == '\\' && i + 1 < body.len && (body.ptr[i + 1] == 'n' || body.ptr[i + 1] == 'r'))
            i++;
        else if (c == '+' || c == '/')
            buf_append_c(to, c == '+' ? '-' : '_');
        else if (c == '-' || c == '_')
            buf_append_c(to, '!'); // not base64's
        else if (c != ' ' && c != '=' && !(c >= '\t' && c <= '\r'))
            buf_append_c(to, c);
    }
}

// The bytes of the block, in memory of `der`.
static int decode(struct str body, struct buf *der, struct str *ret_bytes)
{
    struct buf digits;
    buf_init(&digits, PEM_TEXT_MAX);
    append_digits(&digits, body);
    char *to = digits.err ? NULL : buf_reserve(der, base64url_decoded_max(digits.len) + 1);
    size_t len = 0;
    int err = to ? base64url_decode(buf_str(&digits), to, &len) : -ENOMEM;
    buf_done(&digits);
    *ret_bytes = str_make(to, len);
    return err;
}

// What is behind a label. `structure` and `type` are OpenSSL's names.
struct form {
    struct str label;
    const char *structure; // NULL: a certificate
    const char *type;      // NULL: any
    int selection;
};

static const struct form *form_of(struct str label)
{
    static const struct form forms[] = {
        {{"PUBLIC KEY", 10}, "SubjectPublicKeyInfo", NULL, EVP_PKEY_PUBLIC_KEY},
        {{"RSA PUBLIC KEY", 14}, "type-specific", "RSA", EVP_PKEY_PUBLIC_KEY},
        {{"CERTIFICATE", 11}, NULL, NULL, EVP_PKEY_PUBLIC_KEY},
        {{"X509 CERTIFICATE", 16}, NULL, NULL, EVP_PKEY_PUBLIC_KEY},
        {{"PRIVATE KEY", 11}, "PrivateKeyInfo", NULL, EVP_PKEY_KEYPAIR},
        {{"RSA PRIVATE KEY", 15}, "type-specific", "RSA", EVP_PKEY_KEYPAIR},
        {{"EC PRIVATE KEY", 14}, "type-specific", "EC", EVP_PKEY_KEYPAIR},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eq(forms[i].label, label))
            return &forms[i];
    }
    return NULL;
}

static EVP_PKEY *read_certificate(struct str bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)bytes.len);
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

// Instead of a prompt.
static int give_no_passphrase(char *to, int size, int rwflag, void *arg)
{
    (void)to;
    (void)size;
    (void)rwflag;
    (void)arg;
    return 0;
}

static EVP_PKEY *read_key(const struct form *form, struct str bytes)
{
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&key, "DER", form->structure, form->type, form->selection, NULL, NULL);
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    if (ctx && OSSL_DECODER_CTX_set_pem_password_cb(ctx, give_no_passphrase, NULL))
        (void)OSSL_DECODER_from_data(ctx, &at, &bytes.len);
    OSSL_DECODER_CTX_free(ctx);
    return key;
}

static bool is_encrypted(const struct block *block)
{
    return str_eq(block->label, STR("ENCRYPTED PRIVATE KEY")) ||
           find(block->body, 0, STR("ENCRYPTED")) < block->body.len;
}

static int read_block(EVP_PKEY **ret_key, const struct form *form, struct str body, const char **reterr_text)
{
    struct buf der;
    struct str bytes;
    buf_init(&der, PEM_TEXT_MAX);
    EVP_PKEY *key = NULL;
    int err = decode(body, &der, &bytes);
    if (err) {
        *reterr_text =
            "the key is not valid PEM: between its lines BEGIN and END there is something else than base64";
    } else {
        key = form->structure ? read_key(form, bytes) : read_certificate(bytes);
        err = public_key_failure(key ? HUB_OK : HUB_E_INVALID);
        *reterr_text =
            form->structure
                ? "the key is not valid PEM: it does not hold the kind of key that its line BEGIN says"
                : "the key is not valid PEM: it does not hold a certificate";
    }
    buf_done(&der);
    *ret_key = key;
    return key ? HUB_OK : err;
}

int pem_read(EVP_PKEY **ret_key, bool *ret_is_private, struct str text, const char **reterr_text)
{
    struct block block;
    int found;
    *reterr_text = "the key is larger than 64 KiB";
    if (text.len > PEM_TEXT_MAX)
        return HUB_E_INVALID;
    // "openssl ecparam" writes the curve in front of the key.
    do
        found = next_block(&text, &block);
    while (found > 0 && str_eq(block.label, STR("EC PARAMETERS")));
    *reterr_text = "the key is not valid PEM: its line END is missing or not that of its line BEGIN";
    if (found <= 0)
        return HUB_E_INVALID;
    *reterr_text =
        "the key is an encrypted private key: decrypt it first (openssl pkey -in KEY -out DECRYPTED)";
    if (is_encrypted(&block))
        return HUB_E_INVALID;
    const struct form *form = form_of(block.label);
    *reterr_text = "the key is PEM, but none of a public key, a certificate and a private key";
    if (!form)
        return HUB_E_INVALID;
    *ret_is_private = form->selection == EVP_PKEY_KEYPAIR;
    return read_block(ret_key, form, block.body, reterr_text);
}
