// Authorizations of the tests.
#pragma once

#include "base/err.h"
#include "mercure/authorization.h"
#include "support/patterns.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// What authorization_details with that text grant, with the patterns of a shard.
static inline struct authorization *parse_authorization_for(struct patterns *patterns, const char *details)
{
    struct json *json;
    assert_int_equal(json_parse(&json, str_from_c(details), NULL), HUB_OK);
    struct authorization *authorization;
    enum authorization_reason reason;
    assert_int_equal(authorization_parse(&authorization, json, patterns, &reason), HUB_OK);
    json_free(json);
    return authorization;
}

static inline struct authorization *parse_authorization(const char *details)
{
    return parse_authorization_for(test_patterns(), details);
}
