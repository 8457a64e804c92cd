// What the commands that serve have in common.
#pragma once

struct conf;

// Sets the log's level and format; lines on a terminal are for people.
void run_configure_log(const struct conf *conf);
