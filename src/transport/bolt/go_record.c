#include "transport/bolt/go_record.h"

#include "base/attr.h"
#include "base/err.h"
#include "mercure/update.h"
#include "sse/encode.h"
#include "url/chars.h"
#include "url/reserved.h"
#include "json/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// A larger number is not exact as a double, and no time that a client should wait.
#define RETRY_MAX 9007199254740992.0 // 2^53

const char *go_record_fault_text(enum go_record_fault fault)
{
    static const char *const texts[] = {
#define X(name, text) text,
        GO_RECORD_FAULTS(X)
#undef X
    };
    return texts[fault];
}

int go_reader_init(struct go_reader *reader)
{
    *reader = (struct go_reader){0};
    // Which host it is makes no difference to what is reserved.
    return url_parse(&reader->_base, STR("https://mercure.invalid/.well-known/mercure"), NULL);
}

void go_reader_done(struct go_reader *reader)
{
    url_done(&reader->_base);
    free(reader->_topics);
}

// ---- JSON ----

// The member with that name, or else with that name in another case: what Go takes.
static const struct json *get_member(const struct json *object, struct str name)
{
    const struct json *found = json_get(object, name);
    if (found)
        return found;
    void *iter = NULL;
    struct str key;
    const struct json *value;
    while (json_next(object, &iter, &key, &value)) {
        if (str_eq_nocase(key, name))
            return value;
    }
    return NULL;
}

static bool is_absent(const struct json *value)
{
    return json_kind(value) == JSON_KIND_NONE || json_kind(value) == JSON_KIND_NULL;
}

// The text of a member, empty when it is not there. False when it is something else.
static bool get_text(const struct json *object, struct str name, struct str *ret_text)
{
    const struct json *value = get_member(object, name);
    *ret_text = is_absent(value) ? STR("") : json_str(value);
    return ret_text->ptr != NULL;
}

static bool get_flag(const struct json *object, struct str name, bool *ret_flag)
{
    const struct json *value = get_member(object, name);
    *ret_flag = json_bool(value);
    return is_absent(value) || json_kind(value) == JSON_KIND_BOOL;
}

static bool get_retry(const struct json *object, uint64_t *ret_retry_ms)
{
    const struct json *value = get_member(object, STR("Retry"));
    double number = 0;
    if (!is_absent(value) && !json_to_double(value, &number))
        return false;
    *ret_retry_ms = number >= 1 && number <= RETRY_MAX ? (uint64_t)number : 0;
    return true;
}

// ---- Topics ----

static int reserve_topics(struct go_reader *reader, size_t count)
{
    if (count <= reader->_topic_room)
        return HUB_OK;
    struct str *topics = realloc(reader->_topics, count * sizeof(*topics));
    if (!topics)
        return -ENOMEM;
    reader->_topics = topics;
    reader->_topic_room = count;
    return HUB_OK;
}

static enum go_record_fault read_topic(struct go_reader *reader, const struct json *list, size_t i)
{
    struct str topic = json_str(json_at(list, i));
    reader->_topics[i] = topic;
    if (!topic.ptr)
        return GO_RECORD_FAULT_JSON;
    if (topic.len > URL_INPUT_MAX)
        return GO_RECORD_FAULT_SIZE;
    if (!chars_valid(topic))
        return GO_RECORD_FAULT_TOPIC_CHARS;
    if (url_is_reserved(topic, &reader->_base))
        return GO_RECORD_FAULT_RESERVED;
    return GO_RECORD_FAULT_NONE;
}

static int read_topics(struct go_reader *reader, const struct json *object, size_t *ret_count,
                       enum go_record_fault *ret_fault)
{
    const struct json *list = get_member(object, STR("Topics"));
    if (!is_absent(list) && json_kind(list) != JSON_KIND_ARRAY) {
        *ret_fault = GO_RECORD_FAULT_JSON;
        return HUB_OK;
    }
    *ret_count = json_count(list);
    if (*ret_count == 0 || *ret_count > UINT16_MAX) {
        *ret_fault = *ret_count ? GO_RECORD_FAULT_SIZE : GO_RECORD_FAULT_TOPICS;
        return HUB_OK;
    }
    int err = reserve_topics(reader, *ret_count);
    for (size_t i = 0; !err && i < *ret_count && *ret_fault == GO_RECORD_FAULT_NONE; i++)
        *ret_fault = read_topic(reader, list, i);
    return err;
}

