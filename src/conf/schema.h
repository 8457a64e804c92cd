// The tables behind the configuration: the keys that exist, and names that are known for another reason.
#pragma once

#include "conf/conf.h"

#include <stddef.h>

extern const size_t conf_option_count; // of conf_options

// Names that an operator may rightly expect and that are no keys: `doc` says what to do instead, or is NULL
// for a key that this version does not have yet. A value that asks for nothing (false, empty, or the default)
// is accepted. Only name, letter, variable, type, flags, default and doc are used.
extern const struct option conf_absent[];

// The variables of the 1.0 container image that make one entry of `issuers`, without their prefix.
enum conf_variable {
    CONF_VARIABLE_PUBLISHER_KEY,
    CONF_VARIABLE_PUBLISHER_ALGORITHM,
    CONF_VARIABLE_SUBSCRIBER_KEY,
    CONF_VARIABLE_SUBSCRIBER_ALGORITHM,
    CONF_VARIABLE_ISSUER,
    CONF_VARIABLE_COUNT,
};

extern const struct option conf_variables[];

#define CONF_ISSUER_DEFAULT "https://localhost"
