// The configuration as one immutable snapshot, and how it is loaded: flag > environment > file >
// default, from the one table in conf/schema.c that also writes the help, the reference and the JSON Schema.
//
// Nothing is opened, bound or resolved here: a loaded configuration is consistent in itself, and whether the
// machine can serve it is found out by whoever uses it.
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/network.h"
#include "base/option.h"
#include "base/str.h"
#include "conf/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define CONF_WORKERS_MAX 256

// How tokens are verified: with one key, or with the JWK Set behind a URL. With neither (both ptr are NULL)
// the role has no verifier.
struct conf_verifier {
    struct str jwt_key;
    struct str jwt_algorithm; // of jwt_key
    struct str jwks_uri;
    struct option_list jwt_algorithms; // of jwks_uri; never empty with it
};

// The 0.x protocol beside the modern one.
struct conf_legacy {
    uint64_t version; // 7 or 8; 0: it is off
    // The keys for tokens of the old form, which name no issuer; `common` is for both roles, where a role has
    // none of its own, and of no use once the configuration has been loaded.
    struct conf_verifier common;
    struct conf_verifier publisher;
    struct conf_verifier subscriber;
};

struct conf_issuer {
    struct str issuer;
    struct option_list authorization_servers;
    struct conf_verifier publisher;
    struct conf_verifier subscriber;
};

enum conf_log_format {
    CONF_LOG_FORMAT_AUTO, // text on a terminal, else JSON
    CONF_LOG_FORMAT_TEXT,
    CONF_LOG_FORMAT_JSON,
    CONF_LOG_FORMAT_FLUENTD, // JSON, by the name that 0.10 had for it
};

// Times are in milliseconds, sizes in bytes; 0 is "off", "none" or "automatic" as the reference says. Texts
// end with a zero byte behind their length.
struct conf {
    struct option_list addr;
    struct str ops_addr; // empty: none
    struct str transport_url;

    struct conf_issuer *issuers;
    size_t issuer_count;
    struct str resource_identifier; // empty: derived from the request
    struct option_list public_urls;
    bool use_forwarded_headers;
    struct option_list trusted_proxies;
    struct networks trusted_networks; // what they are
    bool anonymous;
    struct option_list publish_origins;
    struct option_list cors_origins;
    struct str cookie_name;
    uint64_t token_cache_size;
    uint64_t jwks_refresh_ms;
    bool subscriptions;
    uint64_t subscription_event_ttl_ms;

    uint64_t heartbeat_ms;
    uint64_t write_timeout_ms;
    uint64_t dispatch_timeout_ms;
    uint64_t max_matchers;
    uint64_t max_matcher_length;
    uint64_t max_matcher_bytes;

    uint64_t publish_timeout_ms;
    uint64_t max_request_body_size;
    uint64_t max_topics;
    uint64_t max_topic_length;
    uint64_t max_id_length;
    uint64_t max_pending_publishes;
    uint64_t max_pending_bytes;

    uint64_t read_timeout_ms;
    uint64_t read_header_timeout_ms;
    uint64_t max_header_size;
    uint64_t max_pipelined;
    uint64_t max_connections;
    uint64_t max_subscribers;
    uint64_t socket_unsent_max;
    uint64_t peer_timeout_ms;

    uint64_t workers;
    uint64_t tail_max_bytes;
    uint64_t worker_lag_max;
    uint64_t max_unsent_bytes;
    uint64_t shutdown_timeout_ms;

    unsigned log_level;  // enum log_level
    unsigned log_format; // enum conf_log_format
    bool debug;          // as 0.x had it: the log level debug, where none is set
    bool debugger;
    bool playground;

    struct conf_legacy legacy;
    bool metrics_enabled;
    struct str metrics_addr;
    bool metrics; // on the main listeners
    struct str metrics_login;
    struct str metrics_password;

    struct str file; // the configuration file that was read; empty: none
    struct arena _arena;
    struct conf_origin *_origins; // one for each option of the schema
};

// A value that the caller puts between the defaults and the file, as a user would write it.
struct conf_override {
    const char *key;
    const char *text;
};

struct conf_source {
    int argc; // flags only: neither the program nor the command
    char *const *argv;
    char *const *environ; // "NAME=value", NULL-terminated; NULL: none
    const struct conf_override *overrides;
    size_t override_count;
    const char *override_name; // what sets them, for messages: "cinnabar dev"
    const char *work_dir;      // where a file is looked for first; NULL: "."
    const char *etc_dir;       // and last; NULL: "/etc/mercure"
    // Checks a transport's URL without opening anything: HUB_E_INVALID or HUB_E_UNSUPPORTED with sentences, a
    // line each; -ENOMEM. NULL: it is not checked.
    int (*check_transport)(struct str url, struct buf *reterr);
};

// Loads and checks. On HUB_E_INVALID *errors holds every error found, each with its source, and there is no
// configuration; on success it may hold warnings. -ENOMEM.
MUST_CHECK int conf_load(struct conf **ret_conf, const struct conf_source *source,
                         struct conf_errors *errors);
// Accepts NULL.
void conf_free(struct conf *conf);
// Appends where the value of a key comes from: "--addr", "MERCURE_ADDR", "mercure.yaml:3", "default".
void conf_origin(const struct conf *conf, const char *key, struct buf *buf);

// The keys, for a struct conf; terminated by a NULL name.
extern const struct option conf_options[];

// The flags, for --help, with these in place of the schema's defaults (in words, as help shows them).
void conf_help(const struct conf_override *defaults, size_t default_count, struct buf *buf);
// The reference of all keys, in Markdown.
void conf_reference(struct buf *buf);
// The JSON Schema (draft 2020-12) of the configuration file.
void conf_json_schema(struct buf *buf);
