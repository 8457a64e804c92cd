#include "base/err.h"
#include "conf/loader.h"
#include "conf/syntax.h"
#include "conf/tree.h"
#include "jwt/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ISSUERS_MAX 100U

static const struct option entry_options[] = {
    {.name = "issuer", .type = OPTION_TEXT, .min = 1, .max = 2048, OPTION_AT(struct conf_issuer, issuer)},
    {.name = "authorization_servers",
     .type = OPTION_LIST,
     .max = 64,
     OPTION_AT(struct conf_issuer, authorization_servers)},
    {.name = "publisher", .type = OPTION_TREE, OPTION_AT(struct conf_issuer, publisher)},
    {.name = "subscriber", .type = OPTION_TREE, OPTION_AT(struct conf_issuer, subscriber)},
    {0},
};

static const struct option verifier_options[] = {
    {.name = "jwt_key",
     .type = OPTION_TEXT,
     .flags = OPTION_SECRET,
     .min = 1,
     OPTION_AT(struct conf_verifier, jwt_key)},
    {.name = "jwt_algorithm", .type = OPTION_TEXT, .max = 16, OPTION_AT(struct conf_verifier, jwt_algorithm)},
    {.name = "jwks_uri",
     .type = OPTION_TEXT,
     .min = 1,
     .max = 2048,
     OPTION_AT(struct conf_verifier, jwks_uri)},
    {.name = "jwt_algorithms",
     .type = OPTION_LIST,
     .max = 16,
     OPTION_AT(struct conf_verifier, jwt_algorithms)},
    {0},
};

static const char *const secret_algorithms[] = {"HS256", "HS384", "HS512", NULL};
static const char *const public_algorithms[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
                                                "ES256", "ES384", "ES512", "EdDSA", NULL};
#define PUBLIC_ALGORITHMS JWT_ALGORITHMS_PUBLIC_TEXT

static const struct option *issuers_option(void)
{
    return option_find(conf_options, STR("issuers"));
}

static void fail(struct loader *loader)
{
    loader->failed[loader_index(issuers_option())] = true;
}

static bool is_in(struct str word, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq(word, str_from_c(*words)))
            return true;
    }
    return false;
}

bool conf_verifier_is_set(const struct conf_verifier *verifier)
{
    return verifier->jwt_key.ptr || verifier->jwks_uri.ptr;
}

// The key is loaded, so that what is wrong inside a PEM text is known at the start as well.
static const char *check_key(struct loader *loader, const struct conf_verifier *verifier)
{
    struct jwt_key *key = NULL;
    const char *reason = NULL;
    int err = jwt_key_load(&key, verifier->jwt_key, verifier->jwt_algorithm, STR(""), &reason);
    jwt_key_free(key);
    if (err == -ENOMEM)
        loader->err = err;
    return reason;
}

bool issuers_settle(struct loader *loader, struct conf_verifier *verifier, const struct verifier_names *names)
{
    const struct str of_algorithm = STR("the algorithm");
    const char *wrong = check_key(loader, verifier);
    if (!wrong && verifier->jwt_algorithm.len == 0)
        verifier->jwt_algorithm = STR("HS256");
    if (!wrong)
        return true;
    if (str_starts_with(str_from_c(wrong), of_algorithm))
        loader_error(loader, names->algorithm_origin, "%s%s", names->algorithm, wrong + of_algorithm.len);
    else
        loader_error(loader, names->key_origin, "%s%s", names->key, wrong + STR("the key").len);
    return false;
}

// The URL of a set of keys, and what its keys may sign with.
static const char *check_key_url(struct str url)
{
    if (!str_starts_with(url, STR("file:")))
        return syntax_check_web_url(url) ? "must be a URL of https, http or file" : NULL;
    return syntax_file_path(url).ptr
               ? NULL
               : "must name a file of this machine with its whole path: file:///etc/keys.json";
}

static void check_algorithms(struct loader *loader, const struct option_list *algorithms,
                             const struct conf_origin *place)
{
    for (size_t i = 0; i < algorithms->count; i++) {
        struct str name = algorithms->items[i];
        if (is_in(name, public_algorithms))
            continue;
        const char *why = is_in(name, secret_algorithms)
                              ? " is for a shared secret; a set of keys behind a URL "
                                "has public keys, which are for " PUBLIC_ALGORITHMS
                              : " is none of " PUBLIC_ALGORITHMS;
        loader_error(loader, place, "issuers: jwt_algorithms: %.*s%s", STR_ARG(name), why);
        fail(loader);
    }
}

// Without a list it is all that public keys can be for.
static void fill_algorithms(struct loader *loader, struct conf_verifier *verifier)
{
    const struct option *option = option_find(verifier_options, STR("jwt_algorithms"));
    for (size_t i = 0; verifier->jwt_algorithms.count == i && public_algorithms[i] && !loader->err; i++)
        loader->err = option_append(option, verifier, str_from_c(public_algorithms[i]), &loader->conf->_arena,
                                    &loader->reason);
}

