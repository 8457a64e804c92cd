#include "hub/verification.h"

#include "base/err.h"
#include "http/exchange.h"
#include "hub/auth_request.h"
#include "hub/shard.h"
#include "hub/worker.h"
#include "loop/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Of one worker. A storm of new streams must fit, as a 503 ends an EventSource for good; what is over it
// would have waited for a second or more. A token that is being checked takes a few times its own size.
#define COUNT_MAX 8192U
#define BYTES_MAX ((size_t)16 << 20)

struct verification {
    struct work work;
    struct table_node node; // in the worker's table, until it is settled
    struct jwt_cache_key key;
    struct shard *shard;
    struct jwt_check *check;
    uint64_t generation; // of the keys that it is checked with
    size_t bytes;
    struct list waiting; // requests
    bool settled;        // it has ended, or will without being done: nobody joins it any more
};

static uint64_t hash_of(const struct jwt_cache_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->digest, sizeof(hash));
    return hash;
}

static struct verifications *all_of(const struct shard *shard)
{
    return &worker_of(shard)->verifications;
}

static struct verification *find(const struct shard *shard, const struct jwt_cache_key *key)
{
    struct table_node *node = table_first(&all_of(shard)->table, hash_of(key));
    for (; node; node = table_next(node)) {
        struct verification *verification = CONTAINER_OF(node, struct verification, node);
        if (memcmp(&verification->key, key, sizeof(*key)) == 0)
            return verification;
    }
    return NULL;
}

// ---- Its end ----

// On a thread of the pool.
static void run(struct work *work)
{
    jwt_check_run(CONTAINER_OF(work, struct verification, work)->check);
}

static void settle(struct verification *verification)
{
    if (!verification->settled)
        table_remove(&all_of(verification->shard)->table, &verification->node);
    verification->settled = true;
}

static void free_verification(struct verification *verification)
{
    struct verifications *all = all_of(verification->shard);
    all->count--;
    all->bytes -= verification->bytes;
    free(verification);
}

// The keys have changed meanwhile: the token may be signed with one that is gone.
static bool is_stale(const struct verification *verification, const struct auth_request *request)
{
    return verification->generation != request->shard->keys->generation;
}

static void conclude(const struct verification *verification, struct auth_request *request, int err,
                     struct credentials *credentials)
{
    auth_resume(request);
    if (is_stale(verification, request)) {
        auth_begin(request);
    } else if (err) {
        auth_give_up(request->shard, request->exchange, err_text(err));
    } else {
        ref_get(&credentials->ref);
        auth_conclude(request, credentials);
    }
}

static void ended(struct work *work, bool cancelled)
{
    struct verification *verification = CONTAINER_OF(work, struct verification, work);
    settle(verification);
    struct credentials *credentials = NULL;
    int err = HUB_OK;
    if (cancelled)
        jwt_check_free(verification->check);
    else
        err = auth_read(verification->shard, &verification->key, verification->check, &credentials);
    struct list *node;
    while ((node = list_first(&verification->waiting)) != NULL)
        conclude(verification, CONTAINER_OF(node, struct auth_request, node), err, credentials);
    if (credentials)
        ref_put(&credentials->ref);
    free_verification(verification);
}

// ---- Its beginning ----

// Nobody waits for it any more. If no thread has begun it, none will.
static void left(struct auth_request *request)
{
    struct verification *verification = request->waits_for;
    if (list_empty(&verification->waiting) && !verification->settled && work_cancel(&verification->work))
        settle(verification);
}

static void wait_for(struct verification *verification, const struct auth_request *request)
{
    if (auth_wait(request, &verification->waiting, left, verification) != HUB_OK)
        auth_give_up(request->shard, request->exchange, err_text(-ENOMEM));
}

bool verification_join(const struct auth_request *request, const struct jwt_cache_key *key)
{
    struct verification *verification = find(request->shard, key);
    if (verification)
        wait_for(verification, request);
    return verification;
}

static struct verification *new_verification(const struct auth_request *request,
                                             const struct jwt_cache_key *key)
{
    struct verifications *all = all_of(request->shard);
    struct verification *verification = calloc(1, sizeof(*verification));
    if (!verification)
        return NULL;
    verification->work = (struct work){.run = run, .done = ended};
    verification->shard = request->shard;
    verification->key = *key;
    verification->generation = request->shard->keys->generation;
    verification->bytes = request->token.text.len;
    list_init(&verification->waiting);
    if (table_insert(&all->table, &verification->node, hash_of(key)) != HUB_OK) {
        free(verification);
        return NULL;
    }
    all->count++;
    all->bytes += verification->bytes;
    return verification;
}

void verification_begin(const struct auth_request *request, const struct jwt_cache_key *key,
                        struct jwt_check *check)
{
    struct verifications *all = all_of(request->shard);
    bool full = all->count >= COUNT_MAX || all->bytes + request->token.text.len > BYTES_MAX;
    struct verification *verification = full ? NULL : new_verification(request, key);
    if (!verification) {
        jwt_check_free(check);
        auth_give_up(request->shard, request->exchange,
                     full ? "too many signatures wait to be verified" : err_text(-ENOMEM));
        return;
    }
    verification->check = check;
    counter_add(&request->shard->metrics.verified, 1);
    wait_for(verification, request);
    work_post(request->shard->loop, &verification->work);
}
