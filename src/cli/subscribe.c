#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/hub.h"
#include "cli/progress.h"
#include "client/subscription.h"
#include "client/url.h"
#include "loop/loop.h"
#include "loop/poller.h"
#include "loop/signal.h"
#include "sse/event.h"
#include "json/writer.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define EVENT_MAX ((size_t)64 << 20)
#define PROGRESS_MS 250U
#define LAST_ID_MAX 65536U

struct settings {
    struct hub_settings hub;
    struct option_list topics;
    struct option_list matches;
    struct option_list patterns;
    struct str last_event_id;
    uint64_t count;
    bool json;
};

static const struct option options[] = {
    {.name = "topic",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, topics),
     .doc = "A topic, or \"*\" for all. Repeatable."},
    {.name = "match",
     .letter = 'm',
     .type = OPTION_LIST,
     OPTION_AT(struct settings, matches),
     .doc = "The same, as the protocol calls it."},
    {.name = "match_urlpattern",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, patterns),
     .doc = "A URL Pattern of topics. Repeatable."},
    {.name = "last_event_id",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, last_event_id),
     .doc = "Begin with what came after this update; earliest: with everything that is kept.",
     .default_doc = "new updates only"},
    {.name = "count",
     .letter = 'n',
     .type = OPTION_INTEGER,
     .max = OPTION_NO_MAX,
     OPTION_AT(struct settings, count),
     .doc = "End after so many updates. 0: never."},
    {.name = "json",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, json),
     .doc = "Print a JSON object a line, with id, type and data."},
    HUB_OPTIONS_WITHOUT(struct settings, hub, "one made with --key; none without it",
                        "none: public updates only"),
    {0},
};

static const struct flags_spec spec = {
    .command = "subscribe",
    .operands = "",
    .about = "Prints the data of updates as they come, and comes back when the connection ends.",
    .example = "cinnabar subscribe --topic https://example.com/books/1 --last-event-id earliest",
    .options = options,
};

struct receiver {
    const struct settings *settings;
    struct loop loop;
    struct signal_watch interrupt;
    struct signal_watch terminate;
    struct watch output;
    struct subscription *subscription;
    struct buf line;
    struct buf last_id;
    uint64_t received;
    uint64_t shown_ms;
    bool progress;
    bool over;
    int status;
};

static void finish(struct receiver *receiver, int status)
{
    if (receiver->over)
        return;
    receiver->over = true;
    receiver->status = status;
    loop_stop(&receiver->loop);
}

// ---- Printing ----

static void append_json(struct buf *line, const struct sse_event *event)
{
    struct json_writer writer;
    json_writer_init(&writer, line, JSON_STYLE_COMPACT);
    json_begin_object(&writer);
    json_write_member(&writer, STR("id"), event->id);
    json_write_member(&writer, STR("type"), event->type.len ? event->type : STR("message"));
    json_write_member(&writer, STR("data"), event->data);
    json_end_object(&writer);
}

static void print_event(struct receiver *receiver, const struct sse_event *event)
{
    struct str line = event->data;
    if (receiver->settings->json) {
        buf_clear(&receiver->line);
        append_json(&receiver->line, event);
        line = buf_str(&receiver->line);
    }
    bool written = fwrite(line.ptr, 1, line.len, stdout) == line.len && fputc('\n', stdout) != EOF;
    if (!written || receiver->line.err) {
        (void)fprintf(stderr, "cinnabar subscribe: an update cannot be written: %s\n",
                      receiver->line.err ? err_text(receiver->line.err) : "standard output is closed");
        finish(receiver, CLI_FAILED);
    }
}

static void show_progress(struct receiver *receiver)
{
    uint64_t now_ms = clock_mono_ms();
    if (!receiver->progress || now_ms - receiver->shown_ms < PROGRESS_MS)
        return;
    receiver->shown_ms = now_ms;
    char text[96];
    (void)snprintf(text, sizeof(text), "%llu updates received, Ctrl-C ends",
                   (unsigned long long)receiver->received);
    progress_show(text);
}

static void note(struct receiver *receiver, const char *text)
{
    if (receiver->progress)
        progress_show(NULL);
    (void)fprintf(stderr, "cinnabar subscribe: %s\n", text);
}

// ---- Events ----

static void on_opened(void *arg, struct str last_event_id)
{
    struct receiver *receiver = arg;
    struct str asked = receiver->received ? buf_str(&receiver->last_id) : receiver->settings->last_event_id;
    if (asked.len && !str_eq(asked, last_event_id))
        note(receiver, "the hub no longer knows where the stream was left: updates may be missing");
}

static void on_event(void *arg, const struct sse_event *event)
{
    struct receiver *receiver = arg;
    if (receiver->over)
        return;
    receiver->received++;
    buf_clear(&receiver->last_id);
    buf_append_str(&receiver->last_id, event->id);
    print_event(receiver, event);
    show_progress(receiver);
    if (receiver->received == receiver->settings->count)
        finish(receiver, CLI_DONE);
}