bool issuers_settle_url(struct loader *loader, struct conf_verifier *verifier,
                        const struct conf_origin *origin, const char *name)
{
    const char *wrong = check_key_url(verifier->jwks_uri);
    if (wrong)
        loader_error(loader, origin, "%s %s", name, wrong);
    fill_algorithms(loader, verifier);
    return !wrong;
}

static void finish_key_url(struct loader *loader, struct conf_verifier *verifier,
                           const struct conf_origin *place)
{
    bool sound = issuers_settle_url(loader, verifier, place, "issuers: jwks_uri");
    if (verifier->jwt_key.ptr)
        loader_error(loader, place,
                     "issuers: jwt_key and jwks_uri exclude each other: leave one of them out");
    else if (verifier->jwt_algorithm.len)
        loader_error(loader, place,
                     "issuers: jwt_algorithm is for jwt_key; with jwks_uri write jwt_algorithms");
    if (!sound || verifier->jwt_key.ptr || verifier->jwt_algorithm.len)
        fail(loader);
    check_algorithms(loader, &verifier->jwt_algorithms, place);
}

static void refuse_member(struct loader *loader, const struct option *options, const struct tree *member,
                          const struct conf_origin *origin)
{
    struct conf_origin place = *origin;
    place.line = member->key_line;
    place.column = member->key_column;
    struct str key = str_slice(member->key, 0, 64);
    const char *nearest = option_nearest(options, key);
    if (nearest)
        loader_error(loader, &place, "issuers: unknown key \"%.*s\"; did you mean \"%s\"?", STR_ARG(key),
                     nearest);
    else
        loader_error(loader, &place, "issuers: unknown key \"%.*s\"", STR_ARG(key));
    fail(loader);
}

static bool refuse_shape(struct loader *loader, const struct tree *value, enum tree_kind kind,
                         const char *what, const struct conf_origin *origin)
{
    if (value->kind == kind)
        return false;
    struct conf_origin place = loader_place(origin, value);
    loader_error(loader, &place, "issuers: %s", what);
    fail(loader);
    return true;
}

static bool has_member(const struct tree *mapping, struct str key)
{
    const struct tree *member = mapping->child;
    while (member && (member->null || !str_eq(member->key, key)))
        member = member->next;
    return member;
}

static void set_verifier(struct loader *loader, const char *role, struct conf_verifier *verifier,
                         const struct tree *value, const struct conf_origin *origin)
{
    char what[64];
    (void)snprintf(what, sizeof(what), "%s must be a mapping with jwt_key or jwks_uri", role);
    if (refuse_shape(loader, value, TREE_MAPPING, what, origin))
        return;
    bool sound = true;
    for (const struct tree *member = value->child; member; member = member->next) {
        const struct option *option = option_find(verifier_options, member->key);
        if (loader_refuse_twice(loader, member, origin))
            sound = false;
        else if (!option)
            refuse_member(loader, verifier_options, member, origin);
        else if (!member->null)
            sound = loader_parse_tree(loader, option, verifier, member, origin, "issuers: ") && sound;
    }
    struct conf_origin place = loader_place(origin, value);
    if (!sound) {
        fail(loader);
    } else if (verifier->jwks_uri.ptr) {
        finish_key_url(loader, verifier, &place);
    } else if (verifier->jwt_algorithms.count) {
        loader_error(loader, &place,
                     "issuers: jwt_algorithms is for jwks_uri; with jwt_key write jwt_algorithm");
        fail(loader);
    } else if (verifier->jwt_key.ptr) {
        const struct verifier_names names = {"issuers: jwt_key", "issuers: jwt_algorithm", &place, &place};
        if (!issuers_settle(loader, verifier, &names))
            fail(loader);
    } else {
        loader_error(loader, &place, "issuers: %s has neither jwt_key nor jwks_uri", role);
        fail(loader);
    }
}

static void set_member(struct loader *loader, struct conf_issuer *issuer, const struct tree *member,
                       const struct conf_origin *origin)
{
    const struct option *option = option_find(entry_options, member->key);
    if (loader_refuse_twice(loader, member, origin))
        fail(loader);
    else if (!option)
        refuse_member(loader, entry_options, member, origin);
    else if (member->null)
        return;
    else if (str_eq(member->key, STR("publisher")))
        set_verifier(loader, "publisher", &issuer->publisher, member, origin);
    else if (str_eq(member->key, STR("subscriber")))
        set_verifier(loader, "subscriber", &issuer->subscriber, member, origin);
    else if (!loader_parse_tree(loader, option, issuer, member, origin, "issuers: "))
        fail(loader);
}

static void check_servers(struct loader *loader, const struct conf_issuer *issuer,
                          const struct conf_origin *place)
{
    for (size_t i = 0; i < issuer->authorization_servers.count; i++) {
        struct str url = issuer->authorization_servers.items[i];
        const char *wrong = syntax_check_web_url(url);
        if (wrong) {
            loader_error(loader, place, "issuers: the authorization server \"%.*s\" %s", STR_ARG(url), wrong);
            fail(loader);
        }
    }
}

