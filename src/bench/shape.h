// The requests of each protocol. All of one kind have the same length, so that a publisher writes a topic's
// number and a stamp into a request that is made once.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct bench_config;
struct buf;

struct publish_shape {
    size_t topic_at; // of the topic's number
    size_t stamp_at;
};

// Appends the request that publishes one update. -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int shape_publish(const struct bench_config *config, struct buf *to,
                             struct publish_shape *ret_shape);
void shape_set_topic(char *request, const struct publish_shape *shape, uint32_t topic);
// Appends the request that subscribes to one topic. `last_id` may be empty. -ENOMEM, HUB_E_TOO_BIG, or what
// minting a token came to.
MUST_CHECK int shape_subscribe(const struct bench_config *config, uint32_t topic, struct str last_id,
                               struct buf *to);
// The id of the update that this answer is about; empty when it does not say.
struct str shape_published_id(const struct bench_config *config, struct str body);
