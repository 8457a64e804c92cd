// What the HTTP servers of the process have in common: the settings of the configuration, and a line in the
// log for each request that they refuse.
#pragma once

#include "http/server.h"

struct conf;

// The bounds of connections, the handlers and `shared` are for the caller to add.
struct http_server_config http_settings(const struct conf *conf);
