"""A peer whose cable is pulled says nothing any more, not even goodbye: the hub has to find out by itself.

The hub and its subscriber are in network namespaces of their own, with a pair of virtual cards between them. Root
makes them as they are; anyone else is root in a user namespace first."""
import os
import subprocess
import sys
import time

import pytest

from harness.wire import HANG_GUARD_S

HUB, CLIENT = "10.77.0.1", "10.77.0.2"
NEW = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
SUBSCRIBE = """
import socket, sys
sys.stdin.readline()
client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
client.sendall(b"GET /.well-known/mercure?match=urn:cable HTTP/1.1\\r\\nHost: hub.example\\r\\n\\r\\n")
while b":\\n" not in client.recv(65536):
    pass
print("open", flush=True)
sys.stdin.readline()
"""


def inside(pid):
    """The words that run a command in the network of a process."""
    words = ["nsenter", "--target", str(pid), "--net"]
    return words if os.getuid() == 0 else words + ["--user", "--preserve-credentials"]


def ip(pid, command):
    subprocess.run([*inside(pid), "ip", *command.split()], check=True)


def open_stream(hub):
    """A subscriber at the other end of a cable; its process."""
    client = subprocess.Popen(
        [*inside(hub.process.pid), "unshare", "--net", sys.executable, "-c", SUBSCRIBE, HUB, str(hub.address[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + HANG_GUARD_S
    own = os.readlink(f"/proc/{hub.process.pid}/ns/net")
    while os.readlink(f"/proc/{client.pid}/ns/net") in (own, os.readlink("/proc/self/ns/net")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ip(hub.process.pid, f"link add cable type veth peer name plug netns {client.pid}")
    ip(hub.process.pid, f"address add {HUB}/24 dev cable")
    ip(hub.process.pid, "link set cable up")
    ip(client.pid, f"address add {CLIENT}/24 dev plug")
    ip(client.pid, "link set plug up")
    client.stdin.write(b"\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"open\n"
    return client


def close(client):
    client.stdin.close()
    client.wait(HANG_GUARD_S)
    client.stdout.close()


@pytest.fixture
def start_apart(start_hub, tmp_path):
    """Starts a hub in a network of its own; only its operations can be reached from here."""
    def start(**conf):
        return start_hub(wrapper=NEW, addr="0.0.0.0:0", ops_addr=f"unix:{tmp_path}/ops.sock", **conf)
    return start


def test_a_peer_whose_cable_is_pulled_is_gone_after_heartbeat_and_peer_timeout(start_apart):
    hub = start_apart(heartbeat="1s", peer_timeout="2s", dispatch_timeout="2s")
    client = open_stream(hub)
    assert hub.metrics()["mercure_subscribers_connected"] == 1
    ip(client.pid, "link set plug down")
    pulled = time.monotonic()
    hub.wait_metric("mercure_subscribers_connected", 0)
    gone_s = time.monotonic() - pulled
    print(f"gone after {gone_s:.1f} s")
    # Not before peer_timeout, for it may have been only a short break; the kernel looks at its timers when it
    # sends again, and each time it waits twice as long: that may add as much once more.
    assert 2 <= gone_s <= 1 + 2 * 2 + 2
    close(client)


def test_a_cable_that_is_back_in_time_makes_no_difference(start_apart):
    hub = start_apart(heartbeat="500ms", peer_timeout="30s", dispatch_timeout="30s")
    client = open_stream(hub)
    ip(client.pid, "link set plug down")
    sends = hub.metrics()["mercure_http_sends_total"]
    hub.wait_metric("mercure_http_sends_total", lambda value: value >= sends + 2)
    ip(client.pid, "link set plug up")
    hub.wait_metric("mercure_http_sends_total", lambda value: value >= sends + 4)
    assert hub.metrics()["mercure_subscribers_connected"] == 1
    close(client)
    hub.wait_metric("mercure_subscribers_connected", 0)
