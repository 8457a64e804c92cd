"""Where a hub listens: names with several addresses, and sockets that it is started with."""
import socket
import sys

import pytest

from harness.disk import IN_NAMESPACE
from harness.hub import Hub, run_command
from harness.wire import Connection, request_bytes


def ask(address):
    with Connection(address) as connection:
        return connection.request("GET", "/healthz").status


# ---- host names


@pytest.fixture
def start_with_hosts(start_hub, tmp_path):
    """Starts a hub in whose /etc/hosts are these lines alone."""

    def start(lines, **conf):
        hosts = tmp_path / "hosts"
        hosts.write_text("".join(f"{line}\n" for line in lines))
        wrapper = ["unshare", *IN_NAMESPACE, "--mount", "sh", "-c",
                   f'mount --bind "{hosts}" /etc/hosts && exec "$@"', "sh"]
        return start_hub(wrapper=wrapper, **conf)
    return start


def listening(hub, msg):
    return [Hub.parse_address(line["addr"]) for line in hub.log.find(msg)]


def test_a_host_name_is_listened_on_at_each_of_its_addresses(start_with_hosts):
    hub = start_with_hosts(["::1 localhost", "127.0.0.1 localhost"], addr="localhost:0", ops_addr="localhost:0")
    hub.log.wait("^Listening for operations$", count=2)
    (host, port), (host_6, port_6) = listening(hub, "^Listening$")
    assert (host, host_6) == ("127.0.0.1", "::1")
    assert port == port_6 > 0
    for _ in range(4):  # whichever worker accepts
        assert ask((host, port)) == ask((host_6, port)) == 200
    (host, port), (host_6, port_6) = listening(hub, "^Listening for operations$")
    assert (host, host_6, port) == ("127.0.0.1", "::1", port_6)
    for each in (host, host_6):
        with Connection((each, port)) as connection:
            assert connection.request("GET", "/mercure/health/live").status == 200


def test_an_address_that_the_system_has_not_is_left_out(start_with_hosts):
    hub = start_with_hosts(["127.0.0.1 here", "2001:db8::1 here"], addr="here:0")
    assert [host for host, _ in listening(hub, "^Listening$")] == ["127.0.0.1"]
    assert ask(hub.address) == 200


def test_a_name_none_of_whose_addresses_is_here_is_an_error(start_with_hosts):
    with pytest.raises(AssertionError, match="cannot listen on there:0: "):
        start_with_hosts(["192.0.2.1 there", "2001:db8::1 there"], addr="there:0")


def test_a_port_that_is_taken_at_one_address_is_an_error(start_with_hosts):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(AssertionError, match=f"cannot listen on localhost:{port}: "):
            start_with_hosts(["::1 localhost", "127.0.0.1 localhost"], addr=f"localhost:{port}")


# ---- sockets that the hub is started with

# Moves the descriptors to where they belong and becomes the hub.
ACTIVATE = """
import os, sys
count = int(sys.argv[1])
fds = [os.dup(int(fd)) for fd in sys.argv[2:2 + count]]
while any(fd < 3 + count for fd in fds):
    fds = [os.dup(fd) for fd in fds]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def activated(files, names=None):
    """What a hub that inherits these is started with."""
    fds = [file.fileno() for file in files]
    return {"wrapper": [sys.executable, "-c", ACTIVATE, str(len(fds)), *map(str, fds)], "pass_fds": fds,
            "env": {"LISTEN_FDNAMES": names} if names else {}}


def test_an_inherited_socket_stands_in_for_the_configured_address(start_hub, topic):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hub = start_hub(**activated([listener]), addr="127.0.0.1:1")
        assert hub.address == listener.getsockname()
        assert hub.ops_address[1] not in (0, 2019)
        streams = [hub.subscribe(topic) for _ in range(4)]
        ids = [hub.publish_ok(topic) for _ in range(4)]
        for stream in streams:
            assert [event.id for event in stream.read_events(4)] == ids
            stream.close()


def test_inherited_sockets_of_every_kind_serve_and_one_may_be_for_operations(start_hub, tmp_path):
    path = str(tmp_path / "hub.sock")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.create_server(("127.0.0.1", 0)) as ops, \
            socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        hub = start_hub(**activated([tcp, ops, unix], "web:ops:local"), ops_addr="")
        assert hub.log.wait("^Listening for operations$")["addr"] == "127.0.0.1:%d" % ops.getsockname()[1]
        assert listening(hub, "^Listening$") == [tcp.getsockname(), path]
        assert ask(tcp.getsockname()) == ask(path) == 200
        with Connection(ops.getsockname()) as connection:
            assert connection.request("GET", "/mercure/health/live").status == 200
        hub.stop()
        assert (tmp_path / "hub.sock").exists(), "the file of a socket that is not ours was removed"


def test_only_a_socket_for_operations_may_be_inherited(start_hub):
    with socket.create_server(("127.0.0.1", 0)) as ops:
        hub = start_hub(**activated([ops], "ops"), ops_addr="")
        assert hub.log.wait("^Listening for operations$")["addr"] == "127.0.0.1:%d" % ops.getsockname()[1]
        assert ask(hub.address) == 200


def test_connections_that_come_during_a_restart_are_served_after_it(start_hub):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hub = start_hub(**activated([listener]))
        assert ask(hub.address) == 200
        hub.stop()
        with Connection(listener.getsockname()) as connection:
            connection.send(request_bytes("GET", "/healthz"))
            hub.start()
            assert connection.read_response().status == 200


def test_sockets_that_are_meant_for_another_process_are_left_alone(start_hub):
    hub = start_hub(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert ask(hub.address) == 200


@pytest.mark.parametrize("make, fault", [
    (lambda path: open(path / "file", "wb"), "is not a socket"),
    (lambda path: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "is not a stream socket"),
    (lambda path: socket.socket(), "does not listen"),
])
def test_a_descriptor_that_is_no_listening_stream_socket_stops_the_start(tmp_path, make, fault):
    with make(tmp_path) as file:
        options = activated([file])
        # As start_hub would, but for what it does not wait for.
        result = run_command("run", "--log-format", "json", folder=tmp_path, wrapper=options["wrapper"],
                             pass_fds=options["pass_fds"],
                             conf={"transport_url": "local://", "anonymous": True, "publisher_jwt_key": "x" * 32})
    assert result.returncode == 1
    assert f"the inherited descriptor 3 {fault}" in result.stderr.decode()
