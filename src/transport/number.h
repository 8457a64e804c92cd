// Positions of drivers that number their updates from 1: the number, big-endian, so that the order of the
// bytes is the order of the numbers. Number 0 is the empty position, which stands before every update.
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "transport/transport.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline struct position position_from_number(uint64_t number)
{
    struct position position = {.len = number ? sizeof(number) : 0};
    uint64_t bytes = htobe64(number);
    memcpy(position.bytes, &bytes, position.len);
    return position;
}

// HUB_E_INVALID for a position of another driver.
MUST_CHECK static inline int position_to_number(const struct position *position, uint64_t *ret_number)
{
    uint64_t bytes = 0;
    if (position->len != 0 && position->len != sizeof(bytes))
        return HUB_E_INVALID;
    memcpy(&bytes, position->bytes, position->len);
    *ret_number = be64toh(bytes);
    return HUB_OK;
}
