// The playground's resources: an application to discover the hub from, which says whatever it is asked to
// say.
#pragma once

struct conf;
struct exchange;

#define PLAYGROUND_PATH "/playground/"

// Answers a GET or HEAD below PLAYGROUND_PATH with the parameter `body` of the query, the Links by which a
// client finds the hub (one to it, one to the resource itself), and a cookie with the parameter `jwt`.
void playground_handle(const struct conf *conf, struct exchange *exchange);
