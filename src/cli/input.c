#include "cli/input.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int read_file(struct str name, struct buf *to)
{
    if (str_eq(name, STR("-")))
        return file_read(STDIN_FILENO, to);
    char *path = str_dup_c(name);
    if (!path)
        return -ENOMEM;
    int err = file_read_path(path, to);
    free(path);
    return err;
}

static void cut_line_end(struct buf *text)
{
    if (text->len && text->ptr[text->len - 1] == '\n')
        text->len--;
    if (text->len && text->ptr[text->len - 1] == '\r')
        text->len--;
}

static bool report(const char *command, const char *flag, struct str file, int err)
{
    if (err)
        (void)fprintf(stderr, "cinnabar %s: %s%s%.*s: %s\n", command, flag, file.len ? " " : "",
                      STR_ARG(file), err_text(err));
    return err == HUB_OK;
}

bool input_read_value(const char *command, const char *flag, struct str value, struct buf *to)
{
    if (!str_starts_with(value, STR("@"))) {
        buf_append_str(to, value);
        return report(command, flag, STR(""), to->err); // what is no file name may be a secret
    }
    int err = read_file(str_slice(value, 1, value.len), to);
    if (!err)
        cut_line_end(to);
    return report(command, flag, value, err);
}

bool input_read_data(const char *command, const char *flag, struct str value, struct buf *to)
{
    bool escaped = str_starts_with(value, STR("@@"));
    if (str_eq(value, STR("-")))
        return report(command, flag, value, read_file(value, to));
    if (str_starts_with(value, STR("@")) && !escaped)
        return report(command, flag, value, read_file(str_slice(value, 1, value.len), to));
    buf_append_str(to, str_slice(value, escaped, value.len));
    return report(command, flag, STR(""), to->err);
}
