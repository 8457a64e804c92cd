#include "bench/bench.h"

#include "base/buf.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/hub.h"
#include "cli/mint.h"
#include "cli/progress.h"
#include "cli/spawn.h"
#include "client/url.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_MAX 65536U
// Not given: the scenario decides.
#define UNSET UINT64_MAX

struct settings {
    struct hub_settings hub;
    struct str spawn;
    unsigned protocol;
    unsigned own;
    uint64_t subscribers;
    uint64_t topics;
    uint64_t publishers;
    uint64_t in_flight;
    uint64_t burst;
    uint64_t rate;
    uint64_t size;
    uint64_t count;
    uint64_t duration_ms;
    uint64_t warmup_ms;
    uint64_t timeout_ms;
    uint64_t history;
    bool with_id;
    uint64_t parallel;
    uint64_t per_process;
    uint64_t server_pid;
    bool json;
};

static const struct option options[] = {
    HUB_OPTIONS(struct settings, hub),
    {.name = "spawn",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, spawn),
     .doc = "Start the hub to measure, with this transport: local, bolt or a URL.",
     .default_doc = "none"},
    {.name = "protocol",
     .type = OPTION_ENUM,
     .words = (const char *const[]){"mercure", "nchan", "bare", NULL},
     .default_text = "mercure",
     OPTION_AT(struct settings, protocol),
     .doc = "What the server speaks: mercure, nchan, or bare (bench/bare.c)."},
    {.name = "subscribers",
     .letter = 'n',
     .type = OPTION_INTEGER,
     .max = BENCH_SUBSCRIBERS_MAX,
     OPTION_AT(struct settings, subscribers),
     .doc = "How many subscribe.",
     .default_doc = "1000, 1 for replay"},
    {.name = "topics",
     .type = OPTION_INTEGER,
     .min = 1,
     .max = BENCH_TOPICS_MAX,
     OPTION_AT(struct settings, topics),
     .doc = "Over how many topics they are spread.",
     .default_doc = "1; as many as subscribers for unicast, private, match"},
    {.name = "own",
     .type = OPTION_ENUM,
     .words = bench_own_names,
     .default_text = "pattern",
     OPTION_AT(struct settings, own),
     .doc = "What each subscriber of match has of its own: a URL Pattern that it matches with (pattern), or, "
            "matching everything, a grant of one private topic (grant) or of a URL Pattern (grant_pattern)."},
    {.name = "publishers",
     .letter = 'p',
     .type = OPTION_INTEGER,
     .min = 1,
     .max = BENCH_PUBLISHERS_MAX,
     .default_text = "64",
     OPTION_AT(struct settings, publishers),
     .doc = "Connections that publish."},
    {.name = "in_flight",
     .type = OPTION_INTEGER,
     .max = 1000000,
     OPTION_AT(struct settings, in_flight),
     .doc = "Updates (or bursts) that may not have reached all subscribers yet; 0: no such limit.",
     .default_doc = "1 for broadcast without --rate and for burst, else 0"},
    {.name = "burst",
     .type = OPTION_INTEGER,
     .min = 1,
     .max = BENCH_PUBLISHERS_MAX,
     .default_text = "64",
     OPTION_AT(struct settings, burst),
     .doc = "Updates at once, for burst."},
    {.name = "rate",
     .letter = 'r',
     .type = OPTION_INTEGER,
     .max = 10000000,
     OPTION_AT(struct settings, rate),
     .doc = "Publish so many updates per second, whatever the hub does. 0: as fast as it answers."},
    {.name = "size",
     .letter = 's',
     .type = OPTION_SIZE,
     .min = BENCH_SIZE_MIN,
     .max = BENCH_SIZE_MAX,
     .default_text = "200",
     OPTION_AT(struct settings, size),
     .doc = "Bytes of data in an update."},
    {.name = "count",
     .letter = 'c',
     .type = OPTION_INTEGER,
     .max = UINT32_MAX,
     OPTION_AT(struct settings, count),
     .doc = "Measure so many updates. 0: for --duration."},
    {.name = "duration",
     .letter = 'd',
     .type = OPTION_DURATION,
     .min = 1,
     .max = OPTION_NO_MAX,
     .default_text = "10s",
     OPTION_AT(struct settings, duration_ms),
     .doc = "Measure for so long."},
    {.name = "warmup",
     .type = OPTION_DURATION,
     .max = OPTION_NO_MAX,
     .default_text = "1s",
     OPTION_AT(struct settings, warmup_ms),
     .doc = "Publish so long before measuring."},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .min = 100,
     .max = OPTION_NO_MAX,
     .default_text = "10s",
     OPTION_AT(struct settings, timeout_ms),
     .doc = "Give up when nothing has come for so long."},
    {.name = "history",
     .type = OPTION_INTEGER,
     .max = BENCH_HISTORY_MAX,
     OPTION_AT(struct settings, history),
     .doc = "Updates to publish before anyone subscribes.",
     .default_doc = "100000 for replay, 5000 with --with-id"},
    {.name = "with_id",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, with_id),
     .doc = "Storm: each subscriber names an update of the history and gets the one behind it."},
    {.name = "parallel",
     .type = OPTION_INTEGER,
     .min = 1,
     .max = 10000,
     .default_text = "64",
     OPTION_AT(struct settings, parallel),
     .doc = "Subscribers that connect at once."},
    {.name = "per_process",
     .type = OPTION_INTEGER,
     .min = 1,
     .max = BENCH_SUBSCRIBERS_MAX,
     .default_text = "18000",
     OPTION_AT(struct settings, per_process),
     .doc = "Subscribers that one process of the tool holds."},
    {.name = "server_pid",
     .type = OPTION_INTEGER,
     .max = INT32_MAX,
     OPTION_AT(struct settings, server_pid),
     .doc =
         "The server's process on this machine: measure its processor time and memory, with its children's."},
    {.name = "json", .type = OPTION_BOOL, OPTION_AT(struct settings, json), .doc = "Print one JSON object."},
    {0},
};

