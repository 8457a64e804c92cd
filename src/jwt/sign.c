#include "jwt/sign.h"

#include "base/buf.h"
#include "jwt/base64url.h"
#include "jwt/key.h"
#include "jwt/verify.h"
#include "json/writer.h"

static void write_header(struct buf *buf, const struct jwt_key *key, struct str type,
                         enum jwt_algorithm algorithm)
{
    struct json_writer writer;
    json_writer_init(&writer, buf, JSON_STYLE_COMPACT);
    json_begin_object(&writer);
    json_write_member(&writer, STR("alg"), str_from_c(jwt_algorithm_name(algorithm)));
    json_write_member(&writer, STR("typ"), type);
    if (jwt_key_id(key).len)
        json_write_member(&writer, STR("kid"), jwt_key_id(key));
    json_end_object(&writer);
}

int jwt_sign(const struct jwt_key *key, struct str type, struct str claims, struct buf *token)
{
    // The first of its algorithms: a key that is written by hand has only one.
    enum jwt_algorithm algorithm = (enum jwt_algorithm)__builtin_ctz(jwt_key_algorithms(key));
    size_t start = token->len;
    struct buf scratch;
    buf_init(&scratch, JWT_SIZE_MAX);
    write_header(&scratch, key, type, algorithm);
    base64url_encode(token, buf_str(&scratch));
    buf_append_c(token, '.');
    base64url_encode(token, claims);
    int err = scratch.err ? scratch.err : token->err;
    buf_clear(&scratch);
    if (!err)
        err = jwt_key_sign(key, algorithm, str_slice(buf_str(token), start, token->len), &scratch);
    if (!err) {
        buf_append_c(token, '.');
        base64url_encode(token, buf_str(&scratch));
        err = token->err;
    }
    buf_done(&scratch);
    return err;
}
