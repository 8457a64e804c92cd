// What was found out about a token, for people and for programs.
#pragma once

#include "base/str.h"
#include "jwt/keyset.h"

struct buf;
struct token_answer;

// Lines: what the token says of itself, each role's rules, what it grants. `answers` has one for each of the
// roles.
void token_report_text(struct str token, const enum jwt_role *roles, const struct token_answer *answers,
                       size_t count, struct buf *to);
// One JSON object, and a line end.
void token_report_json(struct str token, const enum jwt_role *roles, const struct token_answer *answers,
                       size_t count, struct buf *to);
