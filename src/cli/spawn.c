#include "cli/spawn.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/mint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 10000U
#define LOOK_NS 20000000L
#define FLAG_MAX 1024U
#define ISSUERS \
    "--issuers=[{issuer: '" DEV_ISSUER "', publisher: {jwt_key: '" DEV_KEY \
    "'}, subscriber: {jwt_key: '" DEV_KEY "'}}]"

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// A port that is free now; 0 when there is none.
static uint16_t find_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    if (fd >= 0)
        (void)close(fd);
    return found ? ntohs(address.sin_port) : 0;
}

static bool accepts(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        (void)close(fd);
    return done;
}

static bool fill_transport(struct spawned *spawned, struct str transport, struct buf *flag)
{
    buf_append_str(flag, STR("--transport-url="));
    if (str_eq(transport, STR("local"))) {
        buf_append_str(flag, STR("local://"));
    } else if (!str_eq(transport, STR("bolt"))) {
        buf_append_str(flag, transport);
    } else {
        int err = temporary_make(&spawned->data);
        if (err) {
            (void)fprintf(stderr, "cinnabar bench: no temporary directory: %s\n", err_text(err));
            return false;
        }
        buf_printf(flag, "bolt://%s/updates.db", spawned->data.path);
    }
    return buf_c(flag) != NULL;
}

// The folder is changed so that no configuration file of the user's has a say.
_Noreturn static void become_hub(char *const *argv, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGINT, SIG_IGN);
    if (getppid() == parent && chdir("/") == 0)
        (void)execv("/proc/self/exe", argv);
    _exit(1);
}

static bool start(struct spawned *spawned, uint16_t port, char *transport)
{
    char address[FLAG_MAX];
    char identifier[FLAG_MAX];
    (void)snprintf(spawned->url, sizeof(spawned->url), "http://127.0.0.1:%u" HUB_PATH, port);
    (void)snprintf(address, sizeof(address), "--addr=127.0.0.1:%u", port);
    (void)snprintf(identifier, sizeof(identifier), "--resource-identifier=%s", spawned->url);
    char command[] = "cinnabar", run[] = "run", ops[] = "--ops-addr=", level[] = "--log-level=warn";
    char anonymous[] = "--anonymous=true", issuers[] = ISSUERS;
    char *argv[] = {command, run, address, ops, transport, identifier, anonymous, issuers, level, NULL};
    pid_t parent = getpid();
    spawned->pid = fork();
    if (spawned->pid == 0)
        become_hub(argv, parent);
    if (spawned->pid > 0)
        return true;
    (void)fprintf(stderr, "cinnabar bench: no process for the hub: %s\n", err_text(-errno));
    spawned->pid = 0;
    return false;
}

static bool wait_until_up(struct spawned *spawned, uint16_t port)
{
    uint64_t deadline_ms = clock_mono_ms() + START_MS;
    struct timespec pause = {.tv_nsec = LOOK_NS};
    while (!accepts(port)) {
        if (waitpid(spawned->pid, NULL, WNOHANG) != 0) {
            spawned->pid = 0;
            (void)fputs("cinnabar bench: the hub did not start\n", stderr);
            return false;
        }
        if (clock_mono_ms() > deadline_ms) {
            (void)fputs("cinnabar bench: the hub does not accept connections\n", stderr);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

bool spawn_hub(struct spawned *spawned, struct str transport)
{
    *spawned = (struct spawned){0};
    uint16_t port = find_port();
    struct buf flag;
    buf_init(&flag, FLAG_MAX);
    bool up = port && fill_transport(spawned, transport, &flag) && start(spawned, port, flag.ptr) &&
              wait_until_up(spawned, port);
    buf_done(&flag);
    if (!up)
        spawn_stop(spawned);
    return up;
}

void spawn_stop(struct spawned *spawned)
{
    if (spawned->pid > 0) {
        (void)kill(spawned->pid, SIGTERM);
        (void)waitpid(spawned->pid, NULL, 0);
        spawned->pid = 0;
    }
    temporary_remove(&spawned->data);
}
