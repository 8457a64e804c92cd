#include "base/err.h"
#include "conf/loader.h"

#include <errno.h>
#include <string.h>

#define NAME_BYTES 128U

// The command line as it is read, one argument after the other.
struct command_line {
    struct loader *loader;
    int at;
};

static const char *next_argument(struct command_line *line)
{
    const struct conf_source *source = line->loader->source;
    return line->at < source->argc ? source->argv[line->at++] : NULL;
}

static struct conf_origin origin_of(struct str flag)
{
    return (struct conf_origin){.kind = CONF_SOURCE_FLAG, .name = flag};
}

static const struct option *find_letter(const struct option *options, char letter)
{
    for (const struct option *option = options; option->name; option++) {
        if (option->letter == letter)
            return option;
    }
    return NULL;
}

// The key of a flag's name: flags are written with dashes.
static struct str key_of(struct str name, char key[NAME_BYTES])
{
    name = str_slice(name, 0, NAME_BYTES);
    for (size_t i = 0; i < name.len; i++)
        key[i] = name.ptr[i] == '-' ? '_' : name.ptr[i];
    return str_make(key, name.len);
}

static void print_flag(char flag[NAME_BYTES], const char *key)
{
    size_t i = 0;
    for (; key[i] && i < NAME_BYTES - 1; i++)
        flag[i] = key[i] == '_' ? '-' : key[i];
    flag[i] = '\0';
}

// The value of a flag that was refused would only be refused again.
static void skip_value(struct command_line *line)
{
    const struct conf_source *source = line->loader->source;
    if (line->at < source->argc && source->argv[line->at][0] != '-')
        line->at++;
}

static void refuse_unknown(struct loader *loader, struct str flag, struct str key)
{
    struct conf_origin origin = origin_of(str_slice(flag, 0, NAME_BYTES));
    const char *nearest = loader_nearest(key);
    char suggested[NAME_BYTES];
    if (nearest) {
        print_flag(suggested, nearest);
        loader_error(loader, &origin, "unknown flag; did you mean --%s?", suggested);
    } else {
        loader_error(loader, &origin, "unknown flag");
    }
}

static void keep(struct loader *loader, const struct option *option, struct str text, struct str flag)
{
    loader->flags[loader->flag_count++] =
        (struct flag_value){.option = option, .text = text, .origin = origin_of(flag)};
}

static void keep_config(struct loader *loader, struct str text, struct str flag)
{
    struct conf_origin origin = origin_of(flag);
    if (text.len == 0)
        loader_error(loader, &origin, "needs the path of a file");
    else
        loader->config_path = text;
}

// The text of a flag that needs one: after '=', else the next argument. A NULL ptr after an error.
static struct str take_text(struct command_line *line, struct str flag, struct str attached)
{
    if (attached.ptr)
        return attached;
    const char *next = next_argument(line);
    struct conf_origin origin = origin_of(flag);
    if (!next)
        loader_error(line->loader, &origin, "needs a value");
    return str_from_c(next);
}

// `attached` is what stands behind the flag in the same argument, with a NULL ptr when nothing does.
static void take_option(struct command_line *line, const struct option *option, struct str flag,
                        struct str attached)
{
    if (option->type == OPTION_BOOL && !attached.ptr) {
        keep(line->loader, option, STR("true"), flag);
        return;
    }
    struct str text = take_text(line, flag, attached);
    if (text.ptr)
        keep(line->loader, option, text, flag);
}

// A flag of conf_absent. What stands behind it is its value if it needs one, and an error is made only once.
static void refuse_absent(struct command_line *line, const struct option *absent, struct str flag,
                          struct str attached, struct str written)
{
    struct conf_origin origin = origin_of(flag);
    bool needs_value = absent->type != OPTION_BOOL && !attached.ptr;
    struct str text = attached;
    if (needs_value && line->at < line->loader->source->argc)
        text = str_from_c(line->loader->source->argv[line->at]);
    if (needs_value && text.ptr && (text.len == 0 || text.ptr[0] != '-'))
        line->at++;
    if (!text.ptr || !loader_is_off(absent, text))
        loader_explain_absent(line->loader, absent, &origin, written);
}

