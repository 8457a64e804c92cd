#include "base/buf.h"
#include "base/err.h"
#include "support/torture.h"
#include "json/json.h"
#include "json/writer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int read_and_write(void *arg)
{
    (void)arg;
    struct json *root = NULL;
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 4096);
    int err = json_parse(&root, STR("{\"a\": [1, 2.5, \"\\u00e9\", null, true], \"b\": {\"c\": {}}}"), NULL);
    if (!err) {
        json_writer_init(&writer, &text, JSON_STYLE_PRETTY);
        json_begin_object(&writer);
        json_write_member(&writer, STR("key"),
                          STR("a text that is longer than the first piece of a buffer is, "
                              "so that it must grow more than once on the way"));
        json_end_object(&writer);
        json_dump(root, &text);
        err = text.err;
    }
    json_free(root);
    buf_done(&text);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(read_and_write, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
