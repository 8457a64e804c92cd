// Writes the requests of Mercure's clients.
#pragma once

#include "base/option.h"
#include "base/str.h"

struct buf;
struct client_url;

struct request_publish {
    struct option_list topics;
    struct str data; // ptr NULL: no such field; likewise below
    struct str id;
    struct str type;
    struct str retry;
    bool is_private;
};

struct request_subscribe {
    struct option_list topics;   // match=
    struct option_list patterns; // match_urlpattern=
    struct str last_event_id;    // ptr NULL: none
};

// Each appends a whole request; a token may be empty. The error is the buffer's.
void request_append_get(struct buf *to, const struct client_url *url, struct str path);
void request_append_publish(struct buf *to, const struct client_url *url, struct str token,
                            const struct request_publish *fields);
void request_append_subscribe(struct buf *to, const struct client_url *url, struct str token,
                              const struct request_subscribe *fields);