static const struct flags_spec spec = {
    .command = "bench",
    .operands = "SCENARIO",
    .about = "Loads a hub and measures it. Scenarios:\n"
             "  idle       connections that wait\n"
             "  broadcast  each update to all subscribers, one after another or with --rate\n"
             "  burst      --burst updates at once to all\n"
             "  unicast    each update to one of many topics\n"
             "  private    the same with private updates and a token for each subscriber\n"
             "  match      updates that concern none of the subscribers, see --own\n"
             "  publish    nobody listens\n"
             "  replay     a connection reads the whole history\n"
             "  storm      subscribers come all at once",
    .example = "cinnabar bench broadcast --spawn local --subscribers 10000 --rate 2",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
};

static int find_scenario(struct str name, enum bench_scenario *ret_scenario)
{
    struct option names[BENCH_SCENARIO_COUNT + 1] = {0};
    for (unsigned i = 0; i < BENCH_SCENARIO_COUNT; i++) {
        names[i].name = bench_scenario_names[i];
        if (str_eq(name, str_from_c(bench_scenario_names[i]))) {
            *ret_scenario = (enum bench_scenario)i;
            return CLI_DONE;
        }
    }
    const char *nearest = option_nearest(names, name);
    (void)fprintf(stderr, "cinnabar bench: unknown scenario %.*s%s%s%s\nTry: cinnabar bench --help\n",
                  STR_ARG(name), nearest ? "; did you mean " : "", nearest ? nearest : "",
                  nearest ? "?" : "");
    return CLI_WRONG_USE;
}

static bool is_coupled(const struct settings *settings, enum bench_scenario scenario)
{
    return scenario == BENCH_BURST || (scenario == BENCH_BROADCAST && settings->rate == 0);
}

static unsigned choose(uint64_t given, unsigned otherwise)
{
    return given == UNSET ? otherwise : (unsigned)given;
}

static unsigned default_subscribers(enum bench_scenario scenario)
{
    return scenario == BENCH_PUBLISH ? 0 : scenario == BENCH_REPLAY ? 1 : 1000;
}

static unsigned default_history(const struct settings *settings, enum bench_scenario scenario)
{
    return settings->with_id ? 5000 : scenario == BENCH_REPLAY ? 100000 : 0;
}

