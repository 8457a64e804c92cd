#include "fetch/fetch.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define CONNECT_TIMEOUT_MS 5000L
#define REASON_MAX CURL_ERROR_SIZE

struct fetcher {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;
    struct list fetches;
    const char *ca_file; // NULL: the system's
    const char *ca_dir;
};

struct fetch {
    struct fetcher *fetcher;
    CURL *easy;
    struct list node;
    struct curl_slist *headers;
    struct buf body;
    size_t max_bytes;
    char error[CURL_ERROR_SIZE];
    fetch_done_fn *done;
    void *arg;
};

// One socket of libcurl's. A few at a time: libuv watches them. It outlives the fetcher until libuv lets go.
struct fetch_socket {
    uv_poll_t poll;
    curl_socket_t fd;
    struct fetcher *fetcher;
};

// ---- The end of a fetch ----

static void free_fetch(struct fetch *fetch)
{
    list_remove(&fetch->node);
    if (fetch->easy) {
        (void)curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->headers);
    buf_done(&fetch->body);
    free(fetch);
}

// Why it failed, in words: NULL if it did not.
static const char *fault(const struct fetch *fetch, CURLcode code, char text[REASON_MAX])
{
    long status = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (fetch->body.err == HUB_E_TOO_BIG || code == CURLE_FILESIZE_EXCEEDED)
        (void)snprintf(text, REASON_MAX, "the answer is larger than %zu bytes", fetch->max_bytes);
    else if (fetch->body.err || code == CURLE_OUT_OF_MEMORY)
        (void)snprintf(text, REASON_MAX, "%s", err_text(-ENOMEM));
    else if (code == CURLE_UNSUPPORTED_PROTOCOL)
        (void)snprintf(text, REASON_MAX, "it redirects to an address that is not allowed");
    else if (code != CURLE_OK)
        (void)snprintf(text, REASON_MAX, "%s", *fetch->error ? fetch->error : curl_easy_strerror(code));
    else if (status != 200)
        (void)snprintf(text, REASON_MAX, "the answer's status is %ld", status);
    else
        return NULL;
    return text;
}

static void end_fetch(struct fetch *fetch, CURLcode code)
{
    char text[REASON_MAX];
    struct fetch_result result = {.reason = fault(fetch, code, text)};
    if (!result.reason)
        result.body = fetch->body.ptr ? buf_str(&fetch->body) : STR("");
    fetch->done(fetch->arg, &result);
    free_fetch(fetch);
}

static void end_fetches(struct fetcher *fetcher)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; // the message does not outlive the call that comes
        char *fetch = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        end_fetch((struct fetch *)(void *)fetch, code);
    }
}

// ---- What libcurl wants to be told ----

static void act(struct fetcher *fetcher, curl_socket_t fd, int events)
{
    int running;
    (void)curl_multi_socket_action(fetcher->multi, fd, events, &running);
    end_fetches(fetcher);
}

static void timer_due(struct timer *timer)
{
    act(CONTAINER_OF(timer, struct fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct fetcher *fetcher = arg;
    if (timeout_ms < 0)
        timer_cancel(&fetcher->timer);
    else
        timer_set(fetcher->loop, &fetcher->timer, loop_now_ms(fetcher->loop) + (uint64_t)timeout_ms);
    return 0;
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct fetch_socket *socket = CONTAINER_OF(poll, struct fetch_socket, poll);
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(socket->fetcher, socket->fd, flags);
}

static void socket_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_poll_t *)handle, struct fetch_socket, poll));
}

