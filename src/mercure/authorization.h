// What a token lets its bearer do, as grants: its `authorization_details` (RFC 9396) of the type of Mercure,
// or the claim of the 0.x protocol. Immutable and counted. It belongs to the thread of its patterns.
//
//   [{"type": "https://mercure.rocks/authorization-detail",
//     "actions": ["publish", "subscribe"],
//     "topics": [{"match": "https://example.com/a"}, {"match": "/b/:id", "match_type": "urlpattern"}],
//     "payload": {"user": 7}}]
//
// A topic without `match_type` is compared byte for byte; `*` of either type means every topic. One bad
// detail refuses the whole token. Details of other types, unknown actions and unknown members are ignored.
//
// The 0.x protocol has the claim `mercure`, in place of which `https://mercure.rocks/` may stand:
//
//   {"publish": ["https://example.com/a"], "subscribe": ["https://example.com/{id}", "*"], "payload": 7}
//
// Its selectors are compared byte for byte and, if that is what they are, as URI Templates. Objects as the
// topics above may stand in place of selectors, with payloads of their own.
#pragma once

#include "base/attr.h"
#include "base/ref.h"
#include "base/str.h"
#include "mercure/topic_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;
struct pattern;
struct patterns;

#define AUTHORIZATION_TYPE "https://mercure.rocks/authorization-detail"
#define AUTHORIZATION_DETAILS_MAX 100U
#define AUTHORIZATION_TOPICS_MAX 100U // in all details together
#define AUTHORIZATION_MATCH_MAX 4096U // bytes

#define AUTHORIZATION_REASONS(X) \
    X(NONE, "the authorization details are good") \
    X(MEMORY, "there is no memory to read the authorization details") \
    X(LIST, "authorization_details is not a list") \
    X(ELEMENT, "an authorization detail is not an object") \
    X(TYPE, "an authorization detail's type is not a string") \
    X(DETAIL_COUNT, "there are more than 100 authorization details of Mercure's type") \
    X(ACTIONS, "an authorization detail's actions are not a list of strings with at least one") \
    X(TOPICS, "an authorization detail's topics are not a list with at least one") \
    X(TOPIC_COUNT, "there are more than 100 topics in the authorization details") \
    X(TOPIC, "a topic of an authorization detail is not an object") \
    X(MATCH, "the match of a topic is missing, empty or not a string") \
    X(MATCH_SIZE, "the match of a topic is longer than 4096 bytes") \
    X(MATCH_CHARS, "the match of a topic has a control or format character") \
    X(MATCH_TYPE, "the match_type of a topic is neither exact nor urlpattern") \
    X(PATTERN, "the match of a topic is no URL Pattern") \
    X(PATTERN_COUNT, "the URL Patterns of the token take too long to be compiled") \
    X(PATTERN_COST, "a URL Pattern of the token has taken too long to be matched before") \
    X(PAYLOAD, "the payload of an authorization detail is not an object, or too large") \
    X(CLAIM, "the claim mercure is not an object") \
    X(CLAIM_LIST, "publish or subscribe of the claim mercure is not a list") \
    X(ENTRY, "an entry of publish or subscribe of the claim mercure is neither a string nor an object") \
    X(ENTRY_COUNT, "there are more than 1000 entries in publish or subscribe of the claim mercure") \
    X(SELECTOR, "a selector of the claim mercure is longer than 4096 bytes or has more than 100 variables")

enum authorization_reason {
#define X(name, text) AUTHORIZATION_REASON_##name,
    AUTHORIZATION_REASONS(X)
#undef X
};

struct authorization_detail {
    struct topic_set topics;
    struct str payload; // compact JSON of an object; NULL ptr when there is none
};

struct authorization {
    struct ref ref;
    struct topic_set publish;
    struct topic_set subscribe;
    size_t size; // all memory
    // Of the 0.x protocol: the claim has a list `publish`, empty or not.
    bool publishes;
    struct str payload; // likewise, where no detail has one; NULL ptr when there is none
    // Those with `subscribe`, in the token's order; none when no detail has a payload.
    size_t detail_count;
    const struct authorization_detail *details;
    struct pattern **_patterns; // those of all sets, a reference to each
    size_t _pattern_count;
};

// Reads the value of `authorization_details`; NULL and null grant nothing. The caller is the one owner.
// Its patterns are those of `patterns`. HUB_E_DENIED with the reason, -ENOMEM.
MUST_CHECK int authorization_parse(struct authorization **ret_authorization, const struct json *details,
                                   struct patterns *patterns, enum authorization_reason *reterr_reason);
// Reads the claim of the 0.x protocol among the claims of a token; without one it grants nothing. As above.
MUST_CHECK int authorization_parse_claims(struct authorization **ret_authorization, const struct json *claims,
                                          struct patterns *patterns,
                                          enum authorization_reason *reterr_reason);
const char *authorization_reason_text(enum authorization_reason reason);

bool authorization_grants_publish(const struct authorization *authorization, struct str topic);
bool authorization_grants_subscribe(const struct authorization *authorization, struct str topic);
// The payload of a subscription: that of the first detail with `subscribe` that grants the pattern as if it
// were a topic, or that of the token. NULL ptr when there is none.
struct str authorization_payload(const struct authorization *authorization, struct str pattern);

// Equal when the bearers may receive the same private updates, and then with the same hash: what is needed to
// share one object among them. Payloads and the right to publish do not count.
uint64_t authorization_hash(const struct authorization *authorization);
bool authorization_equal(const struct authorization *a, const struct authorization *b);
