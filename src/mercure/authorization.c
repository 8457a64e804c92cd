#include "mercure/authorization.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/chars.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// What the JSON says, checked, before it is known how much memory it takes.
struct draft_topic {
    struct str match;
    bool is_pattern;
    size_t detail;
};

struct draft_detail {
    bool publish;
    bool subscribe;
    bool has_payload;
    size_t payload_start; // in the payloads
    size_t payload_len;
};

struct draft {
    size_t topic_count;
    size_t detail_count;
    struct buf payloads;
    struct draft_topic topics[AUTHORIZATION_TOPICS_MAX];
    struct draft_detail details[AUTHORIZATION_DETAILS_MAX];
};

static const char *const reason_texts[] = {
#define X(name, text) text,
    AUTHORIZATION_REASONS(X)
#undef X
};

const char *authorization_reason_text(enum authorization_reason reason)
{
    return reason_texts[reason];
}

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

static enum authorization_reason read_match_type(struct draft_topic *topic, const struct json *match_type)
{
    struct str name = json_str(match_type);
    enum json_kind kind = json_kind(match_type);
    if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
        return AUTHORIZATION_REASON_NONE;
    topic->is_pattern = str_eq(name, STR("urlpattern"));
    bool is_exact = kind == JSON_KIND_STRING && (name.len == 0 || str_eq(name, STR("exact")));
    return topic->is_pattern || is_exact ? AUTHORIZATION_REASON_NONE : AUTHORIZATION_REASON_MATCH_TYPE;
}

static enum authorization_reason read_topic(struct draft_topic *topic, const struct json *value)
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
    return read_match_type(topic, json_get(value, STR("match_type")));
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
        enum authorization_reason reason = read_topic(topic, json_at(topics, i));
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
    if (!detail->subscribe)
        return AUTHORIZATION_REASON_NONE;
    detail->has_payload = true;
    detail->payload_start = draft->payloads.len;
    json_dump(payload, &draft->payloads);
    detail->payload_len = draft->payloads.len - detail->payload_start;
    if (draft->payloads.err)
        return draft->payloads.err == -ENOMEM ? AUTHORIZATION_REASON_MEMORY : AUTHORIZATION_REASON_PAYLOAD;
    return AUTHORIZATION_REASON_NONE;
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

// Lists the chosen topics of one type at *slots and moves it on.
static const struct str *list_topics(const struct draft *draft, const bool *chosen, bool patterns,
                                     struct str **slots, size_t *ret_count)
{
    struct str *list = *slots;
    size_t count = 0;
    for (size_t i = 0; i < draft->topic_count; i++) {
        if (chosen[draft->topics[i].detail] && draft->topics[i].is_pattern == patterns)
            list[count++] = draft->topics[i].match;
    }
    *ret_count = topic_set_sort(list, count);
    *slots += *ret_count;
    return list;
}

// The set of the chosen details.
static struct topic_set make_set(const struct draft *draft, const bool *chosen, struct str **slots)
{
    struct topic_set set = {0};
    for (size_t i = 0; i < draft->topic_count && !set.all; i++)
        set.all = chosen[draft->topics[i].detail] && str_eq(draft->topics[i].match, STR("*"));
    if (set.all)
        return set;
    set.exact = list_topics(draft, chosen, false, slots, &set.exact_count);
    set.patterns = list_topics(draft, chosen, true, slots, &set.pattern_count);
    return set;
}

// How many bytes, slots and details the authorization needs at most.
struct room {
    size_t bytes;
    size_t slots;
    size_t details;
};

static struct room measure(const struct draft *draft)
{
    struct room room = {.bytes = draft->payloads.len};
    for (size_t i = 0; i < draft->detail_count && draft->payloads.len; i++)
        room.details += draft->details[i].subscribe;
    for (size_t i = 0; i < draft->topic_count; i++) {
        const struct draft_detail *detail = &draft->details[draft->topics[i].detail];
        room.bytes += draft->topics[i].match.len;
        room.slots += (size_t)detail->publish + detail->subscribe + (detail->subscribe && room.details);
    }
    return room;
}

