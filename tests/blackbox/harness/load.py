"""Many updates and long streams, as fast as Python can: publishers that pipeline, followers that read in bulk."""
import re
import select
import socket
import threading
import time
from urllib.parse import urlencode

from .hub import PATH
from .wire import HANG_GUARD_S, Connection, request_bytes

ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n")
EVENT_ID = re.compile(rb"\nid: ([^\n]*)\n")


class Publisher:
    """One keep-alive connection. `acknowledged` has the ids that were answered with 200, in that order."""

    def __init__(self, hub, token=None):
        self.hub = hub
        self.head = request_bytes("GET", PATH, {
            "Authorization": f"Bearer {token or hub.publisher_token()}",
            "Content-Type": "application/x-www-form-urlencoded"}).replace(b"GET", b"POST", 1)[:-2]
        self.connection = None
        self.acknowledged = []
        self.refused = []  # (status, body) of all other answers

    def connect(self):
        """Not before it is used: the hub does not keep a connection for long that asks nothing."""
        if not self.connection:
            self.connection = self.hub.connect()
        return self.connection

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def request(self, body):
        """The bytes of a request with this form."""
        return b"%sContent-Length: %d\r\n\r\n%s" % (self.head, len(body), body.encode())

    def publish(self, **fields):
        """One update, and its answer."""
        self.connect().send(self.request(urlencode(fields)))
        response = self.connection.read_response()
        if response.status == 200:
            self.acknowledged.append(response.text)
        else:
            self.refused.append((response.status, response.text))
        return response

    def take_answers(self):
        """Notes the answers that are whole among the bytes received."""
        data, at = self.connection.received, 0
        while match := ANSWER.match(data, at):
            end = match.end() + int(match.group(2))
            if end > len(data):
                break
            body = data[match.end():end].decode()
            if match.group(1) == b"200":
                self.acknowledged.append(body)
            else:
                self.refused.append((int(match.group(1)), body))
            at = end
        self.connection.received = data[at:]

    @property
    def answers(self):
        return len(self.acknowledged) + len(self.refused)


def publish_series(publishers, series):
    """Sends each publisher's list of requests, pipelined, and waits for every answer."""
    queues = {publisher: memoryview(b"".join(requests)) for publisher, requests in zip(publishers, series)}
    wanted = {publisher: publisher.answers + len(requests) for publisher, requests in zip(publishers, series)}
    by_fd = {publisher.connect().socket.fileno(): publisher for publisher in publishers}
    poll = select.poll()
    for publisher in publishers:
        publisher.connection.socket.setblocking(False)
        poll.register(publisher.connection.socket, select.POLLIN | select.POLLOUT)
    busy = set(publishers)
    while busy:
        ready = poll.poll(HANG_GUARD_S * 1000)
        assert ready, "the publishers' connections do not move"
        for fd, events in ready:
            publisher = by_fd[fd]
            if events & select.POLLOUT:
                send_some(publisher, queues, poll)
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                assert publisher.connection.receive(), "the hub has closed a publisher's connection"
                publisher.take_answers()
                if publisher.answers >= wanted[publisher] and publisher in busy:
                    busy.remove(publisher)
                    poll.unregister(fd)
    for publisher in publishers:
        publisher.connection.socket.settimeout(HANG_GUARD_S)


def send_some(publisher, queues, poll):
    queue = queues[publisher]
    if queue:
        queues[publisher] = queue[publisher.connection.socket.send(queue[:65536]):]
    if not queues[publisher]:
        poll.modify(publisher.connection.socket, select.POLLIN)


class Follower:
    """A stream that is read in a thread of its own. It is asked for with HTTP/1.0, so that its body has no
    framing and can be taken in large pieces."""

    def __init__(self, hub, *topics, last_event_id=None, receive_buffer=None, start=True, keep=True, token=None):
        query = [("match", topic) for topic in topics]
        if last_event_id is not None:
            query.append(("last_event_id", last_event_id))
        headers = f"Authorization: Bearer {token}\r\n" if token else ""
        self.connection = Connection(hub.address, receive_buffer=receive_buffer)
        self.connection.send(f"GET {PATH}?{urlencode(query)} HTTP/1.0\r\nHost: hub.example\r\n{headers}\r\n")
        self.response = self.connection.read_head()
        assert self.response.status == 200, self.response
        self.pieces = [] if keep else None
        self.count = 0  # events
        self.size = 0
        self.ended = False
        self.changed = threading.Condition()
        self.last = b""
        self.add(self.connection.take(len(self.connection.received)))
        self.thread = threading.Thread(target=self.read, daemon=True)
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        self.thread.start()
        return self

    def add(self, piece):
        with self.changed:
            if self.pieces is not None:
                self.pieces.append(piece)
            self.count += (self.last + piece).count(b"\n\n")
            self.size += len(piece)
            self.last = piece[-1:]
            self.changed.notify_all()

    def read(self):
        try:
            while piece := self.connection.socket.recv(1 << 18):
                self.add(piece)
        except OSError:
            pass
        self.connection.close()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, count):
        """Waits until so many events have come. The guard begins anew with each piece."""
        with self.changed:
            while self.count < count:
                assert not self.ended, f"the stream ended after {self.count} of {count} events"
                assert self.changed.wait(HANG_GUARD_S), f"{self.count} of {count} events have come"

    def wait_end(self):
        self.thread.join(HANG_GUARD_S)
        assert self.ended, "the stream goes on"

    @property
    def body(self):
        with self.changed:
            return b"".join(self.pieces)

    def ids(self):
        """Of the events that have come whole."""
        body = self.body
        return [id_.decode() for id_ in EVENT_ID.findall(body, 0, body.rfind(b"\n\n") + 2)]

    def close(self):
        """Ends it from our side."""
        try:
            self.connection.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.thread.is_alive():
            self.thread.join(HANG_GUARD_S)
        self.connection.close()


def wait_until(is_true, what):
    deadline = time.monotonic() + HANG_GUARD_S
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
