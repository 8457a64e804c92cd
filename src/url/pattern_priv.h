// What the files of URL patterns share. From text to something that matches (the names are the standard's):
//
//     pattern_constructor.c   "parse a constructor string": one text becomes texts of components
//     pattern_init.c          "process a URLPatternInit": what is missing comes from the base URL
//     pattern_tokens.c        "tokenize"
//     pattern_parts.c         "parse a pattern string": the text of a component becomes a list of parts
//     pattern_encode.c        the encoding callbacks: fixed text becomes what a parsed URL has
//     pattern_regexp.c        "generate a regular expression" of parts, of which some are custom groups
//     pattern_group.c         what a custom group says in JavaScript, in PCRE2's language
//     pattern_class.c         character classes in custom groups
//     pattern_component.c     parts become steps, or a regular expression
//     pattern_steps.c         matches steps
//     pattern.c               all of it together
//
// Functions that can fail return HUB_E_INVALID or HUB_E_TOO_BIG with *reason set, or -ENOMEM.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "url/pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct component_regex;
struct url;

// Memory of one compilation.
#define PATTERN_ARENA_MAX ((size_t)4 << 20)

enum token_type {
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_REGEXP,
    TOKEN_NAME,
    TOKEN_CHAR,
    TOKEN_ESCAPED_CHAR,
    TOKEN_OTHER_MODIFIER,
    TOKEN_ASTERISK,
    TOKEN_END,
    TOKEN_INVALID_CHAR,
};

struct token {
    enum token_type type;
    size_t index; // of its first byte in the text
    struct str value;
};

// The last one is a TOKEN_END.
struct token_list {
    struct token *tokens;
    size_t count;
};

enum tokenize_policy {
    TOKENIZE_STRICT,
    TOKENIZE_LENIENT, // what is malformed becomes a TOKEN_INVALID_CHAR
};

// The text is UTF-8.
MUST_CHECK int tokenize(struct arena *arena, struct str text, enum tokenize_policy policy,
                        struct token_list *ret_list, const char **reason);
// "is a valid name code point".
bool token_is_name_char(uint32_t c, bool is_first);

enum part_type {
    PART_FIXED_TEXT,
    PART_REGEXP,
    PART_SEGMENT_WILDCARD,
    PART_FULL_WILDCARD,
};

enum part_modifier {
    MODIFIER_NONE,
    MODIFIER_OPTIONAL,
    MODIFIER_ZERO_OR_MORE,
    MODIFIER_ONE_OR_MORE,
};

struct part {
    struct part *next;
    enum part_type type;
    enum part_modifier modifier;
    struct str value;   // fixed text, or the source of a regular expression
    struct str name;    // empty: of fixed text, or (is_numbered) the number of the group
    uint32_t name_hash; // of a name that is written
    bool is_numbered;
    struct str prefix;
    struct str suffix;
};

// "options" and the "encoding callback" of a component.
struct pattern_syntax {
    char delimiter; // '\0': none
    char prefix;    // the same
    bool ignores_case;
    int (*encode)(struct buf *to, struct str text); // HUB_E_INVALID, -ENOMEM or the error of the buffer
};

// The parts are in the arena; NULL when there are none.
MUST_CHECK int parts_parse(struct arena *arena, struct str text, const struct pattern_syntax *syntax,
                           struct part **ret_parts, const char **reason);

// The modifier with which the part matches the same texts with the least work: a wildcard need not come again
// when it can hold the prefix and suffix that would be between the two.
enum part_modifier part_least_modifier(const struct part *part, const struct pattern_syntax *syntax);

// Canonicalization, section 3.1 of the standard. Each appends the encoded text.
MUST_CHECK int encode_protocol(struct buf *to, struct str text);
MUST_CHECK int encode_userinfo(struct buf *to, struct str text);
MUST_CHECK int encode_hostname(struct buf *to, struct str text);
MUST_CHECK int encode_ipv6_hostname(struct buf *to, struct str text);
MUST_CHECK int encode_port(struct buf *to, struct str text);
MUST_CHECK int encode_pathname(struct buf *to, struct str text);
MUST_CHECK int encode_opaque_pathname(struct buf *to, struct str text);
MUST_CHECK int encode_search(struct buf *to, struct str text);
MUST_CHECK int encode_hash(struct buf *to, struct str text);

