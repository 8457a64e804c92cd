#include "conf/schema.h"

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define TIB (MIB * MIB)
#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "text", "json", "fluentd", NULL};

#define BOOL(key) .name = #key, .type = OPTION_BOOL, .default_text = "false", OPTION_AT(struct conf, key)
#define INTEGER(key, text) \
    .name = #key, .type = OPTION_INTEGER, .default_text = text, OPTION_AT(struct conf, key)
#define SIZE(key, text) .name = #key, .type = OPTION_SIZE, .default_text = text, OPTION_AT(struct conf, key)
#define DURATION(key, text) \
    .name = #key, .type = OPTION_DURATION, .default_text = text, OPTION_AT(struct conf, key##_ms)
#define LIST(key) .name = #key, .type = OPTION_LIST, OPTION_AT(struct conf, key)
#define TEXT(key, text) .name = #key, .type = OPTION_TEXT, .default_text = text, OPTION_AT(struct conf, key)
#define URL(key, text) .name = #key, .type = OPTION_URL, .default_text = text, OPTION_AT(struct conf, key)
#define WORD(key, list, text) \
    .name = #key, .type = OPTION_ENUM, .words = list, .default_text = text, OPTION_AT(struct conf, key)
#define RANGE(from, to) .min = (from), .max = (to)
// A key of the 0.x hub for tokens; MERCURE_... of that name is a variable of the modern protocol.
#define TOKEN_KEY(key, verifier) \
    .name = #key, .type = OPTION_TEXT, .flags = OPTION_SECRET | OPTION_BARE, .min = 1, \
    .default_doc = "none", OPTION_AT(struct conf, legacy.verifier.jwt_key)
#define TOKEN_URL(key, verifier) \
    .name = #key, .type = OPTION_TEXT, .flags = OPTION_BARE, .min = 1, .max = 2048, .default_doc = "none", \
    OPTION_AT(struct conf, legacy.verifier.jwks_uri)
#define TOKEN_ALGORITHM(key, verifier) \
    .name = #key, .type = OPTION_TEXT, .flags = OPTION_BARE, .max = 16, \
    OPTION_AT(struct conf, legacy.verifier.jwt_algorithm)

