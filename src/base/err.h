// Error codes. A function that can fail returns 0 or a negative code: -errno for causes of the system,
// HUB_E_* (below -1000) for ours.
#pragma once

#define HUB_OK 0

#define HUB_ERRORS(X) \
    X(HUB_E_INVALID, -1000, "malformed input") \
    X(HUB_E_TOO_BIG, -1001, "over a size limit") \
    X(HUB_E_FULL, -1002, "a bounded queue is full") \
    X(HUB_E_CLOSED, -1003, "closed") \
    X(HUB_E_NOT_FOUND, -1004, "not found") \
    X(HUB_E_CORRUPT, -1005, "stored data is damaged") \
    X(HUB_E_BUSY, -1006, "in use by another process") \
    X(HUB_E_UNSUPPORTED, -1007, "not supported") \
    X(HUB_E_DENIED, -1008, "not allowed")

enum hub_error {
#define X(name, value, text) name = value,
    HUB_ERRORS(X)
#undef X
};

// The text of any code above or of a negated errno; never NULL. Thread-safe; system texts are in English.
const char *err_text(int err);
