// What an address, an origin, a URL and a cookie's name look like. Pure: nothing is looked up. Each check
// returns NULL when the text is sound, else what is wrong with it, to be read after the text.
#pragma once

#include "base/str.h"

// "host:port", ":port", "[v6]:port" or "unix:/path".
const char *syntax_check_address(struct str address);
// "*", "null", or a scheme and an authority alone, with at most one '*' in the host or as the port.
const char *syntax_check_origin(struct str origin);
// An absolute URL of http or https with a host, without user information and fragment.
const char *syntax_check_web_url(struct str url);
// A token of RFC 9110, as a cookie's name must be.
const char *syntax_check_token(struct str token);
// The path of a file: URL of this machine, as it stands there: with %XX. A NULL ptr when it is none.
struct str syntax_file_path(struct str url);
// The host of a URL that has been checked, with its brackets, without its port.
struct str syntax_host(struct str url);
