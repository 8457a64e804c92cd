// local://: updates are ordered in memory and kept by nobody but the hub's tail.
#pragma once

#include "transport/transport.h"

extern const struct transport_ops local_transport;
