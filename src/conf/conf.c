#include "conf/conf.h"

#include "base/buf.h"
#include "base/err.h"
#include "conf/loader.h"

#include <errno.h>
#include <stdlib.h>

#define CONF_ARENA_MAX ((size_t)32 << 20)
#define REASON_MAX 1024U

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    arena_done(&conf->_arena);
    free(conf);
}

// A configuration of defaults.
static struct conf *conf_new(void)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    if (!conf)
        return NULL;
    arena_init(&conf->_arena, CONF_ARENA_MAX);
    conf->_origins = arena_calloc(&conf->_arena, conf_option_count, sizeof(*conf->_origins));
    if (!conf->_origins || option_set_defaults(conf_options, conf, &conf->_arena) != HUB_OK) {
        conf_free(conf);
        return NULL;
    }
    for (size_t i = 0; i < conf_option_count; i++)
        conf->_origins[i].kind = CONF_SOURCE_DEFAULT;
    return conf;
}

// From the weakest source to the strongest; only the path of the file must be known before.
static void apply_sources(struct loader *loader)
{
    static void (*const steps[])(struct loader *) = {
        loader_read_flags,  loader_apply_overrides, loader_apply_file, loader_apply_environment,
        loader_apply_flags, loader_settle_legacy,   loader_check,
    };
    for (size_t i = 0; i < ARRAY_LEN(steps) && !loader->err; i++)
        steps[i](loader);
}

int conf_load(struct conf **ret_conf, const struct conf_source *source, struct conf_errors *errors)
{
    struct conf *conf = conf_new();
    if (!conf)
        return -ENOMEM;
    struct loader loader = {
        .conf = conf,
        .source = source,
        .errors = errors,
        .failed = arena_calloc(&conf->_arena, conf_option_count, sizeof(bool)),
    };
    buf_init(&loader.reason, REASON_MAX);
    if (!loader.failed)
        loader.err = -ENOMEM;
    apply_sources(&loader);
    buf_done(&loader.reason);
    int err = loader.err ? loader.err : errors->error_count ? HUB_E_INVALID : HUB_OK;
    if (err)
        conf_free(conf);
    else
        *ret_conf = conf;
    return err;
}

void conf_origin(const struct conf *conf, const char *key, struct buf *buf)
{
    const struct option *option = option_find(conf_options, str_from_c(key));
    if (option)
        conf_origin_print(&conf->_origins[loader_index(option)], buf);
}
