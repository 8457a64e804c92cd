// Tells a store whose pages add up from one that is damaged.
#pragma once

#include "base/attr.h"

struct buf;
struct env;
struct head;

// The books of the open store: every page is in one table or free, and those behind the end of the file are
// free. `head` is what head_verify has found in the file. HUB_E_CORRUPT or another code of env_err, with a
// sentence.
MUST_CHECK int verify_pages(const char *path, const struct env *env, const struct head *head,
                            struct buf *reterr);
