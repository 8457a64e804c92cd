"""The history of a Go hub, in a file that the real bbolt writes (clients/bbolt), is imported at the first start."""
import hashlib
import signal
import subprocess
from pathlib import Path

import pytest

from harness import tokens
from harness.disk import SlowDisk, SmallDisk
from harness.hub import BINARY, Hub, Log, environment, run_command
from harness.load import Follower
from harness.process import scale
from harness.sse import Stream
from harness.wire import HANG_GUARD_S

SOURCE = Path(__file__).parent / "clients/bbolt"
TOPIC = "https://example.com/a"


@pytest.fixture(scope="session")
def bbolt(tmp_path_factory):
    """The program that writes files as a Go hub does: bbolt("many", path, 1000)."""
    program = tmp_path_factory.mktemp("bbolt") / "bbolt"
    subprocess.run(["go", "build", "-buildvcs=false", "-o", program, "."], cwd=SOURCE, check=True)

    def write(case, path, *numbers):
        subprocess.run([program, case, path, *map(str, numbers)], check=True, timeout=HANG_GUARD_S)

    write.program = program
    return write


@pytest.fixture
def old(tmp_path):
    """Where the Go hub has left its history."""
    (tmp_path / "hub").mkdir()
    return tmp_path / "hub/updates.db"


@pytest.fixture
def start_on(start_hub, old):
    def start(query="", **conf):
        return start_hub(transport_url=f"bolt://{old}{query}", **conf)
    return start


def conf_on(old, query=""):
    return {"addr": "127.0.0.1:0", "ops_addr": "127.0.0.1:0", "transport_url": f"bolt://{old}{query}",
            "log_format": "json", "anonymous": True,
            "issuers": [{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}]}


def run_on(old, query="", folder=None, wrapper=()):
    return run_command("run", folder=folder or old.parent, conf=conf_on(old, query), wrapper=wrapper)


def store_of(old):
    return Path(f"{old}.lmdb")


def draft_of(old):
    return Path(f"{old}.lmdb-new")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def read_ids(hub, count, topic=TOPIC, after="earliest", token=None):
    follower = Follower(hub, topic, last_event_id=after, token=token)
    try:
        follower.wait(count)
        return follower.ids()
    finally:
        follower.close()


def notes(hub):
    return [event["note"] for event in hub.log.find("transport")]


@pytest.mark.parametrize("page_size", [4096, 16384])
def test_the_history_of_a_go_hub_is_replayed_and_goes_on(bbolt, old, start_on, page_size):
    count = scale(20_000)
    bbolt("many", old, count, page_size)
    before = digest(old)
    hub = start_on()
    hub.log.wait("being opened", note=f"{count} updates of {old} have been imported; that file is as it was, and "
                                      "not used any more")
    expected = [f"urn:update:{i}" for i in range(count)]
    assert read_ids(hub, count) == expected
    expected.append(hub.publish_ok(TOPIC, "new"))
    assert read_ids(hub, 11, after=f"urn:update:{count - 11}") == expected[-11:]
    hub.stop()
    hub.start()
    assert read_ids(hub, 11, after=f"urn:update:{count - 11}") == expected[-11:]
    assert digest(old) == before
    assert f"{old} is the history of a Go hub, and is not used: the history is in {old}.lmdb" in notes(hub)


def test_the_directory_of_a_0x_hub_goes_on_as_it_is(bbolt, tmp_path):
    """Its configuration, its history, and a client that comes back with the id that the old hub gave it."""
    key = "!ChangeMe!"
    (tmp_path / "mercure.yaml").write_text(
        f"transport_url: bolt://updates.db\nlicense: '...'\naddr: :3001\njwt_key: '{key}'\n")
    bbolt("orders", tmp_path / "updates.db")
    hub = Hub(tmp_path, flags=["--addr", "127.0.0.1:0"], addr=None, issuers=None, anonymous=None, transport_url=None,
              resource_identifier=None)
    token = tokens.sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {"subscribe": [TOPIC]}}, key)
    connection, response = hub.open_stream(f"topic={TOPIC}&lastEventID=old-order", [("Authorization", f"Bearer {token}")])
    with Stream(connection, response) as stream:
        assert [event.id for event in stream.read_events(2)] == ["new-order", "lower"]
        assert response.get("Last-Event-ID") == "old-order"
    hub.stop()


