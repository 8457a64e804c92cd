#include "jwt/reason.h"

#include "base/attr.h"

static const char *const texts[] = {
#define X(name, text) text,
    JWT_REASONS(X)
#undef X
};

const char *jwt_reason_text(enum jwt_reason reason)
{
    return texts[reason];
}
