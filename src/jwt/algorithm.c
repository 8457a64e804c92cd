#include "jwt/algorithm.h"

#include "base/attr.h"

static const char *const names[] = {
#define X(name) #name,
    JWT_ALGORITHMS(X)
#undef X
};

bool jwt_algorithm_from_name(struct str name, enum jwt_algorithm *ret_algorithm)
{
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(name, str_from_c(names[i]))) {
            *ret_algorithm = (enum jwt_algorithm)i;
            return true;
        }
    }
    return false;
}

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return names[algorithm];
}

bool jwt_algorithm_is_secret(enum jwt_algorithm algorithm)
{
    return JWT_ALGORITHMS_SECRET & 1U << algorithm;
}
