// What the commands that serve have in common.
#pragma once

struct conf;
struct server_events;

// Sets the log up (its lines on a terminal are for people), checks, serves, and returns the exit status. When
// an address is taken, it says so and what to do. `events` may be NULL.
int run_serve(struct conf *conf, const struct server_events *events);
