#include "base/err.h"
#include "mercure/authorization.h"
#include "support/patterns.h"
#include "support/torture.h"
#include "json/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int details_are_read(void *arg)
{
    struct authorization *authorization;
    enum authorization_reason reason;
    int err = authorization_parse(&authorization, arg, test_patterns(), &reason);
    if (!err)
        ref_put(&authorization->ref);
    else
        assert_int_equal(reason, AUTHORIZATION_REASON_MEMORY);
    return err;
}

static void details_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct json *details;
    struct str text = STR("[{\"type\":\"" AUTHORIZATION_TYPE "\",\"actions\":[\"subscribe\"],"
                          "\"topics\":[{\"match\":\"a\"}],\"payload\":{\"user\":\"a name\"}}]");
    assert_int_equal(json_parse(&details, text, NULL), HUB_OK);
    torture_run(details_are_read, details);
    assert_true(torture_failures() > 0);
    json_free(details);
}

static int claims_are_read(void *arg)
{
    struct authorization *authorization;
    enum authorization_reason reason;
    int err = authorization_parse_claims(&authorization, arg, test_patterns(), &reason);
    if (!err)
        ref_put(&authorization->ref);
    else
        assert_int_equal(reason, AUTHORIZATION_REASON_MEMORY);
    return err;
}

static void claims_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct json *claims;
    struct str text = STR("{\"mercure\":{\"publish\":[\"/{a}\",\"/{b}/{c}\"],\"subscribe\":[\"d\","
                          "{\"match\":\"e\",\"payload\":{\"user\":1}}],\"payload\":\"f\"}}");
    assert_int_equal(json_parse(&claims, text, NULL), HUB_OK);
    torture_run(claims_are_read, claims);
    assert_true(torture_failures() > 0);
    json_free(claims);
}

int main(void)
{
    (void)test_patterns(); // before memory fails
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_read_whole_or_not_at_all),
        cmocka_unit_test(claims_are_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
