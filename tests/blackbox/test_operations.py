"""What operators rely on: health, metrics, logs, start and stop, configuration and commands."""
import json
import re
import signal
import socket
import struct
import subprocess

import pytest

from harness import tokens
from harness.hub import BINARY, PATH, ROOT, Log, environment, run_command
from harness.load import Publisher, publish_series
from harness.process import scale
from harness.wire import HANG_GUARD_S, Connection, request_bytes

GOOD = {"addr": "127.0.0.1:0", "ops_addr": "127.0.0.1:0", "transport_url": "local://", "anonymous": True,
        "issuers": [{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}]}


def run(*args, folder, **conf):
    return run_command(*args, folder=folder, conf=conf)


# ---- health


def test_healthz_on_the_main_listener(hub):
    response = hub.request("GET", "/healthz")
    assert response.status == 200
    assert response.get("Content-Type").startswith("text/plain")


@pytest.mark.parametrize("path", ["/mercure/health/ready", "/mercure/health/live", "/mercure/health/default/ready",
                                  "/mercure/health/ready/"])
def test_health_on_the_operations_listener(any_hub, path):
    response = any_hub.ask_operations(path)
    assert response.status == 200
    assert response.get("Content-Type") == "application/json"
    assert json.loads(response.text) == {"status": "ok"}
    assert any_hub.ask_operations(path, "HEAD").status == 200


def test_other_paths_and_methods_of_the_operations_listener(hub):
    response = hub.ask_operations("/nowhere")
    assert response.status == 404
    assert "error" in json.loads(response.text)
    response = hub.ask_operations("/mercure/health/ready", "POST")
    assert response.status == 405
    assert "GET" in response.get("Allow")


@pytest.mark.parametrize("path", ["/metrics", "/mercure/health/ready", "/mercure/health/live"])
def test_operations_are_not_on_the_main_listener(hub, path):
    assert hub.request("GET", path).status == 404


def test_there_may_be_no_operations_listener(start_hub):
    hub = start_hub(ops_addr=None, flags=["--ops-addr="])
    assert hub.request("GET", "/healthz").status == 200
    assert not hub.log.find("^Listening for operations$")


# ---- metrics


def test_the_names_that_dashboards_know(start_hub, topic):
    hub = start_hub()
    with hub.subscribe(topic):
        hub.publish_ok(topic, "x")
        samples = hub.metrics()
    assert samples["mercure_subscribers_connected"] == 1
    assert samples["mercure_subscribers_total"] == 1
    assert samples["mercure_updates_total"] == 1


def test_the_exposition_is_well_formed(any_hub, topic):
    any_hub.publish_ok(topic, "x")
    response = any_hub.ask_operations("/metrics")
    assert response.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    types, seen = {}, set()
    for line in response.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types and kind in ("counter", "gauge", "histogram")
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (\S+)', line)
            assert match, line
            assert match.group(0).rsplit(" ", 1)[0] not in seen
            seen.add(match.group(0).rsplit(" ", 1)[0])
            name = re.sub(r"_(bucket|sum|count)$", "", match.group(1))
            assert name in types or match.group(1) in types, line
            float(match.group(3))
    assert all(name.startswith("mercure_") for name in types)
    assert types["mercure_subscribers_connected"] == "gauge"
    assert types["mercure_updates_total"] == "counter"
    assert topic not in response.text


# ---- start and stop


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_streams_in_good_order(start_with, transport, topic, sig):
    hub = start_with(transport)
    streams = [hub.subscribe(topic) for _ in range(10)]
    last = hub.publish_ok(topic, "last")
    hub.stop(sig)
    for stream in streams:
        assert [event.id for event in stream.read_to_end()] == [last]
        assert not stream.cut
    assert hub.log.find("^Stopped$")


def test_a_stop_closes_idle_connections_and_takes_no_new_ones(start_hub):
    hub = start_hub()
    with hub.connect() as connection:
        connection.send(request_bytes("GET", "/healthz"))
        assert connection.read_response().status == 200
        hub.stop()
        assert connection.is_closed()
    with pytest.raises(ConnectionRefusedError):
        hub.connect()


def test_a_stop_waits_for_a_subscriber_that_takes_nothing_no_longer_than_allowed(start_hub, topic):
    hub = start_hub(shutdown_timeout="500ms", dispatch_timeout="0s")
    with hub.subscribe(topic, receive_buffer=4096):
        for _ in range(40):
            hub.publish_ok(topic, "x" * 200_000)
        hub.stop()