static void on_lost(void *arg, int err, unsigned status, uint64_t wait_ms)
{
    const char *why = err ? "the connection was lost" : "the stream has ended";
    char answer[32];
    char text[160];
    (void)snprintf(answer, sizeof(answer), "the hub answers %u", status);
    if (status != 200)
        why = status ? answer : hub_failure_text(err);
    (void)snprintf(text, sizeof(text), "%s; again in %.1f s", why, (double)wait_ms / 1000);
    note(arg, text);
}

static void on_failed(void *arg, const struct subscription_failure *failure)
{
    struct receiver *receiver = arg;
    if (failure->status && failure->status != 200)
        hub_print_refusal("subscribe", failure->status, failure->text, failure->challenge);
    else
        hub_print_failure("subscribe", &receiver->settings->hub, failure->err);
    finish(receiver, CLI_FAILED);
}

static const struct subscription_events subscription_events = {
    .opened = on_opened, .event = on_event, .lost = on_lost, .failed = on_failed};

static void on_interrupt(struct signal_watch *watch)
{
    finish(CONTAINER_OF(watch, struct receiver, interrupt), CLI_DONE);
}

static void on_terminate(struct signal_watch *watch)
{
    finish(CONTAINER_OF(watch, struct receiver, terminate), CLI_DONE);
}

// Whoever read what we print has gone (head -1): as if we had written more, without waiting for an update.
static void on_output_broken(struct watch *watch, int err, unsigned events)
{
    (void)err;
    (void)events;
    (void)raise(SIGPIPE);
    finish(CONTAINER_OF(watch, struct receiver, output), CLI_FAILED); // the signal was ignored
}

static void output_closed(struct watch *watch)
{
    (void)watch;
}

// Each update is out before the process waits for the next one; many that come together are written together.
static bool flush_output(void *arg)
{
    (void)arg;
    (void)fflush(stdout);
    return false;
}

// ---- Running ----

static int receive(struct receiver *receiver, const struct client_url *url, struct str token)
{
    const struct settings *settings = receiver->settings;
    const struct subscription_config config = {
        .loop = &receiver->loop,
        .url = url,
        .token = token,
        .fields = {.topics = settings->topics.count ? settings->topics : settings->matches,
                   .patterns = settings->patterns,
                   .last_event_id = settings->last_event_id},
        .max_event = EVENT_MAX,
        .events = &subscription_events,
        .arg = receiver,
    };
    loop_add_hook(&receiver->loop, flush_output, NULL);
    int err = subscription_new(&receiver->subscription, &config);
    if (err) {
        hub_print_failure("subscribe", &settings->hub, err);
        return CLI_FAILED;
    }
    watch_open(&receiver->output, &receiver->loop, STDOUT_FILENO, on_output_broken);
    int unwatched = watch_set(&receiver->output, WATCH_QUIET);
    (void)unwatched; // a plain file: it does not break
    loop_run(&receiver->loop);
    watch_close(&receiver->output, output_closed);
    if (receiver->progress)
        progress_show(NULL);
    return receiver->status;
}

static int run_loop(struct receiver *receiver, const struct client_url *url, struct str token)
{
    int status = CLI_FAILED;
    if (loop_init(&receiver->loop))
        return status;
    int err = signal_watch_open(&receiver->interrupt, &receiver->loop, SIGINT, on_interrupt);
    if (!err) {
        err = signal_watch_open(&receiver->terminate, &receiver->loop, SIGTERM, on_terminate);
        if (!err) {
            status = receive(receiver, url, token);
            signal_watch_close(&receiver->terminate);
        }
        signal_watch_close(&receiver->interrupt);
    }
    subscription_free(receiver->subscription);
    loop_done(&receiver->loop);
    return fflush(stdout) == 0 ? status : CLI_FAILED;
}

static int receive_updates(const struct settings *settings, struct arena *arena)
{
    struct client_url url;
    struct buf token;
    // Progress would run through what is printed when both are the same terminal.
    struct receiver receiver = {.settings = settings,
                                .progress = progress_wanted() && isatty(STDOUT_FILENO) != 1};
    int status = CLI_FAILED;
    buf_init(&token, HUB_TOKEN_MAX);
    buf_init(&receiver.line, 8 * EVENT_MAX);
    buf_init(&receiver.last_id, LAST_ID_MAX);
    if (hub_resolve("subscribe", &settings->hub, arena, &url) &&
        hub_make_token("subscribe", &settings->hub, HUB_ACTION_SUBSCRIBE, &token))
        status = run_loop(&receiver, &url, buf_str(&token));
    buf_done(&receiver.last_id);
    buf_done(&receiver.line);
    buf_done(&token);
    return status;
}

static bool is_complete(const struct settings *settings)
{
    if (settings->topics.count + settings->matches.count + settings->patterns.count == 0)
        (void)fputs("cinnabar subscribe: --topic is missing\nTry: cinnabar subscribe --help\n", stderr);
    else if (settings->topics.count && settings->matches.count)
        (void)fputs("cinnabar subscribe: --topic and --match mean the same: use one of them\n", stderr);
    else
        return true;
    return false;
}

static int run(void *settings, const struct flags_operands *operands, struct arena *arena)
{
    (void)operands;
    return is_complete(settings) ? receive_updates(settings, arena) : CLI_WRONG_USE;
}

int subscribe_command(int argc, char **argv)
{
    struct settings settings = {0};
    return flags_run(&spec, argc, argv, &settings, run);
}
