// What the files of the suite share: each test has a probe whose transport is open, the driver is named on
// the command line.
#pragma once

#include "contract/driver.h"
#include "contract/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(test) cmocka_unit_test_setup_teardown(test, suite_setup, suite_teardown)

// The driver of the command line; `query` ("size=3") is what each probe is opened with, or NULL.
void suite_begin(int argc, char **argv, const char *query);
// The state is the probe.
int suite_setup(void **state);
int suite_teardown(void **state);
