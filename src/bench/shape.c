#include "bench/shape.h"

#include "base/buf.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/stamp.h"

#include <string.h>

#define TOPIC_DIGITS 7U // BENCH_TOPICS_MAX
#define MERCURE_TOPIC "https://example.com/bench/"
#define MERCURE_TOPIC_ENCODED "https%3A%2F%2Fexample.com%2Fbench%2F"
#define NCHAN_TOPIC "bench"
// Behind a published topic, so that the published one does not match though all of its characters do.
#define UNMATCHED_PATTERN "/:id"
#define UNMATCHED_PATTERN_ENCODED "%2F%3Aid"
#define UNMATCHED_TOPIC "/own"
#define TOKEN_MAX 16384U

static void append_number(struct buf *to, uint32_t number)
{
    buf_printf(to, "%0*u", (int)TOPIC_DIGITS, number);
}

static void append_host(const struct bench_config *config, struct buf *to)
{
    buf_append_str(to, STR(" HTTP/1.1\r\nHost: "));
    buf_append_str(to, config->host);
    buf_append_str(to, STR("\r\n"));
}

static void append_token(struct str token, struct buf *to)
{
    if (token.len == 0)
        return;
    buf_append_str(to, STR("Authorization: Bearer "));
    buf_append_str(to, token);
    buf_append_str(to, STR("\r\n"));
}

static void append_last_id(struct str id, struct buf *to)
{
    if (id.len == 0)
        return;
    buf_append_str(to, STR("Last-Event-ID: "));
    buf_append_str(to, id);
    buf_append_str(to, STR("\r\n"));
}

static void append_length(struct buf *to, size_t len)
{
    buf_append_str(to, STR("Content-Length: "));
    buf_append_u64(to, len);
    buf_append_str(to, STR("\r\n\r\n"));
}

static void append_data(const struct bench_config *config, struct buf *to, struct publish_shape *shape)
{
    shape->stamp_at = to->len;
    char *data = buf_reserve(to, config->size);
    if (!data)
        return;
    memset(data, 'x', config->size);
    buf_commit(to, config->size);
}

static bool publishes_private(const struct bench_config *config)
{
    return config->scenario == BENCH_PRIVATE ||
           (config->scenario == BENCH_MATCH && config->own != BENCH_OWN_PATTERN);
}

static void append_mercure_publish(const struct bench_config *config, struct buf *to,
                                   struct publish_shape *shape)
{
    const struct str before = STR("topic=" MERCURE_TOPIC_ENCODED);
    struct str between = publishes_private(config) ? STR("&private=on&data=") : STR("&data=");
    buf_append_str(to, STR("POST "));
    buf_append_str(to, config->path);
    append_host(config, to);
    append_token(config->publish_token, to);
    buf_append_str(to, STR("Content-Type: application/x-www-form-urlencoded\r\n"));
    append_length(to, before.len + TOPIC_DIGITS + between.len + config->size);
    buf_append_str(to, before);
    shape->topic_at = to->len;
    append_number(to, 0);
    buf_append_str(to, between);
    append_data(config, to, shape);
}

static void append_nchan_publish(const struct bench_config *config, struct buf *to,
                                 struct publish_shape *shape)
{
    buf_append_str(to, config->history ? STR("POST /keep/pub?id=" NCHAN_TOPIC)
                                       : STR("POST /pub?id=" NCHAN_TOPIC));
    shape->topic_at = to->len;
    append_number(to, 0);
    append_host(config, to);
    append_length(to, config->size);
    append_data(config, to, shape);
}

static void append_bare_publish(const struct bench_config *config, struct buf *to,
                                struct publish_shape *shape)
{
    buf_append_str(to, STR("POST /"));
    shape->topic_at = to->len;
    append_number(to, 0);
    append_host(config, to);
    append_length(to, config->size);
    append_data(config, to, shape);
}

int shape_publish(const struct bench_config *config, struct buf *to, struct publish_shape *ret_shape)
{
    switch (config->protocol) {
    case BENCH_MERCURE:
        append_mercure_publish(config, to, ret_shape);
        break;
    case BENCH_NCHAN:
        append_nchan_publish(config, to, ret_shape);
        break;
    case BENCH_BARE:
        append_bare_publish(config, to, ret_shape);
        break;
    }
    return to->err;
}