def test_what_a_go_hub_has_deleted_stays_deleted(bbolt, old, start_on):
    count = scale(100_000)
    bbolt("deleted", old, count)
    hub = start_on()
    expected = [f"urn:update:{i - 1}" for i in range(count // 2 + 1, count + 1) if i % 3]
    assert read_ids(hub, len(expected)) == expected


def test_large_updates_come_whole(bbolt, old, start_on):
    bbolt("large", old, 16)
    hub = start_on()
    with hub.subscribe(TOPIC, last_event_id="earliest") as stream:
        for i, event in enumerate(stream.read_events(16)):
            assert event.id == f"urn:update:{i}"
            assert event.data == chr(ord("a") + i) * (1 + i % 8 * 70000)


def test_texts_are_sent_as_the_go_hub_had_them(bbolt, old, start_on):
    bbolt("texts", old)
    hub = start_on()
    with hub.subscribe("https://example.com/\u00fcn\u00ef", last_event_id="earliest") as stream:
        assert [event.data for event in stream.read_events(6)] == [
            "", '<a href="x">&</a>', "line\nline\nline\nline", "\u0ca0_\u0ca0 \U0001F600  \u2028", "broken \ufffd", "\0\1"]


def test_private_updates_stay_private(bbolt, old, start_on):
    bbolt("orders", old)
    hub = start_on()
    assert read_ids(hub, 2) == ["new-order", "lower"]
    assert read_ids(hub, 3, token=tokens.mint(subscribe=[TOPIC])) == ["old-order", "new-order", "lower"]


def test_the_newest_are_imported_where_a_size_is_set(bbolt, old, start_on):
    bbolt("many", old, 1000)
    hub = start_on("?size=10")
    assert read_ids(hub, 10) == [f"urn:update:{i}" for i in range(990, 1000)]


@pytest.mark.parametrize("case", ["empty", "nothing"])
def test_a_go_hub_that_never_published_leaves_an_empty_history(bbolt, old, start_on, case):
    bbolt(case, old)
    hub = start_on()
    assert hub.metrics()["mercure_history_updates"] == 0
    hub.publish_ok(TOPIC, "first")


def test_what_must_not_be_sent_is_told_in_the_log(bbolt, old, start_on):
    bbolt("refused", old)
    hub = start_on()
    assert read_ids(hub, 4) == ["first", "tab\tid", "everybody", "last"]
    reasons = [event["note"] for event in hub.log.find("being opened", level="warn")]
    assert len(reasons) == 8
    assert f"3 of the updates of {old} were not imported, the first of them number 2: a topic is in the reserved " \
        "namespace, as those of subscription events are" in reasons


def test_validate_tells_what_will_happen(bbolt, old, tmp_path):
    bbolt("many", old, 10)
    result = run_command("validate", folder=tmp_path, conf=conf_on(old))
    assert result.returncode == 0
    assert f"warning: {old} is the history of a Go hub: the first start imports it into {old}.lmdb" in result.stderr.decode()
    assert not store_of(old).exists()


def test_another_bucket_is_named_in_the_refusal(bbolt, old, start_on):
    bbolt("bucket", old, 5)
    result = run_on(old)
    assert result.returncode == 1
    assert f"{old} has no bucket \\\"updates\\\", but \\\"other\\\"" in result.stderr.decode()
    hub = start_on("?bucket_name=other")
    assert len(read_ids(hub, 5)) == 5


def test_a_go_hub_that_still_runs_is_noticed(bbolt, old, start_on):
    with subprocess.Popen([bbolt.program, "held", old, "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"held\n"
        result = run_on(old)
        writer.stdin.close()
        writer.wait(HANG_GUARD_S)
    assert result.returncode == 1
    assert "still has it open: stop that hub" in result.stderr.decode()
    assert len(read_ids(start_on(), 5)) == 5


# ---- An import that does not come to its end


class Importing:
    """The process of a hub that has begun to import."""

    def __init__(self, old, env=None):
        self.process = subprocess.Popen([BINARY, "run"], cwd=old.parent, stderr=subprocess.PIPE,
                                        env=environment(old.parent, conf_on(old)) | (env or {}))
        self.log = Log(self.process.stderr)
        self.log.wait("being opened")

    def end(self, sig):
        self.process.send_signal(sig)
        return self.process.wait(HANG_GUARD_S)


def check_whole(hub, old, count, before):
    assert hub.metrics()["mercure_history_updates"] == count
    assert read_ids(hub, 10, after=f"urn:update:{count - 11}") == [f"urn:update:{i}" for i in range(count - 10, count)]
    assert digest(old) == before
    assert not draft_of(old).exists()


def test_an_import_that_is_killed_begins_anew(bbolt, old, start_on, tmp_path):
    count = scale(20_000)
    bbolt("many", old, count)
    before = digest(old)
    disk = SlowDisk(tmp_path)
    disk.hold()
    importing = Importing(old, disk.env)
    disk.wait_held()  # all is written, and not on the disk yet
    assert importing.end(signal.SIGKILL) == -signal.SIGKILL
    assert draft_of(old).exists() and not store_of(old).exists()
    check_whole(start_on(), old, count, before)


def test_sigterm_ends_an_import_which_begins_anew(bbolt, old, start_on):
    count = scale(200_000)
    bbolt("many", old, count)
    before = digest(old)
    assert Importing(old).end(signal.SIGTERM) == 0
    assert not draft_of(old).exists()
    check_whole(start_on(), old, count, before)


def test_a_disk_without_room_for_it_stops_the_start_and_keeps_nothing(bbolt, tmp_path):
    disk = SmallDisk(tmp_path, "16m")
    try:
        bbolt("many", disk.path / "updates.db", 10_000)
        disk.fill_but(2 << 20)
        result = run_on(disk.folder / "updates.db", wrapper=disk.wrapper, folder=tmp_path)
        assert result.returncode == 1
        assert "No space left on device" in result.stderr.decode()
        assert {path.name for path in disk.path.iterdir()} == {"ballast", "updates.db", "updates.db.lmdb-hub"}
    finally:
        disk.close()
