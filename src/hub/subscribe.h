// GET, HEAD and QUERY on the hub: a stream of the updates that match, from now on or from a place in the
// history (draft-dunglas-mercure-08).
#pragma once

struct exchange;
struct shard;

void subscribe_handle(struct shard *shard, struct exchange *exchange);
