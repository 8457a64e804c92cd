// The playground's resources: an application to discover the hub from, which says whatever it is asked to
// say.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct conf;
struct exchange;

// Whether one is at the path: below /playground/, and with the 0.x protocol where it had them.
bool playground_has(const struct conf *conf, struct str path);
// Answers a GET or HEAD at such a path with the parameter `body` of the query, the Links by which a
// client finds the hub (one to it, one to the resource itself), and a cookie with the parameter `jwt`.
void playground_handle(const struct conf *conf, struct exchange *exchange);
