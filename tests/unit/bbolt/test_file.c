// Files that are damaged or made to do harm: an error that says what is wrong and where, in bounded time.
#include "fixture.h"

#define PAGE 1024U
#define META_AT 16U

static int setup(void **state)
{
    struct image *image = malloc(sizeof(*image));
    assert_non_null(image);
    image_load(image, "many");
    *state = image;
    return 0;
}

static int teardown(void **state)
{
    struct image *image = *state;
    free(image->bytes);
    free(image);
    return 0;
}

static char *page_at(struct image *image, uint64_t id)
{
    assert_true((id + 1) * PAGE <= image->len);
    return image->bytes + id * PAGE;
}

static void put_u16(char *to, uint16_t value)
{
    memcpy(to, &value, sizeof(value));
}

static void put_u32(char *to, uint32_t value)
{
    memcpy(to, &value, sizeof(value));
}

static void put_u64(char *to, uint64_t value)
{
    memcpy(to, &value, sizeof(value));
}

static uint64_t get_u64(const char *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static void sign(char *meta)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < 56; i++)
        hash = (hash ^ (unsigned char)meta[i]) * 0x100000001b3U;
    put_u64(meta + 56, hash);
}

static char *newer_meta(struct image *image)
{
    char *first = page_at(image, 0) + META_AT;
    char *second = page_at(image, 1) + META_AT;
    return get_u64(first + 48) > get_u64(second + 48) ? first : second;
}

// The first page that is a branch, which is the root of the bucket: its tree has two levels.
static char *find_branch(struct image *image, uint64_t *ret_id)
{
    char *found = NULL;
    for (uint64_t id = 2; (id + 1) * PAGE <= image->len; id++) {
        uint16_t kind, count;
        memcpy(&kind, page_at(image, id) + 8, 2);
        memcpy(&count, page_at(image, id) + 10, 2);
        if (kind == 1 && get_u64(page_at(image, id)) == id && count > 2) {
            found = page_at(image, id);
            *ret_id = id;
        }
    }
    assert_non_null(found);
    return found;
}

static void expect_refusal(struct image *image, const char *reason)
{
    struct walked walked = image_walk(image, "updates");
    assert_int_equal(walked.err, HUB_E_CORRUPT);
    if (!strstr(walked.reason, reason))
        fail_msg("\"%s\" does not say \"%s\"", walked.reason, reason);
}

// ---- Heads ----

static void the_other_head_serves_when_the_newer_one_is_damaged(void **state)
{
    struct image *image = *state;
    char *meta = newer_meta(image);
    meta[20] ^= 1;
    struct walked walked = image_walk(image, "updates");
    // The older transaction: bbolt has not written over its pages, as no later one came.
    assert_int_equal(walked.err, HUB_OK);
}

static void the_newer_head_counts(void **state)
{
    struct image *image = *state;
    char *newer = newer_meta(image);
    char *older =
        newer == page_at(image, 0) + META_AT ? page_at(image, 1) + META_AT : page_at(image, 0) + META_AT;
    put_u64(older + 16, 1U << 20); // its root
    put_u64(older + 40, 1U << 21); // its number of pages
    sign(older);
    assert_int_equal(image_walk(image, "updates").count, 120);
}

static void two_damaged_heads_are_told(void **state)
{
    struct image *image = *state;
    bool is;
    page_at(image, 0)[META_AT + 20] ^= 1;
    page_at(image, 1)[META_AT + 20] ^= 1;
    expect_refusal(image, "no meta page that is sound: of page 0, its checksum is wrong");
    assert_int_equal(bbolt_recognise(&image->source, &is), HUB_OK);
    assert_true(is);
}

static void a_second_head_is_found_without_the_first(void **state)
{
    struct image *image = *state;
    bool is;
    // Both heads are of the newest transaction, so that nothing is lost with the first.
    memcpy(page_at(image, 1) + META_AT, newer_meta(image), 64);
    memset(page_at(image, 0), 0, PAGE);
    assert_int_equal(bbolt_recognise(&image->source, &is), HUB_OK);
    assert_true(is);
    assert_int_equal(image_walk(image, "updates").count, 120);
}

