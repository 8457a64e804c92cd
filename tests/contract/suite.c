#include "contract/suite.h"

static const struct driver *driver;
static const char *query;

void suite_begin(int argc, char **argv, const char *query_of_all)
{
    driver = driver_find(argc > 1 ? argv[1] : NULL);
    query = query_of_all;
}

int suite_setup(void **state)
{
    struct probe *probe = malloc(sizeof(*probe));
    assert_non_null(probe);
    probe_init(probe, driver);
    assert_int_equal(probe_open(probe, query), 0);
    *state = probe;
    return 0;
}

int suite_teardown(void **state)
{
    probe_done(*state);
    free(*state);
    return 0;
}