enum step_kind {
    STEP_TEXT,     // the prefix alone
    STEP_SEGMENT,  // one character or more, none of them the delimiter
    STEP_ANYTHING, // or nothing
};

// What matches a piece of a component. With a modifier the whole may be missing or come again.
struct step {
    enum step_kind kind : 8;
    enum part_modifier modifier : 8;
    uint32_t text;       // where the prefix is in the texts, with the suffix behind it
    uint32_t prefix_len; // both are 0 for segments and wildcards without a modifier,
    uint32_t suffix_len; // which have their texts in steps of their own
};

enum component_kind {
    COMPONENT_WALK, // each step ends at one place only
    COMPONENT_SETS, // a step may end at several
    COMPONENT_REGEX,
};

// One component of a pattern.
struct component {
    enum component_kind kind : 8;
    char delimiter;
    bool ignores_case;
    uint32_t first_step;
    uint32_t step_count;           // of a regular expression: the text that it starts with, if any
    struct component_regex *regex; // or NULL
};

// Steps and texts of all components; what a pattern and its components under construction share.
struct steps {
    const struct step *steps;
    const char *texts; // in lower case where a component ignores case
};

// While a pattern is built: `steps` holds struct step after struct step.
struct component_builder {
    struct arena *arena;
    struct buf *steps;
    struct buf *texts;
    size_t choices; // of the regular expressions
};

// What has been built so far; valid until more is.
struct steps component_builder_steps(const struct component_builder *builder);
// "Compile a component"; the other steps are in the builder. component_done is the caller's.
MUST_CHECK int component_compile(struct component *component, struct component_builder *builder,
                                 struct str text, const struct pattern_syntax *syntax, const char **reason);
void component_done(struct component *component);
// The bytes of its regular expression, with the machine code for it.
size_t component_regex_memory(const struct component *component);
// 1, 0, HUB_E_TOO_BIG when the work does not suffice, or -ENOMEM. Takes from *work what it has done, in units
// of url_pattern_work.
MUST_CHECK int component_test(const struct component *component, const struct steps *steps, struct str text,
                              uint64_t *work);

// pattern_steps.c: whether each of the steps ends at one place only, whatever it is tried on.
bool steps_can_walk(const struct component *component, const struct steps *steps);
bool steps_walk(const struct component *component, const struct steps *steps, struct str text);
// For steps of any kind: component_test. Only texts of many KiB can give -ENOMEM.
MUST_CHECK int steps_match_sets(const struct component *component, const struct steps *steps, struct str text,
                                uint64_t *work);

// Stands in a regular expression where a match counts its work: behind whatever PCRE2 may come back to.
#define REGEXP_COUNT "(?C)"

// pattern_regexp.c: appends the regular expression of parts in PCRE2's language, for matches of the whole.
// With `captures` it is the very one of the standard, in which each group of the pattern captures; otherwise
// one that matches the same with less work.
MUST_CHECK int regexp_append_parts(struct buf *to, const struct part *parts,
                                   const struct pattern_syntax *syntax, bool captures, const char **reason);
// pattern_group.c: appends the one of a custom group.
MUST_CHECK int group_append_regexp(struct buf *to, struct str source, bool ignores_case, const char **reason);

// "Parse a constructor string". What it does not say is absent.
MUST_CHECK int constructor_parse(struct arena *arena, struct str text, struct url_pattern_init *init,
                                 const char **reason);
// "Process a URLPatternInit" of the type "pattern", and what "create" does with the result: no component is
// absent. `base` may be NULL.
MUST_CHECK int init_process(struct arena *arena, const struct url_pattern_init *init, const struct url *base,
                            struct url_pattern_init *result);
// "Protocol component matches a special scheme" for a pattern of a protocol: 1, 0 or an error.
MUST_CHECK int protocol_matches_special_scheme(struct arena *arena, struct str text, const char **reason);
// How a component is written; the syntax of the path depends on whether the protocol matches a special
// scheme.
struct pattern_syntax pattern_syntax_of(enum url_component component, struct str hostname, bool is_special,
                                        bool ignores_case);
// For tests: whether a component of it is a regular expression.
bool pattern_has_regex(const struct url_pattern *pattern);
// url_pattern_test for the texts of components.
MUST_CHECK int pattern_test_texts(const struct url_pattern *pattern, const struct str texts[URL_COMPONENTS],
                                  uint64_t *work);
