#include "jwt/cache.h"

#include "base/err.h"
#include "base/list.h"
#include "base/ref.h"
#include "base/table.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

// Good tokens, or refused ones.
struct part {
    struct list entries; // the least recently used first
    size_t count;
    size_t bytes;
    size_t max_count;
    size_t max_bytes;
};

struct entry {
    struct table_node node;
    struct list link;
    struct part *part;
    struct jwt_cache_key key;
    uint64_t until_ms; // not found from then on
    struct ref *object;
    size_t bytes;
};

struct jwt_cache {
    struct table table;
    struct part good;
    struct part failed;
    uint64_t failure_life_ms;
    EVP_MD *sha256;
    EVP_MD_CTX *ctx;
};

static void init_part(struct part *part, size_t max_count, size_t max_bytes)
{
    *part = (struct part){.max_count = max_count, .max_bytes = max_bytes};
    list_init(&part->entries);
}

int jwt_cache_new(struct jwt_cache **ret_cache, const struct jwt_cache_limits *limits)
{
    struct jwt_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return -ENOMEM;
    table_init(&cache->table);
    init_part(&cache->good, limits->entries, limits->bytes);
    init_part(&cache->failed, limits->failure_entries, limits->failure_bytes);
    cache->failure_life_ms = limits->failure_life_ms;
    cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    cache->ctx = EVP_MD_CTX_new();
    if (!cache->sha256 || !cache->ctx) {
        int err = cache->sha256 ? -ENOMEM : HUB_E_UNSUPPORTED;
        jwt_cache_free(cache);
        return err;
    }
    *ret_cache = cache;
    return HUB_OK;
}

static void remove_entry(struct jwt_cache *cache, struct entry *entry)
{
    table_remove(&cache->table, &entry->node);
    list_remove(&entry->link);
    entry->part->count--;
    entry->part->bytes -= entry->bytes;
    ref_put(entry->object);
    free(entry);
}

static struct entry *oldest(const struct part *part)
{
    struct list *link = list_first(&part->entries);
    return link ? CONTAINER_OF(link, struct entry, link) : NULL;
}

static void empty_part(struct jwt_cache *cache, struct part *part)
{
    struct entry *entry;
    while ((entry = oldest(part)))
        remove_entry(cache, entry);
}

void jwt_cache_free(struct jwt_cache *cache)
{
    if (!cache)
        return;
    empty_part(cache, &cache->good);
    empty_part(cache, &cache->failed);
    table_done(&cache->table);
    EVP_MD_CTX_free(cache->ctx);
    EVP_MD_free(cache->sha256);
    free(cache);
}

// The scope has a fixed size and comes first, so that no token can be taken for another's scope.
int jwt_cache_key(struct jwt_cache *cache, struct str token, const struct jwt_cache_scope *scope,
                  struct jwt_cache_key *ret_key)
{
    const uint64_t head[] = {scope->hub, scope->generation, (uint64_t)scope->role};
    bool done = EVP_DigestInit_ex2(cache->ctx, cache->sha256, NULL) &&
                EVP_DigestUpdate(cache->ctx, head, sizeof(head)) &&
                EVP_DigestUpdate(cache->ctx, token.ptr, token.len) &&
                EVP_DigestFinal_ex(cache->ctx, ret_key->digest, NULL);
    return done ? HUB_OK : -ENOMEM;
}

// The digest is spread evenly, and nobody who does not know the random generation can choose it.
static uint64_t hash_of(const struct jwt_cache_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->digest, sizeof(hash));
    return hash;
}

static struct entry *find(const struct jwt_cache *cache, const struct jwt_cache_key *key)
{
    struct table_node *node = table_first(&cache->table, hash_of(key));
    for (; node; node = table_next(node)) {
        struct entry *entry = CONTAINER_OF(node, struct entry, node);
        if (memcmp(&entry->key, key, sizeof(*key)) == 0)
            return entry;
    }
    return NULL;
}

struct ref *jwt_cache_find(struct jwt_cache *cache, const struct jwt_cache_key *key, uint64_t now_ms)
{
    struct entry *entry = find(cache, key);
    if (!entry)
        return NULL;
    if (entry->until_ms <= now_ms) {
        remove_entry(cache, entry);
        return NULL;
    }
    list_remove(&entry->link);
    list_append(&entry->part->entries, &entry->link);
    return entry->object;
}

static void make_room(struct jwt_cache *cache, struct part *part, size_t bytes)
{
    while (part->count && (part->count >= part->max_count || part->bytes + bytes > part->max_bytes))
        remove_entry(cache, oldest(part));
}

static void add(struct jwt_cache *cache, struct part *part, struct entry fields)
{
    struct entry *old = find(cache, &fields.key);
    if (old)
        remove_entry(cache, old);
    if (part->max_count == 0 || fields.bytes > part->max_bytes)
        return;
    make_room(cache, part, fields.bytes);
    struct entry *entry = malloc(sizeof(*entry));
    if (!entry)
        return;
    *entry = fields;
    if (table_insert(&cache->table, &entry->node, hash_of(&entry->key)) != HUB_OK) {
        free(entry);
        return;
    }
    entry->part = part;
    list_append(&part->entries, &entry->link);
    part->count++;
    part->bytes += entry->bytes;
    ref_get(entry->object);
}

static size_t bytes_of(size_t object_size)
{
    return object_size + sizeof(struct entry) + sizeof(struct table_node *);
}

void jwt_cache_add(struct jwt_cache *cache, const struct jwt_cache_key *key, struct ref *object, size_t size)
{
    struct entry fields = {.key = *key, .until_ms = UINT64_MAX, .object = object, .bytes = bytes_of(size)};
    add(cache, &cache->good, fields);
}

void jwt_cache_add_failure(struct jwt_cache *cache, const struct jwt_cache_key *key, struct ref *object,
                           size_t size, uint64_t now_ms)
{
    struct entry fields = {
        .key = *key, .until_ms = now_ms + cache->failure_life_ms, .object = object, .bytes = bytes_of(size)};
    add(cache, &cache->failed, fields);
}
