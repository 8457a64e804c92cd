// The page for people and what it asks for: with `debugger` or `playground` only.
#pragma once

#include <stdbool.h>

struct exchange;
struct worker;

// Answers if the path is one of the page's; false when it is not.
bool pages_handle(struct worker *worker, struct exchange *exchange);
