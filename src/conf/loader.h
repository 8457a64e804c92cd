// The state of one conf_load, shared by the files of this folder that read one source each. The sources are
// applied from the weakest to the strongest; each value overwrites what was there.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/option.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/error.h"
#include "conf/schema.h"

#include <stdbool.h>
#include <stddef.h>

struct tree;

// A flag of the command line, kept until the weaker sources have been read.
struct flag_value {
    const struct option *option;
    struct str text;
    struct conf_origin origin;
};

// One of conf_variables; the text's ptr is NULL where it is unset.
struct variable_value {
    struct str text;
    struct conf_origin origin;
};

struct loader {
    struct conf *conf;
    const struct conf_source *source;
    struct conf_errors *errors;
    bool *failed; // for each option: a source holds a value that was refused, so that checks of it would
                  // mislead
    struct flag_value *flags;
    size_t flag_count;
    struct str config_path; // of --config; NULL ptr without
    struct variable_value variables[CONF_VARIABLE_COUNT];
    struct buf reason; // scratch for one sentence
    int err;           // -ENOMEM, sticky
};

// Notes an error or a warning; the sentence is built like printf's.
void loader_error(struct loader *loader, const struct conf_origin *origin, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void loader_warn(struct loader *loader, const struct conf_origin *origin, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

size_t loader_index(const struct option *option);
struct conf_origin *loader_origin(struct loader *loader, const struct option *option);
// Notes an error about the value of an option, and that it has failed.
void loader_refuse(struct loader *loader, const struct option *option, const struct conf_origin *origin,
                   const char *what);
// Parses a text into the configuration. A list that this source has begun grows (flags), all else is
// replaced.
void loader_set(struct loader *loader, const struct option *option, struct str text,
                const struct conf_origin *origin);
// The same for a value of a file or of a text in YAML.
void loader_set_tree(struct loader *loader, const struct option *option, const struct tree *value,
                     const struct conf_origin *origin);
// Parses a value into the member of any target. False when it was refused (an error with the place of the
// value, its text beginning with `prefix`, has been noted) or memory is out.
bool loader_parse_tree(struct loader *loader, const struct option *option, void *target,
                       const struct tree *value, const struct conf_origin *origin, const char *prefix);
// The origin with the place of a node of its text.
struct conf_origin loader_place(const struct conf_origin *origin, const struct tree *node);
// Notes an error about a member whose key stands there already; false for every other.
bool loader_refuse_twice(struct loader *loader, const struct tree *member, const struct conf_origin *origin);
// Whether a value asks for nothing, so that a key that does not exist does not matter; `text` with a NULL ptr
// is no value.
bool loader_is_off(const struct option *absent, struct str text);
// Notes an error about a name of conf_absent, as it was written.
void loader_explain_absent(struct loader *loader, const struct option *absent,
                           const struct conf_origin *origin, struct str written);
// The key most like `name`, or NULL.
const char *loader_nearest(struct str name);

// The sources.
void loader_read_flags(struct loader *loader);
void loader_apply_overrides(struct loader *loader);
void loader_apply_file(struct loader *loader);
void loader_apply_environment(struct loader *loader);
void loader_apply_flags(struct loader *loader);
// What the values must be beyond their types, and together.
void loader_check(struct loader *loader);

// Replaces conf->issuers by the list in the tree.
void issuers_set(struct loader *loader, const struct tree *value, const struct conf_origin *origin);
// Adds an entry made of the values of conf_variables, of which one is a key.
void issuers_add_variables(struct loader *loader, const struct variable_value values[CONF_VARIABLE_COUNT]);
// What errors about a verifier are about, and where that was written.
struct verifier_names {
    const char *key;
    const char *algorithm;
    const struct conf_origin *key_origin;
    const struct conf_origin *algorithm_origin; // the key's where no algorithm was written
};
// Whether it has a key, or a URL of some.
bool conf_verifier_is_set(const struct conf_verifier *verifier);
// Loads the key, once to see whether it can be used, and settles its algorithm. False when it cannot, which
// has been noted.
bool issuers_settle(struct loader *loader, struct conf_verifier *verifier,
                    const struct verifier_names *names);
// The same for the URL of a set of keys, with all algorithms that public keys can be for where none is named.
bool issuers_settle_url(struct loader *loader, struct conf_verifier *verifier,
                        const struct conf_origin *origin, const char *name);
// Works out from all sources whether the 0.x protocol is on, and its keys.
void loader_settle_legacy(struct loader *loader);
