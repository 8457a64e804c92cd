// The floor of a hub's cost: it does nothing but `send`. Subscribers (GET) get a response head; each update
// (POST) goes to all of them as a frame of the same size as a hub's. Nothing is parsed but the first letter
// of a connection and the end of a request's head; updates that arrive together are sent together.
//
//     cc -O2 -o bare bench/bare.c -lpthread && ./bare PORT [THREADS]
//
// It prints a line when it listens and runs until it is killed. Spoken to by `cinnabar bench --protocol
// bare`.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS_MAX 8
#define SUBSCRIBERS_MAX 20000
#define CONNECTIONS_MAX 65536
#define FRAMES_SIZE (8U << 20) // updates of one turn
#define REQUEST_SIZE 65536

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n";
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char FRAME_START[] = "id: urn:uuid:01900000-0000-7000-8000-000000000000\ndata: ";

// A publisher's request as far as it has come.
struct request {
    size_t len;
    char bytes[REQUEST_SIZE];
};

// One thread with its share of the subscribers. The first also accepts, and reads from publishers.
struct sender {
    pthread_t thread;
    int wake;
    size_t count;
    int subscribers[SUBSCRIBERS_MAX];
    atomic_size_t incoming; // subscribers added by the accepting thread
    atomic_int busy;        // it reads `frames`
};

static struct sender senders[THREADS_MAX];
static unsigned sender_count = 2;
static struct request *requests[CONNECTIONS_MAX]; // by descriptor; NULL: a subscriber, or unknown yet
static char frames[FRAMES_SIZE];
static size_t frames_len;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void send_to_all(struct sender *sender)
{
    size_t count = atomic_load(&sender->incoming);
    for (size_t i = 0; i < count; i++) {
        // A subscriber that has gone or is full does not matter here.
        if (send(sender->subscribers[i], frames, frames_len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            errno != EAGAIN)
            continue;
    }
}

static void *run_sender(void *arg)
{
    struct sender *sender = arg;
    uint64_t value;
    for (;;) {
        if (read(sender->wake, &value, sizeof(value)) != sizeof(value))
            continue;
        send_to_all(sender);
        atomic_store(&sender->busy, 0);
    }
    return NULL;
}

// Sends what the turn has brought; the frames may change only when every thread is done with them.
static void flush(void)
{
    uint64_t one = 1;
    if (frames_len == 0)
        return;
    for (unsigned i = 1; i < sender_count; i++) {
        atomic_store(&senders[i].busy, 1);
        if (write(senders[i].wake, &one, sizeof(one)) < 0)
            die("write");
    }
    send_to_all(&senders[0]);
    for (unsigned i = 1; i < sender_count; i++) {
        while (atomic_load(&senders[i].busy))
            __builtin_ia32_pause();
    }
    frames_len = 0;
}

static void append(const char *bytes, size_t len)
{
    if (frames_len + len > FRAMES_SIZE)
        flush();
    memcpy(frames + frames_len, bytes, len);
    frames_len += len;
}

static void add_subscriber(int fd)
{
    static unsigned next;
    struct sender *sender = &senders[next++ % sender_count];
    if (sender->count == SUBSCRIBERS_MAX || send(fd, HEAD, sizeof(HEAD) - 1, MSG_NOSIGNAL) < 0) {
        close(fd);
        return;
    }
    sender->subscribers[sender->count++] = fd;
    atomic_store(&sender->incoming, sender->count);
}

// Returns whether the connection is still open.
static int take_request(int fd, struct request *request)
{
    char *end = memmem(request->bytes, request->len, "\r\n\r\n", 4);
    char *length = end ? memmem(request->bytes, request->len, "Content-Length: ", 16) : NULL;
    if (!length)
        return 1;
    size_t body = (size_t)strtoul(length + 16, NULL, 10);
    size_t head = (size_t)(end - request->bytes) + 4;
    if (request->len < head + body)
        return 1;
    append(FRAME_START, sizeof(FRAME_START) - 1);
    append(request->bytes + head, body);
    append("\n\n", 2);
    request->len = 0; // one request at a time is all that the tool sends
    return send(fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL) > 0;
}

static void drop(int fd)
{
    free(requests[fd]);
    requests[fd] = NULL;
    close(fd);
}

static void read_connection(int epoll, int fd)
{
    struct request *request = requests[fd];
    ssize_t len = recv(fd, request->bytes + request->len, REQUEST_SIZE - 1 - request->len, 0);
    if (len <= 0) {
        drop(fd);
        return;
    }
    request->len += (size_t)len;
    request->bytes[request->len] = '\0';
    if (request->bytes[0] == 'G') {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
        free(request);
        requests[fd] = NULL;
        add_subscriber(fd);
    } else if (!take_request(fd, request)) {
        drop(fd);
    }
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (fd >= CONNECTIONS_MAX || !(requests[fd] = calloc(1, sizeof(*requests[fd])))) {
            close(fd);
            continue;
        }
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int open_listener(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096))
        die("listen");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: bare PORT [THREADS]\n", stderr);
        return 2;
    }
    if (argc > 2)
        sender_count = (unsigned)strtoul(argv[2], NULL, 10);
    if (sender_count < 1 || sender_count > THREADS_MAX)
        sender_count = 1;
    int listener = open_listener((uint16_t)strtoul(argv[1], NULL, 10));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (unsigned i = 1; i < sender_count; i++) {
        senders[i].wake = eventfd(0, EFD_CLOEXEC);
        if (pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]))
            die("pthread_create");
    }
    puts("listening");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                read_connection(epoll, events[i].data.fd);
        }
        flush();
    }
}
