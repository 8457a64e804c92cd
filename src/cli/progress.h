// One line on stderr that is written over: how far long work is. Only on a terminal.
#pragma once

#include <stdbool.h>

bool progress_wanted(void);
// Replaces the line; NULL takes it away.
void progress_show(const char *text);
