#include "hub/auth_refuse.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/metadata.h"
#include "hub/shard.h"
#include "jwt/claims.h"

#define VALUE_MAX 4096

// What a quoted string may hold unquoted, as RFC 6750 §3 has it for error_description.
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void append_origin(struct buf *buf, const struct shard *shard, const struct exchange *exchange)
{
    const struct conf *conf = shard->hub->conf;
    if (conf->resource_identifier.len && url_origin(&shard->hub->url, buf) == HUB_OK)
        return;
    exchange_append_origin(exchange, buf);
}

// `error` and `description` may be NULL.
static void challenge(struct shard *shard, struct exchange *exchange, unsigned status, const char *error,
                      const char *description, struct str body)
{
    struct buf value;
    buf_init(&value, VALUE_MAX);
    buf_append_str(&value, STR("Bearer "));
    if (error)
        buf_printf(&value, "error=\"%s\", ", error);
    if (description && is_plain(str_from_c(description)))
        buf_printf(&value, "error_description=\"%s\", ", description);
    buf_append_str(&value, STR("resource_metadata=\""));
    append_origin(&value, shard, exchange);
    buf_append_str(&value, STR(METADATA_PATH "\""));
    exchange_add_header(exchange, STR("WWW-Authenticate"), buf_str(&value));
    buf_done(&value);
    counter_add(&shard->metrics.rejected_auth, 1);
    answer_text(exchange, status, body);
}

static void log_refusal(struct exchange *exchange, const char *reason)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason));
}

void auth_refuse_request(struct shard *shard, struct exchange *exchange, const char *reason)
{
    log_refusal(exchange, reason);
    challenge(shard, exchange, 400, "invalid_request", reason, STR("Bad Request"));
}

void auth_refuse_token(struct shard *shard, struct exchange *exchange, const struct token_fault *fault)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", fault->reason),
        LOG_STR("issuer", fault->issuer), LOG_STR("key_id", fault->key_id), LOG_STR("keys", fault->keys),
        LOG_STR("aud", fault->aud), LOG_STR("expected_aud", fault->expected));
    challenge(shard, exchange, 401, "invalid_token", fault->told ? fault->reason : NULL, STR("Unauthorized"));
}

void auth_require(struct shard *shard, struct exchange *exchange)
{
    log_refusal(exchange, "there is no token");
    challenge(shard, exchange, 401, NULL, NULL, STR("Unauthorized"));
}

void auth_forbid(struct shard *shard, struct exchange *exchange, const struct jwt_claims *claims,
                 const char *reason, struct str topic)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason), LOG_STR("topic", topic));
    if (claims->legacy)
        challenge(shard, exchange, 401, "insufficient_scope", reason, STR("Unauthorized"));
    else
        challenge(shard, exchange, 403, "insufficient_scope", reason, STR("Forbidden"));
}

void auth_give_up(struct shard *shard, struct exchange *exchange, const char *reason)
{
    static struct log_limit limit;
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "A token could not be checked",
                LOG_STR("request_id", exchange_request_id(exchange)),
                LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason));
    counter_add(&shard->metrics.unchecked_auth, 1);
    answer_unavailable(exchange, STR("Service Unavailable: the token cannot be checked now"));
}
