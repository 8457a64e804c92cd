#include "cli/hub.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cli/input.h"
#include "client/url.h"

#include <errno.h>
#include <stdio.h>

bool hub_resolve(const char *command, const struct hub_settings *settings, struct arena *arena,
                 struct client_url *ret_url)
{
    struct buf reason;
    buf_init(&reason, 1024);
    int err = client_url_resolve(ret_url, settings->url, arena, &reason);
    if (err)
        (void)fprintf(stderr, "cinnabar %s: --url %.*s: %s\n", command, STR_ARG(settings->url),
                      reason.len ? buf_c(&reason) : err_text(err));
    buf_done(&reason);
    return err == HUB_OK;
}

bool hub_read_key(const char *command, const struct hub_settings *settings, struct buf *key)
{
    return input_read_value(command, "--key", settings->key.ptr ? settings->key : STR(DEV_KEY), key);
}

struct mint_request hub_mint_all(const struct hub_settings *settings)
{
    bool given = settings->audience.len > 0;
    struct mint_request request = mint_all(settings->issuer, given ? settings->audience : settings->url);
    request.audience_is_url = !given;
    return request;
}

bool hub_mint(const char *command, const struct hub_settings *settings, struct str key,
              enum hub_action action, struct buf *token)
{
    struct mint_request request = hub_mint_all(settings);
    if (action == HUB_ACTION_SUBSCRIBE)
        request.grants.publish.count = 0;
    else if (action == HUB_ACTION_PUBLISH)
        request.grants.subscribe.count = 0;
    struct buf reason;
    buf_init(&reason, 1024);
    int err = mint_token(&request, key, settings->algorithm, STR(""), token, &reason);
    if (err)
        (void)fprintf(stderr, "cinnabar %s: %s\n", command, reason.len ? buf_c(&reason) : err_text(err));
    buf_done(&reason);
    return err == HUB_OK;
}

bool hub_make_token(const char *command, const struct hub_settings *settings, enum hub_action action,
                    struct buf *token)
{
    if (settings->token.len)
        return input_read_value(command, "--token", settings->token, token);
    if (!settings->key.ptr && action == HUB_ACTION_SUBSCRIBE)
        return true;
    struct buf key;
    buf_init(&key, HUB_KEY_MAX);
    bool done =
        hub_read_key(command, settings, &key) && hub_mint(command, settings, buf_str(&key), action, token);
    buf_done(&key);
    return done;
}

void hub_print_hint(const struct hub_settings *settings)
{
    bool is_dev = str_eq(settings->url, STR(DEV_HUB));
    (void)fputs(is_dev ? "Is the hub running? Start one with: cinnabar dev\n" : "Is the hub running there?\n",
                stderr);
}

const char *hub_failure_text(int err)
{
    switch (err) {
    case HUB_E_CLOSED:
        return "the connection was closed without an answer: the hub is full, or stops";
    case HUB_E_INVALID:
        return "the answer is no HTTP";
    case HUB_E_UNSUPPORTED:
        return "the answer is no event stream: is this the hub's URL?";
    default:
        return err_text(err);
    }
}

void hub_print_failure(const char *command, const struct hub_settings *settings, int err)
{
    (void)fprintf(stderr, "cinnabar %s: %.*s: %s\n", command, STR_ARG(settings->url), hub_failure_text(err));
    if (err == -ECONNREFUSED)
        hub_print_hint(settings);
}

static const char *advice_for(unsigned status)
{
    switch (status) {
    case 401:
        return "The hub's log says why; issuer, audience and key must be as it is configured (--iss, --aud, "
               "--key).\n";
    case 403:
        return "The token is good, but does not grant this.\n";
    case 404:
        return "There is no hub at this path; most have it at " HUB_PATH ".\n";
    default:
        return "";
    }
}

void hub_print_refusal(const char *command, unsigned status, struct str body, struct str challenge)
{
    struct str line = str_slice(body, 0, str_find(body, 0, '\n'));
    (void)fprintf(stderr, "cinnabar %s: the hub answers %u%s%.*s\n", command, status, line.len ? ": " : "",
                  STR_ARG(line));
    if (challenge.len)
        (void)fprintf(stderr, "WWW-Authenticate: %.*s\n", STR_ARG(challenge));
    (void)fputs(advice_for(status), stderr);
}