void shape_set_topic(char *request, const struct publish_shape *shape, uint32_t topic)
{
    for (size_t i = TOPIC_DIGITS; i > 0; topic /= 10)
        request[shape->topic_at + --i] = (char)('0' + topic % 10);
}

// Appends what the subscriber's own token grants; tells whether it is a URL Pattern.
static bool append_granted(const struct bench_config *config, uint32_t topic, struct buf *to)
{
    bool is_pattern = config->scenario == BENCH_MATCH && config->own == BENCH_OWN_GRANT_PATTERN;
    buf_append_str(to, STR(MERCURE_TOPIC));
    append_number(to, topic);
    if (config->scenario == BENCH_MATCH)
        buf_append_str(to, is_pattern ? STR(UNMATCHED_PATTERN) : STR(UNMATCHED_TOPIC));
    return is_pattern;
}

static int append_subscriber_token(const struct bench_config *config, uint32_t topic, struct buf *to)
{
    if (!config->mint) {
        append_token(config->subscribe_token, to);
        return HUB_OK;
    }
    struct buf name, token;
    buf_init(&name, 256);
    buf_init(&token, TOKEN_MAX);
    bool is_pattern = append_granted(config, topic, &name);
    int err = name.err ? name.err : config->mint(config->mint_arg, buf_str(&name), is_pattern, &token);
    if (!err)
        append_token(buf_str(&token), to);
    buf_done(&name);
    buf_done(&token);
    return err;
}

static void append_matcher(const struct bench_config *config, uint32_t topic, struct buf *to)
{
    bool is_match = config->scenario == BENCH_MATCH;
    if (is_match && config->own != BENCH_OWN_PATTERN) {
        buf_append_str(to, STR("?match=*"));
        return;
    }
    buf_append_str(to, is_match ? STR("?match_urlpattern=") : STR("?match="));
    buf_append_str(to, STR(MERCURE_TOPIC_ENCODED));
    append_number(to, topic);
    if (is_match)
        buf_append_str(to, STR(UNMATCHED_PATTERN_ENCODED));
}

static int append_mercure_subscribe(const struct bench_config *config, uint32_t topic, struct str last_id,
                                    struct buf *to)
{
    buf_append_str(to, STR("GET "));
    buf_append_str(to, config->path);
    append_matcher(config, topic, to);
    append_host(config, to);
    append_last_id(last_id, to);
    return append_subscriber_token(config, topic, to);
}

static void append_nchan_subscribe(const struct bench_config *config, uint32_t topic, struct str last_id,
                                   struct buf *to)
{
    buf_append_str(to,
                   config->history ? STR("GET /keep/sub?id=" NCHAN_TOPIC) : STR("GET /sub?id=" NCHAN_TOPIC));
    append_number(to, topic);
    append_host(config, to);
    // Without an id /keep/sub begins with the oldest update.
    if (!str_eq(last_id, STR("earliest")))
        append_last_id(last_id, to);
}

int shape_subscribe(const struct bench_config *config, uint32_t topic, struct str last_id, struct buf *to)
{
    int err = HUB_OK;
    switch (config->protocol) {
    case BENCH_MERCURE:
        err = append_mercure_subscribe(config, topic, last_id, to);
        break;
    case BENCH_NCHAN:
        append_nchan_subscribe(config, topic, last_id, to);
        break;
    case BENCH_BARE:
        buf_append_str(to, STR("GET /"));
        append_host(config, to);
        break;
    }
    buf_append_str(to, STR("Accept: text/event-stream\r\n\r\n"));
    return err ? err : to->err;
}

struct str shape_published_id(const struct bench_config *config, struct str body)
{
    const struct str label = STR("last message id: ");
    if (config->protocol == BENCH_MERCURE)
        return body;
    for (size_t at = 0; config->protocol == BENCH_NCHAN && at < body.len; at = str_find(body, at, '\n') + 1) {
        struct str line = str_slice(body, at, str_find(body, at, '\n'));
        if (str_starts_with(line, label))
            return str_trim(str_slice(line, label.len, line.len));
    }
    return STR("");
}
