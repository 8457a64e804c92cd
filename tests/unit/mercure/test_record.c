#include "mercure/record.h"

#include "base/err.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct str topics[] = {{"https://example.com/a", 21}, {"", 0}, {"/b\0c", 4}};

static const struct record_fields fields = {
    .flags = RECORD_PRIVATE | RECORD_GENERATED_ID,
    .time_ms = 0x0102030405060708,
    .topics = topics,
    .topic_count = 3,
    .id = {"urn:uuid:1", 10},
    .frame_size = 5,
};

// In a block of its own size, so that ASan sees every byte that is read behind it.
static char *make(size_t *ret_size)
{
    size_t size = record_size(&fields);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(record_write(bytes, &fields), "frame", 5);
    record_stamp(bytes, 11, 12, 13);
    *ret_size = size;
    return bytes;
}

static void a_record_is_read_as_it_was_written(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    assert_ptr_equal(record.bytes.ptr, bytes);
    assert_int_equal(record.bytes.len, size);
    assert_int_equal(record.flags, RECORD_PRIVATE | RECORD_GENERATED_ID);
    assert_int_equal(record.topic_count, 3);
    assert_int_equal(record.time_ms, 0x0102030405060708);
    assert_int_equal(record.node, 11);
    assert_int_equal(record.boot, 12);
    assert_int_equal(record.sequence, 13);
    assert_true(str_eq(record.id, fields.id));
    assert_true(str_eq(record.frame, STR("frame")));
    free(bytes);
}

static void the_topics_are_walked_with_their_hashes(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(record_next_topic(&record, &walk, &topic, &hash));
        assert_true(str_eq(topic, topics[i]));
        assert_int_equal(hash, hash_stable(topics[i]));
        assert_int_equal(hash, record_topic_hash(&record, i));
    }
    assert_false(record_next_topic(&record, &walk, &topic, &hash));
    assert_false(record_next_topic(&record, &walk, &topic, &hash));
    free(bytes);
}

// The bytes of a record are what other machines and later versions read.
static void the_format_is_what_it_was(void **state)
{
    (void)state;
    static const unsigned char head[RECORD_HEAD_SIZE] = {
        1,  1, 1, 0, 54, 0, 0, 0, // version, flags, topics, where the frame is
        8,  7, 6, 5, 4,  3, 2, 1, // time
        11, 0, 0, 0, 0,  0, 0, 0, // node
        12, 0, 0, 0, 0,  0, 0, 0, // boot
        13, 0, 0, 0, 0,  0, 0, 0, // sequence
    };
    struct str topic = STR("a");
    struct record_fields small = {.flags = RECORD_PRIVATE,
                                  .time_ms = 0x0102030405060708,
                                  .topics = &topic,
                                  .topic_count = 1,
                                  .id = STR("b"),
                                  .frame_size = 1};
    char bytes[64] = {0};
    assert_int_equal(record_size(&small), 55);
    *record_write(bytes, &small) = 'f';
    record_stamp(bytes, 11, 12, 13);
    assert_memory_equal(bytes, head, sizeof(head));
    uint32_t hash = hash_stable(topic);
    const unsigned char tail[] = {(unsigned char)hash,
                                  (unsigned char)(hash >> 8),
                                  (unsigned char)(hash >> 16),
                                  (unsigned char)(hash >> 24),
                                  1,
                                  0,
                                  0,
                                  0,
                                  'a',
                                  1,
                                  0,
                                  0,
                                  0,
                                  'b',
                                  'f'};
    assert_memory_equal(bytes + 40, tail, sizeof(tail));
}

static void an_empty_id_and_an_empty_frame_are_records_too(void **state)
{
    (void)state;
    struct str topic = STR("");
    struct record_fields least = {.topics = &topic, .topic_count = 1};
    char bytes[64];
    size_t size = record_size(&least);
    assert_ptr_equal(record_write(bytes, &least), bytes + size);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    assert_int_equal(record.id.len, 0);
    assert_int_equal(record.frame.len, 0);
    assert_int_equal(record.sequence, 0);
}

static void a_record_of_four_gigabytes_is_too_big(void **state)
{
    (void)state;
    struct record_fields big = fields;
    big.frame_size = 0;
    big.frame_size = UINT32_MAX - record_size(&big);
    assert_int_equal(record_size(&big), UINT32_MAX);
    big.frame_size++;
    assert_int_equal(record_size(&big), 0);
}

static void a_record_that_was_cut_is_refused_unless_only_its_frame_was(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    for (size_t len = 0; len < size; len++) {
        char *cut = malloc(len ? len : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, len);
        struct record record;
        int err = record_parse(&record, str_make(cut, len));
        assert_int_equal(err, len < size - 5 ? HUB_E_CORRUPT : HUB_OK);
        free(cut);
    }
    free(bytes);
}

static void another_version_is_not_taken_for_damage(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    struct record record;
    bytes[0] = RECORD_VERSION + 1;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_E_UNSUPPORTED);
    bytes[0] = 0;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_E_UNSUPPORTED);
    free(bytes);
}

// Reads everything that a view promises.
static unsigned touch(const struct record *record)
{
    unsigned sum = 0;
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        for (size_t i = 0; i < topic.len; i++)
            sum += (unsigned char)topic.ptr[i];
        sum += hash;
    }
    for (size_t i = 0; i < record->id.len; i++)
        sum += (unsigned char)record->id.ptr[i];
    for (size_t i = 0; i < record->frame.len; i++)
        sum += (unsigned char)record->frame.ptr[i];
    return sum;
}

