// The drivers that the suite of the contract runs for. A driver that needs a service has an entry of its own
// in driver.c, and a line in CMakeLists.txt.
#pragma once

struct buf;
struct transport_ops;

struct driver {
    const char *name;
    const struct transport_ops *ops;
    // Appends a URL for an empty back end of this test, which has `folder` for itself.
    void (*make_url)(struct buf *url, const char *folder);
};

// The driver of that name; ends the program when there is none.
const struct driver *driver_find(const char *name);
