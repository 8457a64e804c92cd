"""What is measured: each row one scenario of `cinnabar bench`, its targets, and the servers that run it."""
from dataclasses import dataclass, field

OURS = ("local", "bolt")
IN_MEMORY = ("local",)  # where bolt:// waits for the disk, its targets are rows of their own
PEERS = ("local", "bolt", "nchan")
ALL = ("local", "bolt", "nchan", "bare")


@dataclass
class Limit:
    """A figure that may not be over (or, with `least`, under) `bound`.

    `value(figures)` takes the figures of one round: figures[server] is what the load tool has reported."""

    text: str
    bound: object  # a number, or a function of the round's figures
    value: object  # function of (figures, server)
    least: bool = False
    unit: str = ""


@dataclass
class Row:
    name: str
    title: str
    args: list
    servers: tuple
    columns: list  # (heading, function of one server's figures)
    limits: list = field(default_factory=list)
    judged: tuple = OURS  # the limits are for these


def rate(figures):
    return figures["deliveries_per_s"]


def publishes(figures):
    return figures["publishes_per_s"]


def subscriptions(figures):
    return figures["subscriptions_per_s"]


def cpu(figures):
    return figures["cpu_ns_each"] / 1000 if "cpu_ns_each" in figures else None


def memory(figures):
    return figures["memory_per_subscriber"]


def kernel(figures):
    return figures["kernel_per_subscriber"] / 2


def p99_delivery(figures):
    return figures["delivery"]["p99_ns"] / 1e6


def p50_delivery(figures):
    return figures["delivery"]["p50_ns"] / 1e6


def p50_publish(figures):
    return figures["publish"]["p50_ns"] / 1e6


def p99_publish(figures):
    return figures["publish"]["p99_ns"] / 1e6


def growth(figures):
    """MiB that the server has grown by while it delivered."""
    return (figures["memory_after"] - figures["memory_connected"]) / 2**20


RATE = ("deliveries/s", rate)
PUBLISHES = ("publishes/s", publishes)
CPU = ("CPU each, µs", cpu)


def cpu_below(micros, beside):
    """The bound was set on a machine on which nchan took `beside`: what travels is their ratio."""
    share = round(micros / beside, 2)
    return [Limit(f"≤ {micros} µs", micros, lambda round_, server: cpu(round_[server]), unit=" µs"),
            Limit(f"≤ {share} × nchan's CPU", share, lambda round_, server: cpu(round_[server]) / cpu(round_["nchan"]),
                  unit=" ×")]


def times_nchan(factor, of):
    return Limit(f"≥ {factor} × nchan", factor, lambda round_, server: of(round_[server]) / of(round_["nchan"]),
                 least=True, unit=" ×")


def at_least(bound, of, text):
    return Limit(text, bound, lambda round_, server: of(round_[server]), least=True, unit="/s")


def broadcast(name, title, args, cpu_limits, factor):
    return Row(name, title, ["broadcast", *args], ALL, [RATE, CPU], [*cpu_limits, times_nchan(factor, rate)])


SECONDS = ["--warmup", "500ms", "--duration", "2s"]
MATCHERS = (100, 1000, 15000)
# So that every topic has been seen and the memory of the topics is the same for all.
MATCH = ["--topics", "15000", "--warmup", "1500ms", "--duration", "2s"]


def match_rows(own, title, name):
    """Publishing what concerns none of 100, 1,000 and 15,000 subscribers; the last costs little more than the first."""
    fewest = f"{name}-{MATCHERS[0]}"

    def times_fewest(round_, server):
        return cpu(round_[server]) / cpu(round_[f"{fewest}/{server}"])

    def row(count):
        limits = [Limit("≤ 15 µs", 15, lambda round_, server: cpu(round_[server]), unit=" µs")]
        if count == MATCHERS[-1]:
            limits.append(Limit("≤ 1.5 × with 100", 1.5, times_fewest, unit=" ×"))
        return Row(f"{name}-{count}", f"publish beside {count:,} {title}",
                   ["match", "--own", own, "--subscribers", str(count), *MATCH], IN_MEMORY, [PUBLISHES, CPU], limits,
                   IN_MEMORY)

    return [row(count) for count in MATCHERS]


