#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "conf/conf.h"

#include <stdio.h>

#define ARENA_MAX 65536U
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

static bool parse(const struct flags_spec *spec, int argc, char **argv, struct settings *settings,
                  int *ret_status)
{
    struct flags_operands operands;
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    bool go_on = flags_parse(spec, argc, argv, settings, &arena, &operands, ret_status);
    arena_done(&arena);
    return go_on;
}

int reference_command(int argc, char **argv)
{
    struct settings settings = {0};
    int status;
    if (!parse(&reference_spec, argc, argv, &settings, &status))
        return status;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (settings.schema)
        conf_json_schema(&text);
    else
        conf_reference(&text);
    size_t written = text.err ? 0 : fwrite(text.ptr, 1, text.len, stdout);
    status = text.len && written == text.len ? CLI_DONE : CLI_FAILED;
    buf_done(&text);
    return status;
}

int version_command(int argc, char **argv)
{
    struct settings settings = {0};
    int status;
    if (!parse(&version_spec, argc, argv, &settings, &status))
        return status;
    (void)printf(settings.json ? "{\"name\":\"cinnabar\",\"version\":\"%s\"}\n" : "cinnabar %s\n",
                 CINNABAR_VERSION);
    return CLI_DONE;
}
