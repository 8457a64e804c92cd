#include "base/buf.h"
#include "base/err.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/hub.h"
#include "cli/input.h"
#include "client/request.h"
#include "client/url.h"
#include "json/writer.h"

#include <stdio.h>

#define DATA_MAX ((size_t)16 << 20)
#define REQUEST_MAX ((size_t)48 << 20)
#define TIMEOUT_MS 30000U

struct settings {
    struct hub_settings hub;
    struct option_list topics;
    struct str data;
    bool is_private;
    struct str id;
    struct str type;
    struct str retry;
    bool json;
};

static const struct option options[] = {
    {.name = "topic",
     .type = OPTION_LIST,
     OPTION_AT(struct settings, topics),
     .doc = "The topic; further ones are alternates. Repeatable."},
    {.name = "data",
     .letter = 'd',
     .type = OPTION_TEXT,
     .max = DATA_MAX,
     OPTION_AT(struct settings, data),
     .doc = "The data; @FILE reads it from a file, - from standard input; @@ is a leading @.",
     .default_doc = "none"},
    {.name = "private",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, is_private),
     .doc = "Only for subscribers whose token grants it."},
    {.name = "id",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, id),
     .doc = "The update's id.",
     .default_doc = "made by the hub"},
    {.name = "type", .type = OPTION_TEXT, OPTION_AT(struct settings, type), .doc = "The event's type."},
    {.name = "retry",
     .type = OPTION_TEXT,
     OPTION_AT(struct settings, retry),
     .doc = "Milliseconds that subscribers wait before they reconnect."},
    HUB_OPTIONS(struct settings, hub),
    {.name = "json",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, json),
     .doc = "Print the id in a JSON object."},
    {0},
};

static const struct flags_spec spec = {
    .command = "publish",
    .operands = "",
    .about = "Publishes an update and prints its id.",
    .example = "cinnabar publish --topic https://example.com/books/1 --data 'Hello!'",
    .options = options,
};

static void print_id(struct str id, bool json)
{
    if (!json) {
        (void)printf("%.*s\n", STR_ARG(id));
        return;
    }
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 65536);
    json_writer_init(&writer, &text, JSON_STYLE_COMPACT);
    json_begin_object(&writer);
    json_write_member(&writer, STR("id"), id);
    json_end_object(&writer);
    (void)printf("%.*s\n", STR_ARG(buf_str(&text)));
    buf_done(&text);
}

static int print_answer(const struct answer *answer, bool json)
{
    if (answer->status / 100 == 2) {
        print_id(buf_str(&answer->body), json);
        return CLI_DONE;
    }
    hub_print_refusal("publish", answer->status, buf_str(&answer->body), buf_str(&answer->challenge));
    return CLI_FAILED;
}

static int send_update(const struct settings *settings, const struct client_url *url, struct str token,
                       struct str data)
{
    struct request_publish fields = {
        .topics = settings->topics,
        .data = data,
        .id = settings->id,
        .type = settings->type,
        .retry = settings->retry,
        .is_private = settings->is_private,
    };
    struct buf request;
    struct answer answer;
    buf_init(&request, REQUEST_MAX);
    answer_init(&answer);
    request_append_publish(&request, url, token, &fields);
    int err = request.err ? request.err : ask_server(url, buf_str(&request), TIMEOUT_MS, &answer);
    int status = CLI_FAILED;
    if (err)
        hub_print_failure("publish", &settings->hub, err);
    else
        status = print_answer(&answer, settings->json);
    answer_done(&answer);
    buf_done(&request);
    return status;
}

static int publish(const struct settings *settings, struct arena *arena)
{
    struct client_url url;
    struct buf token, data;
    int status = CLI_FAILED;
    buf_init(&token, HUB_TOKEN_MAX);
    buf_init(&data, DATA_MAX);
    bool has_data = settings->data.ptr != NULL;
    if (hub_resolve("publish", &settings->hub, arena, &url) &&
        hub_make_token("publish", &settings->hub, HUB_ACTION_PUBLISH, &token) &&
        (!has_data || input_read_data("publish", "--data", settings->data, &data)))
        status = send_update(settings, &url, buf_str(&token),
                             has_data ? str_make(data.len ? data.ptr : "", data.len) : settings->data);
    buf_done(&token);
    buf_done(&data);
    return status;
}

static int run(void *target, const struct flags_operands *operands, struct arena *arena)
{
    const struct settings *settings = target;
    (void)operands;
    if (settings->topics.count > 0)
        return publish(settings, arena);
    (void)fputs("cinnabar publish: --topic is missing\nTry: cinnabar publish --help\n", stderr);
    return CLI_WRONG_USE;
}

int publish_command(int argc, char **argv)
{
    struct settings settings = {0};
    return flags_run(&spec, argc, argv, &settings, run);
}