HALF_A_QUERY = (f"QUERY {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 12\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\nmatch=")


def stop_amid_a_query(hub, topic):
    """Asks the hub to stop when it has read half a request; the connection of that."""
    half = hub.connect()
    with hub.subscribe(topic) as stream:
        before = hub.metrics()["mercure_http_requests_total"]
        half.send(HALF_A_QUERY)
        hub.wait_metric("mercure_http_requests_total", lambda count: count > before)
        hub.process.send_signal(signal.SIGTERM)
        assert stream.read_to_end() == []
    return half


def test_a_request_whose_body_comes_after_the_stop_begins_no_stream(start_hub, topic):
    hub = start_hub(shutdown_timeout="1h", workers=1)
    with stop_amid_a_query(hub, topic) as half:
        half.send("123456")
        assert half.read_all() == b"", "what an EventSource does not come back from"
        hub.stop()


def test_a_stop_waits_for_a_body_no_longer_than_allowed(start_hub, topic):
    hub = start_hub(shutdown_timeout="500ms", read_timeout="1h", workers=1)
    with stop_amid_a_query(hub, topic) as half:
        hub.stop()
        assert half.read_all() == b""


@pytest.mark.threads
def test_a_stop_while_the_history_is_still_being_read_is_a_good_one(start_hub, tmp_path):
    hub = start_hub(transport_url=f"bolt://{tmp_path}/hub/hub.db?sync=off", log_level="debug")
    publisher = Publisher(hub)
    publish_series([publisher], [[publisher.request(f"topic=t&data={'x' * 300}")] * scale(20_000)])
    publisher.close()
    hub.stop()
    for _ in range(5):
        process = subprocess.Popen([BINARY, "run"], cwd=hub.folder, env=environment(hub.folder, hub.conf),
                                   stderr=subprocess.PIPE)
        log = Log(process.stderr)
        log.wait("^The transport is open$")
        process.terminate()
        assert process.wait(HANG_GUARD_S) == 0, log.text()
        log.wait("^Stopped$")
        assert not log.others
    hub.start()


def test_a_hub_without_traffic_starts_and_stops(start_with, transport):
    start_with(transport).stop()