// With ids the history goes round the topics twice: each subscriber names the first update of its topic.
static unsigned default_topics(const struct bench_config *config)
{
    bool many = config->scenario == BENCH_UNICAST || config->scenario == BENCH_PRIVATE ||
                config->scenario == BENCH_MATCH;
    if (config->with_id)
        return config->history / 2 ? config->history / 2 : 1;
    return many && config->subscribers ? config->subscribers : 1;
}

static void configure(const struct settings *settings, struct bench_config *config)
{
    enum bench_scenario scenario = config->scenario;
    config->protocol = (enum bench_protocol)settings->protocol;
    config->own = (enum bench_own)settings->own;
    config->subscribers = choose(settings->subscribers, default_subscribers(scenario));
    config->with_id = settings->with_id;
    config->history = choose(settings->history, default_history(settings, scenario));
    config->topics = choose(settings->topics, default_topics(config));
    config->publishers = (unsigned)settings->publishers;
    config->group = scenario == BENCH_BURST ? (unsigned)settings->burst : 1;
    if (config->publishers < config->group)
        config->publishers = config->group;
    config->in_flight = choose(settings->in_flight, is_coupled(settings, scenario) ? 1 : 0);
    config->parallel = (unsigned)settings->parallel;
    config->per_process = (unsigned)settings->per_process;
    config->size = (size_t)settings->size;
    config->rate = (double)settings->rate;
    config->count = settings->count;
    config->duration_ms = settings->duration_ms;
    config->warmup_ms = settings->warmup_ms;
    config->timeout_ms = settings->timeout_ms;
    config->server = (pid_t)settings->server_pid;
}

// Each subscriber has a token of its own.
static bool has_own_tokens(const struct bench_config *config)
{
    return config->scenario == BENCH_PRIVATE ||
           (config->scenario == BENCH_MATCH && config->own != BENCH_OWN_PATTERN);
}

static const char *contradiction_of_match(const struct settings *settings, const struct bench_config *config)
{
    if (config->scenario != BENCH_MATCH)
        return config->own != BENCH_OWN_PATTERN ? "--own belongs to match" : NULL;
    if (config->protocol != BENCH_MERCURE)
        return "match needs --protocol mercure: the others have neither patterns nor grants";
    if (config->in_flight)
        return "--in-flight does not go with match: no subscriber is to receive an update";
    if (has_own_tokens(config) && settings->hub.token.len)
        return "--own makes a token for each subscriber: give it --key instead of --token";
    return NULL;
}

static const char *contradiction(const struct settings *settings, const struct bench_config *config)
{
    if (settings->spawn.len && !str_eq(settings->hub.url, STR(DEV_HUB)))
        return "--spawn starts the hub to measure, --url names another: use one of them";
    if (config->with_id && config->scenario != BENCH_STORM)
        return "--with-id belongs to storm";
    if (config->with_id && config->history < 2 * config->topics)
        return "--with-id needs two updates for each topic: raise --history or lower --topics";
    if (config->in_flight && config->topics > 1)
        return "--in-flight needs a single topic: all subscribers are to receive each update";
    if (config->in_flight && config->subscribers == 0)
        return "--in-flight needs subscribers";
    return contradiction_of_match(settings, config);
}

// ---- Tokens ----

struct minter {
    const struct hub_settings *hub;
    struct buf key;
};

static int mint_for_topic(void *arg, struct str topic, bool is_pattern, struct buf *token)
{
    const struct minter *minter = arg;
    const struct hub_settings *hub = minter->hub;
    struct mint_request request = hub_mint_all(hub);
    const struct option_list granted = {&topic, 1};
    request.grants = is_pattern ? (struct mint_grants){.subscribe_urlpattern = granted}
                                : (struct mint_grants){.subscribe = granted};
    struct buf reason;
    buf_init(&reason, 1024);
    int err = mint_token(&request, buf_str(&minter->key), hub->algorithm, STR(""), token, &reason);
    buf_done(&reason);
    return err;
}

