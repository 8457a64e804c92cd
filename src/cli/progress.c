#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

bool progress_wanted(void)
{
    return isatty(STDERR_FILENO) == 1;
}

void progress_show(const char *text)
{
    (void)fprintf(stderr, "\r\033[K%s", text ? text : "");
    (void)fflush(stderr);
}
