// What the commands that talk to a hub have in common: where it is, and as whom.
#pragma once

#include "base/option.h"
#include "base/str.h"
#include "cli/mint.h"

#include <stdbool.h>

struct arena;
struct buf;
struct client_url;

#define HUB_TOKEN_MAX 65536U
#define HUB_KEY_MAX 65536U

struct hub_settings {
    struct str url;
    struct str token;
    struct str key;
    struct str algorithm;
    struct str issuer;
    struct str audience;
};

// The options, to stand in a command's table; `member` is its hub_settings. What the command does without a
// token and without a key is for it to say.
#define HUB_OPTIONS_WITHOUT(owner, member, no_token, no_key) \
    {.name = "url", \
     .letter = 'u', \
     .type = OPTION_TEXT, \
     .default_text = DEV_HUB, \
     OPTION_AT(owner, member.url), \
     .doc = "The hub: http://HOST[:PORT]/PATH, or unix:/SOCKET[:/PATH]."}, \
        {.name = "token", \
         .letter = 't', \
         .type = OPTION_TEXT, \
         .flags = OPTION_SECRET, \
         OPTION_AT(owner, member.token), \
         .doc = "The access token; @FILE reads it from a file.", \
         .default_doc = (no_token)}, \
        {.name = "key", \
         .letter = 'k', \
         .type = OPTION_TEXT, \
         .flags = OPTION_SECRET, \
         OPTION_AT(owner, member.key), \
         .doc = "The secret to make a token with; @FILE reads it from a file.", \
         .default_doc = (no_key)}, \
        {.name = "alg", \
         .type = OPTION_TEXT, \
         OPTION_AT(owner, member.algorithm), \
         .doc = "The algorithm of a made token.", \
         .default_doc = "HS256"}, \
        {.name = "iss", \
         .type = OPTION_TEXT, \
         .default_text = DEV_ISSUER, \
         OPTION_AT(owner, member.issuer), \
         .doc = "The issuer of a made token."}, \
    { \
        .name = "aud", .type = OPTION_TEXT, OPTION_AT(owner, member.audience), \
        .doc = "The audience of a made token.", .default_doc = "the URL" \
    }

#define HUB_OPTIONS(owner, member) \
    HUB_OPTIONS_WITHOUT(owner, member, "one made with --key", "that of cinnabar dev")

enum hub_action {
    HUB_ACTION_PUBLISH,
    HUB_ACTION_SUBSCRIBE,
    HUB_ACTION_BOTH, // publishing and subscribing
};

// False after a message to stderr.
bool hub_resolve(const char *command, const struct hub_settings *settings, struct arena *arena,
                 struct client_url *ret_url);
// Appends the token that was given, or makes one that grants the action for everything. Subscribers without
// --token and --key have none. False after a message to stderr.
bool hub_make_token(const char *command, const struct hub_settings *settings, enum hub_action action,
                    struct buf *token);
// Appends the secret that tokens are made with. False after a message to stderr.
bool hub_read_key(const char *command, const struct hub_settings *settings, struct buf *key);
// Appends a token that grants the action for everything. False after a message to stderr.
bool hub_mint(const char *command, const struct hub_settings *settings, struct str key,
              enum hub_action action, struct buf *token);
// The request of a token that grants everything.
struct mint_request hub_mint_all(const struct hub_settings *settings);
// What may help when nobody listens at the URL, on stderr.
void hub_print_hint(const struct hub_settings *settings);
// What has become of a request, in words.
const char *hub_failure_text(int err);
// Says on stderr why the hub did not answer, and what may help.
void hub_print_failure(const char *command, const struct hub_settings *settings, int err);
// Says on stderr what the hub has answered.
void hub_print_refusal(const char *command, unsigned status, struct str body, struct str challenge);
