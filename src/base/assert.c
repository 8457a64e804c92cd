#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "cinnabar: bug: %s is false at %s:%d\n", cond, file, line);
    abort();
}