static struct fetch_socket *open_socket(struct fetcher *fetcher, curl_socket_t fd)
{
    struct fetch_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        return NULL;
    socket->fetcher = fetcher;
    socket->fd = fd;
    if (uv_poll_init_socket(&fetcher->loop->uv, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    (void)curl_multi_assign(fetcher->multi, fd, socket);
    return socket;
}

// Without memory, or when the kernel cannot, the fetch runs into its timeout.
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
    (void)easy;
    struct fetcher *fetcher = arg;
    struct fetch_socket *socket = of_socket;
    if (what == CURL_POLL_REMOVE) {
        (void)curl_multi_assign(fetcher->multi, fd, NULL);
        if (socket)
            uv_close((uv_handle_t *)&socket->poll, socket_closed);
        return 0;
    }
    if (!socket)
        socket = open_socket(fetcher, fd);
    int events = what & CURL_POLL_IN ? UV_READABLE : 0;
    events |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
    if (socket)
        (void)uv_poll_start(&socket->poll, events, socket_ready);
    return 0;
}

// ---- The beginning of one ----

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    buf_append(&fetch->body, bytes, size * count);
    return fetch->body.err ? 0 : size * count; // less than there was ends it
}

static bool set_limits(CURL *easy, const struct fetch_config *config)
{
    bool secure = str_starts_with(str_from_c(config->url), STR("https:"));
    const char *redirects = secure ? "https" : "http,https";
    long timeout_ms = (long)config->timeout_ms;
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, redirects) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)config->max_bytes) == CURLE_OK;
}

static bool set_certificates(CURL *easy, const struct fetcher *fetcher)
{
    return (!fetcher->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, fetcher->ca_file) == CURLE_OK) &&
           (!fetcher->ca_dir || curl_easy_setopt(easy, CURLOPT_CAPATH, fetcher->ca_dir) == CURLE_OK);
}

// No connection is kept for the next time, which is long after; and no thread of the look-up of a name is
// waited for, which could take as long as it likes.
static bool set_habits(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "cinnabar/" CINNABAR_VERSION) == CURLE_OK;
}

static bool set_request(struct fetch *fetch, const struct fetch_config *config)
{
    char accept[256];
    (void)snprintf(accept, sizeof(accept), "Accept: %s", config->accept);
    fetch->headers = curl_slist_append(NULL, accept);
    CURL *easy = fetch->easy;
    return fetch->headers && curl_easy_setopt(easy, CURLOPT_URL, config->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch) == CURLE_OK;
}

int fetch_begin(struct fetch **ret_fetch, struct fetcher *fetcher, const struct fetch_config *config,
                fetch_done_fn *done, void *arg)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (!fetch)
        return -ENOMEM;
    fetch->fetcher = fetcher;
    fetch->done = done;
    fetch->arg = arg;
    fetch->max_bytes = config->max_bytes;
    buf_init(&fetch->body, config->max_bytes);
    list_init(&fetch->node);
    fetch->easy = curl_easy_init();
    if (!fetch->easy || !set_request(fetch, config) || !set_limits(fetch->easy, config) ||
        !set_certificates(fetch->easy, fetcher) || !set_habits(fetch->easy) ||
        curl_multi_add_handle(fetcher->multi, fetch->easy) != CURLM_OK) {
        free_fetch(fetch);
        return -ENOMEM;
    }
    list_append(&fetcher->fetches, &fetch->node);
    *ret_fetch = fetch;
    return HUB_OK;
}

void fetch_cancel(struct fetch *fetch)
{
    free_fetch(fetch);
}

// ---- The fetcher ----

static const char *variable(const char *name)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): there is one thread
    return value && *value ? value : NULL;
}

int fetcher_new(struct fetcher **ret_fetcher, struct loop *loop)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    CURLM *multi = fetcher ? curl_multi_init() : NULL;
    if (!multi) {
        free(fetcher);
        curl_global_cleanup();
        return -ENOMEM;
    }
    *fetcher = (struct fetcher){.loop = loop, .multi = multi};
    fetcher->ca_file = variable("SSL_CERT_FILE");
    fetcher->ca_dir = variable("SSL_CERT_DIR");
    timer_init(&fetcher->timer, timer_due);
    list_init(&fetcher->fetches);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, fetcher);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, fetcher);
    *ret_fetcher = fetcher;
    return HUB_OK;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    LIST_FOREACH (node, &fetcher->fetches)
        free_fetch(CONTAINER_OF(node, struct fetch, node));
    (void)curl_multi_cleanup(fetcher->multi);
    timer_cancel(&fetcher->timer);
    free(fetcher);
    curl_global_cleanup();
}
