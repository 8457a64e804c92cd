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
#include "mercure/matcher.h"
#include "mercure/pattern.h"
#include "mercure/subscription.h"
#include "url/chars.h"

#include <errno.h>

#define ERROR_MAX 4096
// More than there may be of the first.
#define PLACE_OF_SECOND_NAME (UINT16_MAX / 2)

static bool refuse(struct subscribing *subscribing, struct exchange *exchange, struct str text)
{
    subscribe_refuse(subscribing, exchange, 400, text);
    return false;
}

static bool refuse_unknown(struct subscribing *subscribing, struct exchange *exchange, struct str name)
{
    if (str_eq(name, STR("topic"))) {
        subscribe_refuse_for(subscribing, exchange, 400,
                             STR("unknown topic matcher query parameter: \"topic\" (use \"match\" or "
                                 "\"match_urlpattern\")"),
                             STR("the parameter topic is of the 0.x protocol, which is not on: set "
                                 "jwt_key or protocol_version_compatibility"));
        return false;
    }
    struct buf text;
    buf_init(&text, ERROR_MAX);
    buf_printf(&text, "unknown topic matcher query parameter: \"%.*s\"", STR_ARG(str_slice(name, 0, 256)));
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

// Checks what holds for matchers of any kind. False: refused.
static bool check_matcher(struct subscribing *subscribing, struct exchange *exchange, struct str value)
{
    const struct conf *conf = subscribing->shard->hub->conf;
    if (subscribing->matcher_count == conf->max_matchers)
        return refuse_limit(subscribing, exchange, STR("too many matchers"), conf->max_matchers, STR(""));
    if (value.len > conf->max_matcher_length)
        return refuse_limit(subscribing, exchange, STR("pattern too long"), conf->max_matcher_length,
                            STR(" bytes"));
    if (!chars_valid(value))
        return refuse(subscribing, exchange,
                      STR("topic matcher values must be valid UTF-8 without control characters"));
    return true;
}

static bool refuse_pattern(struct subscribing *subscribing, struct exchange *exchange, int err)
{
    if (err == -ENOMEM) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return false;
    }
    if (err == HUB_E_FULL)
        return refuse(
            subscribing, exchange,
            STR("the topic matcher patterns of one request take too long to be compiled (use fewer, "
                "shorter ones, or fewer custom groups)"));
    return refuse(subscribing, exchange,
                  err == HUB_E_DENIED ? STR("invalid topic matcher pattern: it takes too long to be matched")
                                      : STR("invalid topic matcher pattern"));
}

// A selector of the 0.x protocol that is no URI Template is compared byte for byte.
static int compile(struct subscribing *subscribing, struct matcher *matcher)
{
    struct patterns *patterns = &subscribing->shard->patterns;
    if (matcher->kind == SUBSCRIPTION_EXACT || str_eq(matcher->text, STR("*")))
        return HUB_OK;
    if (matcher->kind == SUBSCRIPTION_URLPATTERN)
        return patterns_get(patterns, PATTERN_URL, matcher->text, &matcher->pattern);
    int err = patterns_get(patterns, PATTERN_TEMPLATE, matcher->text, &matcher->pattern);
    return err == HUB_E_INVALID ? HUB_OK : err;
}

// `place` is where the parameter's name puts it: they are in the order of the names, and then as they came.
static bool add_matcher(struct subscribing *subscribing, struct exchange *exchange,
                        enum subscription_kind kind, size_t place, struct str value)
{
    if (!check_matcher(subscribing, exchange, value))
        return false;
    struct matcher *matcher = &subscribing->matchers[subscribing->matcher_count];
    place += subscribing->matcher_count;
    *matcher = (struct matcher){.text = value, .kind = (uint8_t)kind, .place = (uint16_t)place};
    int err = compile(subscribing, matcher);
    if (err)
        return refuse_pattern(subscribing, exchange, err);
    subscribing->matcher_count++;
    if (subscribing->shard->patterns.compiled - subscribing->compiled_before > PATTERNS_COMPILE_MAX)
        return refuse_pattern(subscribing, exchange, HUB_E_FULL);
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

// A name of the 0.x protocol, where an empty value is none.
static bool is_legacy_last_event_id(struct str name, struct str value)
{
    return value.len && (str_eq(name, STR("lastEventID")) || str_eq(name, STR("Last-Event-ID")));
}

// False: refused.
static bool read_parameter(struct subscribing *subscribing, struct exchange *exchange, struct str name,
                           struct str value)
{
    if (str_eq(name, STR("match")))
        return add_matcher(subscribing, exchange, SUBSCRIPTION_EXACT, 0, value);
    if (str_eq(name, STR("match_exact")))
        return add_matcher(subscribing, exchange, SUBSCRIPTION_EXACT, PLACE_OF_SECOND_NAME, value);
    if (str_eq(name, STR("match_urlpattern")))
        return add_matcher(subscribing, exchange, SUBSCRIPTION_URLPATTERN, 0, value);
    bool accepts_legacy = subscribing->shard->hub->conf->legacy.version != 0;
    if (accepts_legacy && str_eq(name, STR("topic"))) {
        subscribing->legacy_forms |= 1U << LEGACY_FORM_TOPIC;
        return add_matcher(subscribing, exchange, SUBSCRIPTION_SELECTOR, 0, value);
    }
    if (is_matcher_name(name))
        return refuse_unknown(subscribing, exchange, name);
    bool legacy = accepts_legacy && is_legacy_last_event_id(name, value);
    if (legacy)
        subscribing->legacy_forms |= 1U << LEGACY_FORM_LAST_EVENT_ID;
    if (legacy || is_last_event_id(name)) {
        subscribing->wants_history = true;
        if (subscribing->last_event_id.len == 0)
            subscribing->last_event_id = value;
    }
    if (subscribing->shard->hub->conf->playground && str_eq(name, STR("explain")))
        subscribing->wants_explanation = true;
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
    subscribing->matchers = arena_calloc(exchange_arena(exchange), max, sizeof(*subscribing->matchers));
    if (!subscribing->matchers) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return false;
    }
    subscribing->compiled_before = subscribing->shard->patterns.compiled;
    read_header(subscribing, exchange);
    if (!read_form(subscribing, exchange, exchange_query(exchange)) ||
        !read_form(subscribing, exchange, body))
        return false;
    if (subscribing->legacy_forms)
        subscribing->legacy = true;
    if (subscribing->legacy && subscribing->last_event_id.len == 0)
        subscribing->wants_history = false;
    if (subscribing->matcher_count == 0)
        return refuse(subscribing, exchange,
                      subscribing->legacy ? STR("Missing \"topic\" parameter.")
                                          : STR("missing \"match\" subscription parameter"));
    legacy_note(subscribing->shard, exchange, subscribing->legacy_forms);
    subscribing->matcher_count = matchers_sort(subscribing->matchers, subscribing->matcher_count);
    return true;
}
