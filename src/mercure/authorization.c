#include "mercure/authorization.h"

#include "base/err.h"
#include "mercure/authorization_priv.h"
#include "mercure/pattern.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const reason_texts[] = {
#define X(name, text) text,
    AUTHORIZATION_REASONS(X)
#undef X
};

const char *authorization_reason_text(enum authorization_reason reason)
{
    return reason_texts[reason];
}

// ---- The draft ----

int draft_init(struct draft *draft, struct patterns *patterns, size_t topic_cap, size_t detail_cap)
{
    *draft =
        (struct draft){.patterns = patterns, .compiled_before = patterns->compiled, .topic_cap = topic_cap};
    buf_init(&draft->payloads, JSON_TEXT_MAX);
    draft->topics = calloc(topic_cap + 1, sizeof(*draft->topics));
    draft->details = calloc(detail_cap + 1, sizeof(*draft->details));
    return draft->topics && draft->details ? HUB_OK : -ENOMEM;
}

static void done(struct draft *draft)
{
    for (size_t i = 0; i < draft->topic_count; i++) {
        if (draft->topics[i].pattern)
            pattern_unref(draft->topics[i].pattern);
    }
    free(draft->topics);
    free(draft->details);
    buf_done(&draft->payloads);
}

enum authorization_reason draft_keep_payload(struct draft *draft, struct draft_payload *payload,
                                             const struct json *value)
{
    payload->is_there = true;
    payload->start = draft->payloads.len;
    json_dump(value, &draft->payloads);
    payload->len = draft->payloads.len - payload->start;
    if (draft->payloads.err)
        return draft->payloads.err == -ENOMEM ? AUTHORIZATION_REASON_MEMORY : AUTHORIZATION_REASON_PAYLOAD;
    return AUTHORIZATION_REASON_NONE;
}

// ---- Sets ----

// The topics of one set.
enum choice {
    CHOICE_PUBLISH,
    CHOICE_SUBSCRIBE,
    CHOICE_DETAIL,
};

// What sets are made of: the draft, and where their lists go, moved on with each.
struct builder {
    const struct draft *draft;
    struct str *slots;
    struct pattern **patterns;
};

static bool is_chosen(const struct draft *draft, const struct draft_topic *topic, enum choice choice,
                      size_t detail)
{
    switch (choice) {
    case CHOICE_PUBLISH:
        return draft->details[topic->detail].publish;
    case CHOICE_SUBSCRIBE:
        return draft->details[topic->detail].subscribe;
    case CHOICE_DETAIL:
        return topic->detail == detail;
    }
    return false;
}

static const struct str *list_topics(struct builder *builder, enum choice choice, size_t detail,
                                     size_t *ret_count)
{
    const struct draft *draft = builder->draft;
    struct str *list = builder->slots;
    size_t count = 0;
    for (size_t i = 0; i < draft->topic_count; i++) {
        if (!draft->topics[i].pattern && is_chosen(draft, &draft->topics[i], choice, detail))
            list[count++] = draft->topics[i].match;
    }
    *ret_count = topic_set_sort(list, count);
    builder->slots += *ret_count;
    return list;
}

static struct pattern *const *list_patterns(struct builder *builder, enum choice choice, size_t detail,
                                            size_t *ret_count)
{
    const struct draft *draft = builder->draft;
    struct pattern **list = builder->patterns;
    size_t count = 0;
    for (size_t i = 0; i < draft->topic_count; i++) {
        if (draft->topics[i].pattern && is_chosen(draft, &draft->topics[i], choice, detail))
            list[count++] = draft->topics[i].pattern;
    }
    *ret_count = topic_set_sort_patterns(list, count);
    builder->patterns += *ret_count;
    return list;
}

static struct topic_set make_set(struct builder *builder, enum choice choice, size_t detail)
{
    const struct draft *draft = builder->draft;
    struct topic_set set = {0};
    for (size_t i = 0; i < draft->topic_count && !set.all; i++)
        set.all =
            str_eq(draft->topics[i].match, STR("*")) && is_chosen(draft, &draft->topics[i], choice, detail);
    if (set.all)
        return set;
    set.exact = list_topics(builder, choice, detail, &set.exact_count);
    set.patterns = list_patterns(builder, choice, detail, &set.pattern_count);
    return set;
}

// ---- The authorization ----

// How many of each the authorization needs at most.
struct room {
    size_t bytes;
    size_t slots;
    size_t patterns; // in all sets
    size_t owned;    // each once
    size_t details;
};