static void check_entry(struct loader *loader, const struct conf_issuer *issuer,
                        const struct conf_origin *place)
{
    const struct conf *conf = loader->conf;
    for (size_t i = 0; i < conf->issuer_count && issuer->issuer.ptr; i++) {
        if (str_eq(conf->issuers[i].issuer, issuer->issuer)) {
            loader_error(loader, place, "issuers: \"%.*s\" is listed twice", STR_ARG(issuer->issuer));
            fail(loader);
            break;
        }
    }
    check_servers(loader, issuer, place);
}

static void check_members(struct loader *loader, const struct tree *value, const struct conf_origin *place)
{
    bool role = has_member(value, STR("publisher")) || has_member(value, STR("subscriber"));
    bool name = has_member(value, STR("issuer"));
    if (!name)
        loader_error(loader, place, "issuers: an entry has no issuer");
    if (!role)
        loader_error(loader, place, "issuers: an entry needs a publisher or a subscriber");
    if (!name || !role)
        fail(loader);
}

static struct conf_issuer *add_entry(struct loader *loader)
{
    struct conf *conf = loader->conf;
    if (!conf->issuers)
        conf->issuers = arena_calloc(&conf->_arena, ISSUERS_MAX + 1, sizeof(*conf->issuers));
    if (!conf->issuers) {
        loader->err = -ENOMEM;
        return NULL;
    }
    struct conf_issuer *issuer = &conf->issuers[conf->issuer_count];
    *issuer = (struct conf_issuer){0};
    return issuer;
}

static void set_entry(struct loader *loader, const struct tree *value, const struct conf_origin *origin)
{
    struct conf_issuer *issuer = add_entry(loader);
    if (!issuer ||
        refuse_shape(loader, value, TREE_MAPPING, "each entry must be a mapping with issuer", origin))
        return;
    for (const struct tree *member = value->child; member; member = member->next)
        set_member(loader, issuer, member, origin);
    struct conf_origin place = loader_place(origin, value);
    check_members(loader, value, &place);
    check_entry(loader, issuer, &place);
    loader->conf->issuer_count++;
}

void issuers_set(struct loader *loader, const struct tree *value, const struct conf_origin *origin)
{
    loader->conf->issuer_count = 0;
    if (refuse_shape(loader, value, TREE_SEQUENCE, "a list is expected, one entry for each issuer", origin))
        return;
    if (value->count > ISSUERS_MAX) {
        struct conf_origin place = loader_place(origin, value);
        loader_error(loader, &place, "issuers has more than %u entries", ISSUERS_MAX);
        fail(loader);
        return;
    }
    for (const struct tree *entry = value->child; entry && !loader->err; entry = entry->next)
        set_entry(loader, entry, origin);
}

static void set_from_variables(struct loader *loader, struct conf_verifier *verifier,
                               const struct variable_value *key, const struct variable_value *algorithm)
{
    const struct conf_origin *origin = algorithm->text.ptr ? &algorithm->origin : &key->origin;
    const struct verifier_names names = {"the key", "the algorithm", &key->origin, origin};
    verifier->jwt_key = arena_dup(&loader->conf->_arena, key->text);
    verifier->jwt_algorithm = arena_dup(&loader->conf->_arena, algorithm->text);
    if (!verifier->jwt_key.ptr || !verifier->jwt_algorithm.ptr)
        loader->err = -ENOMEM;
    else if (!issuers_settle(loader, verifier, &names))
        fail(loader);
}

// The variable has a plural for a name, and is one issuer.
static void check_single(struct loader *loader, struct str issuer, const struct conf_origin *origin)
{
    for (size_t i = 0; i < issuer.len; i++) {
        if (!strchr(", \t\r\n", issuer.ptr[i]))
            continue;
        loader_error(
            loader, origin,
            "is one issuer, not a list: write several as entries of issuers, in MERCURE_ISSUERS or the file, "
            "each with its keys");
        fail(loader);
        return;
    }
}

void issuers_add_variables(struct loader *loader, const struct variable_value values[CONF_VARIABLE_COUNT])
{
    const struct variable_value *publisher = &values[CONF_VARIABLE_PUBLISHER_KEY];
    const struct variable_value *subscriber = &values[CONF_VARIABLE_SUBSCRIBER_KEY];
    const struct variable_value *name = &values[CONF_VARIABLE_ISSUER];
    struct conf_issuer *issuer = add_entry(loader);
    if (!issuer)
        return;
    if (publisher->text.ptr)
        set_from_variables(loader, &issuer->publisher, publisher, &values[CONF_VARIABLE_PUBLISHER_ALGORITHM]);
    if (subscriber->text.ptr)
        set_from_variables(loader, &issuer->subscriber, subscriber,
                           &values[CONF_VARIABLE_SUBSCRIBER_ALGORITHM]);
    issuer->issuer = name->text.ptr ? arena_dup(&loader->conf->_arena, name->text) : STR(CONF_ISSUER_DEFAULT);
    if (loader->err || !issuer->issuer.ptr) {
        loader->err = -ENOMEM;
        return;
    }
    check_single(loader, issuer->issuer, &name->origin);
    check_entry(loader, issuer, publisher->text.ptr ? &publisher->origin : &subscriber->origin);
    loader->conf->issuer_count++;
}
