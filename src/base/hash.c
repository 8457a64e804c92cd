#include "base/hash.h"

#include "base/random.h"

#include <string.h>

static uint64_t secret[2];

void hash_init(void)
{
    random_bytes(secret, sizeof(secret));
}

static uint64_t rotl(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

// SipHash (Aumasson and Bernstein, 2012) with one compression and three finalization rounds.
uint64_t hash_keyed(struct str s)
{
    uint64_t v[4] = {secret[0] ^ UINT64_C(0x736f6d6570736575), secret[1] ^ UINT64_C(0x646f72616e646f6d),
                     secret[0] ^ UINT64_C(0x6c7967656e657261), secret[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word;
    size_t i = 0;
    for (; s.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (s.len > i)
        memcpy(&word, s.ptr + i, s.len - i);
    word |= (uint64_t)s.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t hash_stable(struct str s)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT32_C(16777619);
    return hash;
}