static const char *copy(char **to, struct str s)
{
    char *start = *to;
    if (s.len)
        memcpy(start, s.ptr, s.len);
    *to += s.len;
    return start;
}

// From here on the draft points into the authorization's own memory instead of the JSON's.
static struct str move_bytes(struct draft *draft, char *to)
{
    for (size_t i = 0; i < draft->topic_count; i++)
        draft->topics[i].match.ptr = copy(&to, draft->topics[i].match);
    return str_make(copy(&to, buf_str(&draft->payloads)), draft->payloads.len);
}

static void fill_details(struct authorization *authorization, const struct draft *draft,
                         struct authorization_detail *details, struct str *slots, struct str payloads)
{
    authorization->details = details;
    for (size_t i = 0; i < draft->detail_count; i++) {
        const struct draft_detail *from = &draft->details[i];
        if (!from->subscribe)
            continue;
        bool chosen[AUTHORIZATION_DETAILS_MAX] = {false};
        chosen[i] = true;
        struct authorization_detail *detail = &details[authorization->detail_count++];
        *detail = (struct authorization_detail){.topics = make_set(draft, chosen, &slots)};
        if (from->has_payload)
            detail->payload = str_make(payloads.ptr + from->payload_start, from->payload_len);
    }
}

static void free_authorization(struct ref *ref)
{
    free(CONTAINER_OF(ref, struct authorization, ref));
}

static struct authorization *build(struct draft *draft)
{
    struct room room = measure(draft);
    struct authorization *authorization;
    size_t size = sizeof(*authorization) + room.details * sizeof(struct authorization_detail) +
                  room.slots * sizeof(struct str) + room.bytes;
    authorization = calloc(1, size);
    if (!authorization)
        return NULL;
    ref_init(&authorization->ref, free_authorization);
    authorization->size = size;
    struct authorization_detail *details = (struct authorization_detail *)(authorization + 1);
    struct str *slots = (struct str *)(details + room.details);
    struct str payloads = move_bytes(draft, (char *)(slots + room.slots));
    bool publish[AUTHORIZATION_DETAILS_MAX];
    bool subscribe[AUTHORIZATION_DETAILS_MAX];
    for (size_t i = 0; i < draft->detail_count; i++) {
        publish[i] = draft->details[i].publish;
        subscribe[i] = draft->details[i].subscribe;
    }
    authorization->publish = make_set(draft, publish, &slots);
    authorization->subscribe = make_set(draft, subscribe, &slots);
    if (room.details)
        fill_details(authorization, draft, details, slots, payloads);
    return authorization;
}

int authorization_parse(struct authorization **ret_authorization, const struct json *details,
                        enum authorization_reason *reterr_reason)
{
    struct draft draft;
    draft.topic_count = 0;
    draft.detail_count = 0;
    buf_init(&draft.payloads, JSON_TEXT_MAX);
    enum authorization_reason reason = read_details(&draft, details);
    if (reason == AUTHORIZATION_REASON_NONE && !(*ret_authorization = build(&draft)))
        reason = AUTHORIZATION_REASON_MEMORY;
    buf_done(&draft.payloads);
    if (reason == AUTHORIZATION_REASON_NONE)
        return HUB_OK;
    *reterr_reason = reason;
    return reason == AUTHORIZATION_REASON_MEMORY ? -ENOMEM : HUB_E_DENIED;
}

bool authorization_grants_publish(const struct authorization *authorization, struct str topic)
{
    return topic_set_has(&authorization->publish, topic);
}

bool authorization_grants_subscribe(const struct authorization *authorization, struct str topic)
{
    return topic_set_has(&authorization->subscribe, topic);
}

struct str authorization_payload(const struct authorization *authorization, struct str pattern)
{
    for (size_t i = 0; i < authorization->detail_count; i++) {
        if (topic_set_has(&authorization->details[i].topics, pattern))
            return authorization->details[i].payload;
    }
    return str_make(NULL, 0);
}

uint64_t authorization_hash(const struct authorization *authorization)
{
    return topic_set_hash(&authorization->subscribe);
}

bool authorization_equal(const struct authorization *a, const struct authorization *b)
{
    return topic_set_equal(&a->subscribe, &b->subscribe);
}
