#include "mercure/publication.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/chars.h"
#include "url/reserved.h"

// Of a topic in an error: its start says which one it is.
#define QUOTED_MAX 256

// The length of the character at the start of valid UTF-8.
static size_t char_len(struct str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
    return len <= s.len ? len : s.len;
}

static void quote_char(struct buf *buf, struct str c)
{
    unsigned char first = (unsigned char)c.ptr[0];
    if (first == '"' || first == '\\')
        buf_append_c(buf, '\\');
    if (chars_valid(c)) {
        buf_append_str(buf, c);
        return;
    }
    for (size_t i = 0; i < c.len; i++)
        buf_printf(buf, "\\x%02x", (unsigned char)c.ptr[i]);
}

static void append_quoted(struct buf *buf, struct str text)
{
    buf_append_c(buf, '"');
    for (size_t i = 0; i < text.len;) {
        struct str rest = str_make(text.ptr + i, text.len - i);
        struct str c = str_make(rest.ptr, char_len(rest));
        if (!str_is_utf8(c))
            c.len = 1;
        quote_char(buf, c);
        i += c.len;
    }
    buf_append_c(buf, '"');
}

static int invalid(struct buf *reterr, const char *text)
{
    buf_append_str(reterr, str_from_c(text));
    return HUB_E_INVALID;
}

static int invalid_topic(struct buf *reterr, struct str topic, const char *text)
{
    append_quoted(reterr, str_slice(topic, 0, QUOTED_MAX));
    buf_append_str(reterr, STR(": "));
    return invalid(reterr, text);
}

static int check_topic(struct str topic, const struct url *base, struct buf *reterr)
{
    if (!chars_valid(topic))
        return invalid_topic(reterr, topic, "topic contains a forbidden control character or invalid UTF-8");
    if (str_eq(topic, STR("*")))
        return invalid_topic(
            reterr, topic, "topic value \"*\" is reserved for the wildcard matcher and cannot be published");
    if (url_is_reserved(topic, base))
        return invalid_topic(reterr, topic,
                             "topic value resolves into the reserved \"/.well-known/mercure\" namespace");
    return HUB_OK;
}

static int check_topics(const struct publication *publication, const struct publication_limits *limits,
                        const struct url *base, struct buf *reterr)
{
    if (publication->topic_count == 0)
        return invalid(reterr, "Missing \"topic\" parameter");
    if (publication->topic_count > limits->max_topics) {
        buf_printf(reterr, "too many topics in update (max %zu)", limits->max_topics);
        return HUB_E_TOO_BIG;
    }
    uint64_t state = 0;
    for (size_t i = 0; i < publication->topic_count; i++) {
        if (limits->is_too_slow && limits->is_too_slow(i, &state)) {
            buf_append_str(reterr, STR("the topics take too long to be checked"));
            return HUB_E_TOO_BIG;
        }
        if (publication->topics[i].len > limits->max_topic_length) {
            buf_printf(reterr, "topic too long (max %zu bytes)", limits->max_topic_length);
            return HUB_E_TOO_BIG;
        }
        int err = check_topic(publication->topics[i], base, reterr);
        if (err)
            return err;
    }
    return HUB_OK;
}

static int check_id(struct str id, const struct publication_limits *limits, struct buf *reterr)
{
    if (id.len > limits->max_id_length) {
        buf_printf(reterr, "\"id\" field too long (max %zu bytes)", limits->max_id_length);
        return HUB_E_INVALID;
    }
    if (!chars_valid(id) || str_starts_with(id, STR("#")) || str_eq(id, STR("earliest")))
        return invalid(reterr, "\"id\" field contains a forbidden control character or invalid UTF-8, starts "
                               "with \"#\", or is the reserved value \"earliest\"");
    return HUB_OK;
}

static int check_type(struct str type, struct buf *reterr)
{
    if (!chars_valid(type))
        return invalid(reterr, "\"type\" field contains a forbidden control character or invalid UTF-8");
    if (str_eq(type, STR("mercure")))
        return invalid(reterr, "\"type\" field uses the reserved value \"mercure\"");
    return HUB_OK;
}

int publication_check(struct publication *publication, const struct publication_limits *limits,
                      const struct url *base, struct buf *reterr)
{
    int err = check_topics(publication, limits, base, reterr);
    if (err)
        return err;
    if (publication->retry.len && str_to_u64(publication->retry, &publication->retry_ms) != HUB_OK)
        return invalid(reterr, "Invalid \"retry\" parameter");
    err = check_id(publication->id, limits, reterr);
    if (!err)
        err = check_type(publication->type, reterr);
    if (!err && !str_is_utf8(publication->data))
        err = invalid(reterr, "\"data\" field is not valid UTF-8");
    return err;
}
