// "Why?" for a subscriber, in the playground alone: which grants of its token cover which of its matchers.
//
// A grant covers all of a matcher when no update that the matcher meets is beyond it, and some when it is
// known to cover a topic that the matcher meets. Of two different patterns nobody can say in general: maybe.
#include "base/buf.h"
#include "hub/answer.h"
#include "hub/auth.h"
#include "hub/subscribe_priv.h"
#include "jwt/claims.h"
#include "mercure/authorization.h"
#include "mercure/matcher.h"
#include "mercure/pattern.h"
#include "mercure/subscription.h"
#include "json/writer.h"

// A hundred matchers with a hundred grants each would be more; then there is none.
#define BODY_MAX ((size_t)8 << 20)

struct grant_view {
    struct str text;         // "*": everything
    struct pattern *pattern; // NULL for a topic, and for "*"
};

enum cover {
    COVER_NONE,
    COVER_MAYBE,
    COVER_SOME,
    COVER_ALL,
};

static struct str cover_name(enum cover cover)
{
    static const struct str names[] = {STR("none"), STR("maybe"), STR("some"), STR("all")};
    return names[cover];
}

static size_t grant_count(const struct topic_set *set)
{
    return set->all ? 1 : set->exact_count + set->pattern_count;
}

static struct grant_view grant_at(const struct topic_set *set, size_t i)
{
    if (set->all)
        return (struct grant_view){STR("*"), NULL};
    if (i < set->exact_count)
        return (struct grant_view){set->exact[i], NULL};
    struct pattern *pattern = set->patterns[i - set->exact_count];
    return (struct grant_view){pattern->text, pattern};
}

static bool is_all(struct str text)
{
    return str_eq(text, STR("*"));
}

static enum cover cover_of(const struct grant_view *grant, const struct matcher *matcher)
{
    if (is_all(grant->text))
        return COVER_ALL;
    if (is_all(matcher->text))
        return COVER_SOME;
    if (!matcher->pattern) {
        bool granted = grant->pattern ? pattern_matches(grant->pattern, matcher->text)
                                      : str_eq(grant->text, matcher->text);
        return granted ? COVER_ALL : COVER_NONE;
    }
    if (!grant->pattern)
        return pattern_matches(matcher->pattern, grant->text) ? COVER_SOME : COVER_NONE;
    return grant->pattern == matcher->pattern ? COVER_ALL : COVER_MAYBE;
}

// Members of the open object: `match` and `match_type`, or `topic` for what only 0.x has.
static void write_grant(struct json_writer *json, const struct grant_view *grant)
{
    bool is_template = grant->pattern && grant->pattern->kind == PATTERN_TEMPLATE;
    json_write_member(json, is_template ? STR("topic") : STR("match"), grant->text);
    if (!is_template)
        json_write_member(json, STR("match_type"), grant->pattern ? STR("urlpattern") : STR("exact"));
}

static void write_matcher(struct json_writer *json, const struct matcher *matcher)
{
    struct str type = subscription_type_name(matcher->kind);
    json_write_member(json, type.ptr ? STR("match") : STR("topic"), matcher->text);
    if (type.ptr)
        json_write_member(json, STR("match_type"), type);
}

// How much of the matcher's private updates the grants cover, and by which of them.
static void write_cover(struct json_writer *json, const struct topic_set *grants,
                        const struct matcher *matcher)
{
    enum cover best = COVER_NONE;
    json_write_key(json, STR("grants"));
    json_begin_array(json);
    for (size_t i = 0; i < grant_count(grants); i++) {
        struct grant_view grant = grant_at(grants, i);
        enum cover cover = cover_of(&grant, matcher);
        if (cover == COVER_NONE)
            continue;
        best = cover > best ? cover : best;
        json_begin_object(json);
        write_grant(json, &grant);
        json_write_member(json, STR("covers"), cover_name(cover));
        json_end_object(json);
    }
    json_end_array(json);
    json_write_member(json, STR("private"), cover_name(best));
}

static void write_matchers(struct json_writer *json, const struct subscribing *subscribing,
                           const struct topic_set *grants)
{
    json_write_key(json, STR("matchers"));
    json_begin_array(json);
    for (size_t i = 0; i < subscribing->matcher_count; i++) {
        json_begin_object(json);
        write_matcher(json, &subscribing->matchers[i]);
        write_cover(json, grants, &subscribing->matchers[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_token(struct json_writer *json, const struct credentials *credentials)
{
    json_write_key(json, STR("token"));
    if (!credentials) {
        json_write_null(json);
        return;
    }
    const struct jwt_claims *claims = credentials->claims;
    json_begin_object(json);
    if (claims->issuer.ptr)
        json_write_member(json, STR("issuer"), claims->issuer);
    if (claims->expires_ms != JWT_NEVER)
        json_write_member_u64(json, STR("expires"), claims->expires_ms / 1000);
    json_end_object(json);
}

void subscribe_explain(const struct subscribing *subscribing, struct exchange *exchange)
{
    static const struct topic_set nothing;
    const struct credentials *credentials = subscribing->credentials;
    struct buf body;
    struct json_writer json;
    buf_init(&body, BODY_MAX);
    json_writer_init(&json, &body, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    write_token(&json, credentials);
    write_matchers(&json, subscribing, credentials ? &credentials->authorization->subscribe : &nothing);
    json_end_object(&json);
    buf_append_c(&body, '\n');
    if (body.err)
        answer_text(exchange, 503, STR("Service Unavailable: there is too much to explain"));
    else
        answer_uncached(exchange, 200, STR("application/json"), buf_str(&body));
    buf_done(&body);
}
