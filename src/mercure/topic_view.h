// A topic as patterns see it: its text, and the URL that it is when resolved against the hub's.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "url/url.h"

#include <stdbool.h>

struct topic_view {
    struct buf _text;
    bool is_set;
    bool is_url;
    struct url url; // when it is one
};

void topic_view_init(struct topic_view *view);
void topic_view_done(struct topic_view *view);
// The topic as it was given.
struct str topic_view_text(const struct topic_view *view);
// Looks at a topic, unless it is the one that it shows already. -ENOMEM.
MUST_CHECK int topic_view_set(struct topic_view *view, struct str topic, const struct url *base);