static void another_version_or_byte_order_is_told(void **state)
{
    struct image *image = *state;
    for (uint64_t id = 0; id < 2; id++) {
        put_u32(page_at(image, id) + META_AT + 4, 3);
        sign(page_at(image, id) + META_AT);
    }
    struct walked walked = image_walk(image, "updates");
    assert_int_equal(walked.err, HUB_E_UNSUPPORTED);
    assert_non_null(strstr(walked.reason, "another version"));
    for (uint64_t id = 0; id < 2; id++)
        put_u32(page_at(image, id) + META_AT, __builtin_bswap32(0xED0CDAEDU));
    walked = image_walk(image, "updates");
    assert_int_equal(walked.err, HUB_E_UNSUPPORTED);
    assert_non_null(strstr(walked.reason, "other byte order"));
}

static void something_else_is_not_recognised(void **state)
{
    struct image *image = *state;
    bool is;
    memset(image->bytes, 'x', image->len);
    assert_int_equal(bbolt_recognise(&image->source, &is), HUB_OK);
    assert_false(is);
    image->len = image->source.size = 0;
    assert_int_equal(bbolt_recognise(&image->source, &is), HUB_OK);
    assert_false(is);
    expect_refusal(image, "no magic number");
}

static void bounds_in_a_head_are_checked(void **state)
{
    struct image *image = *state;
    static const struct {
        size_t at;
        uint64_t value;
        const char *reason;
    } cases[] = {
        {8, 1000, "page size"}, {8, 1U << 31, "page size"}, {16, 0, "root"}, {16, UINT64_MAX, "root"},
        {40, 0, "root"},        {40, UINT64_MAX, "root"},
    };
    char good[64];
    memcpy(good, newer_meta(image), sizeof(good));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (uint64_t id = 0; id < 2; id++) {
            char *meta = page_at(image, id) + META_AT;
            memcpy(meta, good, sizeof(good));
            if (cases[i].at == 8)
                put_u32(meta + 8, (uint32_t)cases[i].value);
            else
                put_u64(meta + cases[i].at, cases[i].value);
            sign(meta);
        }
        expect_refusal(image, cases[i].reason);
    }
}

// ---- Pages ----

static void a_file_that_is_cut_short_is_told(void **state)
{
    struct image *image = *state;
    size_t whole = image->len;
    size_t refused = 0;
    for (size_t len = 0; len < whole; len += 512) {
        image->len = image->source.size = len;
        struct walked walked = image_walk(image, "updates");
        assert_true(walked.err != HUB_OK || walked.count == 120);
        refused += walked.err == HUB_E_CORRUPT;
        if (walked.err != HUB_OK)
            assert_true(walked.reason[0] != '\0');
    }
    assert_true(refused > whole / PAGE);
    image->len = whole / 2;
    image->source.size = whole; // it shrinks while it is read
    expect_refusal(image, "lies behind the end of the file: it was cut short");
}

static void a_page_that_contains_itself_is_told(void **state)
{
    struct image *image = *state;
    uint64_t id;
    char *branch = find_branch(image, &id);
    put_u64(branch + 16 + 8, id);
    expect_refusal(image, "deeper than 32 pages");
}

