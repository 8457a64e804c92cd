// Reads `authorization_details`.
#include "base/err.h"
#include "mercure/authorization_priv.h"
#include "mercure/pattern.h"
#include "url/chars.h"
#include "json/json.h"

#include <errno.h>

static enum authorization_reason read_actions(struct draft_detail *detail, const struct json *actions)
{
    size_t count = json_count(actions);
    if (json_kind(actions) != JSON_KIND_ARRAY || count == 0)
        return AUTHORIZATION_REASON_ACTIONS;
    for (size_t i = 0; i < count; i++) {
        struct str action = json_str(json_at(actions, i));
        if (!action.ptr)
            return AUTHORIZATION_REASON_ACTIONS;
        detail->publish = detail->publish || str_eq(action, STR("publish"));
        detail->subscribe = detail->subscribe || str_eq(action, STR("subscribe"));
    }
    return AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_pattern(const struct draft *draft, struct draft_topic *topic)
{
    if (str_eq(topic->match, STR("*")))
        return AUTHORIZATION_REASON_NONE;
    switch (patterns_get(draft->patterns, PATTERN_URL, topic->match, &topic->pattern)) {
    case HUB_OK:
        return draft->patterns->compiled - draft->compiled_before > PATTERNS_COMPILE_MAX
                   ? AUTHORIZATION_REASON_PATTERN_COUNT
                   : AUTHORIZATION_REASON_NONE;
    case HUB_E_DENIED:
        return AUTHORIZATION_REASON_PATTERN_COST;
    case -ENOMEM:
        return AUTHORIZATION_REASON_MEMORY;
    default:
        return AUTHORIZATION_REASON_PATTERN;
    }
}

static enum authorization_reason read_match_type(const struct draft *draft, struct draft_topic *topic,
                                                 const struct json *match_type)
{
    struct str name = json_str(match_type);
    enum json_kind kind = json_kind(match_type);
    if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
        return AUTHORIZATION_REASON_NONE;
    if (str_eq(name, STR("urlpattern")))
        return read_pattern(draft, topic);
    bool is_exact = kind == JSON_KIND_STRING && (name.len == 0 || str_eq(name, STR("exact")));
    return is_exact ? AUTHORIZATION_REASON_NONE : AUTHORIZATION_REASON_MATCH_TYPE;
}

enum authorization_reason draft_read_topic(const struct draft *draft, struct draft_topic *topic,
                                           const struct json *value)
{
    if (json_kind(value) != JSON_KIND_OBJECT)
        return AUTHORIZATION_REASON_TOPIC;
    topic->match = json_str(json_get(value, STR("match")));
    if (topic->match.len == 0)
        return AUTHORIZATION_REASON_MATCH;
    if (topic->match.len > AUTHORIZATION_MATCH_MAX)
        return AUTHORIZATION_REASON_MATCH_SIZE;
    if (!chars_valid(topic->match))
        return AUTHORIZATION_REASON_MATCH_CHARS;
    return read_match_type(draft, topic, json_get(value, STR("match_type")));
}

static enum authorization_reason read_topics(struct draft *draft, const struct json *topics)
{
    size_t count = json_count(topics);
    if (json_kind(topics) != JSON_KIND_ARRAY || count == 0)
        return AUTHORIZATION_REASON_TOPICS;
    if (count > AUTHORIZATION_TOPICS_MAX - draft->topic_count)
        return AUTHORIZATION_REASON_TOPIC_COUNT;
    for (size_t i = 0; i < count; i++) {
        struct draft_topic *topic = &draft->topics[draft->topic_count++];
        *topic = (struct draft_topic){.detail = draft->detail_count};
        enum authorization_reason reason = draft_read_topic(draft, topic, json_at(topics, i));
        if (reason != AUTHORIZATION_REASON_NONE)
            return reason;
    }
    return AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_payload(struct draft *draft, struct draft_detail *detail,
                                              const struct json *payload)
{
    enum json_kind kind = json_kind(payload);
    if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
        return AUTHORIZATION_REASON_NONE;
    if (kind != JSON_KIND_OBJECT)
        return AUTHORIZATION_REASON_PAYLOAD;
    return detail->subscribe ? draft_keep_payload(draft, &detail->payload, payload)
                             : AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_detail(struct draft *draft, const struct json *value)
{
    if (draft->detail_count == AUTHORIZATION_DETAILS_MAX)
        return AUTHORIZATION_REASON_DETAIL_COUNT;
    struct draft_detail *detail = &draft->details[draft->detail_count];
    *detail = (struct draft_detail){0};
    enum authorization_reason reason = read_actions(detail, json_get(value, STR("actions")));
    if (reason == AUTHORIZATION_REASON_NONE)
        reason = read_topics(draft, json_get(value, STR("topics")));
    if (reason == AUTHORIZATION_REASON_NONE)
        reason = read_payload(draft, detail, json_get(value, STR("payload")));
    draft->detail_count++;
    return reason;
}

static enum authorization_reason read_element(struct draft *draft, const struct json *value)
{
    if (json_kind(value) == JSON_KIND_NULL)
        return AUTHORIZATION_REASON_NONE;
    if (json_kind(value) != JSON_KIND_OBJECT)
        return AUTHORIZATION_REASON_ELEMENT;
    const struct json *type = json_get(value, STR("type"));
    if (type && json_kind(type) != JSON_KIND_STRING)
        return AUTHORIZATION_REASON_TYPE;
    return str_eq(json_str(type), STR(AUTHORIZATION_TYPE)) ? read_detail(draft, value)
                                                           : AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_details(struct draft *draft, const struct json *details)
{
    enum json_kind kind = json_kind(details);
    if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
        return AUTHORIZATION_REASON_NONE;
    if (kind != JSON_KIND_ARRAY)
        return AUTHORIZATION_REASON_LIST;
    for (size_t i = 0; i < json_count(details); i++) {
        enum authorization_reason reason = read_element(draft, json_at(details, i));
        if (reason != AUTHORIZATION_REASON_NONE)
            return reason;
    }
    return AUTHORIZATION_REASON_NONE;
}

int authorization_parse(struct authorization **ret_authorization, const struct json *details,
                        struct patterns *patterns, enum authorization_reason *reterr_reason)
{
    struct draft draft;
    enum authorization_reason reason = AUTHORIZATION_REASON_MEMORY;
    if (draft_init(&draft, patterns, AUTHORIZATION_TOPICS_MAX, AUTHORIZATION_DETAILS_MAX) == HUB_OK)
        reason = read_details(&draft, details);
    return authorization_finish(ret_authorization, &draft, reason, reterr_reason);
}
