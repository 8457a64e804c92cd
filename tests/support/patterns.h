// Patterns for tests that have no shard: one set for the whole program.
#pragma once

#include "base/assert.h"
#include "base/err.h"
#include "mercure/pattern.h"
#include "url/url.h"

static inline struct patterns *test_patterns(void)
{
    static struct url base;
    static struct patterns patterns;
    if (!base.scheme.ptr) {
        HUB_ASSERT(url_parse(&base, STR("https://hub.example/.well-known/mercure"), NULL) == HUB_OK);
        patterns_init(&patterns, &base, NULL, NULL);
    }
    return &patterns;
}
