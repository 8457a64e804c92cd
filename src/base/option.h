// A table that describes options: what each is called, of what type and range it is, and where in the
// caller's struct its value goes. The keys of the configuration and the query parameters of a transport's URL
// are both declared so; texts are parsed, help is written and mistyped names are matched from the table
// alone.
//
//     struct settings { uint64_t size; unsigned sync; };
//     static const struct option options[] = {
//         {.name = "size", .type = OPTION_INTEGER, .default_text = "0", .max = OPTION_NO_MAX,
//          OPTION_AT(struct settings, size), .doc = "Updates kept; 0 keeps all."},
//         {.name = "sync", .type = OPTION_ENUM, .words = (const char *const[]){"always", "off", NULL},
//          .default_text = "always", OPTION_AT(struct settings, sync), .doc = "..."},
//         {.name = "bucket_name", .type = OPTION_TEXT, .flags = OPTION_IGNORED, .doc = "..."},
//         {0},
//     };
//
// Pure and thread-safe. Values are kept in an arena, which must outlive the target.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

// The type says what a text may look like and what the target member is.
enum option_type {
    OPTION_BOOL,     // bool: the words of YAML and Go: true yes on y t 1, false no off n f 0
    OPTION_INTEGER,  // uint64_t: decimal digits
    OPTION_DURATION, // uint64_t in milliseconds: Go's syntax, 1h30m, 300ms, 0s; of bare numbers only 0
    OPTION_SIZE,     // uint64_t in bytes: 1MiB, 1MB or bytes
    OPTION_TEXT,     // struct str
    OPTION_PATH,     // struct str
    OPTION_URL,      // struct str that starts with a scheme and "://"
    OPTION_LIST,     // struct option_list: split at white space and commas
    OPTION_ENUM,     // unsigned: the index of the word; case of letters does not matter
    OPTION_TREE,     // parsed by its owner; option_parse is never called for it
};

enum option_flag {
    OPTION_SECRET = 1,  // never printed; <NAME>_FILE may name a file with the value
    OPTION_IGNORED = 2, // accepted for compatibility, without effect and target
    OPTION_BARE = 4,    // `variable` is its only environment variable: there is none with the prefix
    OPTION_SHARED = 8,  // other programs read `variable` too: what is no value of this type is theirs
};

#define OPTION_NO_MAX UINT64_MAX
#define OPTION_TEXT_MAX 65536U // bytes of a text whose option names no other maximum
#define OPTION_LIST_MAX 1000U  // elements, likewise

struct option_list {
    struct str *items;
    size_t count;
};

struct option {
    const char *name;           // snake_case; NULL ends a table
    const char *const *aliases; // older names, NULL-terminated; or NULL
    const char *variable;       // an environment variable without prefix that 0.x had; or NULL
    const char *section;        // a heading that begins with this option; or NULL
    enum option_type type;
    unsigned flags;           // of enum option_flag
    const char *default_text; // as a user would write it; NULL leaves the member as it is, which is zero
    const char *default_doc;  // the default in words where default_text does not say it; or NULL
    const char *const *words; // of OPTION_ENUM, NULL-terminated
    uint64_t min;             // of integers, durations (ms), sizes, and bytes of a text
    uint64_t max;             // 0: none for numbers, OPTION_TEXT_MAX and OPTION_LIST_MAX otherwise
    bool or_zero;             // 0 is allowed although min is more: it means off, none or automatic
    char letter;              // of the short flag, or 0
    size_t offset;
    const char *doc; // one sentence or two for the user
};

#define OPTION_AT(type, member) .offset = offsetof(type, member)

// The option of that name or alias, or NULL.
const struct option *option_find(const struct option *options, struct str name);
// The name or alias in the table that is most like `name`, or NULL when none is near enough to be meant.
const char *option_nearest(const struct option *options, struct str name);
// How many letters must be added, removed, changed or swapped with a neighbour to make `b` of `a`. Case does
// not count, nor whether words are joined by '-' or '_'. At most 64 bytes of each are looked at.
unsigned option_distance(struct str a, struct str b);
// The type in one word, for people.
const char *option_type_name(enum option_type type);
// Appends a number as a user would write it for this option: "40s", "64KiB", "100".
void option_print_number(const struct option *option, uint64_t number, struct buf *buf);

// Parses `text` into the member of *target. HUB_E_INVALID appends what is wrong to `reterr`, to be read after
// the name of the option ("must be ...", "is ..."), and leaves the target as it was; -ENOMEM.
MUST_CHECK int option_parse(const struct option *option, void *target, struct str text, struct arena *arena,
                            struct buf *reterr);
// Empties a list.
void option_clear_list(const struct option *option, void *target);
// Adds one element, as it stands, to a list. HUB_E_INVALID (empty, or too many) and -ENOMEM as above.
MUST_CHECK int option_append(const struct option *option, void *target, struct str item, struct arena *arena,
                             struct buf *reterr);
// Sets every member to its default. -ENOMEM.
MUST_CHECK int option_set_defaults(const struct option *options, void *target, struct arena *arena);
// Parses the query of a URL ("size=10&sync=off", without '?') into *target: %XX and '+' are decoded, an
// unknown or repeated name is an error with the nearest one. Appends a line to `warnings` (which may be NULL)
// for each option that is ignored. HUB_E_INVALID appends whole sentences to `reterr`, one for each parameter
// that is wrong, with a line end between them; -ENOMEM.
MUST_CHECK int option_parse_query(const struct option *options, void *target, struct str query,
                                  struct arena *arena, struct buf *warnings, struct buf *reterr);
