"""A process that holds many idle subscribers, so that their descriptors are not the tests' own.

As a program: crowd.py HOST PORT COUNT TOPIC. It opens the streams, says "open" once each has had its greeting, and
closes them with a reset, all at once, when its standard input ends. A "#" in the topic becomes the number of the
stream."""
import resource
import select
import socket
import struct
import subprocess
import sys
from pathlib import Path

PATH = "/.well-known/mercure"
GREETING = b"\r\n\r\n2\r\n:\n\r\n"  # the end of the head, and the first comment in its chunk
AT_ONCE = 32
EACH_SOURCE = 4000  # connections from one address: the ports of one do not suffice for all


class Crowd:
    """The test's side of it."""

    def __init__(self, hub, count, topic="urn:idle:#"):
        host, port = hub.address
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), host, str(port), str(count), topic],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"open\n"

    def leave(self):
        self.process.stdin.close()
        assert self.process.wait() == 0
        self.process.stdout.close()


def open_some(address, numbers, topic):
    """Opens these streams and waits for all their greetings."""
    poll = select.poll()
    waiting = {}
    for number in numbers:
        client = socket.socket()
        client.bind((f"127.0.0.{2 + number // EACH_SOURCE}", 0))
        client.connect(address)
        match = topic.replace("#", str(number))
        client.sendall(f"GET {PATH}?match={match} HTTP/1.1\r\nHost: hub.example\r\n\r\n".encode())
        poll.register(client, select.POLLIN)
        waiting[client.fileno()] = (client, b"")
    clients = [client for client, _ in waiting.values()]
    while waiting:
        for fd, _ in poll.poll():
            client, received = waiting[fd]
            data = client.recv(4096)
            assert data, "the hub has closed a stream"
            waiting[fd] = (client, received + data)
            if (received + data).endswith(GREETING):
                poll.unregister(fd)
                del waiting[fd]
    return clients


def main(host, port, count, topic):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = []
    for start in range(0, count, AT_ONCE):
        clients += open_some((host, port), range(start, min(start + AT_ONCE, count)), topic)
    print("open", flush=True)
    sys.stdin.read()
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
