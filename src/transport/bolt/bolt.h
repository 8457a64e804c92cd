// bolt://PATH: the history in PATH.lmdb on this machine, an LMDB file (bolt.md is the operator's page).
#pragma once

#include "transport/transport.h"

extern const struct transport_ops bolt_transport;
