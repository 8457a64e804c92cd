#include "hub/keyring.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/key_source.h"
#include "hub/keyset_build.h"
#include "hub/shard.h"
#include "jwt/keyset.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define REASON_MAX 1024U

struct keyring {
    struct hub *hub;
    struct key_source_owner owner; // of the sources: this
    struct key_source *sources;
    size_t source_count;
    struct list questions; // of workers, that wait for a source
    struct keyring_metrics metrics;
    struct loop *loop; // NULL before it is started
    bool stopped;
};

// ---- Building a set ----

// What a set is built from: the documents that are in use, but one.
struct draft {
    const struct keyring *keyring;
    const struct key_source *changed; // NULL: none
    struct str document;              // of `changed`
};

static struct key_source *find_source(const struct keyring *keyring, struct str url)
{
    for (size_t i = 0; i < keyring->source_count; i++) {
        if (str_eq(keyring->sources[i].url, url))
            return &keyring->sources[i];
    }
    return NULL;
}

static struct key_document find_document(const void *arg, struct str url)
{
    const struct draft *draft = arg;
    const struct key_source *source = find_source(draft->keyring, url);
    bool changed = source == draft->changed;
    return (struct key_document){
        .text = changed ? draft->document : str_make(source->document, source->document_len),
        .source = source->number,
        .fresh = changed,
    };
}

// ---- Handing it out ----

// On its way to every worker; the last one frees it.
struct keys_change {
    atomic_uint workers_left;
    struct jwt_keyset *set; // a reference for each worker
    struct keys_post {
        struct message message;
        struct keys_change *change;
        struct shard *shard;
    } posts[];
};

// On a worker.
static void take_keys(struct message *message)
{
    struct keys_post *post = CONTAINER_OF(message, struct keys_post, message);
    struct keys_change *change = post->change;
    ref_put(&post->shard->keys->ref);
    post->shard->keys = change->set;
    // Release and acquire: whoever frees it does so after all others have read it.
    if (atomic_fetch_sub_explicit(&change->workers_left, 1, memory_order_acq_rel) == 1)
        free(change);
}

static void post_change(const struct hub *hub, struct keys_change *change, struct jwt_keyset *set)
{
    unsigned count = (unsigned)hub->shard_count;
    atomic_init(&change->workers_left, count);
    change->set = set;
    ref_get_many(&set->ref, count);
    for (size_t i = 0; i < hub->shard_count; i++) {
        struct keys_post *post = &change->posts[i];
        *post = (struct keys_post){.message.handle = take_keys, .change = change, .shard = hub->shards[i]};
        mailbox_post(&hub->shards[i]->loop->mailbox, &post->message);
    }
}

// The set is in use from now on, on every worker or nowhere. Takes over the reference.
static int use(struct keyring *keyring, struct jwt_keyset *set)
{
    struct hub *hub = keyring->hub;
    struct keys_change *change = NULL;
    if (keyring->loop) { // before, there are no workers
        change = calloc(1, sizeof(*change) + hub->shard_count * sizeof(change->posts[0]));
        if (!change) {
            ref_put(&set->ref);
            return -ENOMEM;
        }
        post_change(hub, change, set);
        counter_add(&keyring->metrics.changes, 1);
    }
    if (hub->keys)
        ref_put(&hub->keys->ref);
    hub->keys = set;
    return HUB_OK;
}

static int build_and_use(struct keyring *keyring, const struct draft *draft, struct buf *reterr)
{
    struct jwt_keyset *set;
    int err = keyset_build(&set, keyring->hub->conf, find_document, draft, reterr);
    return err ? err : use(keyring, set);
}

// ---- What sources tell ----

static int offer(void *arg, struct key_source *source, struct str document, struct buf *reterr)
{
    struct keyring *keyring = arg;
    struct draft draft = {.keyring = keyring, .changed = source, .document = document};
    return build_and_use(keyring, &draft, reterr);
}

static void answer(struct key_question *question, uint64_t again_ms)
{
    list_remove(&question->waiting);
    question->again_ms = again_ms;
    question->message.handle = question->answered;
    mailbox_post(&question->shard->loop->mailbox, &question->message);
}

static void ended(void *arg, struct key_source *source, bool good)
{
    struct keyring *keyring = arg;
    counter_add(&keyring->metrics.fetches, 1);
    counter_add(&keyring->metrics.failures, good ? 0 : 1);
    LIST_FOREACH (node, &keyring->questions) {
        struct key_question *question = CONTAINER_OF(node, struct key_question, waiting);
        if (question->source == source->number)
            answer(question, source->schedule.may_ask_ms);
    }
}

// ---- What workers ask ----

void keyring_handle_question(struct message *message)
{
    struct key_question *question = CONTAINER_OF(message, struct key_question, message);
    struct keyring *keyring = question->shard->hub->keyring;
    uint64_t again_ms;
    list_init(&question->waiting);
    if (keyring->stopped) // the worker ends, too
        return;
    if (key_source_ask(&keyring->sources[question->source - 1], &again_ms))
        list_append(&keyring->questions, &question->waiting);
    else
        answer(question, again_ms);
}