const struct option conf_options[] = {
    {LIST(addr), .section = "Listeners", .variable = "ADDR", .letter = 'a', .default_text = ":80", .max = 64,
     .doc = "Where to listen: `host:port`, `:port`, `[v6]:port` or `unix:/path`. A host name is listened on "
            "at each of its addresses. A list listens on several. Sockets that systemd "
            "hands over stand in for it."},
    {TEXT(ops_addr, "127.0.0.1:2019"),
     .doc = "The operations listener: health and metrics. Empty: none. A socket "
            "that systemd hands over with the name `ops` stands in for it."},
    {INTEGER(max_connections, "0"), RANGE(16, 10000000), .or_zero = true,
     .default_doc = "from the limit of open files", .doc = "Connections at one time."},
    {DURATION(read_timeout, "5s"), .variable = "READ_TIMEOUT", .letter = 'R', RANGE(0, DAY),
     .doc = "Longest time that a request may take to arrive, body included. `0s`: off."},
    {DURATION(read_header_timeout, "3s"), .variable = "READ_HEADER_TIMEOUT", RANGE(0, DAY),
     .doc = "Longest time that the headers of a request may take to arrive. `0s`: off."},
    {SIZE(max_header_size, "32KiB"), RANGE(KIB, MIB),
     .doc = "Request line and headers together; more gets 431."},
    {INTEGER(max_pipelined, "64"), RANGE(1, 10000),
     .doc = "Requests that one connection may send ahead of their responses."},
    {SIZE(socket_unsent_max, "64KiB"), RANGE(4 * KIB, 1024 * MIB),
     .doc = "Unsent bytes that the kernel holds for a slow reader (`TCP_NOTSENT_LOWAT`)."},
    {DURATION(peer_timeout, "20s"), RANGE(SECOND, DAY), .or_zero = true,
     .doc = "A peer that acknowledges nothing for this long, or for `dispatch_timeout` if that is longer, is "
            "gone "
            "(`TCP_USER_TIMEOUT`). With `dispatch_timeout` off the kernel's own time counts, about a quarter "
            "of an "
            "hour: it cannot tell a reader that takes nothing from a peer that has gone."},

    {LIST(trusted_proxies), .default_doc = "none",
     .doc = "Addresses and networks (`10.0.0.0/8`) of proxies, which are believed where a request comes from "
            "and "
            "whom it is for: `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`, `X-Real-IP` or "
            "`Forwarded`. A proxy at a unix socket is believed too."},
    {BOOL(use_forwarded_headers), .variable = "USE_FORWARDED_HEADERS", .letter = 'f',
     .doc = "As in 0.x: believe it of everybody, where `trusted_proxies` is empty. Only where nobody but a "
            "proxy "
            "reaches the hub."},

    {.name = "transport_url",
     .section = "Transport",
     .aliases = ALIASES("transport"),
     .variable = "TRANSPORT_URL",
     .letter = 't',
     .type = OPTION_URL,
     .flags = OPTION_SECRET,
     .default_text = "bolt://mercure.db",
     OPTION_AT(struct conf, transport_url),
     .doc = "Where updates are ordered and kept: `bolt://PATH` keeps them in `PATH.lmdb`, `local://` in "
            "memory."},

    {.name = "issuers",
     .section = "Tokens",
     .type = OPTION_TREE,
     .flags = OPTION_SECRET,
     .default_doc = "none",
     OPTION_AT(struct conf, issuers),
     .doc = "Trusted issuers of tokens and the keys that verify them: a list in YAML or JSON."},
    {URL(resource_identifier, NULL), .default_doc = "derived from the request", .max = 2048,
     .doc = "The `aud` that tokens must carry: the public URL of the hub."},
    {LIST(public_urls), .default_doc = "any",
     .doc = "Origins that requests may be addressed to; others get 421."},
    {BOOL(anonymous), .aliases = ALIASES("allow_anonymous"), .variable = "ALLOW_ANONYMOUS", .letter = 'X',
     .doc = "Allow subscribers without a token."},
    {LIST(publish_origins), .aliases = ALIASES("publish_allowed_origins"),
     .variable = "PUBLISH_ALLOWED_ORIGINS", .letter = 'p', .default_doc = "none",
     .doc = "Origins of pages that may publish with the cookie: `https://example.com`, with one `*` as a "
            "wildcard in it; `*` alone allows all."},
    {LIST(cors_origins), .aliases = ALIASES("cors_allowed_origins"), .variable = "CORS_ALLOWED_ORIGINS",
     .letter = 'c', .default_doc = "none",
     .doc = "Origins of pages on other hosts that may use the hub (CORS), likewise, or `null`. With `*` "
            "every page may, without the user's cookie."},
    {TEXT(cookie_name, "__Secure-mercure_access_token"), RANGE(1, 256),
     .doc = "The cookie that may carry the token."},
    {INTEGER(token_cache_size, "10000"), RANGE(0, 10000000),
     .doc = "Verified tokens that are remembered. 0: none."},
    {DURATION(jwks_refresh, "1h"), RANGE(10 * SECOND, 30 * DAY), .or_zero = true,
     .doc =
         "How often the keys behind a `jwks_uri` are fetched anew, beside when a token names a key that is "
         "not known. `0s`: only then."},

    {DURATION(heartbeat, "40s"), .section = "Streams", .aliases = ALIASES("heartbeat_interval"),
     .variable = "HEARTBEAT_INTERVAL", .letter = 'i', RANGE(100, DAY), .or_zero = true,
     .doc = "A comment line on streams that have been silent for this long. `0s`: off."},
    {DURATION(write_timeout, "600s"), .variable = "WRITE_TIMEOUT", .letter = 'W', RANGE(SECOND, YEAR),
     .or_zero = true,
     .doc = "The life of a stream; each ends at a random time within the last 10 % of it. `0s`: no end."},
    {DURATION(dispatch_timeout, "5s"), .variable = "DISPATCH_TIMEOUT", .letter = 'T', RANGE(100, DAY),
     .or_zero = true,
     .doc = "Longest time that a socket may take no byte while bytes wait for it. `0s`: off."},
    {INTEGER(max_subscribers, "0"), RANGE(1, 10000000), .or_zero = true,
     .default_doc = "from the limit of open files", .doc = "Streams at one time."},
    {INTEGER(max_matchers, "100"), RANGE(1, 10000), .doc = "Matchers of one subscription request."},
    {SIZE(max_matcher_length, "4KiB"), RANGE(16, 64 * KIB), .doc = "Bytes of one matcher."},
    {SIZE(max_matcher_bytes, "256MiB"), RANGE(64 * KIB, TIB),
     .doc = "Memory for the matchers of all streams, equal ones on a worker once, and with `subscriptions` "
            "for what is told of them; a stream beyond it is closed without an answer."},
    {BOOL(subscriptions), .variable = "SUBSCRIPTIONS", .letter = 's',
     .doc = "Tell who is subscribed: an event when a subscription begins and when it ends, and the API that "
            "lists them at `/.well-known/mercure/subscriptions`."},
    {DURATION(subscription_event_ttl, "15m"), RANGE(SECOND, YEAR),
     .doc = "How long the history keeps these events."},
    {SIZE(max_unsent_bytes, "64MiB"), RANGE(64 * KIB, TIB),
     .doc = "Frames and responses that slow readers have taken in part and that must stay in memory, "
            "and heads of requests that have come in part, for the process. A frame counts once for all "
            "readers of a thread. Over it the connection that has stalled for longest is closed; a "
            "thread that has no more than its equal part closes none."},

    {DURATION(publish_timeout, "5s"), .section = "Publishing", RANGE(10, HOUR),
     .doc = "A publish that is not settled by then gets 503 with `Retry-After`."},
    {SIZE(max_request_body_size, "1MiB"), RANGE(0, 1024 * MIB),
     .doc = "Bytes of a request body; more gets 413. 0: no limit but that of memory."},
    {INTEGER(max_topics, "1000"), RANGE(1, 65535), .doc = "Topics of one update."},
    {SIZE(max_topic_length, "4KiB"), RANGE(16, 64 * KIB), .doc = "Bytes of one topic."},
    {SIZE(max_id_length, "1KiB"), RANGE(45, 16 * KIB), .doc = "Bytes of an id that a publisher chooses."},
    {INTEGER(max_pending_publishes, "10000"), RANGE(1, 10000000),
     .doc = "Publishes that may wait to be stored; one more gets 503 at once."},
    {SIZE(max_pending_bytes, "64MiB"), RANGE(64 * KIB, TIB),
     .doc = "Bytes of publishes that may wait to be stored, likewise. As many bytes of request bodies may be "
            "on their way; over it the one that has been read for longest gets 503."},

    {INTEGER(workers, "0"), .section = "Process", RANGE(1, CONF_WORKERS_MAX), .or_zero = true,
     .default_doc = "the number of cores that it may use", .doc = "Threads that serve connections."},
    {SIZE(tail_max_bytes, "64MiB"), RANGE(64 * KIB, TIB),
     .doc = "The newest updates that are kept in memory, for the process."},
    {SIZE(worker_lag_max, "64MiB"), RANGE(64 * KIB, TIB),
     .doc = "Frames that may wait for a worker before publishing is held back."},
    {DURATION(shutdown_timeout, "30s"), RANGE(0, HOUR),
     .doc = "Longest time that a stop may take: publishes are finished, streams are ended."},
    {WORD(log_level, log_levels, "info"),
     .doc = "The least important lines that are logged: `debug`, `info`, `warn` or `error`."},
    {WORD(log_format, log_formats, "auto"), .variable = "LOG_FORMAT", .letter = 'l',
     .doc = "`text` or `json`; `auto` is text on a terminal, else JSON. `fluentd` is JSON too."},
    {BOOL(debugger),
     .doc = "Serve the page that shows and publishes updates, at `/.well-known/mercure/debug/`."},
    {BOOL(playground), .aliases = ALIASES("demo"), .variable = "DEMO", .letter = 'D',
     .doc = "The same page, with tokens for everyone: for development only."},

    {.name = "protocol_version_compatibility",
     .section = "The 0.x protocol",
     .type = OPTION_INTEGER,
     RANGE(7, 8),
     OPTION_AT(struct conf, legacy.version),
     .default_doc = "8 with one of the keys below, else off",
     .doc = "Accept requests and tokens of the 0.x protocol, version 7 or 8, beside the modern ones. Set by "
            "itself, it makes the five variables of the container image 0.x keys too."},
    {TOKEN_KEY(jwt_key, common), .variable = "JWT_KEY", .letter = 'k',
     .doc = "The secret, or the public key in PEM form, of tokens of the 0.x protocol."},
    {TOKEN_ALGORITHM(jwt_algorithm, common), .variable = "JWT_ALGORITHM", .letter = 'O',
     .default_doc = "`HS256` with a secret", .doc = "Its algorithm."},
    {TOKEN_KEY(publisher_jwt_key, publisher), .variable = "PUBLISHER_JWT_KEY", .letter = 'K',
     .doc = "The same for publishers alone, instead of `jwt_key`."},
    {TOKEN_ALGORITHM(publisher_jwt_algorithm, publisher), .variable = "PUBLISHER_JWT_ALGORITHM",
     .letter = 'A', .default_doc = "`jwt_algorithm`", .doc = "Its algorithm."},
    {TOKEN_KEY(subscriber_jwt_key, subscriber), .variable = "SUBSCRIBER_JWT_KEY", .letter = 'L',
     .doc = "The same for subscribers alone, instead of `jwt_key`."},
    {TOKEN_ALGORITHM(subscriber_jwt_algorithm, subscriber), .variable = "SUBSCRIBER_JWT_ALGORITHM",
     .letter = 'B', .default_doc = "`jwt_algorithm`", .doc = "Its algorithm."},
    {TOKEN_URL(publisher_jwks_url, publisher), .variable = "PUBLISHER_JWKS_URL",
     .doc = "Where a JWK Set with keys of publishers is, as `jwks_uri` of an issuer, instead of a key."},
    {TOKEN_URL(subscriber_jwks_url, subscriber), .variable = "SUBSCRIBER_JWKS_URL",
     .doc = "The same for subscribers."},
    {BOOL(metrics_enabled), .variable = "METRICS_ENABLED",
     .doc = "A second operations listener at `metrics_addr`, for scrapers that know it."},
    {TEXT(metrics_addr, "127.0.0.1:9764"), .variable = "METRICS_ADDR",
     .doc = "Where `metrics_enabled` listens: `/metrics` and `/healthz`."},
    {BOOL(metrics), .variable = "METRICS", .letter = 'm',
     .doc = "`/metrics` on the main listeners too, for whoever knows `metrics_login` and "
            "`metrics_password`."},
    {TEXT(metrics_login, "mercure"), .variable = "METRICS_LOGIN",
     .doc = "The user name for `metrics`. Empty, with an empty password: everybody may read them."},
    {.name = "metrics_password",
     .variable = "METRICS_PASSWORD",
     .type = OPTION_TEXT,
     .flags = OPTION_SECRET,
     .default_doc = "none",
     OPTION_AT(struct conf, metrics_password),
     .doc = "The password for `metrics`."},
    {BOOL(debug), .flags = OPTION_SHARED, .variable = "DEBUG", .letter = 'd',
     .doc = "As in 0.x: `log_level` is `debug` where it is not set. No content of updates is logged."},
    {.name = "license",
     .variable = "LICENSE",
     .type = OPTION_TEXT,
     .flags = OPTION_SECRET | OPTION_IGNORED,
     .default_doc = "none",
     .doc = "Accepted and ignored: no licence is needed."},
    {.name = "tcsz",
     .variable = "TCSZ",
     .type = OPTION_INTEGER,
     .flags = OPTION_IGNORED,
     .default_doc = "none",
     .doc = "Accepted and ignored: matching needs no cache of a fixed size."},
    {0},
};

