// A transport orders, stores and relays updates. It knows no subscriber and no HTTP: the hub owns those.
//
// Each driver is one folder of src/transport/ behind `struct transport_ops`. An open transport belongs to the
// hub thread: every function is called there, and every callback comes there, from the thread's loop.
//
// The callback law: a call that returns an error never calls back; one that returns 0 calls back exactly
// once, never from inside the call. What a callback is given is borrowed for its duration unless it says
// otherwise. A request struct belongs to the caller and must stay in place until its callback has come.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/option.h"
#include "base/ref.h"
#include "base/str.h"
#include "mercure/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct transport;
struct update;

#define POSITION_MAX 24U
// About how many bytes of records one slice of history holds; a single larger record makes a slice of its
// own.
#define HISTORY_SLICE_SIZE (256U * 1024)

// Where an update stands in the order of the transport. Opaque but for its order, and valid within an epoch.
// The empty position stands before every update.
struct position {
    uint8_t len;
    uint8_t bytes[POSITION_MAX];
};

static inline int position_cmp(const struct position *a, const struct position *b)
{
    return str_cmp(str_make((const char *)a->bytes, a->len), str_make((const char *)b->bytes, b->len));
}

// ---- What a driver tells the hub ----

struct feed_entry {
    struct position position;
    struct update *update; // one reference, the hub's from now on
};

struct transport_health {
    bool ready;        // takes publishes now
    bool live;         // worth keeping this process for
    char reason[160];  // why not; "" when both
    char warning[160]; // what the operator should look at though it works (a disk that is nearly full); ""
};

struct transport_events {
    // open has ended: 0, or an error; with a sentence for the operator, which on success says where updates
    // are kept, or is "". On success `epoch` is the current one.
    void (*opened)(void *arg, int err, const char *text, uint64_t epoch);
    // What the operator should know while the transport is being opened, for the log. Comes before `opened`.
    void (*note)(void *arg, bool is_warning, const char *text);
    // Committed updates, in the one order, each exactly once, this node's own included (the very `struct
    // update` that was published, where it still is at hand). Comes for everything committed after `opened`.
    void (*feed)(void *arg, struct feed_entry *entries, size_t count);
    // Updates before `oldest` are no longer kept (a bounded history has dropped them): the hub's tail lets go
    // of them too. Subscription events that were too old are dropped without being told of. Comes before or
    // with the feed of what pushed them out.
    void (*trimmed)(void *arg, const struct position *oldest);
    // The back end went back: positions handed out before mean nothing any more.
    void (*epoch)(void *arg, uint64_t epoch);
    // close has ended; nothing is called any more.
    void (*closed)(void *arg);
};

// ---- What the hub asks of a driver ----

enum publish_result {
    PUBLISH_STORED,
    PUBLISH_REFUSED,
    PUBLISH_UNKNOWN, // the answer was lost; the driver goes on until it knows, then feeds the update or never
};

// A group of updates to be stored in this order; one group in flight per node.
struct publish_group {
    struct update *const *updates; // borrowed until `done`
    enum publish_result *results;  // written by the driver before `done`
    size_t count;
    const char *reason; // why some were refused; a constant sentence, or one the driver keeps
    // Comes behind the feed of the group where the driver knows in time: who subscribes after its answer is
    // not sent the update as new.
    void (*done)(struct publish_group *group);
};

struct head_request {
    int err;
    struct position head; // the newest committed position; empty when there is none
    void (*done)(struct head_request *request);
};

struct find_request {
    struct str id; // the caller keeps it until `done`
    int err;
    bool found;
    struct position position; // of the earliest update kept with that id
    bool empty;               // nothing is kept
    uint64_t oldest_time_ms;  // of the oldest update kept, unless empty
    void (*done)(struct find_request *request);
};

// A run of history, immutable and counted, so that equally late subscribers share it between threads.
struct history_entry {
    struct position position;
    struct record record; // a view into the slice
};

struct history_slice {
    struct ref ref;
    struct position after; // it holds what follows this position ...
    bool gap;              // ... but for updates that are no longer kept: the reader has missed some. With
                           // the empty position: the first updates of all are no longer kept
    bool end;              // nothing was kept behind the last entry when it was read
    size_t memory;         // bytes that it takes
    size_t count;
    struct history_entry entries[];
};

enum replay_from {
    REPLAY_AFTER,  // what follows `after`
    REPLAY_EVENTS, // of that, only subscription events (RECORD_SUBSCRIPTION)
    REPLAY_NEWEST, // the newest updates of at most `max_bytes` of memory together
};

// Reads one slice of about HISTORY_SLICE_SIZE; with REPLAY_NEWEST, where to start: the slice is the first of
// several, and the following ones are read with REPLAY_AFTER.
struct replay_request {
    enum replay_from from;
    struct position after;
    size_t max_bytes;
    int err;
    struct history_slice *slice; // one reference for the receiver; NULL on error
    void (*done)(struct replay_request *request);
};

struct transport_config {
    struct loop *loop; // the hub thread's
    uint32_t hub;      // number of the hub, for drivers that keep many hubs in one place
    struct str url;    // the whole transport_url
    // Subscription events (RECORD_SUBSCRIPTION) are kept for so long after their acceptance, whatever is
    // published meanwhile; they do not count in the size of the history. 0: without end.
    uint64_t event_ttl_ms;
    const struct transport_events *events;
    void *arg; // for the events
};

struct transport_ops {
    const char *const *schemes;   // NULL-terminated, without "://"
    const struct option *options; // of the URL's query; terminated by a NULL name
    // Checks a URL without changing anything; a sentence goes to `reterr`. What the operator should know
    // though the URL is good goes to `notes`, a line each; it may be NULL. Any thread.
    int (*check)(struct str url, struct buf *notes, struct buf *reterr);
    // Starts to open; `opened` follows. On failure a sentence goes to `reterr` and nothing follows.
    int (*open)(struct transport **ret_transport, const struct transport_config *config, struct buf *reterr);
    // Finishes what is in flight, then calls `closed`. Also after a failed `opened`.
    void (*close)(struct transport *transport);
    // A group of one update or more. Like all that follow, it may be called between `opened` and close.
    int (*publish)(struct transport *transport, struct publish_group *group);
    // Stops or resumes the feed (a group in flight is still fed and answered).
    void (*pause)(struct transport *transport, bool paused);
    int (*head)(struct transport *transport, struct head_request *request);
    int (*find)(struct transport *transport, struct find_request *request);
    int (*replay)(struct transport *transport, struct replay_request *request);
    void (*health)(struct transport *transport, struct transport_health *ret_health);
    // Appends the driver's own samples to the metrics page.
    void (*metrics)(struct transport *transport, struct buf *buf);
    // Whether updates outlive the hub's tail. Without it `find` finds nothing and `replay` is never called.
    bool has_history;
};

// The first member of each driver's object.
struct transport {
    const struct transport_ops *ops;
};

// The drivers built in; NULL-terminated.
extern const struct transport_ops *const transport_drivers[];
// The driver of a URL's scheme, or NULL with a sentence that lists the schemes in `reterr`.
const struct transport_ops *transport_driver_find(struct str url, struct buf *reterr);
