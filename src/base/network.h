// IP addresses and networks as people write them. An IPv4 address is the IPv6 one that it is mapped to
// (::ffff:192.0.2.1), so that there is one kind. Pure.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip {
    uint8_t bytes[16];
};

struct network {
    struct ip ip;
    unsigned bits; // that count
};

struct networks {
    struct network *list;
    size_t count;
};

// "192.0.2.1", "2001:db8::1". HUB_E_INVALID.
MUST_CHECK int ip_parse(struct ip *ret_ip, struct str text);
// "192.0.2.0/24", "2001:db8::/32", or an address alone. HUB_E_INVALID.
MUST_CHECK int network_parse(struct network *ret_network, struct str text);
// Whether one of the networks has the address.
bool networks_have(const struct networks *networks, const struct ip *ip);