// ---- Its life ----

static size_t verifier_count(const struct conf *conf)
{
    return 2 * conf->issuer_count + 2;
}

static const struct conf_verifier *verifier_at(const struct conf *conf, size_t index)
{
    if (index < 2)
        return index ? &conf->legacy.subscriber : &conf->legacy.publisher;
    const struct conf_issuer *issuer = &conf->issuers[index / 2 - 1];
    return index % 2 ? &issuer->subscriber : &issuer->publisher;
}

static void warn_of_plain_http(struct str url)
{
    static const char *const here[] = {"http://127.", "http://localhost", "http://[::1]"};
    bool plain = str_starts_with(url, STR("http://"));
    for (size_t i = 0; i < ARRAY_LEN(here); i++)
        plain = plain && !str_starts_with(url, str_from_c(here[i]));
    if (plain)
        LOG(LOG_LEVEL_WARN, "Keys are fetched without TLS: whoever is on the way can replace them",
            LOG_STR("url", url));
}

static int add_source(struct keyring *keyring, struct str url)
{
    unsigned number = (unsigned)keyring->source_count + 1;
    struct key_source *source = &keyring->sources[keyring->source_count];
    int err = key_source_init(source, url, number, &keyring->owner);
    if (err) {
        LOG(LOG_LEVEL_ERROR, "A URL of keys cannot be used", LOG_STR("url", url),
            LOG_C("reason", err_text(err)));
        key_source_done(source);
        return err;
    }
    keyring->source_count++;
    warn_of_plain_http(url);
    return HUB_OK;
}

// Each URL once, whoever names it.
static int add_sources(struct keyring *keyring)
{
    const struct conf *conf = keyring->hub->conf;
    keyring->sources = calloc(verifier_count(conf), sizeof(*keyring->sources));
    int err = keyring->sources ? HUB_OK : -ENOMEM;
    for (size_t i = 0; i < verifier_count(conf) && !err; i++) {
        struct str url = verifier_at(conf, i)->jwks_uri;
        if (url.len && !find_source(keyring, url))
            err = add_source(keyring, url);
    }
    return err;
}

static void log_short_key(void *arg, const struct short_key *key)
{
    (void)arg;
    LOG(LOG_LEVEL_WARN, "A key is shorter than its algorithm asks for: it can be guessed from its tokens",
        LOG_STR("issuer", key->issuer.ptr ? key->issuer : STR("(0.x)")), LOG_C("role", key->role),
        LOG_U64("bytes", key->verifier->jwt_key.len), LOG_U64("minimum", key->minimum));
}

static int make_first_set(struct keyring *keyring)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    struct draft draft = {.keyring = keyring};
    int err = build_and_use(keyring, &draft, &reason);
    if (err)
        LOG(LOG_LEVEL_ERROR, "A key cannot be used",
            LOG_STR("reason", reason.len ? buf_str(&reason) : str_from_c(err_text(err))));
    buf_done(&reason);
    for (size_t i = 0; i < keyring->source_count && !err; i++) {
        if (keyring->sources[i].path)
            err = key_source_read(&keyring->sources[i]);
    }
    if (!err)
        keyset_list_short_keys(keyring->hub->conf, log_short_key, NULL);
    return err;
}

int keyring_new(struct keyring **ret_keyring, struct hub *hub)
{
    struct keyring *keyring = calloc(1, sizeof(*keyring));
    if (!keyring)
        return -ENOMEM;
    keyring->hub = hub;
    keyring->owner = (struct key_source_owner){.offer = offer, .ended = ended, .arg = keyring};
    list_init(&keyring->questions);
    int err = add_sources(keyring);
    if (!err)
        err = make_first_set(keyring);
    if (err) {
        keyring_free(keyring);
        return err;
    }
    *ret_keyring = keyring;
    return HUB_OK;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    for (size_t i = 0; i < keyring->source_count; i++)
        key_source_done(&keyring->sources[i]);
    free(keyring->sources);
    free(keyring);
}

bool keyring_needs_fetcher(const struct keyring *keyring)
{
    for (size_t i = 0; i < keyring->source_count; i++) {
        if (!keyring->sources[i].path)
            return true;
    }
    return false;
}

size_t keyring_source_count(const struct keyring *keyring)
{
    return keyring->source_count;
}

const struct keyring_metrics *keyring_metrics(const struct keyring *keyring)
{
    return &keyring->metrics;
}

struct mailbox *keyring_mailbox(const struct keyring *keyring)
{
    return &keyring->loop->mailbox;
}

void keyring_start(struct keyring *keyring, struct loop *loop, struct fetcher *fetcher)
{
    keyring->loop = loop;
    for (size_t i = 0; i < keyring->source_count; i++)
        key_source_start(&keyring->sources[i], loop, fetcher, keyring->hub->conf->jwks_refresh_ms);
}

void keyring_stop(struct keyring *keyring)
{
    keyring->stopped = true;
    for (size_t i = 0; i < keyring->source_count; i++)
        key_source_stop(&keyring->sources[i]);
}