static bool make_token(struct minter *minter, struct buf *token)
{
    const struct hub_settings *hub = minter->hub;
    if (hub->token.len)
        return hub_make_token("bench", hub, HUB_ACTION_BOTH, token);
    return hub_read_key("bench", hub, &minter->key) &&
           hub_mint("bench", hub, buf_str(&minter->key), HUB_ACTION_BOTH, token);
}

static bool set_tokens(struct bench_config *config, struct minter *minter, struct buf *token)
{
    if (config->protocol != BENCH_MERCURE)
        return true;
    if (!make_token(minter, token))
        return false;
    config->publish_token = config->subscribe_token = buf_str(token);
    if (has_own_tokens(config) && minter->hub->token.len == 0) {
        config->mint = mint_for_topic;
        config->mint_arg = minter;
    }
    return true;
}

// ---- Running ----

static void handle_signal(int number)
{
    (void)number;
    bench_interrupt();
}

static int report(const struct bench_config *config, const struct bench_result *result, bool json)
{
    struct buf text;
    buf_init(&text, REPORT_MAX);
    bench_report(config, result, json, &text);
    (void)fwrite(text.ptr, 1, text.len, stdout);
    (void)fflush(stdout);
    buf_done(&text);
    bool good = result->lost + result->repeated + result->disordered + result->unserved == 0;
    return good && !result->interrupted && result->failure[0] == '\0' ? CLI_DONE : CLI_FAILED;
}

static int measure(struct bench_config *config, const struct settings *settings)
{
    struct bench_result *result = calloc(1, sizeof(*result));
    if (!result)
        return CLI_FAILED;
    (void)signal(SIGINT, handle_signal);
    (void)signal(SIGTERM, handle_signal);
    config->progress = progress_wanted() ? progress_show : NULL;
    int err = bench_run(config, result);
    int status = err ? CLI_FAILED : report(config, result, settings->json);
    if (err)
        (void)fprintf(stderr, "cinnabar bench: %.*s: %s\n", STR_ARG(settings->hub.url), result->failure);
    if (err == -ECONNREFUSED)
        hub_print_hint(&settings->hub);
    free(result);
    return status;
}

static bool resolve(struct bench_config *config, const struct settings *settings, struct arena *arena)
{
    struct client_url url;
    if (!hub_resolve("bench", &settings->hub, arena, &url))
        return false;
    memcpy(&config->address, &url.address.any, url.address.len);
    config->address_len = url.address.len;
    config->host = url.host;
    config->path = url.path;
    return true;
}

static int run_settings(const struct settings *settings, struct bench_config *config, struct arena *arena)
{
    if (!resolve(config, settings, arena))
        return CLI_FAILED;
    struct minter minter = {.hub = &settings->hub};
    struct buf token;
    buf_init(&minter.key, HUB_KEY_MAX);
    buf_init(&token, HUB_TOKEN_MAX);
    int status = set_tokens(config, &minter, &token) ? measure(config, settings) : CLI_FAILED;
    buf_done(&token);
    buf_done(&minter.key);
    return status;
}

// With --spawn the hub is ours for as long as it takes.
static int run_target(struct settings *settings, struct bench_config *config, struct arena *arena)
{
    if (settings->spawn.len == 0)
        return run_settings(settings, config, arena);
    struct spawned spawned;
    if (!spawn_hub(&spawned, settings->spawn))
        return CLI_FAILED;
    settings->hub.url = str_from_c(spawned.url);
    config->server = spawned.pid;
    int status = run_settings(settings, config, arena);
    spawn_stop(&spawned);
    return status;
}

static int run(void *target, const struct flags_operands *operands, struct arena *arena)
{
    struct settings *settings = target;
    struct bench_config config = {0};
    int status = find_scenario(operands->items[0], &config.scenario);
    if (status != CLI_DONE)
        return status;
    configure(settings, &config);
    const char *problem = contradiction(settings, &config);
    if (!problem)
        return run_target(settings, &config, arena);
    (void)fprintf(stderr, "cinnabar bench: %s\n", problem);
    return CLI_WRONG_USE;
}

int bench_command(int argc, char **argv)
{
    struct settings settings = {.subscribers = UNSET, .topics = UNSET, .in_flight = UNSET, .history = UNSET};
    return flags_run(&spec, argc, argv, &settings, run);
}
