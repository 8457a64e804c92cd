// Which topics an update has, for the page in the playground: a stream tells its subscribers nothing of that.
#pragma once

struct exchange;
struct shard;

// Answers with {"id": ["topic", ...], ...} for the ids of the query (`id`, may be repeated) that are among
// the newest updates in memory.
void page_topics_handle(struct shard *shard, struct exchange *exchange);
