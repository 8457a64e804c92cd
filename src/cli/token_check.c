// `cinnabar token check`: what the configured hub would say of a token.
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/mint.h"
#include "cli/settings.h"
#include "cli/token_explain.h"
#include "cli/token_keys.h"
#include "cli/token_report.h"
#include "jwt/verify.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)1 << 20)

enum roles {
    ROLES_ANY,
    ROLES_PUBLISHER,
    ROLES_SUBSCRIBER,
};

struct settings {
    struct str config;
    bool dev;
    unsigned roles;
    struct str url;
    bool json;
};

static const char *const role_words[] = {"any", "publisher", "subscriber", NULL};

static const struct option options[] = {
    {.name = "config",
     .letter = 'c',
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, config),
     .doc = "The configuration file, as cinnabar run takes it; the environment counts too."},
    {.name = "dev",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, dev),
     .doc = "Against what cinnabar dev is without a configuration."},
    {.name = "role",
     .type = OPTION_ENUM,
     .words = role_words,
     OPTION_AT(struct settings, roles),
     .default_text = "any",
     .doc = "Whose token it is: a publisher's, a subscriber's, or any."},
    {.name = "url",
     .letter = 'u',
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, url),
     .doc = "The hub's URL as its clients have it, to compare aud with.",
     .default_doc = "resource_identifier; without that, aud is not compared"},
    {.name = "json", .type = OPTION_BOOL, OPTION_AT(struct settings, json), .doc = "Print one JSON object."},
    {0},
};

static const struct flags_spec spec = {
    .command = "token check",
    .operands = "TOKEN",
    .about =
        "Explains a token against a configuration: which issuer and key it is verified with, which rules it\n"
        "passes or fails, what it grants. @FILE reads the token from a file, @- from standard input, which\n"
        "keeps it out of the list of processes.\n\n"
        "Exit status: 0 the hub takes it, 1 it is refused, 2 wrong use or a wrong configuration.",
    .example = "pbpaste | cinnabar token check --config cinnabar.yaml @-",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
};

static const struct conf_override dev[] = {
    {"issuers", DEV_ISSUERS},
    {"anonymous", "true"},
    {"resource_identifier", DEV_HUB},
};

static struct conf *load(const struct settings *settings, struct arena *arena, int *ret_status)
{
    static const struct settings_command command = {.name = "token check"};
    char flag[] = "--config";
    char *argv[] = {flag, NULL};
    int argc = 0;
    if (settings->config.len) {
        struct str path = arena_dup(arena, settings->config);
        argv[1] = (char *)(uintptr_t)path.ptr;
        argc = 2;
    }
    return settings_load(&command, argc, argv, dev, settings->dev ? ARRAY_LEN(dev) : 0, ret_status);
}

// One line end, and what else people paste around.
static struct str trim(struct str text)
{
    while (text.len && (unsigned char)text.ptr[0] <= ' ')
        text = str_slice(text, 1, text.len);
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

static int report(const struct settings *settings, struct str token, const enum jwt_role *roles,
                  const struct token_answer *answers, size_t count)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (settings->json)
        token_report_json(token, roles, answers, count, &text);
    else
        token_report_text(token, roles, answers, count, &text);
    if (text.err)
        (void)fprintf(stderr, "cinnabar token check: %s\n", err_text(text.err));
    else
        (void)fwrite(text.ptr, 1, text.len, stdout);
    bool good = false;
    for (size_t i = 0; i < count; i++)
        good = good || answers[i].good;
    int status = good && !text.err ? CLI_DONE : CLI_FAILED;
    buf_done(&text);
    return status;
}

static int explain(const struct settings *settings, const struct conf *conf, struct jwt_keyset *keys,
                   struct str token)
{
    static const enum jwt_role all[] = {JWT_ROLE_PUBLISHER, JWT_ROLE_SUBSCRIBER};
    const enum jwt_role *roles = settings->roles == ROLES_SUBSCRIBER ? &all[1] : all;
    size_t count = settings->roles == ROLES_ANY ? 2 : 1;
    struct token_answer answers[ARRAY_LEN(all)] = {0};
    struct token_question question = {
        .keys = keys,
        .token = token,
        .audience = conf->resource_identifier.len ? conf->resource_identifier : settings->url,
        .now_ms = clock_real_ms(),
    };
    int err = HUB_OK;
    for (size_t i = 0; i < count && !err; i++) {
        question.role = roles[i];
        err = token_explain(&question, &answers[i]);
    }
    int status = CLI_FAILED;
    if (err)
        (void)fprintf(stderr, "cinnabar token check: %s\n", err_text(err));
    else
        status = report(settings, token, roles, answers, count);
    for (size_t i = 0; i < count; i++)
        token_answer_done(&answers[i]);
    return status;
}

static int check(const struct settings *settings, struct str token, struct arena *arena)
{
    int status = CLI_FAILED;
    struct conf *conf = load(settings, arena, &status);
    if (!conf)
        return status;
    struct jwt_keyset *keys = token_keys_load(conf);
    if (keys) {
        status = explain(settings, conf, keys, token);
        ref_put(&keys->ref);
    }
    conf_free(conf);
    return status;
}

static int run(void *target, const struct flags_operands *operands, struct arena *arena)
{
    struct buf token;
    buf_init(&token, 4 * JWT_SIZE_MAX);
    int status = CLI_FAILED;
    if (input_read_value("token check", "TOKEN", operands->items[0], &token))
        status = check(target, trim(buf_str(&token)), arena);
    buf_done(&token);
    return status;
}

int token_check_command(int argc, char **argv)
{
    struct settings settings = {0};
    return flags_run(&spec, argc, argv, &settings, run);
}
