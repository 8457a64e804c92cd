// Keys in PEM form. The first byte chooses the algorithm, the second whether the rest is a whole text or only
// the bytes behind a label, which the target then writes as PEM.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "jwt/base64url.h"
#include "jwt/key.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(struct str text, enum jwt_algorithm algorithm)
{
    static const char zeros[256];
    struct jwt_key *key;
    struct buf signature;
    const char *error = NULL;
    if (jwt_key_load(&key, text, str_from_c(jwt_algorithm_name(algorithm)), STR(""), &error) != HUB_OK) {
        HUB_ASSERT(error);
        return;
    }
    HUB_ASSERT(!error && jwt_key_algorithms(key) == 1U << algorithm);
    HUB_ASSERT(jwt_key_verify(key, algorithm, STR("text"), str_make(zeros, 64)) == HUB_E_DENIED);
    // What signs verifies, unless the two halves of the key do not belong together.
    buf_init(&signature, 1024);
    if (jwt_key_sign(key, algorithm, STR("text"), &signature) == HUB_OK)
        (void)(jwt_key_verify(key, algorithm, STR("text"), buf_str(&signature)) == HUB_OK);
    buf_done(&signature);
    jwt_key_free(key);
}

static void load_bytes(const char *label, struct str bytes, enum jwt_algorithm algorithm)
{
    struct buf text;
    buf_init(&text, 1 << 18);
    buf_printf(&text, "-----BEGIN %s-----", label);
    size_t start = text.len;
    base64url_encode(&text, bytes);
    for (size_t i = start; i < text.len; i++) {
        if (text.ptr[i] == '-' || text.ptr[i] == '_')
            text.ptr[i] = text.ptr[i] == '-' ? '+' : '/';
    }
    buf_printf(&text, "-----END %s-----", label);
    if (!text.err)
        load(buf_str(&text), algorithm);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"PUBLIC KEY",  "RSA PUBLIC KEY",  "CERTIFICATE",
                                         "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
    if (size < 2)
        return 0;
    enum jwt_algorithm algorithm = (enum jwt_algorithm)(data[0] % JWT_ALGORITHM_COUNT);
    struct str rest = str_make((const char *)data + 2, size - 2);
    if (data[1] % 8 < ARRAY_LEN(labels))
        load_bytes(labels[data[1] % 8], rest, algorithm);
    else
        load(rest, algorithm);
    return 0;
}
