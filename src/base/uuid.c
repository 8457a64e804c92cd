#include "base/uuid.h"

#include "base/random.h"

#include <string.h>

static const char prefix[] = "urn:uuid:";
static const char hex[] = "0123456789abcdef";

static bool dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static void write_urn(char *to, const unsigned char bytes[16])
{
    memcpy(to, prefix, sizeof(prefix) - 1);
    to += sizeof(prefix) - 1;
    size_t nibble = 0;
    for (size_t i = 0; i < 36; i++) {
        if (dash_at(i)) {
            to[i] = '-';
            continue;
        }
        unsigned byte = bytes[nibble / 2];
        to[i] = hex[nibble % 2 ? byte & 15 : byte >> 4];
        nibble++;
    }
}

void uuid_urn_v7(char *to, uint64_t now_ms)
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local unsigned counter;
    unsigned char b[16];
    random_bytes(b + 6, 10);
    if (now_ms > last_ms) {
        last_ms = now_ms;
        counter = (unsigned)(b[6] & 7) << 8 | b[7]; // starts in the lower half, to leave room
    } else if (++counter > 0xfff) {
        last_ms++; // the counter is full: borrow from the next millisecond
        counter = 0;
    }
    for (unsigned i = 0; i < 6; i++)
        b[i] = (unsigned char)(last_ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | counter >> 8);
    b[7] = (unsigned char)counter;
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    write_urn(to, b);
}

void uuid_urn_v4(char *to)
{
    unsigned char b[16];
    random_bytes(b, sizeof(b));
    b[6] = (unsigned char)(0x40 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    write_urn(to, b);
}

bool uuid_urn_time(struct str urn, uint64_t *ret_time_ms)
{
    if (urn.len != UUID_URN_LEN || !str_starts_with(urn, STR("urn:uuid:")))
        return false;
    const char *text = urn.ptr + sizeof(prefix) - 1;
    uint64_t time_ms = 0;
    for (size_t i = 0; i < 36; i++) {
        if (dash_at(i)) {
            if (text[i] != '-')
                return false;
            continue;
        }
        const char *digit = text[i] ? strchr(hex, text[i]) : NULL;
        if (!digit)
            return false;
        if (i < 13)
            time_ms = time_ms << 4 | (uint64_t)(digit - hex);
    }
    if (text[14] != '7' || !strchr("89ab", text[19]))
        return false;
    *ret_time_ms = time_ms;
    return true;
}
