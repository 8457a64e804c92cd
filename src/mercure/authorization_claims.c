// Reads the claims of the 0.x protocol.
#include "base/err.h"
#include "mercure/authorization_priv.h"
#include "mercure/pattern.h"
#include "json/json.h"

#include <errno.h>

#define NAMESPACED "https://mercure.rocks/"

// Of each of the lists.
#define ENTRIES_MAX 1000U

static bool is_absent(const struct json *value)
{
    return json_kind(value) == JSON_KIND_NONE || json_kind(value) == JSON_KIND_NULL;
}

static struct draft_topic *add_topic(struct draft *draft, struct str match)
{
    struct draft_topic *topic = &draft->topics[draft->topic_count++];
    *topic = (struct draft_topic){.match = match, .detail = draft->detail_count};
    return topic;
}

// A selector that is no URI Template, as most are, is compared byte for byte.
static enum authorization_reason read_selector(struct draft *draft, struct str text)
{
    if (text.len > AUTHORIZATION_MATCH_MAX)
        return AUTHORIZATION_REASON_SELECTOR;
    struct draft_topic *topic = add_topic(draft, text);
    int err = patterns_get(draft->patterns, PATTERN_TEMPLATE, text, &topic->pattern);
    if (err == -ENOMEM)
        return AUTHORIZATION_REASON_MEMORY;
    return err == HUB_E_TOO_BIG ? AUTHORIZATION_REASON_SELECTOR : AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_entry(struct draft *draft, const struct json *entry)
{
    struct str text = json_str(entry);
    if (text.ptr)
        return read_selector(draft, text);
    if (json_kind(entry) != JSON_KIND_OBJECT)
        return AUTHORIZATION_REASON_ENTRY;
    return draft_read_topic(draft, add_topic(draft, str_make(NULL, 0)), entry);
}

static enum authorization_reason check_list(const struct json *list)
{
    if (is_absent(list))
        return AUTHORIZATION_REASON_NONE;
    if (json_kind(list) != JSON_KIND_ARRAY)
        return AUTHORIZATION_REASON_CLAIM_LIST;
    return json_count(list) > ENTRIES_MAX ? AUTHORIZATION_REASON_ENTRY_COUNT : AUTHORIZATION_REASON_NONE;
}

static enum authorization_reason read_publish(struct draft *draft, const struct json *list)
{
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    draft->publishes = !is_absent(list);
    draft->details[draft->detail_count] = (struct draft_detail){.publish = true};
    for (size_t i = 0; i < json_count(list) && reason == AUTHORIZATION_REASON_NONE; i++)
        reason = read_entry(draft, json_at(list, i));
    draft->detail_count++;
    return reason;
}

// An entry with a payload of its own is a detail of its own.
static enum authorization_reason read_with_payload(struct draft *draft, const struct json *entry,
                                                   const struct json *payload)
{
    struct draft_detail *detail = &draft->details[draft->detail_count];
    *detail = (struct draft_detail){.subscribe = true};
    enum authorization_reason reason = read_entry(draft, entry);
    if (reason == AUTHORIZATION_REASON_NONE)
        reason = draft_keep_payload(draft, &detail->payload, payload);
    draft->detail_count++;
    return reason;
}

// Those come first, since the first that grants says what the payload is; then all others as one.
static enum authorization_reason read_subscribe(struct draft *draft, const struct json *list)
{
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    for (size_t i = 0; i < json_count(list) && reason == AUTHORIZATION_REASON_NONE; i++) {
        const struct json *payload = json_get(json_at(list, i), STR("payload"));
        if (!is_absent(payload))
            reason = read_with_payload(draft, json_at(list, i), payload);
    }
    draft->details[draft->detail_count] = (struct draft_detail){.subscribe = true};
    for (size_t i = 0; i < json_count(list) && reason == AUTHORIZATION_REASON_NONE; i++) {
        if (is_absent(json_get(json_at(list, i), STR("payload"))))
            reason = read_entry(draft, json_at(list, i));
    }
    draft->detail_count++;
    return reason;
}

static enum authorization_reason read_claim(struct draft *draft, const struct json *claim)
{
    const struct json *payload = json_get(claim, STR("payload"));
    enum authorization_reason reason = read_publish(draft, json_get(claim, STR("publish")));
    if (reason == AUTHORIZATION_REASON_NONE)
        reason = read_subscribe(draft, json_get(claim, STR("subscribe")));
    if (reason == AUTHORIZATION_REASON_NONE && !is_absent(payload))
        reason = draft_keep_payload(draft, &draft->payload, payload);
    return reason;
}

static enum authorization_reason check_claim(const struct json *claim)
{
    if (!is_absent(claim) && json_kind(claim) != JSON_KIND_OBJECT)
        return AUTHORIZATION_REASON_CLAIM;
    enum authorization_reason reason = check_list(json_get(claim, STR("publish")));
    return reason == AUTHORIZATION_REASON_NONE ? check_list(json_get(claim, STR("subscribe"))) : reason;
}

int authorization_parse_claims(struct authorization **ret_authorization, const struct json *claims,
                               struct patterns *patterns, enum authorization_reason *reterr_reason)
{
    const struct json *claim = json_get(claims, STR(NAMESPACED));
    if (is_absent(claim))
        claim = json_get(claims, STR("mercure"));
    enum authorization_reason reason = check_claim(claim);
    if (reason != AUTHORIZATION_REASON_NONE) {
        *reterr_reason = reason;
        return HUB_E_DENIED;
    }
    // Two details are there beside those of entries with payloads.
    size_t publish = json_count(json_get(claim, STR("publish")));
    size_t subscribe = json_count(json_get(claim, STR("subscribe")));
    struct draft draft;
    reason = AUTHORIZATION_REASON_MEMORY;
    if (draft_init(&draft, patterns, publish + subscribe, 2 + subscribe) == HUB_OK)
        reason = read_claim(&draft, claim);
    return authorization_finish(ret_authorization, &draft, reason, reterr_reason);
}
