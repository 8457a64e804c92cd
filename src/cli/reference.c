#include "base/buf.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "conf/conf.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)1 << 22)

struct settings {
    bool schema;
    bool json;
};

static const struct option reference_options[] = {
    {.name = "json_schema",
     .type = OPTION_BOOL,
     OPTION_AT(struct settings, schema),
     .doc = "Print the JSON Schema of the configuration file instead."},
    {0},
};

static const struct option version_options[] = {
    {.name = "json", .type = OPTION_BOOL, OPTION_AT(struct settings, json), .doc = "Print a JSON object."},
    {0},
};

static const struct flags_spec reference_spec = {
    .command = "config-reference",
    .operands = "",
    .about = "Prints the reference of all configuration keys, in Markdown.",
    .options = reference_options,
};

static const struct flags_spec version_spec = {
    .command = "version", .operands = "", .about = "Prints the version.", .options = version_options};

static int print_reference(void *target, const struct flags_operands *operands, struct arena *arena)
{
    const struct settings *settings = target;
    (void)operands;
    (void)arena;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (settings->schema)
        conf_json_schema(&text);
    else
        conf_reference(&text);
    int err = text.err;
    if (err)
        (void)fprintf(stderr, "cinnabar config-reference: %s\n", err_text(err));
    else
        (void)fwrite(text.ptr, 1, text.len, stdout);
    buf_done(&text);
    return err ? CLI_FAILED : CLI_DONE;
}

int reference_command(int argc, char **argv)
{
    struct settings settings = {0};
    return flags_run(&reference_spec, argc, argv, &settings, print_reference);
}

static int print_version(void *target, const struct flags_operands *operands, struct arena *arena)
{
    const struct settings *settings = target;
    (void)operands;
    (void)arena;
    (void)printf(settings->json ? "{\"name\":\"cinnabar\",\"version\":\"%s\"}\n" : "cinnabar %s\n",
                 CINNABAR_VERSION);
    return CLI_DONE;
}

int version_command(int argc, char **argv)
{
    struct settings settings = {0};
    return flags_run(&version_spec, argc, argv, &settings, print_version);
}
