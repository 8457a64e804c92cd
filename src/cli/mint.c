#include "cli/mint.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uuid.h"
#include "jwt/base64url.h"
#include "jwt/key.h"
#include "jwt/sign.h"
#include "mercure/authorization.h"
#include "json/json.h"
#include "json/writer.h"

#define CLAIMS_MAX 65536U
#define HOUR_S 3600U

static void write_topics(struct json_writer *writer, const struct option_list *list, struct str match_type)
{
    for (size_t i = 0; i < list->count; i++) {
        json_begin_object(writer);
        json_write_member(writer, STR("match"), list->items[i]);
        if (match_type.len)
            json_write_member(writer, STR("match_type"), match_type);
        json_end_object(writer);
    }
}

static void write_detail(struct json_writer *writer, struct str action, const struct option_list *exact,
                         const struct option_list *patterns, struct str payload)
{
    if (exact->count + patterns->count == 0)
        return;
    json_begin_object(writer);
    json_write_member(writer, STR("type"), STR(AUTHORIZATION_TYPE));
    json_write_key(writer, STR("actions"));
    json_begin_array(writer);
    json_write_str(writer, action);
    json_end_array(writer);
    json_write_key(writer, STR("topics"));
    json_begin_array(writer);
    write_topics(writer, exact, STR(""));
    write_topics(writer, patterns, STR("urlpattern"));
    json_end_array(writer);
    if (payload.len) {
        json_write_key(writer, STR("payload"));
        json_write_raw(writer, payload);
    }
    json_end_object(writer);
}

static void write_uuid(struct json_writer *writer, struct str key)
{
    char uuid[UUID_URN_LEN];
    uuid_urn_v4(uuid);
    json_write_member(writer, key, str_make(uuid, sizeof(uuid)));
}

// What follows the host in a URL of this machine by another name than localhost; else a NULL ptr.
static struct str behind_loopback(struct str url)
{
    struct str rest = str_slice(url, sizeof("http://") - 1, url.len);
    if (str_starts_with(url, STR("unix:/")))
        return STR(HUB_PATH);
    if (!str_starts_with(url, STR("http://")))
        return str_make(NULL, 0);
    if (str_starts_with(rest, STR("[::1]")))
        return str_slice(rest, sizeof("[::1]") - 1, rest.len);
    size_t end = 0;
    while (end < rest.len && (rest.ptr[end] == '.' || (rest.ptr[end] >= '0' && rest.ptr[end] <= '9')))
        end++;
    return str_starts_with(rest, STR("127.")) ? str_slice(rest, end, rest.len) : str_make(NULL, 0);
}

static void write_audience(const struct mint_request *request, struct json_writer *writer)
{
    struct str behind = behind_loopback(request->audience);
    json_write_key(writer, STR("aud"));
    if (!request->audience_is_url || !behind.ptr) {
        json_write_str(writer, request->audience);
        return;
    }
    struct buf local;
    buf_init(&local, CLAIMS_MAX);
    buf_append_str(&local, STR("http://localhost"));
    buf_append_str(&local, behind);
    json_begin_array(writer);
    json_write_str(writer, request->audience);
    json_write_str(writer, buf_str(&local));
    json_end_array(writer);
    buf_done(&local);
}

static void write_claims(const struct mint_request *request, struct json_writer *writer)
{
    const struct mint_grants *grants = &request->grants;
    json_begin_object(writer);
    json_write_member(writer, STR("iss"), request->issuer);
    write_audience(request, writer);
    if (request->subject.len)
        json_write_member(writer, STR("sub"), request->subject);
    else
        write_uuid(writer, STR("sub"));
    json_write_member(writer, STR("client_id"),
                      request->client_id.len ? request->client_id : request->issuer);
    json_write_member_u64(writer, STR("iat"), request->issued_s);
    json_write_member_u64(writer, STR("exp"), request->expires_s);
    write_uuid(writer, STR("jti"));
    json_write_key(writer, STR("authorization_details"));
    json_begin_array(writer);
    write_detail(writer, STR("publish"), &grants->publish, &grants->publish_urlpattern, STR(""));
    write_detail(writer, STR("subscribe"), &grants->subscribe, &grants->subscribe_urlpattern,
                 request->payload);
    json_end_array(writer);
    json_end_object(writer);
}

int mint_claims(const struct mint_request *request, struct buf *claims)
{
    struct json *payload = NULL;
    if (request->payload.len) {
        int err = json_parse(&payload, request->payload, NULL);
        if (err)
            return err;
        json_free(payload);
    }
    struct json_writer writer;
    json_writer_init(&writer, claims, JSON_STYLE_COMPACT);
    write_claims(request, &writer);
    return claims->err;
}

static int refuse(struct buf *reterr, int err, const char *text)
{
    buf_append_str(reterr, str_from_c(text));
    return err;
}

int mint_token(const struct mint_request *request, struct str key, struct str algorithm, struct str key_id,
               struct buf *token, struct buf *reterr)
{
    struct jwt_key *loaded;
    const char *reason = NULL;
    int err = jwt_key_load(&loaded, key, algorithm, key_id, &reason);
    if (err) {
        bool of_algorithm = reason && str_starts_with(str_from_c(reason), STR("the algorithm"));
        buf_append_str(reterr, of_algorithm ? STR("--alg: ") : STR("--key: "));
        return refuse(reterr, err, reason ? reason : err_text(err));
    }
    struct buf claims;
    buf_init(&claims, CLAIMS_MAX);
    err = mint_claims(request, &claims);
    if (err == HUB_E_INVALID)
        (void)refuse(reterr, err, "--payload: it is not JSON");
    else if (err)
        (void)refuse(reterr, err, err_text(err));
    else if ((err = jwt_sign(loaded, JWT_TYPE_ACCESS, buf_str(&claims), token)) == HUB_E_UNSUPPORTED)
        (void)refuse(reterr, err,
                     "--key: the key is a public key, which verifies: signing takes the private one");
    else if (err)
        (void)refuse(reterr, err, err_text(err));
    buf_done(&claims);
    jwt_key_free(loaded);
    return err;
}

struct mint_request mint_all(struct str issuer, struct str audience)
{
    static struct str everything[] = {{"*", 1}};
    uint64_t now_s = clock_real_ms() / 1000;
    struct option_list all = {everything, 1};
    return (struct mint_request){
        .issuer = issuer,
        .audience = audience,
        .issued_s = now_s,
        .expires_s = now_s + HOUR_S,
        .grants = {.publish = all, .subscribe = all},
    };
}

static int explain_part(struct str part, struct buf *to)
{
    struct buf text;
    buf_init(&text, CLAIMS_MAX);
    char *at = buf_reserve(&text, base64url_decoded_max(part.len));
    size_t len = 0;
    int err = at ? base64url_decode(part, at, &len) : text.err;
    struct json *root = NULL;
    if (!err)
        err = json_parse(&root, str_make(at, len), NULL);
    if (!err) {
        json_dump(root, to);
        buf_append_c(to, '\n');
    }
    json_free(root);
    buf_done(&text);
    return err ? err : to->err;
}

int mint_explain(struct str token, struct buf *to)
{
    struct str part;
    for (int i = 0; i < 2; i++) {
        if (!str_split(&token, '.', &part))
            return HUB_E_INVALID;
        int err = explain_part(part, to);
        if (err)
            return err;
    }
    return HUB_OK;
}
