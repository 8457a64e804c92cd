#include "cli/flags.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define FLAG_MAX 64U
#define HELP_MAX ((size_t)1 << 16)
#define ARENA_MAX ((size_t)64 << 20)

struct parse {
    const struct flags_spec *spec;
    void *target;
    struct arena *arena;
    struct flags_operands *operands;
    int argc;
    char **argv;
    int at;
    bool only_operands; // behind "--"
};

// ---- Help ----

static void append_flag_name(struct buf *to, const char *name)
{
    for (; *name; name++)
        buf_append_c(to, *name == '_' ? '-' : *name);
}

static void append_option_help(struct buf *to, const struct option *option)
{
    struct buf flag;
    buf_init(&flag, 256);
    if (option->letter)
        buf_printf(&flag, "-%c, ", option->letter);
    buf_append_str(&flag, STR("--"));
    append_flag_name(&flag, option->name);
    if (option->type != OPTION_BOOL)
        buf_printf(&flag, " %s", option_type_name(option->type));
    buf_printf(to, "  %-30s %s", buf_c(&flag), option->doc);
    if (option->default_doc)
        buf_printf(to, " Default: %s.", option->default_doc);
    else if (option->default_text && option->type != OPTION_BOOL)
        buf_printf(to, " Default: %s.", option->default_text);
    buf_append_c(to, '\n');
    buf_done(&flag);
}

static void print_help(const struct flags_spec *spec)
{
    struct buf help;
    buf_init(&help, HELP_MAX);
    buf_printf(&help, "Usage: cinnabar %s [flags]%s%s\n\n%s\n\nFlags:\n", spec->command,
               spec->operands[0] ? " " : "", spec->operands, spec->about);
    for (const struct option *option = spec->options; option->name; option++)
        append_option_help(&help, option);
    if (spec->example)
        buf_printf(&help, "\nExample:\n  %s\n", spec->example);
    (void)fwrite(help.ptr, 1, help.len, stdout);
    buf_done(&help);
}

// ---- Parsing ----

static bool complain(const struct parse *parse, const char *text, struct str subject)
{
    (void)fprintf(stderr, "cinnabar %s: %s%.*s\n", parse->spec->command, text, STR_ARG(subject));
    return false;
}

static bool complain_unknown(const struct parse *parse, struct str flag, struct str name)
{
    const char *nearest = option_nearest(parse->spec->options, name);
    struct buf hint;
    buf_init(&hint, 512);
    buf_append_str(&hint, str_slice(flag, 0, 80));
    if (nearest) {
        buf_append_str(&hint, STR("; did you mean --"));
        append_flag_name(&hint, nearest);
        buf_append_c(&hint, '?');
    }
    (void)complain(parse, "unknown flag ", buf_str(&hint));
    buf_done(&hint);
    return false;
}

static bool set(const struct parse *parse, const struct option *option, struct str flag, struct str value)
{
    struct buf reason;
    buf_init(&reason, 1024);
    int err = option->type == OPTION_LIST ? option_append(option, parse->target, value, parse->arena, &reason)
                                          : option_parse(option, parse->target, value, parse->arena, &reason);
    if (err)
        (void)fprintf(stderr, "cinnabar %s: %.*s %s\n", parse->spec->command, STR_ARG(flag),
                      err == HUB_E_INVALID ? buf_c(&reason) : err_text(err));
    buf_done(&reason);
    return err == HUB_OK;
}

static const struct option *find_letter(const struct option *options, char letter)
{
    for (; options->name; options++) {
        if (options->letter == letter)
            return options;
    }
    return NULL;
}

static const struct option *find_name(const struct option *options, struct str flag)
{
    char name[FLAG_MAX];
    if (flag.len >= sizeof(name))
        return NULL;
    for (size_t i = 0; i < flag.len; i++)
        name[i] = flag.ptr[i] == '-' ? '_' : flag.ptr[i];
    return option_find(options, str_make(name, flag.len));
}

// The flag of an argument and what is joined to it: "--name=value", "-xvalue" and "-x=value". A NULL ptr in
// *ret_joined: nothing is.
static struct str split_flag(struct str text, struct str *ret_joined)
{
    bool is_long = str_starts_with(text, STR("--"));
    size_t end = is_long ? str_find(text, 0, '=') : 2;
    size_t from = end + (end < text.len && text.ptr[end] == '=');
    *ret_joined = end < text.len ? str_slice(text, from, text.len) : str_make(NULL, 0);
    return str_slice(text, 0, end);
}

static bool take_flag(struct parse *parse, struct str text)
{
    struct str joined;
    struct str flag = split_flag(text, &joined);
    bool is_long = str_starts_with(text, STR("--"));
    struct str name = str_slice(flag, is_long ? 2 : 1, flag.len);
    const struct option *option =
        is_long ? find_name(parse->spec->options, name) : find_letter(parse->spec->options, name.ptr[0]);
    if (!option)
        return complain_unknown(parse, is_long ? flag : text, name);
    if (joined.ptr)
        return set(parse, option, flag, joined);
    if (option->type == OPTION_BOOL)
        return set(parse, option, flag, STR("true"));
    if (parse->at == parse->argc)
        return complain(parse, "a value is missing after ", flag);
    return set(parse, option, flag, str_from_c(parse->argv[parse->at++]));
}

static bool take_operand(struct parse *parse, struct str text)
{
    if (parse->operands->count == parse->spec->operands_max)
        return complain(parse, "one argument too many: ", text);
    parse->operands->items[parse->operands->count++] = text;
    return true;
}

static bool take_argument(struct parse *parse, struct str text)
{
    if (parse->only_operands || text.len < 2 || text.ptr[0] != '-')
        return take_operand(parse, text);
    if (str_eq(text, STR("--"))) {
        parse->only_operands = true;
        return true;
    }
    return take_flag(parse, text);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static bool take_all(struct parse *parse)
{
    if (option_set_defaults(parse->spec->options, parse->target, parse->arena))
        return complain(parse, "out of memory", STR(""));
    while (parse->at < parse->argc) {
        if (!take_argument(parse, str_from_c(parse->argv[parse->at++])))
            return false;
    }
    if (parse->operands->count < parse->spec->operands_min)
        return complain(parse, "missing ", str_from_c(parse->spec->operands));
    return true;
}

bool flags_parse(const struct flags_spec *spec, int argc, char **argv, void *target, struct arena *arena,
                 struct flags_operands *ret_operands, int *ret_status)
{
    if (asks_for_help(argc, argv)) {
        print_help(spec);
        *ret_status = CLI_DONE;
        return false;
    }
    *ret_operands = (struct flags_operands){0};
    struct parse parse = {
        .spec = spec, .target = target, .arena = arena, .operands = ret_operands, .argc = argc, .argv = argv};
    if (take_all(&parse))
        return true;
    (void)fprintf(stderr, "Try: cinnabar %s --help\n", spec->command);
    *ret_status = CLI_WRONG_USE;
    return false;
}

int flags_run(const struct flags_spec *spec, int argc, char **argv, void *settings,
              int (*run)(void *settings, const struct flags_operands *operands, struct arena *arena))
{
    struct flags_operands operands;
    struct arena arena;
    int status;
    arena_init(&arena, ARENA_MAX);
    if (flags_parse(spec, argc, argv, settings, &arena, &operands, &status))
        status = run(settings, &operands, &arena);
    arena_done(&arena);
    return status;
}
