"""A disk that is slow, full or broken: a clear answer, nothing lost, and no more trouble than there must be."""
import json

import pytest

from harness.disk import SlowDisk, SmallDisk
from harness.hub import run_command
from harness.load import Follower, Publisher, wait_until

NOT_STORED = "Service Unavailable: the update was not stored\n"
MAY_APPEAR = "Service Unavailable: the update may still appear\n"


def read_history(hub, count):
    follower = Follower(hub, "*", last_event_id="earliest")
    try:
        follower.wait(count)
        return follower.ids()
    finally:
        follower.close()


def publish_until_refused(hub, topic, data):
    """The ids that were accepted, and the answer that was not 200."""
    accepted = []
    while (response := hub.publish(topic, data)).status == 200:
        accepted.append(response.text)
    return accepted, response


def readiness(hub):
    response = hub.ask_operations("/mercure/health/ready")
    return response.status, json.loads(response.text)


@pytest.fixture
def slow_disk(tmp_path):
    return SlowDisk(tmp_path)


@pytest.fixture
def start_on(start_hub, tmp_path):
    def start(disk, **conf):
        return start_hub(transport_url=f"bolt://{tmp_path}/hub/hub.db", env=disk.env, **conf)
    return start


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path, "4m")
    yield disk
    disk.close()


# ---- slow


def test_a_publish_that_is_not_settled_in_time_says_that_it_may_still_appear_and_it_does(slow_disk, start_on, topic):
    hub = start_on(slow_disk, publish_timeout="200ms")
    first = hub.publish_ok(topic, "first")
    live = Follower(hub, topic)
    slow_disk.hold()
    response = hub.publish(topic, "late", id=f"{topic}/late")
    assert (response.status, response.text) == (503, MAY_APPEAR)
    assert int(response.get("Retry-After")) >= 1
    hub.log.wait("not settled within publish_timeout", request_id=response.get("X-Request-Id"))
    assert live.count == 0, "delivered before it was stored"
    slow_disk.release()
    live.wait(1)
    after = hub.publish_ok(topic, "after")
    live.wait(2)
    assert live.ids() == [f"{topic}/late", after]
    assert read_history(hub, 3) == [first, f"{topic}/late", after]
    live.close()


def test_what_waits_to_be_stored_is_stored_in_one_go(slow_disk, start_on, topic):
    """One transaction for all that came while the last one was on its way to the disk."""
    hub = start_on(slow_disk, publish_timeout="1m")
    slow_disk.hold()
    publishers = [Publisher(hub) for _ in range(21)]
    for i, publisher in enumerate(publishers):
        publisher.connect().send(publisher.request(f"topic={topic}&data={i}"))
        if i == 0:
            slow_disk.wait_held()
    hub.wait_metric("mercure_http_requests_total", lambda count: count >= 21)
    before = hub.metrics()["mercure_history_transactions_total"]
    slow_disk.release()
    assert [publisher.connection.read_response().status for publisher in publishers] == [200] * 21
    assert hub.metrics()["mercure_history_transactions_total"] - before <= 3
    for publisher in publishers:
        publisher.close()


def test_a_stop_waits_for_the_disk(slow_disk, start_on, topic):
    hub = start_on(slow_disk)
    slow_disk.hold()
    publisher = Publisher(hub)
    publisher.connect().send(publisher.request(f"topic={topic}&id={topic}/last"))
    slow_disk.wait_held()
    hub.process.terminate()
    hub.log.wait("^Draining")
    slow_disk.release()
    assert publisher.connection.read_response().text == f"{topic}/last"
    publisher.close()
    hub.stop()
    hub.start()
    assert read_history(hub, 1) == [f"{topic}/last"]


# ---- full


