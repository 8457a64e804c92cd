#include "mercure/record.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"

#include <endian.h>
#include <string.h>

#define AT_TOPIC_COUNT 2
#define AT_FRAME 4
#define AT_TIME 8
#define AT_NODE 16
#define AT_BOOT 24
#define AT_SEQUENCE 32
#define SUBSCRIPTION_HEAD_SIZE 5U

static uint16_t read_u16(const char *p)
{
    uint16_t value;
    memcpy(&value, p, sizeof(value));
    return le16toh(value);
}

static uint32_t read_u32(const char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return le32toh(value);
}

static uint64_t read_u64(const char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return le64toh(value);
}

static char *write_u32(char *p, uint32_t value)
{
    value = htole32(value);
    memcpy(p, &value, sizeof(value));
    return p + sizeof(value);
}

static void write_u64(char *p, uint64_t value)
{
    value = htole64(value);
    memcpy(p, &value, sizeof(value));
}

static char *write_text(char *p, struct str s)
{
    p = write_u32(p, (uint32_t)s.len);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

// A length-prefixed text at *at that must end at or before `end`; moves *at behind it.
static bool read_text(const char *bytes, uint32_t end, uint32_t *at, struct str *ret_text)
{
    if (end - *at < sizeof(uint32_t))
        return false;
    uint32_t len = read_u32(bytes + *at);
    *at += (uint32_t)sizeof(uint32_t);
    if (end - *at < len)
        return false;
    *ret_text = str_make(bytes + *at, len);
    *at += len;
    return true;
}

// What stands between the id and the first frame of a subscription event.
static bool read_subscription(const char *bytes, uint32_t end, uint32_t *at, uint32_t *ret_legacy_frame,
                              struct record_subscription *ret_subscription)
{
    if (end - *at < SUBSCRIPTION_HEAD_SIZE)
        return false;
    *ret_legacy_frame = read_u32(bytes + *at);
    ret_subscription->kind = (uint8_t)bytes[*at + sizeof(uint32_t)];
    *at += SUBSCRIPTION_HEAD_SIZE;
    return read_text(bytes, end, at, &ret_subscription->match) &&
           read_text(bytes, end, at, &ret_subscription->subscriber) &&
           read_text(bytes, end, at, &ret_subscription->payload);
}

// From behind the id on. The second frame is there if and only if the second topic is.
static bool parse_frames(struct record *record, uint32_t frame, uint32_t at)
{
    const char *p = record->bytes.ptr;
    uint32_t end = (uint32_t)record->bytes.len;
    uint32_t legacy_frame = end;
    struct record_subscription unused;
    if (record->flags & RECORD_SUBSCRIPTION) {
        if (record->topic_count > GENERATIONS || !read_subscription(p, frame, &at, &legacy_frame, &unused) ||
            legacy_frame < frame || legacy_frame > end ||
            (legacy_frame < end) != (record->topic_count == GENERATIONS))
            return false;
    }
    record->frame = str_make(p + frame, legacy_frame - frame);
    record->legacy_frame = str_make(p + legacy_frame, end - legacy_frame);
    return at == frame;
}

int record_parse(struct record *ret_record, struct str bytes)
{
    if (bytes.len < RECORD_HEAD_SIZE || bytes.len > UINT32_MAX)
        return HUB_E_CORRUPT;
    const char *p = bytes.ptr;
    if (p[0] != RECORD_VERSION)
        return HUB_E_UNSUPPORTED;
    struct record record = {
        .bytes = bytes,
        .flags = (uint8_t)p[1],
        .topic_count = read_u16(p + AT_TOPIC_COUNT),
        .time_ms = read_u64(p + AT_TIME),
        .node = read_u64(p + AT_NODE),
        .boot = read_u64(p + AT_BOOT),
        .sequence = read_u64(p + AT_SEQUENCE),
    };
    uint32_t frame = read_u32(p + AT_FRAME);
    uint32_t at = RECORD_HEAD_SIZE + record.topic_count * (uint32_t)sizeof(uint32_t);
    if (record.topic_count == 0 || frame > bytes.len || at > frame)
        return HUB_E_CORRUPT;
    struct str topic;
    for (uint16_t i = 0; i < record.topic_count; i++) {
        if (!read_text(p, frame, &at, &topic))
            return HUB_E_CORRUPT;
    }
    if (!read_text(p, frame, &at, &record.id) || !parse_frames(&record, frame, at))
        return HUB_E_CORRUPT;
    *ret_record = record;
    return HUB_OK;
}

static size_t head_size(const struct record_fields *fields)
{
    size_t size = RECORD_HEAD_SIZE + sizeof(uint32_t) + fields->id.len;
    for (size_t i = 0; i < fields->topic_count; i++)
        size += 2 * sizeof(uint32_t) + fields->topics[i].len;
    const struct record_subscription *subscription = fields->subscription;
    if (subscription)
        size += SUBSCRIPTION_HEAD_SIZE + 3 * sizeof(uint32_t) + subscription->match.len +
                subscription->subscriber.len + subscription->payload.len;
    return size;
}

size_t record_size(const struct record_fields *fields)
{
    size_t size = head_size(fields) + fields->frame_size + fields->legacy_frame_size;
    return size <= UINT32_MAX ? size : 0;
}

static char *write_subscription(char *to, const struct record_fields *fields)
{
    const struct record_subscription *subscription = fields->subscription;
    char *at = write_u32(to, (uint32_t)(head_size(fields) + fields->frame_size));
    *at++ = (char)subscription->kind;
    at = write_text(at, subscription->match);
    at = write_text(at, subscription->subscriber);
    return write_text(at, subscription->payload);
}

char *record_write(char *to, const struct record_fields *fields)
{
    HUB_ASSERT(fields->topic_count > 0 && fields->topic_count <= UINT16_MAX);
    HUB_ASSERT(!fields->subscription == !(fields->flags & RECORD_SUBSCRIPTION));
    memset(to, 0, RECORD_HEAD_SIZE);
    to[0] = RECORD_VERSION;
    to[1] = (char)fields->flags;
    uint16_t count = htole16((uint16_t)fields->topic_count);
    memcpy(to + AT_TOPIC_COUNT, &count, sizeof(count));
    (void)write_u32(to + AT_FRAME, (uint32_t)head_size(fields));
    write_u64(to + AT_TIME, fields->time_ms);
    char *at = to + RECORD_HEAD_SIZE;
    for (size_t i = 0; i < fields->topic_count; i++)
        at = write_u32(at, hash_stable(fields->topics[i]));
    for (size_t i = 0; i < fields->topic_count; i++)
        at = write_text(at, fields->topics[i]);
    at = write_text(at, fields->id);
    return fields->subscription ? write_subscription(at, fields) : at;
}

void record_stamp(char *bytes, uint64_t node, uint64_t boot, uint64_t sequence)
{
    write_u64(bytes + AT_NODE, node);
    write_u64(bytes + AT_BOOT, boot);
    write_u64(bytes + AT_SEQUENCE, sequence);
}

struct str record_frame(const struct record *record, enum generation generation)
{
    bool is_legacy = generation == GENERATION_LEGACY && record->flags & RECORD_SUBSCRIPTION;
    return is_legacy ? record->legacy_frame : record->frame;
}

bool record_subscription(const struct record *record, struct record_subscription *ret_subscription)
{
    if (!(record->flags & RECORD_SUBSCRIPTION))
        return false;
    uint32_t at = (uint32_t)(record->id.ptr + record->id.len - record->bytes.ptr);
    uint32_t unused;
    bool read =
        read_subscription(record->bytes.ptr, (uint32_t)record->bytes.len, &at, &unused, ret_subscription);
    HUB_ASSERT(read); // record_parse has seen it
    return true;
}

uint32_t record_topic_hash(const struct record *record, uint16_t i)
{
    return read_u32(record->bytes.ptr + RECORD_HEAD_SIZE + i * sizeof(uint32_t));
}

bool record_next_topic(const struct record *record, struct record_topics *topics, struct str *ret_topic,
                       uint32_t *ret_hash)
{
    if (topics->_index == record->topic_count)
        return false;
    if (topics->_at == 0)
        topics->_at = RECORD_HEAD_SIZE + record->topic_count * (uint32_t)sizeof(uint32_t);
    const char *p = record->bytes.ptr + topics->_at;
    *ret_topic = str_make(p + sizeof(uint32_t), read_u32(p));
    *ret_hash = record_topic_hash(record, topics->_index);
    topics->_at += (uint32_t)(sizeof(uint32_t) + ret_topic->len);
    topics->_index++;
    return true;
}
