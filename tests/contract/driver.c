#include "contract/driver.h"

#include "base/attr.h"
#include "base/buf.h"
#include "transport/bolt/bolt.h"
#include "transport/local/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_bolt_url(struct buf *url, const char *folder)
{
    buf_printf(url, "bolt://%s/history.db", folder);
}

static void make_local_url(struct buf *url, const char *folder)
{
    (void)folder;
    buf_printf(url, "local://local");
}

static const struct driver drivers[] = {
    {"bolt", &bolt_transport, make_bolt_url},
    {"local", &local_transport, make_local_url},
};

const struct driver *driver_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        if (name && strcmp(drivers[i].name, name) == 0)
            return &drivers[i];
    }
    fprintf(stderr, "usage: PROGRAM DRIVER; the drivers are in tests/contract/driver.c\n");
    exit(2);
}
