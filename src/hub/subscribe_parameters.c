// What a subscription asks for: the parameters of its query, header and body.
#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/legacy.h"
#include "hub/shard.h"
#include "hub/subscribe_priv.h"
#include "mercure/topic_set.h"
#include "url/chars.h"
#include "url/template.h"

#define ERROR_MAX 4096

static bool refuse(struct subscribing *subscribing, struct exchange *exchange, struct str text)
{
    subscribe_refuse(subscribing, exchange, 400, text);
    return false;
}

static bool refuse_unknown(struct subscribing *subscribing, struct exchange *exchange, struct str name)
{
    struct buf text;
    buf_init(&text, ERROR_MAX);
    buf_printf(&text, "unknown topic matcher query parameter: \"%.*s\"", STR_ARG(str_slice(name, 0, 256)));
    if (str_eq(name, STR("topic")))
        buf_append_str(&text, STR(" (use \"match\" or \"match_urlpattern\")"));
    refuse(subscribing, exchange, buf_str(&text));
    buf_done(&text);
    return false;
}

static bool refuse_limit(struct subscribing *subscribing, struct exchange *exchange, struct str what,
                         uint64_t max, struct str unit)
{
    struct buf text;
    buf_init(&text, ERROR_MAX);
    buf_append_str(&text, what);
    buf_append_str(&text, STR(" (max "));
    buf_append_u64(&text, max);
    buf_append_str(&text, unit);
    buf_append_c(&text, ')');
    refuse(subscribing, exchange, buf_str(&text));
    buf_done(&text);
    return false;
}

static bool add_exact(struct subscribing *subscribing, struct exchange *exchange, struct str value)
{
    const struct conf *conf = subscribing->shard->hub->conf;
    if (subscribing->topic_count == conf->max_matchers)
        return refuse_limit(subscribing, exchange, STR("too many matchers"), conf->max_matchers, STR(""));
    if (value.len > conf->max_matcher_length)
        return refuse_limit(subscribing, exchange, STR("pattern too long"), conf->max_matcher_length,
                            STR(" bytes"));
    if (!chars_valid(value))
        return refuse(subscribing, exchange,
                      STR("topic matcher values must be valid UTF-8 without control characters"));
    subscribing->topics[subscribing->topic_count++] = value;
    return true;
}

static bool is_matcher_name(struct str name)
{
    return str_eq_nocase(str_slice(name, 0, 5), STR("match")) || str_eq(name, STR("topic"));
}

static bool is_last_event_id(struct str name)
{
    return str_eq(name, STR("last_event_id")) || str_eq(name, STR("lastEventId"));
}

// A selector of the 0.x protocol.
static bool add_selector(struct subscribing *subscribing, struct exchange *exchange, struct str value)
{
    struct url_template *compiled;
    subscribing->legacy_forms |= 1U << LEGACY_FORM_TOPIC;
    int err = url_template_compile(&compiled, value);
    if (err == HUB_OK) {
        ref_put(&compiled->ref);
        return refuse(subscribing, exchange, STR("URI Templates are not supported yet"));
    }
    return add_exact(subscribing, exchange, value);
}

// A name of the 0.x protocol, where an empty value is none.
static bool is_old_last_event_id(struct str name, struct str value)
{
    return value.len && (str_eq(name, STR("lastEventID")) || str_eq(name, STR("Last-Event-ID")));
}

// False: refused.
static bool read_parameter(struct subscribing *subscribing, struct exchange *exchange, struct str name,
                           struct str value)
{
    if (str_eq(name, STR("match")) || str_eq(name, STR("match_exact")))
        return add_exact(subscribing, exchange, value);
    if (str_eq(name, STR("match_urlpattern")))
        return refuse(subscribing, exchange, STR("URL Pattern matchers are not supported yet"));
    bool accepts_legacy = subscribing->shard->hub->conf->legacy.version != 0;
    if (accepts_legacy && str_eq(name, STR("topic")))
        return add_selector(subscribing, exchange, value);
    if (is_matcher_name(name))
        return refuse_unknown(subscribing, exchange, name);
    bool is_old = accepts_legacy && is_old_last_event_id(name, value);
    if (is_old)
        subscribing->legacy_forms |= 1U << LEGACY_FORM_LAST_EVENT_ID;
    if (is_old || is_last_event_id(name)) {
        subscribing->wants_history = true;
        if (subscribing->last_event_id.len == 0)
            subscribing->last_event_id = value;
    }
    return true;
}

// The header field wins over the parameter, unless it is empty.
static void read_header(struct subscribing *subscribing, const struct exchange *exchange)
{
    struct str header = exchange_header(exchange, STR("Last-Event-ID"));
    subscribing->wants_history = header.ptr != NULL;
    subscribing->last_event_id = header;
}

// Adds the parameters of a query or body to those read before. False: refused.
static bool read_form(struct subscribing *subscribing, struct exchange *exchange, struct str text)
{
    struct form form;
    form_init(&form, text, exchange_arena(exchange));
    struct str name;
    struct str value;
    while (form_next(&form, &name, &value)) {
        if (!read_parameter(subscribing, exchange, name, value))
            return false;
    }
    if (form.err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    return form.err == HUB_OK;
}

bool subscribe_read_parameters(struct subscribing *subscribing, struct exchange *exchange, struct str body)
{
    size_t max = subscribing->shard->hub->conf->max_matchers;
    subscribing->topics = arena_calloc(exchange_arena(exchange), max, sizeof(*subscribing->topics));
    if (!subscribing->topics) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return false;
    }
    read_header(subscribing, exchange);
    if (!read_form(subscribing, exchange, exchange_query(exchange)) ||
        !read_form(subscribing, exchange, body))
        return false;
    if (subscribing->legacy_forms)
        subscribing->is_old = true;
    if (subscribing->is_old && subscribing->last_event_id.len == 0)
        subscribing->wants_history = false;
    if (subscribing->topic_count == 0)
        return refuse(subscribing, exchange,
                      subscribing->is_old ? STR("Missing \"topic\" parameter.")
                                          : STR("missing \"match\" subscription parameter"));
    legacy_note(subscribing->shard, exchange, subscribing->legacy_forms);
    subscribing->topic_count = topic_set_sort(subscribing->topics, subscribing->topic_count);
    return true;
}