// Each level leads only to the next one, but by many ways: 60 ^ 25 without a bound.
static void pages_that_are_reached_twice_are_told_in_bounded_time(void **state)
{
    struct image *image = *state;
    uint64_t root;
    (void)find_branch(image, &root);
    for (uint64_t id = 5; id < 30; id++) {
        char *page = page_at(image, id);
        memset(page, 0, PAGE);
        put_u64(page, id);
        put_u16(page + 8, id == 29 ? 2 : 1);
        put_u16(page + 10, id == 29 ? 0 : 30);
        for (unsigned i = 0; id < 29 && i < 30; i++) {
            char *element = page + 16 + i * 16;
            size_t key_at = 16 + 30 * 16 + i * 2;
            put_u32(element, (uint32_t)(key_at - 16 - i * 16));
            put_u32(element + 4, 2);
            put_u64(element + 8, id + 1);
            page[key_at] = 'k';
            page[key_at + 1] = (char)i;
        }
    }
    char *meta = newer_meta(image);
    put_u64(meta + 16, 5);
    sign(meta);
    image->bytes_read = 0;
    expect_refusal(image, "is in its tree more than once");
    assert_true(image->bytes_read < 4 * image->len);
}

static void elements_are_checked(void **state)
{
    struct image *image = *state;
    uint64_t id;
    char *branch = find_branch(image, &id);
    char good[PAGE];
    memcpy(good, branch, PAGE);
    static const struct {
        size_t at;
        size_t size;
        uint64_t value;
        const char *reason;
    } cases[] = {
        {0, 8, 1, "has the number of another page"},
        {8, 2, 0x10, "is neither branch nor leaf"},
        {8, 2, 3, "is neither branch nor leaf"},
        {10, 2, 0, "is an empty branch"},
        {10, 2, 0xFFFF, "has more elements than room"},
        {12, 4, UINT32_MAX, "reaches behind the last page"},
        {16, 4, 0, "has an element outside of its place"},
        {16, 4, UINT32_MAX, "has an element outside of its place"},
        {20, 4, UINT32_MAX, "has an element outside of its place"},
        {24, 8, 1, "leads to a page that is not there"},
        {24, 8, UINT64_MAX, "leads to a page that is not there"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memcpy(branch, good, PAGE);
        memcpy(branch + cases[i].at, &cases[i].value, cases[i].size);
        expect_refusal(image, cases[i].reason);
    }
    memcpy(branch, good, PAGE);
    put_u64(branch + 16 + 8, get_u64(branch + 32 + 8)); // the second child twice
    expect_refusal(image, "begins before the end of the one before it");
}

// ---- Everything ----

static void change_each_byte(const char *name, const char *bucket)
{
    struct image image;
    image_load(&image, name);
    static const unsigned char masks[] = {0x01, 0x80, 0xFF};
    for (size_t i = 0; i < image.len; i++) {
        for (size_t m = 0; m < sizeof(masks); m++) {
            image.bytes[i] = (char)(image.bytes[i] ^ masks[m]);
            image.bytes_read = 0;
            struct walked walked = image_walk(&image, bucket);
            assert_true(walked.err == HUB_OK || walked.err == HUB_E_NOT_FOUND ||
                        walked.err == HUB_E_CORRUPT || walked.err == HUB_E_UNSUPPORTED);
            if (walked.err == HUB_E_CORRUPT)
                assert_true(walked.reason[0] != '\0');
            assert_true(image.bytes_read < 4 * image.len + 65536);
            image.bytes[i] = (char)(image.bytes[i] ^ masks[m]);
        }
    }
    free(image.bytes);
}

static void no_changed_byte_does_harm(void **state)
{
    (void)state;
    change_each_byte("orders", "updates");
    change_each_byte("one", "updates");
    change_each_byte("bucket", "other");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_other_head_serves_when_the_newer_one_is_damaged),
        TEST(the_newer_head_counts),
        TEST(two_damaged_heads_are_told),
        TEST(a_second_head_is_found_without_the_first),
        TEST(another_version_or_byte_order_is_told),
        TEST(something_else_is_not_recognised),
        TEST(bounds_in_a_head_are_checked),
        TEST(a_file_that_is_cut_short_is_told),
        TEST(a_page_that_contains_itself_is_told),
        TEST(pages_that_are_reached_twice_are_told_in_bounded_time),
        TEST(elements_are_checked),
        TEST(no_changed_byte_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
