#include "jwt/jwks.h"

#include "base/buf.h"
#include "base/err.h"
#include "jwt/jwk.h"
#include "json/json.h"

#include <errno.h>
#include <string.h>

static void skip(struct jwk_set *set, size_t index, const struct json *jwk, const char *reason)
{
    if (set->skip_count++ >= JWK_SKIPS_MAX)
        return;
    struct jwk_skip *kept = &set->skips[set->skip_count - 1];
    struct str id = str_slice(json_str(json_get(jwk, STR("kid"))), 0, sizeof(kept->id) - 1);
    *kept = (struct jwk_skip){.index = index, .reason = reason};
    if (id.len)
        memcpy(kept->id, id.ptr, id.len);
}

static int add(struct jwk_set *set, size_t index, const struct json *jwk, unsigned algorithms)
{
    const char *reason;
    struct jwt_key *key;
    int err = HUB_E_INVALID;
    if (set->count == JWT_KEYS_MAX)
        reason = "the set has more keys than can be tried";
    else
        err = jwk_read(&key, jwk, algorithms, &reason);
    if (err == -ENOMEM)
        return err;
    if (err)
        skip(set, index, jwk, reason);
    else
        set->keys[set->count++] = key;
    return HUB_OK;
}

static int read_set(struct jwk_set *set, const struct json *root, unsigned algorithms, struct buf *reterr)
{
    const struct json *keys = json_get(root, STR("keys"));
    if (json_kind(keys) != JSON_KIND_ARRAY) {
        buf_append_str(reterr, json_get(root, STR("kty"))
                                   ? STR("is a single key: write {\"keys\": [...]} around it")
                                   : STR("has no list of keys"));
        return HUB_E_INVALID;
    }
    for (size_t i = 0; i < json_count(keys); i++) {
        int err = add(set, i, json_at(keys, i), algorithms);
        if (err)
            return err;
    }
    return HUB_OK;
}

static int parse(struct json **ret_root, struct str text, struct buf *reterr)
{
    struct json_error error;
    if (text.len > JWK_SET_TEXT_MAX) {
        buf_append_str(reterr, STR("is larger than 256 KiB"));
        return HUB_E_TOO_BIG;
    }
    int err = json_parse(ret_root, text, &error);
    if (err && err != -ENOMEM)
        buf_printf(reterr, "is not JSON: line %u, column %u: %s", error.line, error.column, error.text);
    return err;
}

int jwk_set_parse(struct jwk_set *ret_set, struct str text, unsigned algorithms, struct buf *reterr)
{
    *ret_set = (struct jwk_set){0};
    struct json *root;
    int err = parse(&root, text, reterr);
    if (err)
        return err;
    err = read_set(ret_set, root, algorithms, reterr);
    json_free(root);
    if (err)
        jwk_set_done(ret_set);
    return err;
}

void jwk_set_done(struct jwk_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        jwt_key_free(set->keys[i]);
    set->count = 0;
}