def test_an_address_in_use_is_told(start_hub, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("run", folder=tmp_path, **{**GOOD, "addr": f"127.0.0.1:{port}"})
    assert result.returncode == 1
    assert f"127.0.0.1:{port}".encode() in result.stderr


def test_two_hubs_do_not_share_a_port(start_hub, tmp_path):
    hub = start_hub()
    host, port = hub.address
    result = run("run", folder=tmp_path, **{**GOOD, "addr": f"{host}:{port}"})
    assert result.returncode == 1


def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(start_hub, tmp_path):
    address = f"unix:{tmp_path}/hub.sock"
    hub = start_hub(addr=address)
    result = run("run", folder=hub.folder, **{**GOOD, "addr": address})
    assert result.returncode == 1
    hub.kill()
    assert (tmp_path / "hub.sock").exists()
    hub.start()
    with Connection(hub.address) as connection:
        assert connection.request("GET", "/healthz").status == 200


# ---- stores


def write_go_hub_file(path):
    """The first page of a bbolt file: its header, then the magic number and the version."""
    path.write_bytes(struct.pack("<QHHIII", 0, 4, 0, 0, 0xED0CDAED, 2).ljust(8192, b"\0"))


def test_the_file_of_a_go_hub_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "mercure.db"
    write_go_hub_file(path)
    before = path.read_bytes()
    result = run("run", folder=tmp_path, **{**GOOD, "transport_url": f"bolt://{path}"})
    assert result.returncode == 1
    assert str(path).encode() in result.stderr
    assert path.read_bytes() == before
    assert not (tmp_path / "mercure.db.lmdb").exists()


@pytest.mark.parametrize("content", [b"", b"x", b"garbage" * 5000, b"\0" * 65536])
def test_a_broken_store_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "hub.db.lmdb"
    path.write_bytes(content)
    result = run("run", folder=tmp_path, **{**GOOD, "transport_url": f"bolt://{tmp_path}/hub.db"})
    if content:
        assert result.returncode == 1
        assert b"hub.db" in result.stderr
    assert path.read_bytes() == content


@pytest.mark.parametrize("url, hint", [
    ("redis://localhost", "bolt://"), ("nonsense", "transport_url"), ("bolt://x?sizes=5", "size"),
    ("bolt://x?size=-1", "size"), ("bolt://x?sync=maybe", "sync"), ("local://?size=5x", "size"), ("bolt://", "bolt"),
])
def test_a_transport_that_cannot_be_is_a_wrong_configuration(tmp_path, url, hint):
    result = run("run", folder=tmp_path, **{**GOOD, "transport_url": url})
    assert result.returncode == 2
    assert hint.encode() in result.stderr


# ---- configuration


def test_all_errors_come_at_once_each_with_its_source(tmp_path):
    (tmp_path / "mercure.yaml").write_text("heartbeet: 40s\nmax_topics: many\n")
    result = run_command("run", "--write-timeout=600", folder=tmp_path, conf={**GOOD, "log_level": "loud"})
    text = result.stderr.decode()
    assert result.returncode == 2
    assert not result.stdout
    assert re.search(r"mercure\.yaml:1(:1)?\b.*heartbeet.*heartbeat", text)
    assert re.search(r"mercure\.yaml:2(:\d+)?\b.*max_topics", text)
    assert re.search(r"--write-timeout\b.*600s", text)
    assert "MERCURE_LOG_LEVEL" in text


@pytest.mark.parametrize("text", ["a: [", "- list", "a: 1\na: 2\n", "\t: x", "anonymous: true\n  bad: x\n", "&a [*a]"])
def test_a_broken_file_stops_the_start(tmp_path, text):
    (tmp_path / "mercure.yaml").write_text(text)
    result = run("run", folder=tmp_path, **GOOD)
    assert result.returncode == 2
    assert b"mercure.yaml" in result.stderr


def test_a_missing_file_stops_the_start(tmp_path):
    result = run("run", "--config", "nowhere.yaml", folder=tmp_path, **GOOD)
    assert result.returncode == 2
    assert b"nowhere.yaml" in result.stderr


@pytest.mark.parametrize("change, hint", [
    ({"issuers": None}, b"MERCURE_PUBLISHER_JWT_KEY"),
    ({"issuers": [{"issuer": "https://x", "subscriber": {"jwt_key": "k"}}]}, b"publisher"),
    ({"anonymous": False}, b"anonymous"),
    ({"addr": "nonsense:port"}, b"addr"),
    ({"max_connections": "1"}, b"max_connections"),
    ({"heartbeat": "40"}, b"40s"),
    ({"max_request_body_size": "1 metre"}, b"max_request_body_size"),
    ({"issuers": "{"}, b"issuers"),
])
def test_what_cannot_work_is_refused_with_the_key_to_set(tmp_path, change, hint):
    for command in ("run", "validate"):
        result = run(command, folder=tmp_path, **{**GOOD, **change})
        assert result.returncode == 2
        assert hint.lower() in result.stderr.lower()


@pytest.mark.parametrize("args", [[], ["run"]])
def test_whoever_starts_without_a_configuration_hears_of_dev(tmp_path, args):
    result = run(*args, folder=tmp_path)
    assert result.returncode == 2
    assert b"MERCURE_PUBLISHER_JWT_KEY" in result.stderr and b"cinnabar dev" in result.stderr


def test_validate_says_that_it_is_good_and_opens_nothing(tmp_path):
    result = run("validate", folder=tmp_path, **{**GOOD, "transport_url": f"bolt://{tmp_path}/hub.db"})
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.iterdir())


def test_flag_over_environment_over_file_over_default(start_hub, tmp_path, topic):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "cinnabar.yaml").write_text("max_topics: 1\nmax_id_length: 50\nmax_matchers: 1\n")
    hub = start_hub(flags=["--max-topics", "3"], max_topics=2, max_id_length=60)
    assert hub.publish(["a", "b", "c"], "x").status == 200
    assert hub.publish(["a", "b", "c", "d"], "x").status == 413
    assert hub.publish(topic, "x", id="i" * 60).status == 200
    assert hub.publish(topic, "x", id="i" * 61).status != 200
    assert hub.request("GET", f"{PATH}?match=a&match=b").text == "too many matchers (max 1)\n"


def test_a_file_alone_configures_the_hub(start_hub, tmp_path, topic):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "mercure.json").write_text(json.dumps({
        "addr": "127.0.0.1:0", "ops_addr": "127.0.0.1:0", "transport_url": "local://", "anonymous": True,
        "log_format": "json", "resource_identifier": tokens.AUDIENCE,
        "issuers": [{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}]}))
    hub = start_hub(addr=None, transport_url=None, issuers=None, resource_identifier=None, anonymous=None,
                    workers=None, log_format=None)
    hub.publish_ok(topic, "x")


