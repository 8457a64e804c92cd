"""The commands for shells and scripts, against a real hub."""
import base64
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import tokens
from harness.hub import BINARY, PATH, ROOT, environment, free_address, run_command
from harness.wire import HANG_GUARD_S

EARLIEST = ["--last-event-id", "earliest"]


def url_of(hub):
    return "http://{}:{}{}".format(*hub.address, PATH)


def as_publisher(hub):
    return ["--url", url_of(hub), "--key", tokens.PUBLISHER_KEY, "--iss", tokens.ISSUER, "--aud", tokens.AUDIENCE]


def start_command(*args, folder, **options):
    return subprocess.Popen([str(BINARY), *map(str, args)], cwd=folder, env=environment(folder, {}),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def finish(process, sig=None):
    """Its status and output after the signal, if any."""
    if sig:
        process.send_signal(sig)
    out, err = process.communicate(timeout=HANG_GUARD_S)
    return process.returncode, out, err


# ---- publish


def test_publish_prints_the_id_of_what_arrives(hub, tmp_path, topic):
    with hub.subscribe(topic) as stream:
        result = run_command("publish", *as_publisher(hub), "--topic", topic, "--data", "Hello!", folder=tmp_path)
        assert result.returncode == 0, result.stderr
        event = stream.read_event()
    assert event.data == "Hello!"
    assert event.id == result.stdout.decode().rstrip("\n")


def test_publish_sends_every_field(hub, tmp_path, topic):
    alternate = topic + "/alternate"
    with hub.subscribe(alternate) as stream:
        result = run_command("publish", *as_publisher(hub), "--topic", topic, "--topic", alternate, "--type", "price",
                             "--id", f"{topic}#1", "--retry", "1500", "--data=", "--json", folder=tmp_path)
        assert json.loads(result.stdout) == {"id": f"{topic}#1"}
        event = stream.read_event()
    assert (event.type, event.id, event.data, event.retry) == ("price", f"{topic}#1", "", "1500")


def test_publish_reads_data_from_standard_input(hub, tmp_path, topic):
    with hub.subscribe(topic) as stream:
        result = run_command("publish", *as_publisher(hub), "--topic", topic, "--data", "-", folder=tmp_path,
                             stdin="zwölf & mehr=1\nzweite Zeile".encode())
        assert result.returncode == 0, result.stderr
        assert stream.read_event().data == "zwölf & mehr=1\nzweite Zeile"


def test_a_private_update_reaches_only_who_may_read_it(hub, tmp_path, topic):
    with hub.subscribe(topic) as stranger, hub.subscribe(topic, token=tokens.mint(subscribe=[topic])) as friend:
        run_command("publish", *as_publisher(hub), "--topic", topic, "--data", "secret", "--private", folder=tmp_path)
        run_command("publish", *as_publisher(hub), "--topic", topic, "--data", "open", folder=tmp_path)
        assert friend.read_event().data == "secret"
        assert stranger.read_event().data == "open"


@pytest.mark.parametrize("args, hint", [(["--key", "another key"], "401"), (["--token", "x.y.z"], "40"),
                                        (["--retry", "soon"], "retry")])
def test_a_refused_publish_says_what_the_hub_says(hub, tmp_path, topic, args, hint):
    result = run_command("publish", *as_publisher(hub), "--topic", topic, *args, folder=tmp_path)
    assert result.returncode == 1
    assert not result.stdout
    assert hint in result.stderr.decode()


@pytest.mark.parametrize("command", ["publish", "subscribe"])
def test_without_a_hub_the_commands_fail_with_a_hint(tmp_path, command):
    url = f"http://{free_address()}{PATH}"
    result = run_command(command, "--url", url, "--topic", "x", folder=tmp_path)
    assert result.returncode == 1
    assert b"refused" in result.stderr and b"running" in result.stderr


@pytest.mark.parametrize("url", ["localhost:3000", "https://localhost/", "http://127.0.0.1:x/", "http://nowhere.invalid/"])
def test_a_url_that_cannot_be_asked_is_told(tmp_path, url):
    result = run_command("publish", "--url", url, "--topic", "x", folder=tmp_path)
    assert result.returncode == 1
    assert url in result.stderr.decode()


def test_the_commands_speak_over_a_unix_socket(start_hub, tmp_path, topic):
    path = tmp_path / "hub.sock"
    start_hub(addr=f"unix:{path}")
    url = f"unix:{path}:{PATH}"
    result = run_command("publish", "--url", url, "--aud", tokens.AUDIENCE, "--topic", topic, "--data", "x",
                         folder=tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command("subscribe", "--url", url, "--topic", topic, *EARLIEST, "--count", 1, folder=tmp_path)
    assert result.stdout == b"x\n"


# ---- subscribe


def test_subscribe_prints_data_and_ends_after_count(any_hub, tmp_path, topic):
    for number in range(3):
        any_hub.publish_ok(topic, f"{number}\nmore")
    result = run_command("subscribe", "--url", url_of(any_hub), "--topic", topic, *EARLIEST, "--count", 2,
                         folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == b"0\nmore\n1\nmore\n"


def test_subscribe_prints_json_a_line(hub, tmp_path, topic):
    first = hub.publish_ok(topic, "a\nb")
    second = hub.publish_ok(topic, '"quoted"', type="price")
    result = run_command("subscribe", "--url", url_of(hub), "--match", topic, *EARLIEST, "--count", 2, "--json",
                         folder=tmp_path)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"id": first, "type": "message", "data": "a\nb"}, {"id": second, "type": "price", "data": '"quoted"'}]


def test_subscribe_goes_on_after_an_id(hub, tmp_path, topic):
    ids = [hub.publish_ok(topic, str(number)) for number in range(3)]
    result = run_command("subscribe", "--url", url_of(hub), "--topic", topic, "--last-event-id", ids[0], "--count", 2,
                         folder=tmp_path)
    assert result.stdout == b"1\n2\n"
    assert not result.stderr


def test_subscribe_says_that_updates_may_be_missing(hub, tmp_path, topic):
    process = start_command("subscribe", "--url", url_of(hub), "--topic", topic, "--last-event-id", "unknown",
                            folder=tmp_path)
    assert b"missing" in process.stderr.readline()
    assert finish(process, signal.SIGINT)[0] == 0


def test_subscribe_reads_private_updates_with_a_key(hub, tmp_path, topic):
    hub.publish_ok(topic, "secret", private="on")
    result = run_command("subscribe", *as_publisher(hub), "--topic", topic, *EARLIEST, "--count", 1, folder=tmp_path)
    assert result.stdout == b"secret\n"


def test_subscribe_comes_back_after_a_restart_without_gap_or_repeat(start_with, tmp_path, topic):
    hub = start_with("bolt", {"addr": free_address()})
    hub.publish_ok(topic, "0", retry="100")
    process = start_command("subscribe", "--url", url_of(hub), "--topic", topic, *EARLIEST, "--count", 4,
                            folder=tmp_path)
    assert process.stdout.readline() == b"0\n"
    hub.publish_ok(topic, "1")
    assert process.stdout.readline() == b"1\n"
    hub.restart()
    hub.publish_ok(topic, "2")
    hub.publish_ok(topic, "3")
    status, out, _ = finish(process)
    assert (status, out) == (0, b"2\n3\n")


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_subscribe_ends_cleanly_on_a_signal(hub, tmp_path, topic, sig):
    hub.publish_ok(topic, "x")
    process = start_command("subscribe", "--url", url_of(hub), "--topic", topic, *EARLIEST, folder=tmp_path)
    assert process.stdout.readline() == b"x\n"
    assert finish(process, sig)[:2] == (0, b"")


def test_a_refused_subscription_fails_at_once(hub, tmp_path, topic):
    result = run_command("subscribe", "--url", url_of(hub), "--topic", topic, "--token", "x.y.z", folder=tmp_path)
    assert result.returncode == 1
    assert re.search(rb"40[01]", result.stderr)


def test_subscribe_ends_when_nobody_reads_it_any_more(hub, tmp_path, topic):
    """Also while no update comes: subscribe | head -1."""
    hub.publish_ok(topic, "x")
    process = start_command("subscribe", "--url", url_of(hub), "--topic", topic, *EARLIEST, folder=tmp_path)
    assert process.stdout.readline() == b"x\n"
    process.stdout.close()
    assert process.wait(HANG_GUARD_S) == -signal.SIGPIPE
    assert process.stderr.read() == b""
    process.stderr.close()


class Answering:
    """A server that gives each request the same answer."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{}{}".format(self.listener.getsockname()[1], PATH)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed: the test is over
            with connection:
                connection.recv(65536)
                connection.sendall(self.answer)


@pytest.mark.parametrize("command, answer, parts", [
    (command, answer, parts) for command in ("publish", "subscribe") for answer, parts in (
        (b'HTTP/1.1 401 U\r\nWWW-Authenticate: Bearer error="invalid_token"\r\nContent-Length: 4\r\n\r\nold\n',
         [b"401: old", b"invalid_token", b"--key"]),
        (b"HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n", [b"403", b"does not grant"]),
        (b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", [b"404", PATH.encode()]),
        (b"no HTTP\r\n\r\n", [b"http://127.0.0.1:", b"no HTTP"]),
        (b"", [b"closed without an answer"]),
    )] + [("publish", b"HTTP/1.1 503 S\r\nContent-Length: 5\r\n\r\nfull\n", [b"503: full"]),
          ("subscribe", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", [b"no event stream"])])
def test_what_a_hub_answers_is_told_with_what_may_help(tmp_path, command, answer, parts):
    server = Answering(answer)
    result = run_command(command, "--url", server.url, "--topic", "x", folder=tmp_path)
    server.listener.close()
    assert result.returncode == 1
    assert not result.stdout
    assert all(part in result.stderr for part in parts), result.stderr


def test_a_hub_that_cannot_serve_now_is_asked_again(tmp_path):
    server = Answering(b"HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n")
    process = start_command("subscribe", "--url", server.url, "--topic", "x", folder=tmp_path)
    assert process.stderr.readline() == b"cinnabar subscribe: the hub answers 503; again in 1.0 s\n"
    assert b"again in 2.0 s" in process.stderr.readline()
    assert finish(process, signal.SIGINT)[0] == 0
    server.listener.close()


@pytest.mark.parametrize("args", [["version"], ["--help"], ["token", "--dev"], ["config-reference"], ["run", "--help"]])
def test_output_that_cannot_be_written_is_a_failure(tmp_path, args):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([str(BINARY), *args], cwd=tmp_path, env=environment(tmp_path, {}), stdout=full,
                                stderr=subprocess.PIPE, timeout=HANG_GUARD_S, check=False)
    assert result.returncode == 1
    assert b"could not be written" in result.stderr


@pytest.mark.parametrize("command", ["run", "token", "bench", "version", "health"])
def test_help_of_a_command_is_found_in_both_ways(tmp_path, command):
    result = run_command("help", command, folder=tmp_path)
    assert result.returncode == 0
    assert result.stdout == run_command(command, "--help", folder=tmp_path).stdout
    assert f"Usage: cinnabar {command}".encode() in result.stdout


@pytest.mark.parametrize("args", [[], ["--topic", "a", "--match", "b"], ["--topic", "a", "--count", "x"], ["a"]])
def test_wrong_use_of_subscribe_is_told(tmp_path, args):
    result = run_command("subscribe", *args, folder=tmp_path)
    assert result.returncode == 2
    assert b"subscribe" in result.stderr


def test_a_long_replay_shows_its_progress_on_a_terminal(hub, tmp_path, topic):
    for _ in range(50):
        hub.publish_ok(topic, "x")
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen([str(BINARY), "subscribe", "--url", url_of(hub), "--topic", topic, *EARLIEST],
                                   cwd=tmp_path, env=environment(tmp_path, {}), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=theirs)
        seen = b""
        while b"updates received" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=HANG_GUARD_S)
        assert process.returncode == 0 and out == b"x\n" * 50
    finally:
        os.close(ours)
        os.close(theirs)


# ---- token


def test_a_development_token_grants_everything(tmp_path):
    result = run_command("token", "--dev", folder=tmp_path)
    claims = tokens.decode(result.stdout.decode().split(".")[1])
    assert claims["iss"] == "https://localhost"
    assert claims["aud"] == f"http://localhost:3000{PATH}"
    assert {detail["actions"][0]: detail["topics"] for detail in claims["authorization_details"]} == {
        "publish": [{"match": "*"}], "subscribe": [{"match": "*"}]}


def mint(tmp_path, *args, **env):
    """The header and the claims of a token that the command makes."""
    result = run_command("token", *args, folder=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    header, claims, _ = result.stdout.decode().split(".")
    return tokens.decode(header), tokens.decode(claims)


def test_each_flag_of_token_is_in_the_token(tmp_path):
    header, claims = mint(
        tmp_path, "--iss", "https://i.example", "--aud", "https://a.example", "--key", "x" * 64, "--alg", "HS512", "--kid", "k1",
        "--sub", "me", "--client-id", "app", "--ttl", "90s", "--payload", '{"a":1}', "--publish", "p1", "--publish", "p2",
        "--publish-urlpattern", "/p/:id", "--subscribe", "s1", "--subscribe-urlpattern", "/s/:id")
    assert header == {"alg": "HS512", "typ": "at+jwt", "kid": "k1"}
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (
        "https://i.example", "https://a.example", "me", "app")
    assert claims["exp"] - claims["iat"] == 90
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", claims["jti"])

    def grant(action, *topics, **others):
        topics = [{"match": match, **({"match_type": "urlpattern"} if match.startswith("/") else {})} for match in topics]
        return {"type": tokens.DETAIL_TYPE, "actions": [action], "topics": topics, **others}

    assert claims["authorization_details"] == [grant("publish", "p1", "p2", "/p/:id"),
                                               grant("subscribe", "s1", "/s/:id", payload={"a": 1})]


def test_what_is_left_out_of_a_token_has_a_default(tmp_path):
    common = ["--iss", "i", "--aud", "a", "--key", "k" * 32, "--publish", "*"]
    (header, claims), (_, other) = mint(tmp_path, *common), mint(tmp_path, *common)
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert (claims["client_id"], claims["exp"] - claims["iat"]) == ("i", 3600)
    for name in ("sub", "jti"):
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", claims[name]) and claims[name] != other[name]


def test_a_development_token_leaves_what_is_said_as_it_is(tmp_path):
    _, claims = mint(tmp_path, "--dev")
    assert claims["exp"] == 4102444800
    _, claims = mint(tmp_path, "--dev", "--iss", "i", "--aud", "a", "--sub", "s", "--ttl", "60s", "--subscribe", "x")
    assert (claims["iss"], claims["aud"], claims["sub"], claims["exp"] - claims["iat"]) == ("i", "a", "s", 60)
    assert [detail["topics"] for detail in claims["authorization_details"]] == [[{"match": "x"}]]
    result = run_command("token", "--dev", folder=tmp_path, env={"MERCURE_PUBLISHER_JWT_KEY": "k" * 32})
    parts = result.stdout.decode().strip().split(".")
    assert parts == tokens.sign(*(base64.urlsafe_b64decode(part + "==") for part in parts[:2]), "k" * 32).split(".")


def test_token_reads_its_key_from_a_file_or_standard_input(hub, tmp_path, topic):
    (tmp_path / "key").write_text(tokens.PUBLISHER_KEY + "\n")
    common = ["token", "--iss", tokens.ISSUER, "--aud", tokens.AUDIENCE, "--publish", topic]
    from_file = run_command(*common, "--key", "@key", folder=tmp_path)
    from_stdin = run_command(*common, "--key", "@-", folder=tmp_path, stdin=tokens.PUBLISHER_KEY.encode() + b"\r\n")
    for result in (from_file, from_stdin):
        assert hub.publish(topic, "x", token=result.stdout.decode().strip()).status == 200


def test_pretty_tells_the_claims_on_stderr(tmp_path):
    result = run_command("token", "--dev", "--pretty", "--payload", '{"name":"Ada"}', folder=tmp_path)
    assert len(result.stdout.splitlines()) == 1
    header, claims = map(json.loads, result.stderr.splitlines())
    assert header["typ"] == "at+jwt"
    assert claims["authorization_details"][1]["payload"] == {"name": "Ada"}


@pytest.mark.parametrize("args, hint", [
    ([], b"--iss"), (["--iss", "i"], b"--aud"), (["--iss", "i", "--aud", "a"], b"--key"),
    (["--iss", "i", "--aud", "a", "--key", "k"], b"grant"),
])
def test_token_says_what_is_missing(tmp_path, args, hint):
    result = run_command("token", *args, folder=tmp_path)
    assert result.returncode == 2
    assert hint in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("args, hint", [
    (["--dev", "--alg", "none"], b"HS256"), (["--dev", "--payload", "{"], b"JSON"),
    (["--dev", "--key", "@nowhere"], b"--key @nowhere: No such file"),
])
def test_token_says_what_it_cannot_use(tmp_path, args, hint):
    result = run_command("token", *args, folder=tmp_path)
    assert result.returncode == 1
    assert hint in result.stderr
    assert not result.stdout


# ---- dev


def start_dev(tmp_path, *command, **env):
    """The process and what it prints up to the command to publish with."""
    process = subprocess.Popen([*map(str, command), "--addr", "127.0.0.1:0", "--ops-addr="], cwd=tmp_path,
                               env={**environment(tmp_path, {}), **env}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = []
    while not lines or "Publish" not in lines[-1]:
        lines.append(process.stdout.readline().decode())
        assert lines[-1], "the hub has ended"
    return process, lines


def publish_as_printed(tmp_path, lines, cwd):
    command = lines[-1].split("Publish", 1)[1]
    result = subprocess.run(command, shell=True, cwd=cwd, env=environment(tmp_path, {}), capture_output=True,
                            timeout=HANG_GUARD_S, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"urn:uuid:")
    return result.stdout.strip()


def test_dev_prints_what_to_open_and_a_command_that_works(tmp_path):
    process, lines = start_dev(tmp_path, BINARY, "dev", TMPDIR=str(tmp_path))
    assert re.search(rf"http://localhost:[1-9]\d*{PATH}/debug/", "".join(lines))
    assert list(tmp_path.glob("cinnabar-*/updates.db*"))
    publish_as_printed(tmp_path, lines, tmp_path)
    assert finish(process, signal.SIGINT)[0] == 0
    assert not list(tmp_path.glob("cinnabar-*"))


def test_the_history_of_dev_run_is_there_at_the_next_start(tmp_path):
    def run():
        process, lines = start_dev(tmp_path, ROOT / "dev", "run", CINNABAR_RUN_DATA=str(tmp_path / "a b"))
        return process, re.search(rf"http://localhost:\d+{PATH}", "".join(lines)).group(), lines

    process, _, lines = run()
    ident = publish_as_printed(tmp_path, lines, ROOT)
    assert finish(process, signal.SIGINT)[0] == 0
    process, url, _ = run()
    result = run_command("subscribe", "--url", url, "--topic", "*", *EARLIEST, "--count", 1, "--json", folder=tmp_path)
    assert json.loads(result.stdout)["id"].encode() == ident
    assert finish(process, signal.SIGINT)[0] == 0


@pytest.mark.parametrize("command", ["dev", "run"])
def test_a_port_that_is_taken_is_told(hub, tmp_path, command):
    conf = {"addr": "{}:{}".format(*hub.address), "ops_addr": "127.0.0.1:0", "transport_url": "local://", "anonymous": True,
            "issuers": [{"issuer": "x", "publisher": {"jwt_key": "k"}}]}
    result = run_command(command, folder=tmp_path, conf=conf)
    assert result.returncode == 1
    text = result.stderr.decode()
    assert "in use" in text and conf["addr"] in text and "--addr" in text


# ---- bench


def run_bench(*args, folder):
    result = run_command("bench", *args, "--json", folder=folder)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


@pytest.mark.parametrize("args", [
    ["idle", "--subscribers", 20, "--duration", "200ms"],
    ["broadcast", "--subscribers", 20, "--duration", "300ms", "--in-flight", 3],
    ["broadcast", "--subscribers", 20, "--rate", 100, "--count", 20, "--per-process", 7, "--size", "10KB"],
    ["burst", "--subscribers", 20, "--duration", "300ms", "--burst", 16],
    ["unicast", "--subscribers", 20, "--topics", 5, "--duration", "300ms"],
    ["private", "--subscribers", 20, "--duration", "300ms"],
    ["match", "--subscribers", 20, "--duration", "300ms"],
    ["match", "--own", "grant", "--subscribers", 20, "--duration", "300ms"],
    ["match", "--own", "grant_pattern", "--subscribers", 20, "--duration", "300ms"],
    ["publish", "--duration", "300ms"],
    ["replay", "--history", 2000, "--subscribers", 2],
    ["storm", "--subscribers", 50],
    ["storm", "--subscribers", 20, "--with-id", "--history", 100],
], ids=lambda args: "-".join(map(str, args[:1] + args[3:4])))
@pytest.mark.parametrize("transport", ["local", "bolt"])
def test_every_scenario_of_bench_finds_nothing_lost(tmp_path, args, transport):
    status, figures = run_bench(*args, "--spawn", transport, "--warmup", "50ms", folder=tmp_path)
    assert status == 0, figures
    assert figures["scenario"] == args[0]
    assert figures["lost"] == figures["repeated"] == figures["disordered"] == figures["unserved"] == 0
    if args[0] not in ("idle", "storm"):
        assert figures["published"] or figures["delivered"]
    assert figures["cpu_ns"] >= 0


class FaultySender:
    """Speaks the bare protocol; `frames(subscriber, number, frame)` says what each subscriber gets instead."""

    def __init__(self, frames):
        self.frames = frames
        self.subscribers = []
        self.number = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:{}/".format(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        rest = b""
        try:
            while piece := connection.recv(65536):
                rest += piece
                head, end, body = rest.partition(b"\r\n\r\n")
                if not end:
                    continue
                if head.startswith(b"GET"):
                    with self.lock:
                        self.subscribers.append(connection)
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n:\n")
                    rest = b""
                    continue
                length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
                if len(body) >= length:
                    rest = body[length:]
                    self.send(b"id: x\ndata: " + body[:length] + b"\n\n")
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            pass

    def send(self, frame):
        with self.lock:
            for index, subscriber in enumerate(self.subscribers):
                subscriber.sendall(b"".join(self.frames(index, self.number, frame)))
            self.number += 1


def swap(held):
    """The second subscriber gets updates 1 and 2 in the other order."""

    def frames(subscriber, number, frame):
        if subscriber != 1 or number not in (1, 2):
            return [frame]
        if number == 1:
            held.append(frame)
            return []
        return [frame, held[0]]

    return frames


@pytest.mark.parametrize("frames, lost, repeated, disordered", [
    (lambda subscriber, number, frame: [frame], 0, 0, 0),
    (lambda subscriber, number, frame: [] if (subscriber, number) == (1, 3) else [frame], 1, 0, 0),
    (lambda subscriber, number, frame: [frame, frame] if (subscriber, number) == (0, 2) else [frame], 0, 1, 0),
    (swap([]), 0, 0, 1),
], ids=["good", "lost", "repeated", "disordered"])
def test_bench_finds_what_a_faulty_server_does(tmp_path, frames, lost, repeated, disordered):
    sender = FaultySender(frames)
    status, figures = run_bench("broadcast", "--protocol", "bare", "--url", sender.url, "--subscribers", 3,
                                "--parallel", 1, "--publishers", 1, "--rate", 200, "--count", 10, "--warmup", "0s",
                                "--timeout", "1s", folder=tmp_path)
    sender.listener.close()
    assert (figures["lost"], figures["repeated"], figures["disordered"]) == (lost, repeated, disordered)
    assert status == (1 if lost or repeated or disordered else 0)


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_bench_reads_its_key_like_the_other_commands(tmp_path, source):
    key = tmp_path / "key"
    key.write_text("!ChangeThisMercureHubJWTSecretKey!\n")  # that of cinnabar dev
    result = run_command("bench", "private", "--spawn", "local", "--subscribers", 3, "--count", 10, "--warmup", "0s",
                         "--key", f"@{key}" if source == "file" else "@-", folder=tmp_path, stdin=key.read_bytes())
    assert result.returncode == 0, result.stderr
    key.write_text("another key")
    result = run_command("bench", "private", "--spawn", "local", "--key", f"@{key}", folder=tmp_path)
    assert result.returncode == 1
    assert b"401" in result.stdout


def test_bench_can_be_interrupted(tmp_path):
    process = start_command("bench", "broadcast", "--spawn", "local", "--subscribers", 10, "--duration", "1h", "--json",
                            folder=tmp_path)
    time.sleep(1.5)
    children = children_of(process.pid)
    status, out, _ = finish(process, signal.SIGINT)
    assert status == 1
    assert json.loads(out)["interrupted"] is True
    assert len(children) >= 2
    assert not [child for child in children if os.path.exists(f"/proc/{child}")]


def children_of(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                if int(stat.read().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("args, hint", [
    ([], b"SCENARIO"), (["brodcast"], b"broadcast"), (["burst", "--with-id"], b"storm"),
    (["broadcast", "--size", "3"], b"--size"), (["unicast", "--in-flight", "2"], b"single topic"),
    (["idle", "--spawn", "local", "--url", "http://localhost:1/"], b"--url"),
    (["unicast", "--own", "grant"], b"--own belongs to match"), (["match", "--own", "grand"], b"grant"),
    (["match", "--protocol", "nchan"], b"--protocol mercure"),
    (["match", "--in-flight", "1", "--topics", "1"], b"--in-flight"),
    (["match", "--own", "grant", "--token", "x"], b"--key"),
])
def test_wrong_use_of_bench_is_told(tmp_path, args, hint):
    result = run_command("bench", *args, folder=tmp_path)
    assert result.returncode == 2
    assert hint in result.stderr


def test_bench_without_a_hub_says_so(tmp_path):
    url = f"http://{free_address()}{PATH}"
    result = run_command("bench", "publish", "--url", url, folder=tmp_path)
    assert result.returncode == 1
    assert not result.stdout
    assert url in result.stderr.decode()
    assert b"refused" in result.stderr and b"running" in result.stderr


def test_bench_tells_on_a_terminal_how_far_it_is(tmp_path):
    """Once a second, each time in the same line, which is gone before the report comes."""
    reader, terminal = pty.openpty()
    process = subprocess.Popen([str(BINARY), "bench", "broadcast", "--spawn", "local", "--subscribers", "10",
                                "--rate", "50", "--warmup", "1200ms", "--duration", "1s"], cwd=tmp_path,
                               env=environment(tmp_path, {}), stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    status, out, _ = finish(process)
    shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert status == 0 and out.startswith(b"broadcast (mercure): 10 subscribers")
    assert re.fullmatch(r"(\r\x1b\[K(warm-up|measuring|waiting): \d+ published, \d+ deliveries to come)+\r\x1b\[K", shown)
