#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/mint.h"
#include "jwt/algorithm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX 65536U
#define KEY_MAX 65536U

struct settings {
    bool dev;
    struct str issuer;
    struct str audience;
    struct str url;
    struct str key;
    struct str algorithm;
    struct str key_id;
    struct str subject;
    struct str client_id;
    uint64_t ttl_ms;
    struct str payload;
    bool pretty;
    struct mint_grants grants;
};

static const struct option options[] = {
    {.name = "dev",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, dev),
     .doc = "A token for cinnabar dev: its issuer, audience and key, valid for decades, granting everything "
            "unless told otherwise."},
    {.name = "iss", .type = OPTION_TEXT, OPTION_AT(struct settings, issuer), .doc = "The issuer."},
    {.name = "aud",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, audience),
     .doc = "Whom the token is for: the hub's resource_identifier.",
     .default_doc = "--url"},
    {.name = "url",
     .letter = 'u',
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, url),
     .doc = "The hub, as publish and subscribe take it.",
     .default_doc = "none; with --dev " DEV_HUB},
    {.name = "key",
     .letter = 'k',
     .type = OPTION_TEXT,
     .flags = OPTION_SECRET,
     OPTION_AT(struct settings, key),
     .doc = "The secret, or a private key in PEM form; @FILE reads it from a file, @- from standard input."},
    {.name = "alg",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, algorithm),
     .doc = JWT_ALGORITHMS_SECRET_TEXT ", or with a private key one of " JWT_ALGORITHMS_PUBLIC_TEXT ".",
     .default_doc = "HS256; a key in PEM form has none"},
    {.name = "kid", .type = OPTION_TEXT, OPTION_AT(struct settings, key_id), .doc = "The id of the key."},
    {.name = "sub",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, subject),
     .doc = "Whom the token is for.",
     .default_doc = "a random one"},
    {.name = "client_id",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, client_id),
     .doc = "The client.",
     .default_doc = "the issuer"},
    {.name = "ttl",
     .type = OPTION_DURATION,
     .min = 1000,
     .max = OPTION_NO_MAX,
     OPTION_AT(struct settings, ttl_ms),
     .doc = "How long it is valid.",
     .default_doc = "1h"},
    {.name = "payload",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, payload),
     .doc = "JSON that other subscribers may see, attached to the subscribe grant."},
    {.name = "pretty",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, pretty),
     .doc = "Print the claims to standard error as well."},
    {.name = "publish",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, grants.publish),
     .doc = "Grants publishing to this topic, or to all with \"*\". Repeatable."},
    {.name = "publish_urlpattern",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, grants.publish_urlpattern),
     .doc = "Grants publishing to topics that match this URL Pattern. Repeatable."},
    {.name = "subscribe",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, grants.subscribe),
     .doc = "Grants private updates of this topic. Repeatable."},
    {.name = "subscribe_urlpattern",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, grants.subscribe_urlpattern),
     .doc = "Grants private updates of topics that match this URL Pattern. Repeatable."},
    {0},
};

static const struct flags_spec spec = {
    .command = "token",
    .operands = "",
    .about = "Makes an access token and prints it. cinnabar token check TOKEN explains one.",
    .example =
        "cinnabar token --iss https://example.com --aud https://hub.example.com/.well-known/mercure \\\n"
        "      --key @secret.txt --publish https://example.com/books/1",
    .options = options,
};

static bool grants_nothing(const struct mint_grants *grants)
{
    return grants->publish.count + grants->publish_urlpattern.count + grants->subscribe.count +
               grants->subscribe_urlpattern.count ==
           0;
}

// Never overrides what was given.
static void set_dev_defaults(struct settings *settings)
{
    const char *key = getenv("MERCURE_PUBLISHER_JWT_KEY");
    const char *algorithm = getenv("MERCURE_PUBLISHER_JWT_ALG");
    if (settings->issuer.len == 0)
        settings->issuer = STR(DEV_ISSUER);
    if (settings->url.len == 0)
        settings->url = STR(DEV_HUB);
    if (settings->key.len == 0 && key && key[0]) {
        settings->key = str_from_c(key);
        if (settings->algorithm.len == 0)
            settings->algorithm = str_from_c(algorithm);
    } else if (settings->key.len == 0) {
        settings->key = STR(DEV_KEY);
    }
    if (grants_nothing(&settings->grants))
        settings->grants = mint_all(STR(""), STR("")).grants;
}

static const char *find_missing(const struct settings *settings)
{
    if (settings->issuer.len == 0)
        return "--iss is missing: name the issuer that the hub trusts, or use --dev";
    if (settings->audience.len == 0 && settings->url.len == 0)
        return "--aud is missing: name the hub's resource_identifier (or its URL with --url), or use --dev";
    if (settings->key.len == 0)
        return "--key is missing: give the secret, @FILE or @-, or use --dev";
    if (grants_nothing(&settings->grants))
        return "the token would grant nothing: add --publish or --subscribe";
    return NULL;
}

static struct mint_request request_of(const struct settings *settings)
{
    uint64_t now_s = clock_real_ms() / 1000;
    uint64_t ttl_s = settings->ttl_ms ? settings->ttl_ms / 1000 : 3600;
    return (struct mint_request){
        .issuer = settings->issuer,
        .audience = settings->audience.len ? settings->audience : settings->url,
        .audience_is_url = settings->audience.len == 0,
        .subject = settings->subject,
        .client_id = settings->client_id,
        .payload = settings->payload,
        .issued_s = now_s,
        .expires_s = settings->dev && settings->ttl_ms == 0 ? DEV_EXPIRES_S : now_s + ttl_s,
        .grants = settings->grants,
    };
}

static void print_claims(const struct buf *token)
{
    struct buf claims;
    buf_init(&claims, TOKEN_MAX);
    if (mint_explain(buf_str(token), &claims) == HUB_OK)
        (void)fputs(buf_c(&claims), stderr);
    buf_done(&claims);
}

static int print_token(const struct settings *settings, struct str key)
{
    struct mint_request request = request_of(settings);
    struct buf token, reason;
    buf_init(&token, TOKEN_MAX);
    buf_init(&reason, 1024);
    int err = mint_token(&request, key, settings->algorithm, settings->key_id, &token, &reason);
    if (err)
        (void)fprintf(stderr, "cinnabar token: %s\n", buf_c(&reason));
    if (!err && settings->pretty)
        print_claims(&token);
    if (!err)
        (void)printf("%.*s\n", STR_ARG(buf_str(&token)));
    buf_done(&token);
    buf_done(&reason);
    return err ? CLI_FAILED : CLI_DONE;
}

static int run(void *target, const struct flags_operands *operands, struct arena *arena)
{
    struct settings *settings = target;
    (void)operands;
    (void)arena;
    if (settings->dev)
        set_dev_defaults(settings);
    const char *missing = find_missing(settings);
    if (missing) {
        (void)fprintf(stderr, "cinnabar token: %s\nTry: cinnabar token --help\n", missing);
        return CLI_WRONG_USE;
    }
    struct buf key;
    buf_init(&key, KEY_MAX);
    int status = CLI_FAILED;
    if (input_read_value("token", "--key", settings->key, &key))
        status = print_token(settings, buf_str(&key));
    buf_done(&key);
    return status;
}

int token_command(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "check") == 0)
        return token_check_command(argc - 1, argv + 1);
    struct settings settings = {0};
    return flags_run(&spec, argc, argv, &settings, run);
}
