// Any bytes as a configuration file, through the reader, the schema and the checks: it loads or tells why
// not.
#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The text as a file in memory; the name is valid while it is open.
static int open_text(const uint8_t *data, size_t size, char *path, size_t path_size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n <= 0)
            abort();
        data += n;
        size -= (size_t)n;
    }
    (void)snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return fd;
}

static void check(int err, const struct conf *conf, const struct conf_errors *errors)
{
    if (err == HUB_OK ? !conf || errors->error_count : err != HUB_E_INVALID || !errors->error_count)
        abort();
    struct buf buf;
    buf_init(&buf, 1 << 20);
    conf_errors_print(errors, &buf);
    if (buf.err || (errors->count && buf.len == 0))
        abort();
    buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = open_text(data, size, path, sizeof(path));
    char *argv[] = {(char[]){"--config"}, path};
    struct conf_source source = {.argc = 2, .argv = argv};
    struct conf_errors errors;
    conf_errors_init(&errors);
    struct conf *conf = NULL;
    int err = conf_load(&conf, &source, &errors);
    check(err, conf, &errors);
    conf_free(conf);
    conf_errors_done(&errors);
    (void)close(fd);
    return 0;
}
