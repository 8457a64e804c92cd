// The load tool: subscribers in processes of their own, publishers in this one, and what came of it.
//
// It is much cheaper per message than any server: plain epoll, one read per ready connection, no allocation
// and no copy per message. Latency counts from the time at which a publish was due.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "bench/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct buf;

#define BENCH_TOPICS_MAX 1000000U
#define BENCH_SUBSCRIBERS_MAX 1000000U
#define BENCH_PUBLISHERS_MAX 4096U
#define BENCH_HISTORY_MAX 100000000U
#define BENCH_SIZE_MIN 32U
#define BENCH_SIZE_MAX 1000000U

enum bench_scenario {
    BENCH_IDLE,      // connections that wait
    BENCH_BROADCAST, // each update to all
    BENCH_BURST,     // many updates at once to all
    BENCH_UNICAST,   // each update to the few subscribers of one of many topics
    BENCH_PRIVATE,   // the same with private updates, each subscriber with a grant of its own
    BENCH_MATCH,     // nobody receives anything: each subscriber has something of its own that does not match
    BENCH_PUBLISH,   // nobody listens
    BENCH_REPLAY,    // a connection reads the whole history
    BENCH_STORM,     // subscribers come all at once
};
#define BENCH_SCENARIO_COUNT 9U

// What each subscriber of BENCH_MATCH has of its own.
enum bench_own {
    BENCH_OWN_PATTERN,       // a URL Pattern that it matches with; updates are public
    BENCH_OWN_GRANT,         // a grant of one topic, matching everything; updates are private
    BENCH_OWN_GRANT_PATTERN, // the same with a grant of a URL Pattern
};

enum bench_protocol {
    BENCH_MERCURE,
    BENCH_NCHAN, // POST /pub?id=TOPIC, GET /sub?id=TOPIC
    BENCH_BARE,  // bench/bare.c
};

struct bench_config {
    enum bench_scenario scenario;
    enum bench_protocol protocol;
    enum bench_own own; // of BENCH_MATCH
    struct sockaddr_storage address;
    socklen_t address_len;
    struct str host; // for the Host field
    struct str path; // of the hub
    struct str publish_token;
    struct str subscribe_token; // empty: anonymous
    // Appends a token that grants subscribing to `topic`, or to the topics of a URL Pattern, and nothing
    // else. NULL: subscribe_token serves all.
    int (*mint)(void *arg, struct str topic, bool is_pattern, struct buf *token);
    void *mint_arg;
    unsigned subscribers;
    unsigned topics;
    unsigned publishers; // connections that publish
    unsigned in_flight;  // groups of updates that may not have reached every subscriber yet; 0: no such limit
    unsigned group;      // updates that are published at once
    unsigned parallel;   // connects under way at once, of each process
    unsigned per_process;
    unsigned history; // updates published beforehand
    bool with_id;     // subscribers name an update of the history
    size_t size;      // of an update's data
    double rate;      // updates per second; 0: as fast as the other limits let
    uint64_t count;   // updates measured; 0: for duration_ms
    uint64_t duration_ms;
    uint64_t warmup_ms;
    uint64_t timeout_ms;                // without any progress
    pid_t server;                       // 0: not on this machine; its children count with it
    void (*progress)(const char *text); // NULL: none; NULL text: gone
};

struct bench_result {
    bool interrupted;
    char failure[192]; // "" when the run went through
    uint64_t elapsed_ns;
    uint64_t published;
    uint64_t refused; // publishes
    uint64_t delivered;
    uint64_t connected;
    uint64_t unserved; // subscriptions refused or closed by the server
    uint64_t lost;
    uint64_t repeated;
    uint64_t disordered; // subscribers that saw another order than the first of their topic
    struct histogram delivery;
    struct histogram publish;
    struct histogram connect;
    bool has_server;
    uint64_t cpu_ns;         // the server's, while measured
    uint64_t connect_cpu_ns; // while the subscribers came
    uint64_t memory_before;  // RssAnon, bytes
    uint64_t memory_connected;
    uint64_t memory_after;  // updates delivered, connections still there
    uint64_t kernel_before; // of all sockets of the machine, bytes
    uint64_t kernel_connected;
};

// The names, in the order of the enums.
extern const char *const bench_scenario_names[];
extern const char *const bench_protocol_names[];
extern const char *const bench_own_names[]; // zero-terminated

// Runs the load. 0 when it was run to its end (or interrupted): losses are results, not errors. A negative
// code when it could not: result->failure says why.
MUST_CHECK int bench_run(const struct bench_config *config, struct bench_result *result);
// Asks a run to stop; for a signal handler.
void bench_interrupt(void);
// Appends the result as lines for people, or as one JSON object.
void bench_report(const struct bench_config *config, const struct bench_result *result, bool json,
                  struct buf *to);