def test_a_full_disk_refuses_updates_loses_none_and_recovers_when_there_is_room(small_disk, start_hub, topic):
    hub = start_hub(transport_url=f"bolt://{small_disk.folder}/hub.db", wrapper=small_disk.wrapper, heartbeat="0s")
    live = Follower(hub, topic)
    accepted = [hub.publish_ok(topic, "x" * 1000) for _ in range(20)]
    small_disk.fill_but(128 << 10)
    more, response = publish_until_refused(hub, topic, "x" * 1000)
    accepted += more
    assert (response.status, response.text) == (503, NOT_STORED)
    assert int(response.get("Retry-After")) >= 1
    hub.log.wait("not stored", reason="the disk of the history is full")
    status, health = readiness(hub)
    assert status == 503 and "the disk is full" in health["error"]
    assert hub.ask_operations("/mercure/health/live").status == 200
    # Still full, and still no harm: reading goes on.
    for _ in range(20):
        assert hub.publish(topic, "x" * 5000).status == 503
    assert read_history(hub, len(accepted)) == accepted

    small_disk.make_room()
    wait_until(lambda: readiness(hub)[0] == 200, "the hub does not notice that there is room")
    accepted += [hub.publish_ok(topic, "x" * 1000) for _ in range(20)]
    assert read_history(hub, len(accepted)) == accepted
    live.wait(len(accepted))
    assert live.ids() == accepted
    live.close()


def test_a_hub_that_starts_on_a_full_disk_serves_its_history(small_disk, start_hub, topic):
    hub = start_hub(transport_url=f"bolt://{small_disk.folder}/hub.db", wrapper=small_disk.wrapper)
    accepted = [hub.publish_ok(topic, "x" * 1000) for _ in range(20)]
    small_disk.fill_but(0)
    more, _ = publish_until_refused(hub, topic, "x" * 1000)
    accepted += more
    hub.kill()
    hub.start()
    assert read_history(hub, len(accepted)) == accepted
    _, response = publish_until_refused(hub, topic, "x" * 100_000)
    assert (response.status, response.text) == (503, NOT_STORED)
    small_disk.make_room()
    wait_until(lambda: readiness(hub)[0] == 200, "the hub does not notice that there is room")
    hub.publish_ok(topic, "x")


def test_a_disk_without_room_for_a_new_history_stops_the_start(small_disk, start_hub, tmp_path):
    hub = start_hub()  # for its configuration
    small_disk.fill_but(0)
    conf = {**hub.conf, "transport_url": f"bolt://{small_disk.folder}/new.db"}
    result = run_command("run", folder=tmp_path, conf=conf, wrapper=small_disk.wrapper)
    assert result.returncode == 1
    assert b"No space left" in result.stderr
    assert b"new.db" in result.stderr


# ---- broken


def test_after_a_failed_sync_nothing_more_is_stored_until_a_restart(slow_disk, start_on, topic):
    """The kernel may have dropped what it could not write: what it says about later writes proves nothing."""
    hub = start_on(slow_disk)
    live = Follower(hub, topic)
    accepted = [hub.publish_ok(topic, str(i)) for i in range(20)]
    live.wait(20)
    slow_disk.fail()
    response = hub.publish(topic, "lost", id=f"{topic}/lost")
    assert (response.status, response.text) == (503, NOT_STORED)
    assert response.get("Retry-After")
    hub.log.wait("not stored", reason="the history could not be written to its disk; nothing more is stored until a restart")
    slow_disk.heal()
    response = hub.publish(topic, "too late")
    assert (response.status, response.text) == (503, NOT_STORED)
    status, health = readiness(hub)
    assert status == 503 and "nothing more is stored until a restart" in health["error"]
    assert hub.ask_operations("/mercure/health/live").status == 503  # a restart helps
    assert live.ids() == accepted
    live.close()

    hub.stop()
    hub.start()
    accepted.append(hub.publish_ok(topic, "again"))
    assert [id_ for id_ in read_history(hub, len(accepted)) if id_ != f"{topic}/lost"] == accepted


def break_store(path, kind):
    with open(path, "r+b") as store:
        if kind == "half of it is gone":
            store.truncate(path.stat().st_size // 2 // 4096 * 4096)
        elif kind == "its head is overwritten":
            store.write(b"\xff" * 8192)
        else:
            store.seek(8192)
            store.write(b"\xff" * (path.stat().st_size - 8192))


@pytest.mark.parametrize("kind", ["half of it is gone", "its head is overwritten", "all but its head is overwritten"])
def test_a_damaged_history_stops_the_start_and_is_left_alone(start_with, topic, kind):
    hub = start_with("bolt")
    for i in range(300):
        hub.publish_ok(topic, "x" * 500)
    hub.stop()
    path = hub.folder / "hub.db.lmdb"
    break_store(path, kind)
    damaged = path.read_bytes()
    result = run_command("run", folder=hub.folder, conf=hub.conf)
    assert result.returncode == 1
    assert b"hub.db.lmdb is damaged" in result.stderr
    assert path.read_bytes() == damaged