def test_secrets_come_from_files(start_hub, tmp_path, topic):
    secret = tmp_path / "secret"
    secret.write_text("a key from a file\n")
    hub = start_hub(issuers=None, publisher_jwt_key_file=secret)
    token = tokens.mint(publish=["*"], key="a key from a file")
    assert hub.publish(topic, "x", token=token).status == 200


def test_the_variables_of_the_container_image_make_an_issuer(start_hub, topic):
    hub = start_hub(issuers=None, anonymous=False, publisher_jwt_key="p" * 64, publisher_jwt_alg="HS512",
                    subscriber_jwt_key="subscriber", trusted_issuers="https://issuer.example")
    token = tokens.mint(publish=["*"], key="p" * 64, alg="HS512", iss="https://issuer.example")
    assert hub.publish(topic, "x", token=token).status == 200
    hub.subscribe(topic, token=tokens.mint(key="subscriber", iss="https://issuer.example")).close()


def test_a_licence_is_not_needed(start_hub):
    hub = start_hub(license="bought once")
    hub.stop()
    assert len(re.findall("(?i)no licen[cs]e is needed", hub.log.text())) == 1
    assert "bought once" not in hub.log.text()


# ---- commands


def test_version(tmp_path):
    result = run("version", folder=tmp_path)
    assert result.returncode == 0
    assert re.search(rb"\b\d+\.\d+\.\d+", result.stdout)
    assert not result.stderr


def test_the_reference_knows_every_key(tmp_path):
    result = run("config-reference", folder=tmp_path)
    text = result.stdout.decode()
    assert result.returncode == 0
    for key in ("addr", "ops_addr", "transport_url", "issuers", "heartbeat", "write_timeout", "dispatch_timeout",
                "max_request_body_size", "tail_max_bytes", "shutdown_timeout", "log_level"):
        assert f"`{key}`" in text
        assert f"MERCURE_{key.upper()}" in text


def test_the_documentation_has_the_reference_of_this_version(tmp_path):
    """To renew it: build/release/cinnabar config-reference >docs/configuration.md"""
    result = run("config-reference", folder=tmp_path)
    assert (ROOT / "docs/configuration.md").read_text() == result.stdout.decode()


EXAMPLE = ROOT / "docs/cinnabar.example.yaml"


