// The IP addresses of URLs (URL Standard, section 3.5): more forms of IPv4 than inet_pton takes (hexadecimal,
// octal, fewer than four parts), and one canonical form out.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

// Whether a domain is to be read as an IPv4 address, valid or not: its last part is a number.
bool ipv4_is_meant(struct str domain);
// HUB_E_INVALID.
MUST_CHECK int ipv4_parse(struct str domain, uint32_t *ret_address);
void ipv4_append(struct buf *to, uint32_t address);
// The text between the brackets. HUB_E_INVALID.
MUST_CHECK int ipv6_parse(struct str text, uint16_t ret_pieces[8]);
// Without brackets, compressed as RFC 5952 recommends.
void ipv6_append(struct buf *to, const uint16_t pieces[8]);
