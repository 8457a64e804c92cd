#include "cli/token_keys.h"

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "fetch/fetch.h"
#include "hub/key_file.h"
#include "hub/keyset_build.h"
#include "jwt/jwks.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 10000U
#define REASON_MAX 1024U

struct document {
    struct str url;
    char *url_c;
    struct buf text;
    bool done; // it is here
    struct gathering *gathering;
};

struct gathering {
    struct document *documents;
    size_t count;
    size_t pending; // fetches
    struct loop loop;
};

static void complain(struct str url, const char *reason)
{
    (void)fprintf(stderr, "cinnabar token check: %.*s: %s\n", STR_ARG(url), reason);
}

static struct document *find(const struct gathering *gathering, struct str url)
{
    for (size_t i = 0; i < gathering->count; i++) {
        if (str_eq(gathering->documents[i].url, url))
            return &gathering->documents[i];
    }
    return NULL;
}

static int add_url(struct gathering *gathering, struct str url)
{
    if (!url.ptr || find(gathering, url))
        return HUB_OK;
    struct document *document = &gathering->documents[gathering->count];
    *document = (struct document){.url = url, .url_c = str_dup_c(url), .gathering = gathering};
    if (!document->url_c)
        return -ENOMEM;
    buf_init(&document->text, JWK_SET_TEXT_MAX);
    gathering->count++;
    return HUB_OK;
}

static int add_urls(struct gathering *gathering, const struct conf *conf)
{
    gathering->documents = calloc(2 * conf->issuer_count + 2, sizeof(*gathering->documents));
    int err = gathering->documents ? HUB_OK : -ENOMEM;
    for (size_t i = 0; i < conf->issuer_count && !err; i++) {
        err = add_url(gathering, conf->issuers[i].publisher.jwks_uri);
        if (!err)
            err = add_url(gathering, conf->issuers[i].subscriber.jwks_uri);
    }
    if (!err)
        err = add_url(gathering, conf->legacy.publisher.jwks_uri);
    return err ? err : add_url(gathering, conf->legacy.subscriber.jwks_uri);
}

// ---- Getting them ----

static void read_file(struct document *document)
{
    struct buf path;
    struct key_file_stamp stamp;
    buf_init(&path, 4096);
    int err = key_file_path(document->url, &path);
    if (!err)
        err = key_file_read(buf_c(&path), &stamp, &document->text);
    document->done = err == HUB_OK;
    if (err)
        complain(document->url, err_text(err));
    buf_done(&path);
}

static void fetched(void *arg, const struct fetch_result *result)
{
    struct document *document = arg;
    if (result->reason)
        complain(document->url, result->reason);
    else
        buf_append_str(&document->text, result->body);
    document->done = !result->reason && !document->text.err;
    if (--document->gathering->pending == 0)
        loop_stop(&document->gathering->loop);
}

static void begin(struct document *document, struct fetcher *fetcher)
{
    struct fetch *fetch;
    const struct fetch_config config = {
        .url = document->url_c,
        .accept = "application/jwk-set+json, application/json",
        .timeout_ms = TIMEOUT_MS,
        .max_bytes = JWK_SET_TEXT_MAX,
    };
    if (fetch_begin(&fetch, fetcher, &config, fetched, document) != HUB_OK)
        complain(document->url, err_text(-ENOMEM));
    else
        document->gathering->pending++;
}

static bool is_file(const struct document *document)
{
    return str_starts_with(document->url, STR("file:"));
}

static int fetch_all(struct gathering *gathering)
{
    struct fetcher *fetcher;
    int err = loop_init(&gathering->loop);
    if (err)
        return err;
    err = fetcher_new(&fetcher, &gathering->loop);
    if (!err) {
        for (size_t i = 0; i < gathering->count; i++) {
            if (!is_file(&gathering->documents[i]))
                begin(&gathering->documents[i], fetcher);
        }
        if (gathering->pending)
            loop_run(&gathering->loop);
        fetcher_free(fetcher);
    }
    loop_done(&gathering->loop);
    return err;
}

static int gather(struct gathering *gathering)
{
    bool any = false;
    for (size_t i = 0; i < gathering->count; i++) {
        if (is_file(&gathering->documents[i]))
            read_file(&gathering->documents[i]);
        else
            any = true;
    }
    return any ? fetch_all(gathering) : HUB_OK;
}

static void done(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->count; i++) {
        buf_done(&gathering->documents[i].text);
        free(gathering->documents[i].url_c);
    }
    free(gathering->documents);
}

// ---- The set ----

static struct key_document find_document(const void *arg, struct str url)
{
    const struct document *document = find(arg, url);
    struct str none = {NULL, 0};
    return (struct key_document){
        .text = document->done ? buf_str(&document->text) : none, .source = 1, .fresh = true};
}

static int build(struct jwt_keyset **ret_keys, const struct conf *conf, const struct gathering *gathering)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    int err = keyset_build(ret_keys, conf, find_document, gathering, &reason);
    if (err)
        (void)fprintf(stderr, "cinnabar token check: %s\n", reason.len ? buf_c(&reason) : err_text(err));
    buf_done(&reason);
    return err;
}

struct jwt_keyset *token_keys_load(const struct conf *conf)
{
    struct jwt_keyset *keys = NULL;
    struct gathering gathering = {0};
    int err = add_urls(&gathering, conf);
    if (!err)
        err = gather(&gathering);
    if (err)
        (void)fprintf(stderr, "cinnabar token check: %s\n", err_text(err));
    else if (build(&keys, conf, &gathering) != HUB_OK)
        keys = NULL;
    done(&gathering);
    return keys;
}
