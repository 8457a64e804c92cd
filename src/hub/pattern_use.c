#include "hub/pattern_use.h"

#include "base/err.h"
#include "mercure/pattern.h"

#include <errno.h>
#include <stdlib.h>

struct pattern_use *pattern_use_get(struct pattern *pattern)
{
    if (pattern->user)
        return pattern->user;
    struct pattern_use *use = calloc(1, sizeof(*use));
    if (!use)
        return NULL;
    list_init(&use->grants);
    if (pattern_watch(pattern, use) != HUB_OK) {
        free(use);
        return NULL;
    }
    use->pattern = pattern_ref(pattern);
    return use;
}

void pattern_use_release(struct pattern_use *use)
{
    if (use->subscriptions.count || !list_empty(&use->grants))
        return;
    pattern_unwatch(use->pattern);
    pattern_unref(use->pattern);
    subscription_list_done(&use->subscriptions);
    free(use);
}

int pattern_matches_add(struct pattern_matches *matches, struct pattern_use *use)
{
    if (matches->count == matches->_cap) {
        size_t cap = matches->_cap ? 2 * matches->_cap : 16;
        struct pattern_use **grown = realloc(matches->uses, cap * sizeof(struct pattern_use *));
        if (!grown)
            return -ENOMEM;
        matches->uses = grown;
        matches->_cap = cap;
    }
    matches->uses[matches->count++] = use;
    return HUB_OK;
}

void pattern_matches_done(struct pattern_matches *matches)
{
    free(matches->uses);
}
