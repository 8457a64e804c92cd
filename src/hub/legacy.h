// What is left of the 0.x protocol among the requests: a metric and a line of the log tell who still uses
// which of its forms, for whoever wants to turn it off.
#pragma once

#include "hub/auth_token.h"

struct exchange;
struct shard;

// The old forms of a request. One may have several.
enum legacy_form {
    LEGACY_FORM_TOKEN,         // one without `typ: at+jwt`
    LEGACY_FORM_AUTHORIZATION, // the parameter of the query
    LEGACY_FORM_COOKIE,        // mercureAuthorization
    LEGACY_FORM_TOPIC,         // the parameter of a subscription
    LEGACY_FORM_LAST_EVENT_ID, // the parameters Last-Event-ID and lastEventID
};
#define LEGACY_FORM_COUNT 5U

// The label of the metric.
const char *legacy_form_name(enum legacy_form form);
// Notes a request that has the forms: a set of 1 << enum legacy_form. Nothing for an empty one.
void legacy_note(struct shard *shard, struct exchange *exchange, unsigned forms);
// The forms of a request whose token stood there and is of the 0.x protocol.
unsigned legacy_forms_of_token(enum auth_place place);
