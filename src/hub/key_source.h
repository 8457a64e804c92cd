// One document with keys: where it comes from, the last good text of it, and when the next one is got. A file
// is looked at every second; what is behind a URL is fetched as key_schedule.h says. Main's.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "hub/key_file.h"
#include "hub/key_schedule.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct fetch;
struct fetcher;
struct key_source;

#define KEY_DOCUMENT_MAX ((size_t)256 << 10)

struct key_source_owner {
    // A new document has come. HUB_OK: it is in use now. Else why it cannot be, in words appended to
    // `reterr`.
    int (*offer)(void *arg, struct key_source *source, struct str document, struct buf *reterr);
    // A fetch has ended, or a file has been read.
    void (*ended)(void *arg, struct key_source *source, bool good);
    void *arg;
};

struct key_source {
    struct str url;
    unsigned number; // from 1
    char *path;      // of a file; NULL: it is fetched
    char *document;  // the last good one; NULL: none yet
    size_t document_len;
    const struct key_source_owner *owner;
    struct loop *loop;
    struct fetcher *fetcher;
    struct key_schedule schedule;
    struct key_file_stamp stamp;
    struct timer timer;
    struct fetch *fetch; // under way
    bool was_good;       // the last time; what is wrong is told once
};

// `url` is borrowed. HUB_E_INVALID: it is none that a document can come from; -ENOMEM.
MUST_CHECK int key_source_init(struct key_source *source, struct str url, unsigned number,
                               const struct key_source_owner *owner);
void key_source_done(struct key_source *source);
// Reads a file at once, for the start. What is wrong with it has been logged then.
MUST_CHECK int key_source_read(struct key_source *source);
// Begins to fetch, or to watch the file. `fetcher` may be NULL for a file.
void key_source_start(struct key_source *source, struct loop *loop, struct fetcher *fetcher,
                      uint64_t refresh_ms);
void key_source_stop(struct key_source *source);
// A token names a key that the document does not have. True: the next document is on its way, and `ended`
// follows. False: there is nothing to wait for until *ret_again_ms (of loop_now_ms).
MUST_CHECK bool key_source_ask(struct key_source *source, uint64_t *ret_again_ms);
