// A YAML text (or JSON, which is read as YAML) as a tree whose nodes know their place. What a scalar means is
// decided by whoever asks for it, from the schema: nothing is a number or a boolean here.
//
// One document; anchors, aliases, tags and keys that are no scalars are refused, and so is anything over the
// bounds.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define TREE_TEXT_MAX ((size_t)256 << 10)
#define TREE_DEPTH_MAX 16U
#define TREE_NODES_MAX 20000U
#define TREE_MEMBERS_MAX 1000U

enum tree_kind {
    TREE_SCALAR,
    TREE_SEQUENCE,
    TREE_MAPPING,
};

struct tree {
    enum tree_kind kind;
    bool null;       // a scalar that is empty, ~ or null, without quotes: as good as not written
    unsigned line;   // from 1
    unsigned column; // from 1
    struct str text; // of a scalar
    struct str key;  // of a mapping's member; its place is the next two
    unsigned key_line;
    unsigned key_column;
    bool twice;         // the mapping has a member of that key already: whoever reads it refuses it
    struct tree *child; // the first element or member
    struct tree *next;  // the next element or member beside this one
    size_t count;       // of elements or members
};

struct tree_error {
    unsigned line; // 0: of the text as a whole
    unsigned column;
    char text[200]; // a sentence
};

// The tree lives in the arena. *ret_root is NULL when the text holds nothing. HUB_E_INVALID and HUB_E_TOO_BIG
// fill *reterr; -ENOMEM.
MUST_CHECK int tree_parse(struct tree **ret_root, struct str text, struct arena *arena,
                          struct tree_error *reterr);
