// The value of the response field Date (RFC 9110 §5.6.7). Pure.
#pragma once

#include <stdint.h>

#define HTTP_DATE_LEN 29

// Writes HTTP_DATE_LEN bytes without a terminating zero.
void http_date_write(char *to, uint64_t unix_s);
