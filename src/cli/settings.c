#include "cli/settings.h"

#include "base/buf.h"
#include "base/err.h"
#include "cli/flags.h"
#include "hub/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static void print_help(const struct settings_command *command)
{
    struct buf help;
    buf_init(&help, TEXT_MAX);
    buf_printf(&help, "Usage: cinnabar %s [flags]\n\n%s\nExample:\n  %s\n\n", command->name, command->about,
               command->example);
    conf_help(command->defaults, command->default_count, &help);
    (void)fwrite(help.ptr, 1, help.len, stdout);
    buf_done(&help);
}

static void print_errors(const struct conf_errors *errors)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    conf_errors_print(errors, &text);
    if (text.len)
        (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
}

static struct conf *load(const struct settings_command *command, int argc, char **argv,
                         const struct conf_override *overrides, size_t override_count, bool warns,
                         int *ret_status)
{
    if (asks_for_help(argc, argv)) {
        print_help(command);
        *ret_status = CLI_DONE;
        return NULL;
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "cinnabar %s", command->name);
    struct conf_source source = {
        .argc = argc,
        .argv = argv,
        .environ = environ,
        .overrides = overrides,
        .override_count = override_count,
        .override_name = name,
        .check_transport = server_check_transport,
    };
    struct conf_errors errors;
    struct conf *conf = NULL;
    conf_errors_init(&errors);
    int err = conf_load(&conf, &source, &errors);
    if (err || warns)
        print_errors(&errors);
    conf_errors_done(&errors);
    if (err == HUB_OK)
        return conf;
    if (err != HUB_E_INVALID)
        (void)fprintf(stderr, "cinnabar %s: %s\n", command->name, err_text(err));
    *ret_status = err == HUB_E_INVALID ? CLI_WRONG_USE : CLI_FAILED;
    return NULL;
}

struct conf *settings_load(const struct settings_command *command, int argc, char **argv,
                           const struct conf_override *overrides, size_t override_count, int *ret_status)
{
    return load(command, argc, argv, overrides, override_count, true, ret_status);
}

struct conf *settings_preview(const struct settings_command *command, int argc, char **argv,
                              const struct conf_override *overrides, size_t override_count, int *ret_status)
{
    return load(command, argc, argv, overrides, override_count, false, ret_status);
}

bool settings_is_default(const struct conf *conf, const char *key)
{
    struct buf origin;
    buf_init(&origin, 4096);
    conf_origin(conf, key, &origin);
    bool is_default = str_eq(buf_str(&origin), STR("default"));
    buf_done(&origin);
    return is_default;
}
