#include "hub/metrics_page.h"

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/exposition.h"
#include "hub/server_priv.h"
#include "hub/worker.h"
#include "jwt/base64url.h"

#define PAGE_MAX ((size_t)1 << 20)
#define CREDENTIALS_MAX ((size_t)1 << 18)
#define BASIC "Basic "

// Base64 with padding (RFC 4648 §4), by the alphabet that differs in two characters.
static void append_base64(struct buf *to, struct str bytes)
{
    size_t start = to->len;
    base64url_encode(to, bytes);
    for (size_t i = start; i < to->len; i++) {
        if (to->ptr[i] == '-' || to->ptr[i] == '_')
            to->ptr[i] = to->ptr[i] == '-' ? '+' : '/';
    }
    for (size_t len = bytes.len; len % 3; len++)
        buf_append_c(to, '=');
}

// In a time that tells nothing of where they differ.
static bool is_same(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned)(unsigned char)a.ptr[i] ^ (unsigned)(unsigned char)b.ptr[i];
    return difference == 0;
}

// Whether the request has the name and the password, or neither is configured.
static bool may_read(const struct conf *conf, const struct exchange *exchange)
{
    struct str given = exchange_header(exchange, STR("Authorization"));
    struct buf pair;
    struct buf expected;
    if (conf->metrics_login.len == 0 && conf->metrics_password.len == 0)
        return true;
    if (!str_eq_nocase(str_slice(given, 0, sizeof(BASIC) - 1), STR(BASIC)))
        return false;
    buf_init(&pair, CREDENTIALS_MAX);
    buf_init(&expected, CREDENTIALS_MAX);
    buf_append_str(&pair, conf->metrics_login);
    buf_append_c(&pair, ':');
    buf_append_str(&pair, conf->metrics_password);
    append_base64(&expected, buf_str(&pair));
    bool same = !pair.err && !expected.err &&
                is_same(str_trim(str_slice(given, sizeof(BASIC) - 1, given.len)), buf_str(&expected));
    buf_done(&pair);
    buf_done(&expected);
    return same;
}

static void refuse(struct exchange *exchange)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)),
        LOG_C("reason", "it has not the metrics_login and the metrics_password"));
    exchange_add_header(exchange, STR("WWW-Authenticate"), STR("Basic realm=\"Mercure\""));
    exchange_respond(exchange, 401, STR(""), STR(""));
}

void metrics_page_handle(const struct worker *worker, struct exchange *exchange)
{
    const struct server *server = worker->server;
    if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    if (!may_read(worker->conf, exchange)) {
        refuse(exchange);
        return;
    }
    struct buf page;
    buf_init(&page, PAGE_MAX);
    exposition_append(&page, server->workers, server->worker_count, server->hubs, server->hub_count);
    if (page.err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    else
        exchange_respond(exchange, 200, EXPOSITION_TYPE, buf_str(&page));
    buf_done(&page);
}