def test_the_example_configuration_is_good(tmp_path):
    result = run("validate", "--config", EXAMPLE, folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")


def test_the_example_configuration_is_good_with_all_that_is_commented_out(tmp_path):
    (tmp_path / "all.yaml").write_text(re.sub("(?m)^#(?=[a-z])", "", EXAMPLE.read_text()))
    result = run("validate", "--config", "all.yaml", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")


def test_the_example_configuration_has_every_key_and_its_default(tmp_path):
    reference = run("config-reference", folder=tmp_path).stdout.decode().split("## The 0.x protocol")[0]
    row = r"(?m)^\| `(\w+)`[^|]*\| `--[^|]*\| `MERCURE_[^|]*\| [^|]*\| ([^|]*) \|"
    defaults = dict(re.findall(row, reference))
    shown = dict(re.findall(r"(?m)^(?:#(?=[a-z]))?([a-z_]+):(?: ([^ \n]+))?", EXAMPLE.read_text()))
    assert len(defaults) > 30 and shown.keys() == defaults.keys()
    commented = re.findall(r"(?m)^#([a-z_]+): ([^ \n]+)", EXAMPLE.read_text())
    for key, value in commented:
        if defaults[key].startswith("`"):
            assert f"`{value}`" == defaults[key], key


@pytest.mark.parametrize("args", [["--help"], ["run", "--help"], ["token", "--help"], ["publish", "--help"],
                                  ["subscribe", "--help"], ["bench", "--help"], ["health", "--help"]])
def test_help_goes_to_stdout(tmp_path, args):
    result = run(*args, folder=tmp_path)
    assert result.returncode == 0
    assert result.stdout and not result.stderr


@pytest.mark.parametrize("args, hint", [(["publsh"], b"publish"), (["run", "--hartbeat=1s"], b"heartbeat"),
                                        (["token", "--aduience=x"], b""), (["publish"], b"")])
def test_wrong_use_is_status_2_with_a_hint(tmp_path, args, hint):
    result = run(*args, folder=tmp_path)
    assert result.returncode == 2
    assert hint in result.stderr
    assert not result.stdout


def test_token_makes_tokens_that_the_hub_takes(hub, tmp_path, topic):
    result = run("token", "--iss", tokens.ISSUER, "--aud", tokens.AUDIENCE, "--key", tokens.PUBLISHER_KEY,
                 "--publish", topic, "--subscribe", "*", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    token = result.stdout.decode().strip()
    assert hub.publish(topic, "x", token=token).status == 200
    assert hub.publish(topic + "/other", "x", token=token).status == 403


def test_the_commands_talk_to_the_development_hub(start_hub, tmp_path, topic):
    hub = start_hub(command="dev", issuers=None, resource_identifier=None, anonymous=None, transport_url=None)
    hub.host = "{}:{}".format(*hub.address)
    token = run("token", "--dev", "--aud", f"http://{hub.host}{PATH}", folder=tmp_path).stdout.decode().strip()
    with hub.subscribe(topic) as stream:
        assert hub.publish(topic, "by hand", token=token).status == 200
        assert stream.read_event().data == "by hand"


@pytest.mark.parametrize("key, own", [(tokens.PUBLISHER_KEY, {}), ("mine", {"JWT_KEY": "mine"})])
def test_dev_takes_tokens_of_0x_where_it_is_asked_to(start_hub, topic, key, own):
    hub = start_hub(command="dev", issuers=None, resource_identifier=None, anonymous=None, transport_url=None,
                    protocol_version_compatibility=8, env=own)
    for signed_with, status in ((key, 200), ("another", 401)):
        token = tokens.sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {"publish": ["*"]}}, signed_with)
        assert hub.publish(topic, "old", token=token).status == status


def test_dev_warns_once(start_hub):
    hub = start_hub(command="dev", issuers=None, resource_identifier=None, anonymous=None, transport_url=None,
                    env={"MERCURE_LICENSE": "..."})
    hub.stop()
    assert [line for line in hub.log.others if "license" in line] == [
        "MERCURE_LICENSE: warning: license: Accepted and ignored: no licence is needed."]


def test_subscribe_and_publish_are_for_shells(start_hub, tmp_path, topic):
    hub = start_hub(command="dev", issuers=None, resource_identifier=None, anonymous=None, transport_url=None)
    url = "http://{}:{}{}".format(*hub.address, PATH)
    subscriber = subprocess.Popen([BINARY, "subscribe", "--url", url, "--topic", topic], cwd=tmp_path, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
    try:
        hub.wait_metric("mercure_subscribers_connected", 1)
        result = run("publish", "--url", url, "--topic", topic, "--data", "by hand", folder=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.decode().strip().startswith("urn:uuid:")
        assert b"by hand" in subscriber.stdout.readline()
    finally:
        subscriber.send_signal(signal.SIGINT)
        subscriber.communicate(timeout=60)


def test_health_is_the_container_probe(start_hub, tmp_path):
    hub = start_hub()
    conf = {"ops_addr": "{}:{}".format(*hub.ops_address)}
    assert run("health", folder=tmp_path, **conf).returncode == 0
    hub.stop()
    result = run("health", folder=tmp_path, **conf)
    assert result.returncode == 1
    assert conf["ops_addr"] in result.stderr.decode()


# ---- logs


def test_log_lines_are_json_with_time_level_and_sentence(start_hub, topic):
    hub = start_hub(log_level="debug")
    hub.subscribe(topic).close()
    hub.publish_ok(topic, "a secret of the payload")
    hub.request("GET", "/nowhere")
    hub.stop()
    assert not hub.log.others
    for event in hub.log.events:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
        assert event["level"] in ("debug", "info", "warn", "error")
        assert event["msg"]
    assert "a secret of the payload" not in hub.log.text()
    assert tokens.PUBLISHER_KEY not in hub.log.text()


def test_the_level_bounds_what_is_logged(start_hub):
    hub = start_hub(log_level="info")
    hub.stop()
    assert not [event for event in hub.log.events if event["level"] == "debug"]


def test_a_refused_request_is_logged_with_its_id(start_hub):
    hub = start_hub()
    response = hub.request("GET", PATH)
    line = hub.log.wait(".", request_id=response.get("X-Request-Id"))
    assert "match" in line["reason"]


def test_a_malformed_request_is_logged_with_its_status(start_hub):
    hub = start_hub()
    with hub.connect() as connection:
        connection.send("GET / HTTP/1.1\r\n\r\n")
        connection.read_response()
    hub.log.wait("Request refused", status=400)
