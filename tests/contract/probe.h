// Stands in the hub's place before one transport: opens it, publishes, asks, and keeps what it is told. The
// loop runs on the test's thread, inside the calls that wait. It checks at every event what must always hold:
// the order of positions, and that nothing comes after `closed` or before `opened`.
#pragma once

#include "loop/loop.h"
#include "mercure/update.h"
#include "transport/transport.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct driver;

// What probes are opened with.
#define PROBE_EVENT_TTL_MS 3600000U

struct probe {
    const struct driver *driver;
    char folder[64]; // of the test's own
    struct loop loop;
    struct transport *transport; // NULL when there is none
    uint32_t hub;

    bool opened;
    int open_err;
    char reason[512];
    uint64_t epoch;
    bool closed;
    struct feed_entry *fed; // in the order of the feed, since it was opened
    size_t fed_count;
    size_t fed_room;
    char *notes;             // lines, "warning: " before those; NULL when there is none
    struct position trimmed; // the last that was told
    size_t epochs;
};

void probe_init(struct probe *probe, const struct driver *driver);
// Closes what is open and removes the folder.
void probe_done(struct probe *probe);
// What a transport that a test opens itself is to tell the probe.
const struct transport_events *probe_events(void);
// One turn of the loop, which may wait.
void probe_turn(struct probe *probe);

// Opens it, with `query` ("size=3") behind the URL, and waits. The code of open or `opened`; the reason is
// kept.
int probe_open(struct probe *probe, const char *query);
int probe_open_url(struct probe *probe, const char *url);
// Waits until it is closed, and forgets what was fed.
void probe_close(struct probe *probe);
void probe_reopen(struct probe *probe, const char *query);

// A new update; the caller has the one reference. Its frame is `size` bytes that depend on the id.
struct update *probe_update(struct str id, size_t size);
struct update *probe_update_numbered(size_t number);
// A new subscription event that was accepted so long ago; likewise.
struct update *probe_event(struct str id, uint64_t age_ms);

// What a test sends in one group.
struct sent {
    struct publish_group group;
    struct update *updates[1024];
    enum publish_result results[1024];
    bool done;
    bool nested; // inside of publish: never allowed
};
struct sent *sent_new(void);
void sent_free(struct sent *sent);
// Adds the update, taking the reference.
void sent_add(struct sent *sent, struct update *update);
// Starts, without waiting. The code of publish.
int probe_send(struct probe *probe, struct sent *sent);
void probe_wait_sent(struct probe *probe, struct sent *sent);
// Gives the references back and empties it.
void sent_clear(struct sent *sent);
// Publishes updates number `from` to `to` (not included), in groups of at most `group`; each must be stored.
void probe_publish(struct probe *probe, size_t from, size_t to, size_t group);

struct position probe_head(struct probe *probe);
// Waits for the answer; `done` is set by it.
void probe_find(struct probe *probe, struct str id, struct find_request *request);
// The slice is the caller's.
struct history_slice *probe_replay(struct probe *probe, const struct position *after);
struct history_slice *probe_replay_newest(struct probe *probe, size_t max_bytes);
struct history_slice *probe_replay_events(struct probe *probe, const struct position *after);
// Replays everything after the position and checks that it is updates number `from` to `to`, with these
// positions' order, whole.
void probe_expect(struct probe *probe, const struct position *after, size_t from, size_t to);
// The same for the feed since it was opened.
void probe_expect_fed(struct probe *probe, size_t from, size_t to);
// That the record is that of probe_update_numbered.
void probe_check_record(const struct record *record, size_t number);
