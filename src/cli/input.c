#include "cli/input.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE 65536U

static int read_all(int fd, struct buf *to)
{
    for (;;) {
        size_t left = to->_max - to->len;
        size_t piece = left < PIECE ? left : PIECE;
        // One byte is asked for when there is no room, to tell a full buffer from the end.
        char extra;
        char *at = piece ? buf_reserve(to, piece) : &extra;
        if (!at)
            return to->err;
        ssize_t len = read(fd, at, piece ? piece : 1);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len ? -errno : HUB_OK;
        if (!piece)
            return HUB_E_TOO_BIG;
        buf_commit(to, (size_t)len);
    }
}

static int read_file(struct str name, struct buf *to)
{
    if (str_eq(name, STR("-")))
        return read_all(STDIN_FILENO, to);
    char *path = str_dup_c(name);
    if (!path)
        return -ENOMEM;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? -errno : read_all(fd, to);
    if (fd >= 0)
        (void)close(fd);
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