ROWS = [
    Row("idle", "memory of an idle subscriber", ["idle", "--subscribers", "10000", "--duration", "1s"], PEERS,
        [("bytes", memory), ("kernel's, bytes", kernel)],
        [Limit("≤ 512 B", 512, lambda round_, server: memory(round_[server]), unit=" B")]),
    broadcast("one", "broadcast to 1,000, one in flight", SECONDS, cpu_below(4.5, 7.8), 1.7),
    broadcast("four", "the same, four in flight", ["--in-flight", "4", *SECONDS], cpu_below(1.5, 3.4), 2.5),
    broadcast("large", "the same, four in flight, 4 KB", ["--in-flight", "4", "--size", "4000", *SECONDS], cpu_below(2, 6), 3),
    broadcast("crowd", "broadcast to 10,000, two in flight",
              ["--subscribers", "10000", "--in-flight", "2", *SECONDS], cpu_below(3.6, 8.7), 2),
    Row("paced", "broadcast to 10,000, 2 per second",
        ["broadcast", "--subscribers", "10000", "--rate", "2", "--count", "10"], ALL,
        [("p50, ms", p50_delivery), ("p99, ms", p99_delivery)],
        [Limit("p99 ≤ 0.6 × nchan's", 0.6,
               lambda round_, server: p99_delivery(round_[server]) / p99_delivery(round_["nchan"]), unit=" ×")]),
    Row("burst", "bursts of 64 to 10,000", ["burst", "--subscribers", "10000", *SECONDS, "--warmup", "0s"], ALL,
        [RATE, CPU], [times_nchan(30, rate),
                      Limit("grows ≤ 4 MiB", 4, lambda round_, server: growth(round_[server]), unit=" MiB")]),
    Row("topics", "publish to one of 15,000 topics with a subscriber each",
        ["unicast", "--subscribers", "15000", *SECONDS], PEERS, [PUBLISHES, CPU], [times_nchan(1.1, publishes)],
        IN_MEMORY),
    Row("few-topics", "the same with 1,000", ["unicast", "--subscribers", "1000", *SECONDS], PEERS,
        [PUBLISHES, CPU], [times_nchan(1.8, publishes)], IN_MEMORY),
    Row("public", "the same with 5,000", ["unicast", "--subscribers", "5000", *SECONDS], OURS,
        [PUBLISHES, CPU]),
    Row("private", "private, 5,000 topics, a grant each", ["private", "--subscribers", "5000", *SECONDS], OURS,
        [PUBLISHES, CPU],
        [Limit("≥ 0.9 × public", 0.9,
               lambda round_, server: publishes(round_[server]) / publishes(round_[f"public/{server}"]),
               least=True, unit=" ×")]),
    *match_rows("pattern", "who each hold a URL Pattern of their own that does not match", "match"),
    *match_rows("grant", "of everything who each hold a private grant", "grant"),
    *match_rows("grant_pattern", "of everything who each hold a private grant by a URL Pattern", "grant-pattern"),
    Row("publish", "publish, nobody listening, 64 publishers", ["publish", *SECONDS], PEERS,
        [PUBLISHES, CPU, ("p99, ms", p99_publish)], [times_nchan(1.25, publishes), *cpu_below(8, 11)],
        IN_MEMORY),
    Row("durable", "publish, durable, 64 publishers", ["publish", *SECONDS], ("bolt",),
        [PUBLISHES, CPU, ("p99, ms", p99_publish)],
        [Limit("≥ 0.6 × in memory", 0.6,
               lambda round_, server: publishes(round_[server]) / publishes(round_["publish/local"]),
               least=True, unit=" ×"),
         Limit("p99 ≤ 2 ms + two fdatasync", lambda round_: 2 + 2 * round_["fdatasync_ms"],
               lambda round_, server: p99_publish(round_[server]), unit=" ms")]),
    Row("durable-alone", "publish, durable, one publisher", ["publish", "--publishers", "1", *SECONDS], ("bolt",),
        [PUBLISHES, CPU, ("p50, ms", p50_publish)],
        [Limit("p50 ≤ two fdatasync + 0.1 ms", lambda round_: 0.1 + 2 * round_["fdatasync_ms"],
               lambda round_, server: p50_publish(round_[server]), unit=" ms")]),
    Row("replay", "replay of 60,000 updates of 32 bytes, from memory",
        ["replay", "--size", "32", "--history", "60000"], PEERS, [RATE, CPU], [at_least(2e6, rate, "≥ 2 M/s")]),
    Row("replay-store", "replay of 300,000 updates of 32 bytes, most from the store",
        ["replay", "--size", "32", "--history", "300000"], ("bolt",), [RATE, CPU],
        [at_least(2e6, rate, "≥ 2 M/s")]),
    Row("storm", "10,000 new subscriptions at once", ["storm", "--subscribers", "10000"], PEERS,
        [("subscriptions/s", subscriptions), CPU],
        [times_nchan(1, subscriptions), *cpu_below(20, 26)]),
    Row("return", "1,000 come back with an id out of 5,000", ["storm", "--with-id"], PEERS,
        [("subscriptions/s", subscriptions), CPU], [at_least(2e4, subscriptions, "≥ 20 k/s")]),
]
