// The keys of a hub, and how they change while it runs. A set is built whole from the configuration and from
// the documents (JWK Sets, RFC 7517) that its verifiers name by URL, and handed to every worker; it never
// changes afterwards. A document that cannot be had or read leaves the last good one in place.
//
// Everything here is main's: fetching, looking at files, building. Workers ask by message.
#pragma once

#include "base/attr.h"
#include "base/metrics.h"
#include "hub/messages.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct fetcher;
struct hub;
struct keyring;
struct loop;
struct mailbox;

struct keyring_metrics {
    struct counter fetches; // of documents, by URL or from a file
    struct counter failures;
    struct counter changes; // sets handed to the workers
};

// Makes the first set, hub->keys, with the documents of files; what is wrong is logged. A negative code when
// a key or a file cannot be used.
MUST_CHECK int keyring_new(struct keyring **ret_keyring, struct hub *hub);
// After every loop has ended. Accepts NULL.
void keyring_free(struct keyring *keyring);
// Whether there is anything to fetch: then it is started with a fetcher.
bool keyring_needs_fetcher(const struct keyring *keyring);
// The URLs that documents come from, each once. Verifiers name them by number, from 1.
size_t keyring_source_count(const struct keyring *keyring);
const struct keyring_metrics *keyring_metrics(const struct keyring *keyring);
// Begins to fetch and to watch, once the shards are there. `fetcher` may be NULL if it is not needed.
void keyring_start(struct keyring *keyring, struct loop *loop, struct fetcher *fetcher);
// The hub stops: nothing more is fetched.
void keyring_stop(struct keyring *keyring);
// Where questions are posted to.
struct mailbox *keyring_mailbox(const struct keyring *keyring);
// The handler of struct key_question.
void keyring_handle_question(struct message *message);
