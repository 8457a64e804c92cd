"""Every bound at its edge: what happens there, what the user is told, and that the rest goes on.

The bounds of what one request may say stand with what it says: topics, ids and bodies in test_publish and test_http,
matchers in test_subscribe, the head and the number of connections in test_http."""
import json
import select
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from harness import tokens
from harness.disk import SlowDisk
from harness.hub import PATH
from harness.load import Follower, Publisher, publish_series, wait_until
from harness.process import KIB, MIB, MemoryPeak, is_sanitized, scale
from harness.wire import Closed, Connection, request_bytes

TOO_MANY = "Service Unavailable: too many updates wait to be stored\n"
STALLED_BUFFER = 4 * KIB


def assert_memory(memory, most):
    print(f"{memory.growth / MIB:.1f} MiB more memory at most")
    if not is_sanitized():
        assert memory.growth <= most


# ---- what waits to be stored


class Waiting:
    """Updates that wait for a disk that stands still."""

    def __init__(self, hub, disk):
        self.hub = hub
        self.disk = disk
        self.requests = 0
        self.publishers = []
        disk.hold()

    def add(self, **fields):
        """One more that waits."""
        publisher = Publisher(self.hub)
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        before = self.hub.metrics()["mercure_http_requests_total"]
        publisher.connect().send(publisher.request(body))
        if not self.publishers:
            self.disk.wait_held()
        self.hub.wait_metric("mercure_http_requests_total", lambda count: count > before)
        self.publishers.append(publisher)

    def settle(self):
        """Lets the disk turn; every one of them is stored. Their ids in the order of `add`."""
        self.disk.release()
        responses = [publisher.connection.read_response() for publisher in self.publishers]
        assert [response.status for response in responses] == [200] * len(responses)
        for publisher in self.publishers:
            publisher.close()
        return [response.text for response in responses]


@pytest.fixture
def start_waiting(start_hub, tmp_path):
    """Starts a hub whose disk stands still."""
    disk = SlowDisk(tmp_path)

    def start(**conf):
        hub = start_hub(transport_url=f"bolt://{tmp_path}/hub/hub.db", env=disk.env, publish_timeout="1m", **conf)
        return hub, Waiting(hub, disk)
    return start


def assert_too_many(hub, response):
    assert (response.status, response.text) == (503, TOO_MANY)
    assert int(response.get("Retry-After")) >= 1
    line = hub.log.wait("not stored", request_id=response.get("X-Request-Id"))
    assert "max_pending_publishes or max_pending_bytes" in line["reason"]


def test_as_many_publishes_wait_as_may_and_one_more_is_refused_at_once(start_waiting, topic):
    hub, waiting = start_waiting(max_pending_publishes=10)
    for _ in range(10):
        waiting.add(topic=topic)
    for _ in range(3):
        assert_too_many(hub, hub.publish(topic, "one too many"))
    with Follower(hub, topic, last_event_id="earliest") as history:
        ids = waiting.settle()
        ids.append(hub.publish_ok(topic, "there is room again"))
        history.wait(11)
        assert sorted(history.ids()) == sorted(ids)


def test_as_many_bytes_wait_as_may_and_the_update_that_does_not_fit_is_refused_at_once(start_waiting, topic):
    hub, waiting = start_waiting(max_pending_bytes="64KiB")
    for _ in range(3):
        waiting.add(topic=topic, data="x" * 16_000)
    assert_too_many(hub, hub.publish(topic, "x" * 17_500))
    waiting.add(topic=topic, data="x" * 16_000)  # a smaller one fits
    assert_too_many(hub, hub.publish(topic, "x" * 1500))
    waiting.settle()
    hub.publish_ok(topic, "x" * 16_000)


def test_a_single_update_may_always_wait_however_large_it_is(start_waiting, topic):
    hub, waiting = start_waiting(max_pending_bytes="64KiB")
    waiting.add(topic=topic, data="x" * 1_000_000)
    assert_too_many(hub, hub.publish(topic, "x"))
    waiting.settle()
    hub.publish_ok(topic, "x")