static void read_long(struct command_line *line, struct str argument)
{
    size_t equals = str_find(argument, 0, '=');
    struct str flag = str_slice(argument, 0, equals);
    struct str attached = {0};
    if (equals < argument.len)
        attached = str_make(argument.ptr + equals + 1, argument.len - equals - 1);
    char bytes[NAME_BYTES];
    struct str key = key_of(str_slice(flag, 2, flag.len), bytes);
    const struct option *option = option_find(conf_options, key);
    const struct option *absent = option_find(conf_absent, key);
    if (option) {
        take_option(line, option, flag, attached);
    } else if (str_eq(key, STR("config"))) {
        struct str text = take_text(line, flag, attached);
        if (text.ptr)
            keep_config(line->loader, text, flag);
    } else if (absent) {
        refuse_absent(line, absent, flag, attached, key);
    } else {
        refuse_unknown(line->loader, flag, key);
        if (!attached.ptr)
            skip_value(line);
    }
}

// "-a :80", "-a:80", "-a=:80", and letters of booleans together: "-XD".
static void read_letters(struct command_line *line, struct str argument)
{
    for (size_t i = 1; i < argument.len; i++) {
        char letter = argument.ptr[i];
        const struct option *option = find_letter(conf_options, letter);
        const struct option *absent = find_letter(conf_absent, letter);
        struct conf_origin origin = origin_of(argument);
        struct str rest = str_slice(argument, i + 1, argument.len);
        bool equals = str_starts_with(rest, STR("="));
        if (!option && !absent) {
            loader_error(line->loader, &origin, "unknown flag -%c", letter);
            if (i + 1 == argument.len)
                skip_value(line);
            return;
        }
        if (!option) {
            rest = str_slice(rest, equals, rest.len);
            refuse_absent(line, absent, argument, equals || rest.len ? rest : (struct str){0},
                          str_from_c(absent->name));
            return;
        }
        if (option->type == OPTION_BOOL && !equals) {
            take_option(line, option, argument, (struct str){0});
            continue;
        }
        rest = str_slice(rest, equals, rest.len);
        take_option(line, option, argument, equals || rest.len ? rest : (struct str){0});
        return;
    }
}

void loader_read_flags(struct loader *loader)
{
    const struct conf_source *source = loader->source;
    struct command_line line = {.loader = loader};
    // A letter is the shortest flag: no argument holds more of them than it has bytes.
    size_t most = 1;
    for (int i = 0; i < source->argc; i++)
        most += strlen(source->argv[i]);
    loader->flags = arena_calloc(&loader->conf->_arena, most, sizeof(*loader->flags));
    if (!loader->flags) {
        loader->err = -ENOMEM;
        return;
    }
    bool ended = false;
    for (const char *next = next_argument(&line); next; next = next_argument(&line)) {
        struct str argument = str_from_c(next);
        struct conf_origin origin = origin_of(STR("command line"));
        if (!ended && str_eq(argument, STR("--")))
            ended = true;
        else if (!ended && str_starts_with(argument, STR("--")))
            read_long(&line, argument);
        else if (!ended && argument.len > 1 && argument.ptr[0] == '-')
            read_letters(&line, argument);
        else
            loader_error(loader, &origin, "unexpected argument \"%.*s\"",
                         STR_ARG(str_slice(argument, 0, NAME_BYTES)));
    }
}

void loader_apply_flags(struct loader *loader)
{
    for (size_t i = 0; i < loader->flag_count; i++) {
        const struct flag_value *flag = &loader->flags[i];
        loader_set(loader, flag->option, flag->text, &flag->origin);
    }
}
