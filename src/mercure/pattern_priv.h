// Between pattern.c, which holds patterns and tries them, and pattern_index.c, which finds those to be tried.
#pragma once

#include "mercure/pattern.h"

// Whether it matches the topic that patterns->_topic shows.
bool pattern_test(struct pattern *pattern);