// ---- The update ----

// Whether it can stand in a line of an SSE frame.
static bool is_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r' || text.ptr[i] == '\0')
            return false;
    }
    return true;
}

// Whether it can stand in a header field of HTTP, as ids do (RFC 9110 §5.5).
static bool is_field(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static enum go_record_fault read_event(const struct json *object, struct str key_id, struct sse_event *event,
                                       bool *ret_private)
{
    if (!get_text(object, STR("Data"), &event->data) || !get_text(object, STR("ID"), &event->id) ||
        !get_text(object, STR("Type"), &event->type) || !get_retry(object, &event->retry_ms) ||
        !get_flag(object, STR("Private"), ret_private))
        return GO_RECORD_FAULT_JSON;
    if (event->id.len == 0)
        event->id = key_id;
    if (json_count(get_member(object, STR("Targets"))) > 0)
        return GO_RECORD_FAULT_TARGETS;
    if (event->id.len == 0 || !str_is_utf8(event->id) || !is_field(event->id))
        return GO_RECORD_FAULT_ID;
    if (!is_line(event->type) || str_eq(event->type, STR("mercure")))
        return GO_RECORD_FAULT_TYPE;
    return GO_RECORD_FAULT_NONE;
}

static int encode(const struct sse_event *event, struct record_fields *fields, struct update **ret_update)
{
    fields->id = event->id;
    fields->frame_size = sse_frame_size(event);
    char *frame;
    int err = update_new(ret_update, fields, &frame);
    if (!err)
        sse_frame_write(frame, event);
    return err;
}

static int convert(struct go_reader *reader, const struct json *object, struct str key_id, uint64_t time_ms,
                   struct update **ret_update, enum go_record_fault *ret_fault)
{
    struct sse_event event = {0};
    bool private = false;
    struct record_fields fields = {.time_ms = time_ms};
    *ret_fault = json_kind(object) == JSON_KIND_OBJECT ? read_event(object, key_id, &event, &private)
                                                       : GO_RECORD_FAULT_JSON;
    int err = HUB_OK;
    if (*ret_fault == GO_RECORD_FAULT_NONE)
        err = read_topics(reader, object, &fields.topic_count, ret_fault);
    if (err || *ret_fault != GO_RECORD_FAULT_NONE)
        return err;
    fields.topics = reader->_topics;
    fields.flags = private ? RECORD_PRIVATE : 0;
    err = encode(&event, &fields, ret_update);
    if (err != HUB_E_TOO_BIG)
        return err;
    *ret_fault = GO_RECORD_FAULT_SIZE;
    return HUB_OK;
}

int go_reader_update(struct go_reader *reader, struct str key, struct str value, uint64_t time_ms,
                     struct update **ret_update, enum go_record_fault *reterr_fault)
{
    *reterr_fault = key.len < GO_KEY_HEAD      ? GO_RECORD_FAULT_KEY
                    : value.len > GO_VALUE_MAX ? GO_RECORD_FAULT_SIZE
                                               : GO_RECORD_FAULT_NONE;
    if (*reterr_fault != GO_RECORD_FAULT_NONE)
        return HUB_E_INVALID;
    struct json *object;
    int err = json_parse_up_to(&object, value, GO_VALUE_MAX, NULL);
    if (err) {
        *reterr_fault = GO_RECORD_FAULT_JSON;
        return err == -ENOMEM ? err : HUB_E_INVALID;
    }
    err = convert(reader, object, str_slice(key, GO_KEY_HEAD, key.len), time_ms, ret_update, reterr_fault);
    json_free(object);
    return err || *reterr_fault == GO_RECORD_FAULT_NONE ? err : HUB_E_INVALID;
}
