#include "bench/publisher.h"

#include "base/err.h"
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int publisher_reconnect(struct publisher *publisher, const struct bench_config *config)
{
    if (publisher->fd >= 0)
        (void)close(publisher->fd);
    publisher->got = publisher->sent = 0;
    publisher->reused = false;
    publisher->fd = socket(config->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (publisher->fd < 0)
        return -errno;
    int yes = 1;
    if (config->address.ss_family != AF_UNIX)
        (void)setsockopt(publisher->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    const struct sockaddr *to = (const struct sockaddr *)&config->address;
    if (connect(publisher->fd, to, config->address_len) || fcntl(publisher->fd, F_SETFL, O_NONBLOCK) < 0) {
        int err = -errno;
        (void)close(publisher->fd);
        publisher->fd = -1;
        return err;
    }
    return HUB_OK;
}

int publisher_open(struct publisher *publisher, const struct bench_config *config, struct str request)
{
    publisher->fd = -1;
    publisher->request = str_dup_c(request);
    publisher->request_len = request.len;
    if (!publisher->request)
        return -ENOMEM;
    return publisher_reconnect(publisher, config);
}

void publisher_close(struct publisher *publisher)
{
    free(publisher->request);
    if (publisher->fd < 0)
        return;
    struct linger linger = {.l_onoff = 1};
    (void)setsockopt(publisher->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    (void)close(publisher->fd);
}

enum publisher_state publisher_send(struct publisher *publisher)
{
    size_t left = publisher->request_len - publisher->sent;
    ssize_t len = send(publisher->fd, publisher->request + publisher->sent, left, MSG_NOSIGNAL);
    if (len < 0)
        return errno == EAGAIN ? PUBLISHER_SENDS : PUBLISHER_LOST;
    publisher->sent += (size_t)len;
    return publisher->sent == publisher->request_len ? PUBLISHER_WAITS : PUBLISHER_SENDS;
}

// The value of Content-Length in a head; false when it has none.
static bool find_length(struct str head, size_t *ret_length)
{
    const struct str name = STR("content-length:");
    for (size_t at = 0; at < head.len; at = str_find(head, at, '\n') + 1) {
        struct str line = str_slice(head, at, str_find(head, at, '\r'));
        uint64_t length;
        if (!str_eq_nocase(str_slice(line, 0, name.len), name))
            continue;
        if (str_to_u64(str_trim(str_slice(line, name.len, line.len)), &length) ||
            length > PUBLISHER_ANSWER_MAX)
            return false;
        *ret_length = (size_t)length;
        return true;
    }
    return false;
}

static enum publisher_state parse(struct str answer, unsigned *ret_status, struct str *ret_body)
{
    const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    if (!end)
        return answer.len == PUBLISHER_ANSWER_MAX ? PUBLISHER_LOST : PUBLISHER_WAITS;
    struct str head = str_slice(answer, 0, (size_t)(end - answer.ptr) + 2);
    struct str body = str_slice(answer, head.len + 2, answer.len);
    uint64_t status;
    size_t length;
    if (!str_starts_with(head, STR("HTTP/1.1 ")) || str_to_u64(str_slice(head, 9, 12), &status) ||
        !find_length(head, &length))
        return PUBLISHER_LOST;
    if (body.len < length)
        return PUBLISHER_WAITS;
    *ret_status = (unsigned)status;
    *ret_body = str_slice(body, 0, length);
    return PUBLISHER_ANSWERED;
}

enum publisher_state publisher_receive(struct publisher *publisher, unsigned *ret_status,
                                       struct str *ret_body)
{
    char *to = publisher->answer + publisher->got;
    ssize_t len = recv(publisher->fd, to, PUBLISHER_ANSWER_MAX - publisher->got, 0);
    if (len < 0 && errno == EAGAIN)
        return PUBLISHER_WAITS;
    if (len <= 0)
        return PUBLISHER_LOST;
    publisher->got += (size_t)len;
    return parse(str_make(publisher->answer, publisher->got), ret_status, ret_body);
}
