#include "mercure/subscription.h"

#include "base/buf.h"
#include "json/writer.h"

static const struct str type_names[] = {
    [SUBSCRIPTION_EXACT] = {"exact", 5},
    [SUBSCRIPTION_URLPATTERN] = {"urlpattern", 10},
    [SUBSCRIPTION_SELECTOR] = {NULL, 0},
};

struct str subscription_type_name(uint8_t kind)
{
    return kind <= SUBSCRIPTION_SELECTOR ? type_names[kind] : str_make(NULL, 0);
}

bool subscription_type_find(struct str name, uint8_t *ret_kind)
{
    for (unsigned kind = 0; kind < SUBSCRIPTION_SELECTOR; kind++) {
        if (!str_eq(name, type_names[kind]))
            continue;
        *ret_kind = (uint8_t)kind;
        return true;
    }
    return false;
}

// ---- Ids ----

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

// Percent-encodes everything but the unreserved characters of RFC 3986.
// Percent-encodes everything but the unreserved characters of RFC 3986. Texts of thousands of characters are
// written several times for each subscription: not byte by byte.
static void append_segment(struct buf *buf, struct str text, enum generation generation)
{
    static const char digits[] = "0123456789ABCDEF";
    char *start = buf_reserve(buf, 3 * text.len);
    char *to = start;
    for (size_t i = 0; start && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_unreserved(text.ptr[i])) {
            *to++ = text.ptr[i];
        } else if (c == ' ' && generation == GENERATION_LEGACY) {
            *to++ = '+';
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15U];
        }
    }
    if (start)
        buf_commit(buf, (size_t)(to - start));
}

void subscription_append_id(struct buf *buf, const struct record_subscription *subscription,
                            enum generation generation)
{
    struct str type = subscription_type_name(subscription->kind);
    buf_append_str(buf, STR(SUBSCRIPTIONS_PATH "/"));
    if (generation == GENERATION_MODERN && type.ptr) {
        buf_append_str(buf, type);
        buf_append_c(buf, '/');
    }
    append_segment(buf, subscription->match, generation);
    buf_append_c(buf, '/');
    append_segment(buf, subscription->subscriber, generation);
}

// ---- Documents ----

// The members of one document, a line each. The writer of JSON lays out whole documents; these may stand in
// the middle of one, and are put together from pieces that others share.
struct lines {
    struct buf *buf;
    unsigned depth;
    bool first;
};

static void indent(const struct lines *lines, unsigned more)
{
    for (unsigned i = 0; i < lines->depth + more; i++)
        buf_append_str(lines->buf, STR("  "));
}

static void begin_line(struct lines *lines, const char *key)
{
    buf_append_str(lines->buf, lines->first ? STR("\n") : STR(",\n"));
    lines->first = false;
    indent(lines, 1);
    buf_printf(lines->buf, "\"%s\": ", key);
}

static void add_text(struct lines *lines, const char *key, struct str value)
{
    struct json_writer writer;
    begin_line(lines, key);
    json_writer_init(&writer, lines->buf, JSON_STYLE_COMPACT);
    json_write_str(&writer, value);
}

static void add_raw(struct lines *lines, const char *key, struct str value)
{
    begin_line(lines, key);
    buf_append_str(lines->buf, value);
}

static void add_id(struct lines *lines, const struct record_subscription *subscription,
                   enum generation generation)
{
    begin_line(lines, "id");
    buf_append_c(lines->buf, '"');
    subscription_append_id(lines->buf, subscription, generation); // nothing in it needs an escape
    buf_append_c(lines->buf, '"');
}

static void add_matcher(struct lines *lines, const struct record_subscription *subscription,
                        enum generation generation)
{
    struct str type = subscription_type_name(subscription->kind);
    if (generation == GENERATION_LEGACY || !type.ptr) {
        add_text(lines, "topic", subscription->match);
        return;
    }
    if (subscription->match.len)
        add_text(lines, "match", subscription->match);
    add_text(lines, "match_type", type);
}

void subscription_append_document(struct buf *buf, const struct record_subscription *subscription,
                                  const struct subscription_view *view)
{
    struct lines lines = {.buf = buf, .depth = view->depth, .first = true};
    bool is_legacy = view->generation == GENERATION_LEGACY;
    indent(&lines, 0);
    buf_append_c(buf, '{');
    if (is_legacy && view->context)
        add_text(&lines, "@context", STR("https://mercure.rocks/"));
    add_id(&lines, subscription, view->generation);
    add_text(&lines, "type", is_legacy ? STR("Subscription") : STR("subscription"));
    add_text(&lines, "subscriber", subscription->subscriber);
    add_matcher(&lines, subscription, view->generation);
    add_raw(&lines, "active", view->active ? STR("true") : STR("false"));
    if (is_legacy && view->last_event_id.ptr)
        add_text(&lines, "lastEventID", view->last_event_id);
    if (subscription->payload.len)
        add_raw(&lines, "payload", subscription->payload);
    buf_append_c(buf, '\n');
    indent(&lines, 0);
    buf_append_c(buf, '}');
}
