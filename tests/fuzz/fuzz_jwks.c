// JWK Sets. The first byte chooses what may be in them; the rest is the document. A key that comes out is
// bound to algorithms that were allowed, answers to its own id, and refuses a signature that is none.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "jwt/jwks.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct jwt_key *key, unsigned allowed)
{
    static const char zeros[256];
    unsigned algorithms = jwt_key_algorithms(key);
    struct str id = jwt_key_id(key);
    HUB_ASSERT(algorithms && (algorithms & ~allowed) == 0);
    HUB_ASSERT(jwt_key_answers_to(key, str_make(NULL, 0)));
    HUB_ASSERT(!id.ptr || jwt_key_answers_to(key, id));
    for (unsigned i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        HUB_ASSERT(jwt_key_verify(key, (enum jwt_algorithm)i, STR("text"), str_make(zeros, 64)) ==
                   HUB_E_DENIED);
        HUB_ASSERT(jwt_key_verify(key, (enum jwt_algorithm)i, STR("text"), STR("")) == HUB_E_DENIED);
    }
}

static void check_set(const struct jwk_set *set, unsigned allowed)
{
    HUB_ASSERT(set->count <= JWT_KEYS_MAX);
    for (size_t i = 0; i < set->count; i++)
        check_key(set->keys[i], allowed);
    for (size_t i = 0; i < set->skip_count && i < JWK_SKIPS_MAX; i++)
        HUB_ASSERT(set->skips[i].reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned allowed = data[0] == 's' ? JWT_ALGORITHMS_SECRET | JWT_ALGORITHMS_PUBLIC : JWT_ALGORITHMS_PUBLIC;
    struct jwk_set set;
    struct buf reason;
    buf_init(&reason, 1024);
    int err = jwk_set_parse(&set, str_make((const char *)data + 1, size - 1), allowed, &reason);
    HUB_ASSERT(err == HUB_OK || reason.len);
    if (!err)
        check_set(&set, allowed);
    jwk_set_done(&set);
    buf_done(&reason);
    return 0;
}
