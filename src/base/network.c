#include "base/network.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96U

static bool is_ipv4(struct str text)
{
    return str_find(text, 0, ':') == text.len;
}

int ip_parse(struct ip *ret_ip, struct str text)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof(copy) || str_find(text, 0, '\0') < text.len)
        return HUB_E_INVALID;
    memcpy(copy, text.ptr ? text.ptr : "", text.len);
    copy[text.len] = '\0';
    *ret_ip = (struct ip){.bytes = {[10] = 0xff, [11] = 0xff}};
    int parsed = is_ipv4(text) ? inet_pton(AF_INET, copy, ret_ip->bytes + MAPPED_BITS / 8)
                               : inet_pton(AF_INET6, copy, ret_ip->bytes);
    return parsed == 1 ? HUB_OK : HUB_E_INVALID;
}

int network_parse(struct network *ret_network, struct str text)
{
    size_t slash = str_find(text, 0, '/');
    struct str address = str_slice(text, 0, slash);
    unsigned first = is_ipv4(address) ? MAPPED_BITS : 0;
    uint64_t bits = 128 - first;
    if (slash < text.len &&
        (str_to_u64(str_slice(text, slash + 1, text.len), &bits) != HUB_OK || bits > 128 - first))
        return HUB_E_INVALID;
    ret_network->bits = first + (unsigned)bits;
    return ip_parse(&ret_network->ip, address);
}

static bool has(const struct network *network, const struct ip *ip)
{
    size_t whole = network->bits / 8;
    if (memcmp(network->ip.bytes, ip->bytes, whole) != 0)
        return false;
    unsigned rest = network->bits % 8;
    return rest == 0 || ((network->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

bool networks_have(const struct networks *networks, const struct ip *ip)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (has(&networks->list[i], ip))
            return true;
    }
    return false;
}