const size_t conf_option_count = sizeof(conf_options) / sizeof(conf_options[0]) - 1;

#define LATER "is not supported yet by this version"
#define LATER_TLS LATER ": let a proxy in front of the hub hold the certificate"

const struct option conf_absent[] = {
    {.name = "drain_spread", .type = OPTION_TEXT, .doc = LATER},
    {.name = "cert_file", .type = OPTION_TEXT, .variable = "CERT_FILE", .letter = 'C', .doc = LATER_TLS},
    {.name = "key_file", .type = OPTION_TEXT, .variable = "KEY_FILE", .letter = 'J', .doc = LATER_TLS},
    {.name = "acme_hosts", .type = OPTION_LIST, .variable = "ACME_HOSTS", .letter = 'o', .doc = LATER_TLS},
    {.name = "acme_cert_dir",
     .type = OPTION_TEXT,
     .variable = "ACME_CERT_DIR",
     .letter = 'E',
     .doc = LATER_TLS},
    {.name = "acme_http01_addr",
     .type = OPTION_TEXT,
     .default_text = ":http",
     .variable = "ACME_HTTP01_ADDR",
     .doc = LATER_TLS},
    {.name = "compress",
     .type = OPTION_BOOL,
     .variable = "COMPRESS",
     .letter = 'Z',
     .doc = LATER ": leave it out, or let a proxy compress"},
    {.name = "tenants", .type = OPTION_LIST, .doc = LATER},
    {.name = "extra_directives",
     .type = OPTION_TEXT,
     .doc = "is not a key: each directive of the Caddy build is a key of its own here"},
    {.name = "subscriptions_include_ip",
     .type = OPTION_BOOL,
     .letter = 'I',
     .doc = "is not a key: put the address into the token's payload"},
    {0},
};

const struct option conf_variables[] = {
    [CONF_VARIABLE_PUBLISHER_KEY] = {.name = "publisher_jwt_key", .flags = OPTION_SECRET},
    [CONF_VARIABLE_PUBLISHER_ALGORITHM] = {.name = "publisher_jwt_alg"},
    [CONF_VARIABLE_SUBSCRIBER_KEY] = {.name = "subscriber_jwt_key", .flags = OPTION_SECRET},
    [CONF_VARIABLE_SUBSCRIBER_ALGORITHM] = {.name = "subscriber_jwt_alg"},
    [CONF_VARIABLE_ISSUER] = {.name = "trusted_issuers"},
    [CONF_VARIABLE_COUNT] = {0},
};
