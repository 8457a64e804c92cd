// The keys in tests/data/keys.
#pragma once

#include "base/err.h"
#include "jwt/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// The content of a file, for free().
static inline char *key_text(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), TESTDATA "/keys/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 8192);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 8191, file), 1, 8190);
    (void)fclose(file);
    return text;
}

static inline struct jwt_key *key_of(const char *name, const char *algorithm)
{
    struct jwt_key *key = NULL;
    const char *error = NULL;
    char *text = key_text(name);
    if (jwt_key_load(&key, str_from_c(text), str_from_c(algorithm), STR(""), &error) != HUB_OK)
        fail_msg("%s for %s: %s", name, algorithm, error);
    assert_null(error);
    free(text);
    return key;
}

// Asserts that a text is refused as a key, and with which sentence.
static inline void assert_no_key(const char *text, const char *algorithm, const char *sentence)
{
    struct jwt_key *key = NULL;
    const char *error = NULL;
    assert_int_not_equal(jwt_key_load(&key, str_from_c(text), str_from_c(algorithm), STR(""), &error),
                         HUB_OK);
    assert_null(key);
    assert_string_equal(error, sentence);
}

static inline void assert_no_key_in(const char *name, const char *algorithm, const char *sentence)
{
    char *text = key_text(name);
    assert_no_key(text, algorithm, sentence);
    free(text);
}
