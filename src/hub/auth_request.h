// A request whose token is being checked, between the files that do it: auth.c begins and ends it,
// verification.c waits for another thread, key_wait.c for keys.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "hub/auth.h"
#include "hub/auth_token.h"
#include "jwt/cache.h"

#include <stdbool.h>

struct auth_request {
    struct shard *shard;
    struct exchange *exchange;
    enum jwt_role role;
    auth_done_fn *done;
    struct auth_token token;
    bool has_waited; // for keys

    // While it waits, in the exchange's arena.
    struct list node;
    void (*left)(struct auth_request *request); // its client has gone; it is in no list any more
    void *waits_for;
};

// ---- auth.c ----

// Begins, or begins again, with the keys as they are now.
void auth_begin(struct auth_request *request);
// It is known what the token is worth: refuses the request, or goes on with it. The reference is taken over.
void auth_conclude(struct auth_request *request, struct credentials *credentials);
// Makes what is kept of a token whose signature has been checked, and remembers it. Takes over the check.
MUST_CHECK int auth_read(struct shard *shard, const struct jwt_cache_key *key, struct jwt_check *check,
                         struct credentials **ret_credentials);
// Puts a copy of the request in the list, where it stays until it is resumed. `left` is called if its client
// goes before. -ENOMEM.
MUST_CHECK int auth_wait(const struct auth_request *request, struct list *list,
                         void (*left)(struct auth_request *request), void *waits_for);
// Takes it out of the list: the exchange is its caller's again.
void auth_resume(struct auth_request *request);
