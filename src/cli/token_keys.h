// The keys of a configuration, for a command.
#pragma once

struct conf;
struct jwt_keyset;

// What cannot be loaded is told on stderr. NULL: nothing can be checked.
struct jwt_keyset *token_keys_load(const struct conf *conf);
