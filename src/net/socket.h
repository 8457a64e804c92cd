// What the project sets on and asks of a socket.
#pragma once

#include "base/attr.h"
#include "net/address.h"

struct socket_options {
    // TCP_NOTSENT_LOWAT in bytes: a reader that stalls pins no more kernel memory. 0: as it is.
    unsigned unsent_max;
    // TCP_USER_TIMEOUT: unacknowledged bytes for that long mean that the peer has gone. 0: the system's
    // quarter of an hour.
    unsigned peer_timeout_ms;
};

// For TCP: no delay, the options above, and probes on silent connections. Linux hands all of them down from a
// listening socket to those accepted from it, so that an accept costs no further call. Other families have
// nothing to set. A negative errno.
MUST_CHECK int socket_set_options(int fd, const struct socket_options *options);
// The address of the peer as text, with a terminating zero; returns the length.
size_t socket_format_peer(int fd, char to[ADDRESS_TEXT_MAX]);
// The address that the socket is bound to.
size_t socket_format_bound(int fd, char to[ADDRESS_TEXT_MAX]);