static struct room measure(const struct draft *draft)
{
    struct room room = {.bytes = draft->payloads.len};
    bool payloads = false;
    for (size_t i = 0; i < draft->detail_count; i++)
        payloads = payloads || draft->details[i].payload.is_there;
    for (size_t i = 0; i < draft->detail_count && payloads; i++)
        room.details += draft->details[i].subscribe;
    for (size_t i = 0; i < draft->topic_count; i++) {
        const struct draft_topic *topic = &draft->topics[i];
        const struct draft_detail *detail = &draft->details[topic->detail];
        size_t uses = (size_t)detail->publish + detail->subscribe + (detail->subscribe && room.details);
        room.bytes += topic->match.len;
        room.slots += topic->pattern ? 0 : uses;
        room.patterns += topic->pattern ? uses : 0;
        room.owned += topic->pattern != NULL;
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

static struct str payload_of(const struct draft_payload *payload, struct str payloads)
{
    return payload->is_there ? str_make(payloads.ptr + payload->start, payload->len) : str_make(NULL, 0);
}

static void fill_details(struct authorization *authorization, struct builder *builder,
                         struct authorization_detail *details, struct str payloads)
{
    const struct draft *draft = builder->draft;
    authorization->details = details;
    for (size_t i = 0; i < draft->detail_count; i++) {
        if (!draft->details[i].subscribe)
            continue;
        struct authorization_detail *detail = &details[authorization->detail_count++];
        *detail = (struct authorization_detail){
            .topics = make_set(builder, CHOICE_DETAIL, i),
            .payload = payload_of(&draft->details[i].payload, payloads),
        };
    }
}

// The draft's references become the authorization's.
static void take_patterns(struct authorization *authorization, struct draft *draft, struct pattern **list)
{
    authorization->_patterns = list;
    for (size_t i = 0; i < draft->topic_count; i++) {
        struct pattern *pattern = draft->topics[i].pattern;
        if (!pattern)
            continue;
        list[authorization->_pattern_count++] = pattern;
        authorization->size += pattern_memory(pattern);
        draft->topics[i].pattern = NULL;
    }
}

static void free_authorization(struct ref *ref)
{
    struct authorization *authorization = CONTAINER_OF(ref, struct authorization, ref);
    for (size_t i = 0; i < authorization->_pattern_count; i++)
        pattern_unref(authorization->_patterns[i]);
    free(authorization);
}

static struct authorization *build(struct draft *draft)
{
    struct room room = measure(draft);
    struct authorization *authorization;
    size_t size = sizeof(*authorization) + room.details * sizeof(struct authorization_detail) +
                  (room.patterns + room.owned) * sizeof(struct pattern *) + room.slots * sizeof(struct str) +
                  room.bytes;
    authorization = calloc(1, size);
    if (!authorization)
        return NULL;
    ref_init(&authorization->ref, free_authorization);
    authorization->size = size;
    struct authorization_detail *details = (struct authorization_detail *)(authorization + 1);
    struct builder builder = {.draft = draft, .patterns = (struct pattern **)(details + room.details)};
    struct pattern **owned = builder.patterns + room.patterns;
    builder.slots = (struct str *)(owned + room.owned);
    struct str payloads = move_bytes(draft, (char *)(builder.slots + room.slots));
    authorization->publish = make_set(&builder, CHOICE_PUBLISH, 0);
    authorization->subscribe = make_set(&builder, CHOICE_SUBSCRIBE, 0);
    authorization->publishes = draft->publishes;
    authorization->payload = payload_of(&draft->payload, payloads);
    if (room.details)
        fill_details(authorization, &builder, details, payloads);
    take_patterns(authorization, draft, owned);
    return authorization;
}

int authorization_finish(struct authorization **ret_authorization, struct draft *draft,
                         enum authorization_reason reason, enum authorization_reason *reterr_reason)
{
    if (reason == AUTHORIZATION_REASON_NONE && !(*ret_authorization = build(draft)))
        reason = AUTHORIZATION_REASON_MEMORY;
    done(draft);
    if (reason == AUTHORIZATION_REASON_NONE)
        return HUB_OK;
    *reterr_reason = reason;
    return reason == AUTHORIZATION_REASON_MEMORY ? -ENOMEM : HUB_E_DENIED;
}

// ---- What it grants ----

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
            return authorization->details[i].payload.ptr ? authorization->details[i].payload
                                                         : authorization->payload;
    }
    return authorization->payload;
}

uint64_t authorization_hash(const struct authorization *authorization)
{
    return topic_set_hash(&authorization->subscribe);
}

bool authorization_equal(const struct authorization *a, const struct authorization *b)
{
    return topic_set_equal(&a->subscribe, &b->subscribe);
}
