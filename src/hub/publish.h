// POST on the hub: an update is read, checked, handed to the hub thread, and answered when it is stored
// (draft-dunglas-mercure-08).
#pragma once

struct exchange;
struct shard;

void publish_handle(struct shard *shard, struct exchange *exchange);
