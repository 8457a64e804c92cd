"""What people are told: help, and what may be wrong with what they have set."""
import signal
import subprocess

import pytest

from harness import tokens
from harness.hub import BINARY, PATH, environment, free_address, run_command
from harness.wire import HANG_GUARD_S

KEY = "0123456789abcdef0123456789abcdef"
KEYS = {"MERCURE_PUBLISHER_JWT_KEY": KEY, "MERCURE_SUBSCRIBER_JWT_KEY": KEY}


def help_of(command, folder):
    result = run_command(command, "--help", folder=folder)
    assert result.returncode == 0
    return result.stdout.decode()


# ---- Help


@pytest.mark.parametrize("command", ["run", "dev", "validate", "health"])
def test_help_begins_with_what_a_command_does(tmp_path, command):
    head = help_of(command, tmp_path).split("Configuration:")[0]
    assert head.startswith(f"Usage: cinnabar {command} [flags]\n\n")
    assert "Exit status: 0 " in head
    assert f"cinnabar {command} " in head.split("Example:\n")[1]


def test_help_of_dev_shows_its_own_defaults(tmp_path):
    text = help_of("dev", tmp_path)
    assert "Default: :3000" in text and "Default: :80\n" not in text
    assert "bolt://mercure.db" not in text


# ---- Settings


def test_a_playground_that_is_on_by_a_variable_is_told_at_the_start(start_hub):
    hub = start_hub(env={"DEMO": "1"})
    assert hub.log.find("playground is on", level="warn", set_by="DEMO")


def test_without_a_playground_nothing_is_said_of_it(hub):
    assert not hub.log.find("playground")


def test_validate_warns_of_short_keys_and_says_how_long_they_must_be(tmp_path):
    result = run_command("validate", folder=tmp_path, env={**KEYS, "MERCURE_PUBLISHER_JWT_KEY": "short"})
    assert result.returncode == 0
    assert result.stderr.decode() == (
        "warning: the publisher key of issuer https://localhost has 5 bytes, and HS256 asks for at least 32: it can be "
        "guessed from its tokens\n")


def test_validate_warns_of_short_keys_of_the_0x_protocol_too(tmp_path):
    result = run_command("validate", folder=tmp_path, env={"JWT_KEY": "short"})
    assert result.returncode == 0
    assert ("warning: the subscriber key of the 0.x protocol has 5 bytes, and HS256 asks for at least 32"
            in result.stderr.decode())


def test_a_hub_says_how_long_a_short_key_must_be(start_hub):
    issuers = [{"issuer": "x", "publisher": {"jwt_key": "short", "jwt_algorithm": "HS512"}}]
    hub = start_hub(issuers=issuers)
    assert hub.log.find("shorter", issuer="x", role="publisher", bytes=5, minimum=64)


def test_a_wrong_transport_is_told_with_all_other_errors(tmp_path):
    result = run_command("validate", "--addr", "x", "--transport-url", "redis://x", folder=tmp_path, env=KEYS)
    assert result.returncode == 2
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("--addr: error: ")
    assert lines[1].startswith("--transport-url: error: transport_url: there is no transport for this URL")


def test_each_start_says_where_the_history_is(start_hub, tmp_path):
    hub = start_hub(transport_url="bolt://new.db")
    for _ in range(2):
        hub.log.wait("^The transport is open$", level="info", note=f"the history is in {hub.folder}/new.db.lmdb")
        hub.restart()
    hub = start_hub("other", transport_url=f"bolt://{tmp_path}/a/b/c.db")
    hub.log.wait("^The transport is open$", level="info", note=f"the history is in {tmp_path}/a/b/c.db.lmdb")


# ---- The hub for development


@pytest.fixture
def start_dev(tmp_path):
    """Starts `cinnabar dev`; the lines of its welcome, each by its first word."""
    processes = []

    def start(*args):
        process = subprocess.Popen([str(BINARY), "dev", "--ops-addr=", *args], cwd=tmp_path,
                                   env={**environment(tmp_path, {}), "TMPDIR": str(tmp_path)}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        processes.append(process)
        lines = {}
        for line in process.stdout:
            word, _, rest = line.decode().strip().partition(" ")
            lines[word] = rest.strip()
            if word == "Stop":
                return lines
        raise AssertionError("the hub has ended")

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_GUARD_S)