static void whatever_byte_is_changed_nothing_outside_is_read(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    volatile unsigned sum = 0;
    for (size_t at = 0; at < size; at++) {
        char before = bytes[at];
        for (int value = 0; value < 256; value++) {
            bytes[at] = (char)value;
            struct record record;
            if (record_parse(&record, str_make(bytes, size)) == HUB_OK)
                sum += touch(&record);
        }
        bytes[at] = before;
    }
    free(bytes);
}

static void impossible_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {{4, 0},   {4, 39},  {4, 51},          {4, 0xffffffff},
                 {52, 22}, {52, 20}, {52, 0xffffffff}, {52, 0x7fffffff}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t size;
        char *bytes = make(&size);
        memcpy(bytes + cases[i].at, &cases[i].value, sizeof(cases[i].value));
        struct record record;
        assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_E_CORRUPT);
        free(bytes);
    }
    size_t size;
    char *bytes = make(&size);
    bytes[2] = bytes[3] = 0;
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_E_CORRUPT);
    bytes[2] = bytes[3] = (char)0xff;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_E_CORRUPT);
    free(bytes);
}

static void the_most_topics_are_taken(void **state)
{
    (void)state;
    struct str *many = calloc(UINT16_MAX, sizeof(*many));
    assert_non_null(many);
    for (size_t i = 0; i < UINT16_MAX; i++)
        many[i] = STR("t");
    struct record_fields most = {.topics = many, .topic_count = UINT16_MAX, .id = STR("i")};
    size_t size = record_size(&most);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    (void)record_write(bytes, &most);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    size_t count = 0;
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(&record, &walk, &topic, &hash))
        count++;
    assert_int_equal(count, UINT16_MAX);
    free(bytes);
    free(many);
}

// ---- Subscription events ----

static const struct record_subscription subscription = {
    .kind = 1, .match = {"/b/:id", 6}, .subscriber = {"urn:s", 5}, .payload = {"{\"n\":1}", 7}};

static const struct record_fields event_fields = {
    .flags = RECORD_PRIVATE | RECORD_SUBSCRIPTION | RECORD_ACTIVE,
    .topics = topics,
    .topic_count = 2,
    .id = {"urn:uuid:1", 10},
    .frame_size = 6,
    .subscription = &subscription,
    .legacy_frame_size = 3,
};

static char *make_event(size_t *ret_size)
{
    size_t size = record_size(&event_fields);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(record_write(bytes, &event_fields), "modernold", 9);
    *ret_size = size;
    return bytes;
}

static void a_subscription_event_has_its_fields_and_a_frame_for_each_generation(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make_event(&size);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    struct record_subscription read;
    assert_true(record_subscription(&record, &read));
    assert_int_equal(read.kind, 1);
    assert_true(str_eq(read.match, subscription.match));
    assert_true(str_eq(read.subscriber, subscription.subscriber));
    assert_true(str_eq(read.payload, subscription.payload));
    assert_true(str_eq(record_frame(&record, GENERATION_MODERN), STR("modern")));
    assert_true(str_eq(record_frame(&record, GENERATION_LEGACY), STR("old")));
    free(bytes);
}

static void any_other_record_has_one_frame_for_both(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make(&size);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, size)), HUB_OK);
    struct record_subscription read;
    assert_false(record_subscription(&record, &read));
    assert_true(str_eq(record_frame(&record, GENERATION_LEGACY), STR("frame")));
    free(bytes);
}

static void a_second_topic_without_a_second_frame_is_damage(void **state)
{
    (void)state;
    struct record_fields wrong = event_fields;
    wrong.legacy_frame_size = 0;
    char bytes[256];
    memcpy(record_write(bytes, &wrong), "modern", 6);
    struct record record;
    assert_int_equal(record_parse(&record, str_make(bytes, record_size(&wrong))), HUB_E_CORRUPT);
    wrong.topic_count = 1;
    memcpy(record_write(bytes, &wrong), "modern", 6);
    assert_int_equal(record_parse(&record, str_make(bytes, record_size(&wrong))), HUB_OK);
    wrong.topic_count = 3;
    wrong.legacy_frame_size = 3;
    memcpy(record_write(bytes, &wrong), "modernold", 9);
    assert_int_equal(record_parse(&record, str_make(bytes, record_size(&wrong))), HUB_E_CORRUPT);
}

static void whatever_byte_of_an_event_is_changed_nothing_outside_is_read(void **state)
{
    (void)state;
    size_t size;
    char *bytes = make_event(&size);
    for (size_t at = 0; at < size; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            char kept = bytes[at];
            bytes[at] = (char)value;
            struct record record;
            struct record_subscription read;
            if (record_parse(&record, str_make(bytes, size)) == HUB_OK) {
                (void)touch(&record);
                if (record_subscription(&record, &read))
                    assert_true(read.payload.ptr + read.payload.len <= record.frame.ptr);
            }
            bytes[at] = kept;
        }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(the_topics_are_walked_with_their_hashes),
        cmocka_unit_test(the_format_is_what_it_was),
        cmocka_unit_test(an_empty_id_and_an_empty_frame_are_records_too),
        cmocka_unit_test(a_record_of_four_gigabytes_is_too_big),
        cmocka_unit_test(a_record_that_was_cut_is_refused_unless_only_its_frame_was),
        cmocka_unit_test(another_version_is_not_taken_for_damage),
        cmocka_unit_test(whatever_byte_is_changed_nothing_outside_is_read),
        cmocka_unit_test(impossible_lengths_are_refused),
        cmocka_unit_test(the_most_topics_are_taken),
        cmocka_unit_test(a_subscription_event_has_its_fields_and_a_frame_for_each_generation),
        cmocka_unit_test(any_other_record_has_one_frame_for_both),
        cmocka_unit_test(a_second_topic_without_a_second_frame_is_damage),
        cmocka_unit_test(whatever_byte_of_an_event_is_changed_nothing_outside_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