def test_bodies_that_trickle_are_bounded_and_shut_nobody_out(start_hub, topic):
    """Anybody may send a QUERY: those that hold bytes for longest are refused, and publishers get through."""
    hub = start_hub(max_pending_bytes="64KiB", workers=1)
    head = (f"QUERY {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 50000\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n")

    def trickle():
        connection = hub.connect()
        connection.send(head + "x" * 20_000)  # takes 32 KiB
        return connection

    trickling = [trickle() for _ in range(5)]
    refused = [connection.read_response() for connection in trickling[:3]]
    for connection, response in zip(trickling, refused):
        assert (response.status, response.text) == (
            503, "Service Unavailable: too many request bodies are being read\n")
        assert response.get("Retry-After") == "1"
        assert connection.read_all() == b""
        line = hub.log.wait("Request refused", request_id=response.get("X-Request-Id"))
        assert (line["status"], line["reason"]) == (503, "too many request bodies are being read")
    with hub.connect() as publisher:
        body = urlencode({"topic": topic, "data": "x" * 30_000})
        publisher.send(f"POST {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: {len(body)}\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       f"Authorization: Bearer {hub.publisher_token()}\r\n\r\n" + body[:25_000])
        assert trickling[3].read_response().status == 503
        publisher.send(body[25_000:])
        assert publisher.read_response().status == 200
    for _ in range(3):  # what comes at once is not counted
        hub.publish_ok(topic, "x" * 30_000)
    for connection in trickling:
        connection.close()


# ---- requests


def test_a_client_that_pipelines_far_ahead_waits_and_is_answered(hub, topic):
    """The hub reads 64 requests ahead, whatever the client sends, and holds the rest back in the socket."""
    publisher = Publisher(hub)
    with Follower(hub, topic) as live:
        count = scale(5000)
        publish_series([publisher], [[publisher.request(f"topic={topic}&id={topic}:{i}") for i in range(count)]])
        assert publisher.acknowledged == [f"{topic}:{i}" for i in range(count)]
        live.wait(count)
        assert live.ids() == publisher.acknowledged
    publisher.close()


def test_a_connection_that_is_used_is_kept_however_long(start_hub):
    hub = start_hub(read_header_timeout="300ms", read_timeout="500ms")
    with hub.connect() as connection:
        for _ in range(10):
            connection.send(request_bytes("GET", "/healthz"))
            assert connection.read_response().status == 200
            time.sleep(0.1)


def send_until_full(connection, data):
    """Sends the text again and again until nothing of it is taken any more; how often it went, and the rest."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STALLED_BUFFER)
    connection.socket.setblocking(False)
    poll = select.poll()
    poll.register(connection.socket, select.POLLOUT)
    sent = 0
    while poll.poll(300):
        try:
            sent += connection.socket.send(data[sent % len(data):] + data * 50)
        except BlockingIOError:
            pass
    connection.socket.settimeout(60)
    return -(-sent // len(data)), data[sent % len(data):] if sent % len(data) else b""


def test_a_client_that_takes_no_answers_is_asked_to_wait_and_costs_little(start_hub):
    hub = start_hub(dispatch_timeout="0s", read_timeout="0s")
    request = request_bytes("GET", "/healthz")
    clients, counts = [], []
    with MemoryPeak(hub.process.pid) as memory:
        for _ in range(4):
            clients.append(hub.connect(receive_buffer=STALLED_BUFFER))
            counts.append(send_until_full(clients[-1], request))
    assert_memory(memory, 4 * MIB)
    for client, (count, rest) in zip(clients, counts):
        assert count > 64
        sender = threading.Thread(target=client.send, args=(rest,))  # there is no room before answers are read
        sender.start()
        assert all(client.read_response().status == 200 for _ in range(count))
        sender.join()
        client.close()


# ---- connections and descriptors


def test_publishers_and_operations_get_through_when_subscribers_have_taken_all_places(start_hub, topic):
    hub = start_hub(max_connections=40)
    streams = [hub.subscribe(topic) for _ in range(40)]
    for _ in range(20):
        connection = hub.connect()
        connection.send(request_bytes("GET", f"{PATH}?match={topic}"))
        assert connection.read_all() == b"", "a subscriber too many was not turned away"
        connection.close()
    reason = "max_subscribers or max_connections is reached"
    hub.log.wait("Subscription refused", count=20, reason=reason)
    warnings = hub.log.find("Subscribers are turned away", level="warn", reason=reason)
    assert warnings and len(warnings) + sum(line.get("left_out", 0) for line in warnings) <= 20
    publishers = [Publisher(hub) for _ in range(20)]
    ids = [publisher.publish(topic=topic).text for publisher in publishers]
    for publisher in publishers:
        publisher.close()
    assert [event.id for event in streams[0].read_events(20)] == ids
    assert hub.ask_operations("/mercure/health/live").status == 200
    assert hub.ask_operations("/metrics").status == 200
    for stream in streams:
        stream.close()
    hub.wait_metric("mercure_subscribers_connected", 0)
    hub.subscribe(topic).close()


def set_file_limit(hub, more):
    """Lets the running hub open only so many files more than it has."""
    limit = len(list(Path(f"/proc/{hub.process.pid}/fd").iterdir())) + more
    subprocess.run(["prlimit", "--pid", str(hub.process.pid), f"--nofile={limit}"], check=True)


def is_answered(hub):
    try:
        return hub.ask_operations("/mercure/health/ready").status == 200
    except (Closed, ConnectionResetError, BrokenPipeError):
        return False


def test_without_a_descriptor_left_connections_are_accepted_and_closed_and_the_hub_recovers(start_hub, topic):
    hub = start_hub(workers=1)
    stream = hub.subscribe(topic)
    set_file_limit(hub, 10)
    clients = [hub.connect() for _ in range(60)]
    for client in clients:
        try:
            client.send(request_bytes("GET", "/healthz"))
        except OSError:
            pass  # it has been closed already
    answered = []
    for client in clients:
        try:
            assert client.read_response().status == 200
            answered.append(client)
        except (Closed, ConnectionResetError, BrokenPipeError):
            client.close()
    assert 5 <= len(answered) <= 10  # others are closed, none waits for ever
    # Who is in is served: on an open connection one can publish, and the open stream gets it.
    publish = Publisher(hub)
    publish.connection = answered[0]
    id_ = publish.publish(topic=topic).text
    assert stream.read_event().id == id_
    for client in answered:
        client.close()
    wait_until(lambda: is_answered(hub), "there is no room again")
    assert hub.metrics()["mercure_http_connections_refused_total"] >= 50
    hub.log.wait("Connections are turned away", level="warn", reason="no descriptor is left")
    hub.publish_ok(topic, "there is room again")
    assert stream.read_event().data == "there is room again"
    stream.close()


@pytest.mark.parametrize("files", [80, 200, 400])
def test_the_limits_follow_a_small_file_limit(start_hub, topic, files):
    """A hub that may open few files says so, keeps some of them for publishers, and runs out of none."""
    hub = start_hub(wrapper=["prlimit", f"--nofile={files}:{files}"])
    most = hub.log.wait("^The limit of open files is low", open_files=files)["max_connections"]
    streams = [hub.subscribe(topic) for _ in range(most)]
    with hub.connect() as connection:
        connection.send(request_bytes("GET", f"{PATH}?match={topic}"))
        assert connection.read_all() == b""
    hub.publish_ok(topic, "publishers have a share of their own")
    assert hub.ask_operations("/mercure/health/live").status == 200
    for stream in streams:
        stream.close()
    hub.wait_metric("mercure_subscribers_connected", 0)
    hub.publish_ok(topic, "x")


# ---- memory


def test_the_tail_takes_no_more_than_it_may(start_with, transport, topic):
    hub = start_with(transport, {"tail_max_bytes": "1MiB", "max_pipelined": 4})
    publishers = [Publisher(hub) for _ in range(8)]
    seen = []
    with MemoryPeak(hub.process.pid) as memory:
        for size in (10, 1000, 30_000):
            count = min(2400, 16 * MIB // size) // 8
            publish_series(publishers, [[publisher.request(f"topic={topic}/{i}&data={'x' * size}") for i in range(count)]
                                        for publisher in publishers])
            seen.append(hub.metrics()["mercure_tail_bytes"])
    assert all(MIB / 2 < tail <= MIB for tail in seen)
    # Of 19 MiB, in all. Beside the tail there are 32 updates on their way, of up to 30 kB, several times each.
    assert_memory(memory, 12 * MIB)
    for publisher in publishers:
        publisher.close()


def test_the_tail_counts_the_topics_that_each_worker_keeps(start_with, topic):
    """An update of long topics is small beside what eight workers make of it."""
    # What workers that wait for a core have not applied yet is no part of the tail: there is none of it.
    hub = start_with("local", {"tail_max_bytes": "8MiB", "workers": 8, "max_topic_length": "4KiB",
                               "worker_lag_max": "64KiB"})
    publisher = Publisher(hub)
    long = topic + "/" + "x" * 3900
    with MemoryPeak(hub.process.pid) as memory:
        for i in range(40):
            body = "&".join(f"topic={long}{i}-{j}" for j in range(100))
            publisher.connect().send(publisher.request(body))
            assert publisher.connection.read_response().status == 200
    assert 0 < hub.metrics()["mercure_tail_bytes"] <= 8 * MIB
    # Of 144 MiB, in all. An update or two are on their way, of 4 MiB each.
    assert_memory(memory, 32 * MIB)
    publisher.close()


def test_the_tail_is_kept_small_while_other_connections_always_have_something_to_do(start_with, topic):
    """Clients that send requests ahead without end: there is no turn after which every connection is at rest."""
    hub = start_with("local", {"tail_max_bytes": "1MiB", "worker_lag_max": "1MiB"})
    request = b"GET /nothing HTTP/1.1\r\nHost: hub.example\r\n\r\n"
    busy = threading.Event()
    busy.set()

    def keep_busy():
        block, sent = request * 2000, 0
        connection = Connection(hub.address).socket
        connection.setblocking(False)
        while busy.is_set():
            readable, writable, _ = select.select([connection], [connection], [], 1)
            if readable:
                connection.recv(1 << 20)
            if writable:
                sent = (sent + connection.send(block[sent:])) % len(block)
        connection.close()

    clients = [threading.Thread(target=keep_busy) for _ in range(12)]
    publisher = Publisher(hub)
    with MemoryPeak(hub.process.pid) as memory:
        for client in clients:
            client.start()
        for _ in range(300):
            publisher.publish(topic=topic, data="x" * 200_000)
        busy.clear()
        for client in clients:
            client.join()
    assert len(publisher.acknowledged) == 300
    assert_memory(memory, 24 * MIB)
    publisher.close()


def test_an_update_that_is_larger_than_the_tail_is_delivered_all_the_same(start_with, transport, topic):
    hub = start_with(transport, {"tail_max_bytes": "64KiB"})
    with hub.subscribe(topic) as stream:
        for letter in "abc":
            hub.publish_ok(topic, letter * 500_000)
            assert stream.read_event().data == letter * 500_000


@pytest.mark.threads
def test_publishing_is_held_back_for_a_worker_that_lags_and_goes_on(start_with, transport, topic):
    hub = start_with(transport, {"worker_lag_max": "64KiB"})
    publishers = [Publisher(hub) for _ in range(8)]
    with Follower(hub, topic) as live:
        published = 0
        while hub.metrics()["mercure_held_total"] == 0:
            publish_series(publishers, [[publisher.request(f"topic={topic}&data={'x' * 8000}")] * 25
                                        for publisher in publishers])
            published += 200
        live.wait(published)
        assert not any(publisher.refused for publisher in publishers)
        assert sorted(live.ids()) == sorted(id_ for publisher in publishers for id_ in publisher.acknowledged)
    for publisher in publishers:
        publisher.close()


@pytest.mark.threads
def test_frames_that_stalled_readers_hold_are_bounded_and_nobody_else_suffers(start_hub, tmp_path, topic):
    hub = start_hub(transport_url=f"bolt://{tmp_path}/hub/hub.db", dispatch_timeout="0s", heartbeat="0s",
                    tail_max_bytes="64KiB", max_unsent_bytes="8MiB", log_level="debug")
    count, size = 24, 1_000_000
    with Follower(hub, topic) as reader, MemoryPeak(hub.process.pid) as memory:
        stalled = [Follower(hub, f"{topic}/{i}", receive_buffer=STALLED_BUFFER, start=False) for i in range(count)]
        ids = []
        for i in range(count):
            ids.append(hub.publish_ok(f"{topic}/{i}", "x" * size))
            hub.publish_ok(topic, "small")
        reader.wait(count)
        assert not reader.ended
        most = 8 * MIB // size  # a frame that is kept counts whole
        hub.wait_metric("mercure_subscribers_connected", lambda connected: connected <= most + 1)
        kept = hub.metrics()["mercure_subscribers_connected"] - 1
    assert 7 <= kept <= most
    hub.log.wait("Subscriber disconnected", count=int(count - kept), reason="max_unsent_bytes is reached")
    # The frames themselves, and what passes through: requests and a slice of history or two.
    assert_memory(memory, 24 * MIB)
    for follower in stalled:
        follower.start()
        wait_until(lambda: follower.count or follower.ended, "the stream neither goes on nor ends")
    assert len([follower for follower in stalled if follower.count]) == kept
    for i, follower in enumerate(stalled):
        if not follower.count:
            follower = Follower(hub, f"{topic}/{i}", last_event_id="earliest")
            follower.wait(1)
        assert follower.ids() == [ids[i]]
        follower.close()


# ---- tokens


@pytest.mark.parametrize("size", [0, 10])
def test_the_cache_of_tokens_holds_no_more_than_it_may(start_hub, topic, size):
    hub = start_hub(token_cache_size=size)
    count = scale(3000)
    made = [tokens.mint(publish=[topic, f"urn:{i}"], jti=str(i)) for i in range(count)]
    warm = made[:100]
    with hub.connect() as connection:
        def publish(token):
            connection.send(request_bytes("POST", PATH, {
                "Authorization": f"Bearer {token}", "Content-Type": "application/x-www-form-urlencoded"}, f"topic={topic}"))
            return connection.read_response().status
        assert all(publish(token) == 200 for token in warm)
        with MemoryPeak(hub.process.pid) as memory:
            assert all(publish(token) == 200 for token in made)
        tail = hub.metrics()["mercure_tail_bytes"]
        assert publish(made[0]) == 200
        assert publish(made[-1][:-4] + "AAAA") == 401
    assert_memory(memory, tail + 512 * KIB)


def test_a_flood_of_bad_tokens_takes_no_memory_and_pushes_no_good_one_out(start_hub, topic):
    hub = start_hub()
    good = tokens.mint(subscribe=[topic])
    bad = [tokens.mint(subscribe=[topic], jti=str(i), key="another key of some length") for i in range(scale(5000))]

    def ask(connection, token):
        connection.send(request_bytes("HEAD", f"{PATH}?match={topic}", {"Authorization": f"Bearer {token}"}))
        return connection.read_head().status

    with hub.connect() as connection:
        assert all(ask(connection, token) == 401 for token in bad[:1500])
        with MemoryPeak(hub.process.pid) as memory:
            assert all(ask(connection, token) == 401 for token in bad)
    with hub.connect() as connection:
        assert ask(connection, good) == 200
    assert_memory(memory, 512 * KIB)


# ---- operations


def test_more_health_checks_than_are_answered_at_once_are_closed_and_the_hub_goes_on(hub):
    """Probes have a bound of their own: a stuck monitor cannot take the descriptors of clients."""
    request = request_bytes("GET", "/mercure/health/ready")
    held = []
    for _ in range(80):
        connection = Connection(hub.ops_address)
        held.append(connection)
    answered = 0
    for connection in held:
        try:
            connection.send(request)
            assert json.loads(connection.read_response().body) == {"status": "ok"}
            answered += 1
        except (Closed, ConnectionResetError, BrokenPipeError):
            pass
        connection.close()
    assert answered == 64
    wait_until(lambda: hub.ask_operations("/mercure/health/ready").status == 200, "no answer")
