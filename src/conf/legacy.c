// The keys of the 0.x hub: what its own fall-backs make of them, and when they turn its protocol on.
#include "base/err.h"
#include "conf/loader.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define VERSION_OF_KEYS 8U
#define LEGACY_FILE "updates.db" // where the 0.x hub kept its history without a transport_url
#define PATH_BYTES 4096U

static const struct option *option_of(const char *key)
{
    return option_find(conf_options, str_from_c(key));
}

static bool is_set(struct loader *loader, const char *key)
{
    return loader_origin(loader, option_of(key))->kind != CONF_SOURCE_DEFAULT;
}

// One role: the names of its keys, and the variables of the container image that stand in for them.
struct role {
    const char *key;
    const char *url;
    const char *algorithm;
    enum conf_variable key_variable;
    enum conf_variable algorithm_variable;
};

static const struct role publisher = {
    "publisher_jwt_key",
    "publisher_jwks_url",
    "publisher_jwt_algorithm",
    CONF_VARIABLE_PUBLISHER_KEY,
    CONF_VARIABLE_PUBLISHER_ALGORITHM,
};

static const struct role subscriber = {
    "subscriber_jwt_key",
    "subscriber_jwks_url",
    "subscriber_jwt_algorithm",
    CONF_VARIABLE_SUBSCRIBER_KEY,
    CONF_VARIABLE_SUBSCRIBER_ALGORITHM,
};

// As in 0.x, the keys behind a URL come before any other, and the algorithm is theirs.
static void settle_url(struct loader *loader, const struct role *role, struct conf_verifier *verifier)
{
    const struct conf_origin *origin = loader_origin(loader, option_of(role->url));
    if (verifier->jwt_key.ptr)
        loader_warn(loader, loader_origin(loader, option_of(role->key)), "%s has no effect beside %s",
                    role->key, role->url);
    verifier->jwt_key = str_make(NULL, 0);
    verifier->jwt_algorithm = str_make(NULL, 0);
    if (!issuers_settle_url(loader, verifier, origin, role->url))
        loader->failed[loader_index(option_of("issuers"))] = true;
}

// Its own key, else the common one; the same for the algorithm.
static void settle_role(struct loader *loader, const struct role *role, struct conf_verifier *verifier)
{
    const struct conf_verifier *common = &loader->conf->legacy.common;
    if (verifier->jwks_uri.ptr) {
        settle_url(loader, role, verifier);
        return;
    }
    const char *key = verifier->jwt_key.ptr ? role->key : "jwt_key";
    const char *algorithm = verifier->jwt_algorithm.len ? role->algorithm : "jwt_algorithm";
    if (!verifier->jwt_key.ptr)
        verifier->jwt_key = common->jwt_key;
    if (!verifier->jwt_algorithm.len)
        verifier->jwt_algorithm = common->jwt_algorithm;
    if (!verifier->jwt_key.ptr)
        return;
    const char *named = verifier->jwt_algorithm.len ? algorithm : key;
    const struct verifier_names names = {key, algorithm, loader_origin(loader, option_of(key)),
                                         loader_origin(loader, option_of(named))};
    if (!issuers_settle(loader, verifier, &names))
        loader->failed[loader_index(option_of("issuers"))] = true;
}

// The 0.x container image had the variables that are the modern issuer's now.
static void take_variables(struct loader *loader, const struct role *role, struct conf_verifier *verifier)
{
    const struct variable_value *key = &loader->variables[role->key_variable];
    const struct variable_value *algorithm = &loader->variables[role->algorithm_variable];
    if (verifier->jwt_key.ptr || verifier->jwks_uri.ptr || loader->conf->legacy.common.jwt_key.ptr ||
        !key->text.ptr)
        return;
    // The issuer has been made of the same pair, which has been checked then.
    verifier->jwt_key = arena_dup(&loader->conf->_arena, key->text);
    verifier->jwt_algorithm =
        algorithm->text.len ? arena_dup(&loader->conf->_arena, algorithm->text) : STR("HS256");
    if (!verifier->jwt_key.ptr || !verifier->jwt_algorithm.ptr)
        loader->err = -ENOMEM;
}

// What was refused must not be missed as well.
static bool has_failed(const struct loader *loader)
{
    static const char *const keys[] = {"jwt_key",
                                       "publisher_jwt_key",
                                       "subscriber_jwt_key",
                                       "jwt_algorithm",
                                       "publisher_jwt_algorithm",
                                       "subscriber_jwt_algorithm",
                                       "publisher_jwks_url",
                                       "subscriber_jwks_url",
                                       "protocol_version_compatibility"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (loader->failed[loader_index(option_of(keys[i]))])
            return true;
    }
    return false;
}

static void warn_of_nothing(struct loader *loader, const char *algorithm)
{
    if (is_set(loader, algorithm))
        loader_warn(loader, loader_origin(loader, option_of(algorithm)), "%s has no effect without a key",
                    algorithm);
}

// Its history would be missed without a word otherwise.
static void warn_of_history(struct loader *loader)
{
    const char *dir = loader->source->work_dir;
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s%s" LEGACY_FILE, dir ? dir : "", dir ? "/" : "");
    if (is_set(loader, "transport_url") || len < 0 || (size_t)len >= sizeof(path) || access(path, F_OK) != 0)
        return;
    loader_warn(loader, NULL,
                "the history of the 0.x hub was in " LEGACY_FILE
                " by default, which is here: set transport_url "
                "to bolt://" LEGACY_FILE " to go on with it");
}

static void settle_log(struct loader *loader)
{
    struct conf *conf = loader->conf;
    if (conf->debug && !is_set(loader, "log_level") &&
        option_parse(option_of("log_level"), conf, STR("debug"), &conf->_arena, &loader->reason) != HUB_OK)
        loader->err = -ENOMEM;
}

static void settle_keys(struct loader *loader)
{
    struct conf_legacy *legacy = &loader->conf->legacy;
    bool *issuers_failed = &loader->failed[loader_index(option_of("issuers"))];
    if (has_failed(loader)) {
        *issuers_failed = true;
        return;
    }
    if (legacy->version && !*issuers_failed) {
        take_variables(loader, &publisher, &legacy->publisher);
        take_variables(loader, &subscriber, &legacy->subscriber);
    }
    settle_role(loader, &publisher, &legacy->publisher);
    settle_role(loader, &subscriber, &legacy->subscriber);
    if (conf_verifier_is_set(&legacy->publisher) || conf_verifier_is_set(&legacy->subscriber)) {
        legacy->version = legacy->version ? legacy->version : VERSION_OF_KEYS;
        return;
    }
    warn_of_nothing(loader, "jwt_algorithm");
    warn_of_nothing(loader, "publisher_jwt_algorithm");
    warn_of_nothing(loader, "subscriber_jwt_algorithm");
}

void loader_settle_legacy(struct loader *loader)
{
    settle_log(loader);
    settle_keys(loader);
    if (loader->conf->legacy.version)
        warn_of_history(loader);
}