def run_line(line, folder):
    return subprocess.run(line, shell=True, cwd=folder, env=environment(folder, {}), capture_output=True,
                          timeout=HANG_GUARD_S, check=False)


@pytest.mark.parametrize("addr", ["127.0.0.1:0", "127.9.8.7:0", "[::1]:0", "0.0.0.0:0", ":0", "unix:{folder}/hub.sock"])
def test_what_dev_says_of_itself_works_at_any_address(start_dev, tmp_path, addr):
    lines = start_dev("--addr", addr.format(folder=tmp_path))
    result = run_line(lines["Publish"], tmp_path)
    assert result.returncode == 0, result.stderr
    assert ("Open" in lines) == (not addr.startswith("unix"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_development_hub_is_found_by_each_name_of_this_machine(start_dev, tmp_path, host):
    address = free_address("127.0.0.1")
    start_dev("--addr", address)
    url = f"http://{host}:{address.split(':')[1]}{PATH}"
    result = run_command("publish", "-u", url, "--topic", "x", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    token = run_command("token", "--dev", "--url", url, folder=tmp_path).stdout.decode().strip()
    result = run_command("publish", "-u", url, "--token", token, "--topic", "x", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_publish_line_of_dev_has_the_audience_that_was_set(start_dev, tmp_path):
    lines = start_dev("--addr", "127.0.0.1:0", "--resource-identifier", "https://hub.example/x")
    assert lines["Publish"].endswith(" --aud https://hub.example/x")
    assert run_line(lines["Publish"], tmp_path).returncode == 0


# ---- Values


@pytest.mark.parametrize("data, expected", [("@file", "a\nb\n"), ("@@file", "@file"), ("a@b", "a@b"), ("@@", "@")])
def test_data_may_come_from_a_file(hub, tmp_path, topic, data, expected):
    (tmp_path / "file").write_text("a\nb\n")
    with hub.subscribe(topic) as stream:
        token = tokens.mint(publish=[topic])
        result = run_command("publish", "-u", "http://{}:{}{}".format(*hub.address, PATH), "--token", token,
                             "--topic", topic, "-d", data, folder=tmp_path)
        assert result.returncode == 0, result.stderr
        assert stream.read_event().data == expected


def test_a_file_of_data_that_is_not_there_is_told(tmp_path):
    result = run_command("publish", "--topic", "x", "--data", "@nowhere", folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr == b"cinnabar publish: --data @nowhere: No such file or directory\n"


def test_an_algorithm_that_cannot_be_used_is_told_with_its_flag(tmp_path):
    result = run_command("publish", "--topic", "x", "--alg", "RS256", folder=tmp_path)
    assert result.stderr.startswith(b"cinnabar publish: --alg: ")


@pytest.mark.parametrize("command, args", [("health", ["--ops-addr"]), ("bench", ["publish", "--url"])])
def test_where_nobody_listens_the_address_is_named(tmp_path, command, args):
    address = free_address("127.1.2.3")
    result = run_command(command, *args, address if command == "health" else f"http://{address}{PATH}", folder=tmp_path)
    assert result.returncode == 1
    assert address in result.stderr.decode() and b"refused" in result.stderr


def test_help_of_subscribe_promises_no_token(tmp_path):
    assert "that of cinnabar dev" not in help_of("subscribe", tmp_path)


# ---- Requests


def post(hub, body, content_type, token):
    return hub.request("POST", PATH, [("Content-Type", content_type), ("Authorization", f"Bearer {token}")], body)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_the_log_says_which_type_a_publish_must_have(start_hub, content_type):
    hub = start_hub()
    response = post(hub, '{"topic": "x"}', content_type, tokens.mint(publish=["*"]))
    assert (response.status, response.body) == (400, b'Missing "topic" parameter\n')
    assert "application/x-www-form-urlencoded" in hub.log.wait("^Publication refused$")["reason"]


def test_the_log_names_the_limit_of_a_body(start_hub):
    hub = start_hub(max_request_body_size=100)
    body = "topic=x&data=" + 100 * "x"
    assert post(hub, body, "application/x-www-form-urlencoded", tokens.mint(publish=["*"])).status == 413
    assert hub.log.wait("^Publication refused$")["reason"] == (
        "the body is larger than max_request_body_size, 100 bytes")