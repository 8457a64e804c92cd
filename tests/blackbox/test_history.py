"""History: what a reconnecting subscriber gets, and that live follows without gap or repeat."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import tokens
from harness.hub import run_command


def publish_many(hub, topic, count, start=0):
    return [hub.publish_ok(topic, str(i)) for i in range(start, start + count)]


def replay(hub, topic, last_event_id, count, **kwargs):
    """The answered id and the next `count` ids."""
    with hub.subscribe(topic, last_event_id=last_event_id, **kwargs) as stream:
        return stream.last_event_id, [event.id for event in stream.read_events(count)]


def assert_no_replay(hub, topic, last_event_id):
    """Nothing of the history comes: what is published next is the first event."""
    with hub.subscribe(topic, last_event_id=last_event_id) as stream:
        marker = hub.publish_ok(topic, "marker")
        assert stream.read_event().id == marker
        return stream.last_event_id


def test_everything_after_the_last_event_id_comes_again(any_hub, topic):
    ids = publish_many(any_hub, topic, 10)
    assert replay(any_hub, topic, ids[3], 6) == (ids[3], ids[4:])


def test_the_newest_id_replays_nothing(any_hub, topic):
    ids = publish_many(any_hub, topic, 3)
    assert assert_no_replay(any_hub, topic, ids[-1]) == ids[-1]


def test_earliest_replays_everything(any_hub, topic):
    ids = publish_many(any_hub, topic, 10)
    assert replay(any_hub, topic, "earliest", 10) == ("earliest", ids)


def test_earliest_of_an_empty_history(start_with, transport, topic):
    hub = start_with(transport)
    assert assert_no_replay(hub, topic, "earliest") == "earliest"


@pytest.mark.parametrize("id_", ["urn:unknown", "", "#", "x" * 2000, "\u00e9", "urn:uuid:not-one",
                                 "urn:uuid:ffffffff-ffff-7fff-bfff-ffffffffffff",
                                 "urn:uuid:00000000-0000-4000-8000-000000000000"])
def test_an_id_that_was_never_there_replays_nothing(any_hub, topic, id_):
    publish_many(any_hub, topic, 3)
    assert assert_no_replay(any_hub, topic, id_) == "earliest"


def test_an_unknown_id_is_logged(start_with, transport, topic):
    hub = start_with(transport)
    publish_many(hub, topic, 1)
    hub.subscribe(topic, last_event_id="urn:unknown").close()
    hub.log.wait(".", last_event_id="urn:unknown")


def test_the_earliest_of_equal_ids_counts(any_hub, topic):
    for i in range(6):
        any_hub.publish_ok(topic, str(i), id=f"{topic}/same" if i in (1, 4) else f"{topic}/{i}")
    with any_hub.subscribe(topic, last_event_id=f"{topic}/same") as stream:
        assert [event.data for event in stream.read_events(4)] == ["2", "3", "4", "5"]


def test_the_id_may_belong_to_another_topic(any_hub, topic):
    publish_many(any_hub, topic, 2)
    other = any_hub.publish_ok(topic + "/other", "x")
    ids = publish_many(any_hub, topic, 2)
    assert replay(any_hub, topic, other, 2) == (other, ids)


def test_the_id_may_be_that_of_a_private_update(any_hub, topic):
    secret = any_hub.publish_ok(topic, "x", private="")
    ids = publish_many(any_hub, topic, 2)
    assert replay(any_hub, topic, secret, 2) == (secret, ids)


def test_replay_gives_only_what_matches(any_hub, topic):
    start = any_hub.publish_ok(topic, "start")
    for i in range(20):
        any_hub.publish_ok(f"{topic}/{i % 4}", str(i))
    with any_hub.subscribe(f"{topic}/1", f"{topic}/3", last_event_id=start) as stream:
        assert [event.data for event in stream.read_events(10)] == [str(i) for i in range(20) if i % 2]


def test_replay_has_the_same_bytes_as_live(any_hub, topic):
    with any_hub.subscribe(topic) as live:
        start = any_hub.publish_ok(topic, "a\nb", id=f"{topic}/1", type="kind", retry="5")
        any_hub.publish_ok(topic, "a\n\nb", id=f"{topic}/2", type="kind")
        live.read_event()
        wanted = f"event: kind\nid: {topic}/2\ndata: a\ndata: \ndata: b\n\n".encode()
        assert live.read_exactly(len(wanted)) == wanted
    with any_hub.subscribe(topic, last_event_id=start) as stream:
        assert stream.read_exactly(len(wanted)) == wanted


@pytest.mark.threads
def test_a_long_replay_is_complete_and_in_order(start_with, transport, topic):
    hub = start_with(transport, {"tail_max_bytes": "64KiB"} if transport == "bolt" else None)
    count = 3000
    with ThreadPoolExecutor(16) as pool:
        first = hub.publish_ok(topic, "first")
        list(pool.map(lambda i: hub.publish_ok(topic, f"{i}:" + "x" * 200), range(count)))
    _, everything = replay(hub, topic, first, count)
    assert len(set(everything)) == count
    middle = everything[count // 2]
    assert replay(hub, topic, middle, count - count // 2 - 1)[1] == everything[count // 2 + 1:]


@pytest.mark.threads
def test_live_follows_replay_without_gap_or_repeat_while_publishing_goes_on(start_with, transport, topic):
    # Nobody reads while publishing goes on, so that streams fall behind.
    conf = {"dispatch_timeout": "0s"}
    if transport == "bolt":
        conf["tail_max_bytes"] = "64KiB"
    hub = start_with(transport, conf)
    first = hub.publish_ok(topic, "first")
    stop = threading.Event()
    published = []

    def publish():
        while not stop.is_set():
            published.append(hub.publish_ok(topic, "x" * 300))

    publishers = [threading.Thread(target=publish) for _ in range(4)]
    for thread in publishers:
        thread.start()
    streams = []
    while len(published) < 1200:
        if len(streams) < len(published) // 60:
            streams.append(hub.subscribe(topic, last_event_id=first))
        time.sleep(0.001)
        assert all(thread.is_alive() for thread in publishers)
    stop.set()
    for thread in publishers:
        thread.join()
    end = hub.publish_ok(topic, "end")
    orders = []
    for stream in streams:
        ids = []
        while not ids or ids[-1] != end:
            ids.append(stream.read_event().id)
        orders.append(ids)
        stream.close()
    assert len(orders) >= 15
    assert sorted(orders[0]) == sorted(published + [end])
    assert all(order == orders[0] for order in orders)


def test_a_subscriber_that_comes_back_again_and_again_misses_nothing(start_with, transport, topic):
    hub = start_with(transport)
    stop = threading.Event()
    published = [hub.publish_ok(topic, "first")]

    def publish():
        while not stop.is_set():
            published.append(hub.publish_ok(topic, "x"))

    thread = threading.Thread(target=publish)
    thread.start()
    received = [published[0]]
    for _ in range(60):
        with hub.subscribe(topic, last_event_id=received[-1]) as stream:
            assert stream.last_event_id == received[-1]
            received += [event.id for event in stream.read_events(5)]
    stop.set()
    thread.join()
    assert received == published[:len(received)]


def test_the_size_bounds_the_history_by_dropping_the_oldest(start_with, topic):
    hub = start_with("bolt", size=5)
    ids = publish_many(hub, topic, 12)
    hub.restart()
    assert replay(hub, topic, "earliest", 5) == ("earliest", ids[-5:])
    assert replay(hub, topic, ids[-4], 3) == (ids[-4], ids[-3:])


def test_a_discarded_generated_id_replays_everything_that_is_kept(start_with, topic):
    hub = start_with("bolt", size=5)
    ids = [hub.publish_ok(topic, "0")]
    time.sleep(0.01)  # ids of the same millisecond cannot be told apart by their time
    ids += publish_many(hub, topic, 11, 1)
    hub.restart()
    assert replay(hub, topic, ids[0], 5) == ("earliest", ids[-5:])


def test_a_discarded_custom_id_replays_nothing(start_with, topic):
    hub = start_with("bolt", size=5)
    for i in range(12):
        hub.publish_ok(topic, str(i), id=f"urn:{i}")
    hub.restart()
    assert assert_no_replay(hub, topic, "urn:0") == "earliest"


def test_trimming_the_first_of_equal_ids_keeps_the_other(start_with, topic):
    hub = start_with("bolt", size=4)
    hub.publish_ok(topic, "first", id="urn:same")
    publish_many(hub, topic, 3)
    hub.publish_ok(topic, "second", id="urn:same")
    ids = publish_many(hub, topic, 2)
    hub.restart()
    assert replay(hub, topic, "urn:same", 2) == ("urn:same", ids)


def test_history_is_there_at_once_after_a_restart(start_with, topic):
    hub = start_with("bolt")
    ids = publish_many(hub, topic, 20)
    for _ in range(2):
        hub.restart()
        assert replay(hub, topic, ids[4], len(ids) - 5) == (ids[4], ids[5:])
        assert replay(hub, topic, "earliest", len(ids)) == ("earliest", ids)
        ids += publish_many(hub, topic, 3)


def test_a_start_with_a_long_history_tells_how_far_it_is(start_with, topic):
    hub = start_with("bolt")
    for _ in range(3):
        hub.publish_ok(topic, "x" * 200_000)
    hub.restart()
    assert 0 < hub.log.wait("^Reading the newest updates of the history$")["updates"] < 3
    assert hub.log.wait("^The newest updates of the history are in memory$")["updates"] == 3


def test_history_survives_a_kill(start_with, topic):
    hub = start_with("bolt")
    ids = publish_many(hub, topic, 20)
    hub.kill()
    hub.start()
    assert replay(hub, topic, "earliest", 20) == ("earliest", ids)


def test_a_subscriber_goes_on_across_a_restart(start_with, tmp_path, topic):
    hub = start_with("bolt", {"addr": f"unix:{tmp_path}/hub.sock"})
    stream = hub.subscribe(topic)
    ids = publish_many(hub, topic, 3)
    assert [event.id for event in stream.read_events(3)] == ids
    hub.restart()
    assert stream.read_to_end() == []
    ids += publish_many(hub, topic, 3, 3)
    assert replay(hub, topic, ids[2], 3) == (ids[2], ids[3:])


def test_memory_forgets_at_a_restart(start_with, topic):
    hub = start_with("local")
    ids = publish_many(hub, topic, 3)
    hub.restart()
    assert assert_no_replay(hub, topic, ids[0]) == "earliest"


def test_memory_is_bounded_by_dropping_the_oldest(start_with, topic):
    hub = start_with("local", {"tail_max_bytes": "64KiB"})
    for i in range(200):
        hub.publish_ok(topic, f"{i}:" + "x" * 1000)
    with hub.subscribe(topic, last_event_id="earliest") as stream:
        first = int(stream.read_event().data.split(":")[0])
        assert 100 < first < 199
        assert [int(event.data.split(":")[0]) for event in stream.read_events(199 - first)] == list(range(first + 1, 200))


@pytest.mark.threads
@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_what_was_acknowledged_before_a_kill_is_there_once_and_in_order(start_with, topic, rounds):
    hub = start_with("bolt")
    acknowledged = [[] for _ in range(32)]
    counters = [0] * 32

    def publish(publisher):
        """Publishes one after the other until the hub is gone."""
        try:
            while True:
                counters[publisher] += 1
                id_ = f"{publisher}:{counters[publisher]}"
                if hub.publish(topic, "x", id=id_).status == 200:
                    acknowledged[publisher].append(id_)
        except OSError:
            pass
        except Exception as error:  # an answer cut short
            assert "due" in str(error), error

    for round_ in range(rounds):
        with ThreadPoolExecutor(32) as pool:
            wanted = sum(map(len, acknowledged)) + 200
            futures = [pool.submit(publish, i) for i in range(32)]
            while sum(map(len, acknowledged)) < wanted:
                time.sleep(0.005)
                assert hub.is_running()
            hub.kill()
            for future in futures:
                future.result()
        hub.start()
        end = hub.publish_ok(topic, "end", id=f"end:{round_}")
        with hub.subscribe(topic, last_event_id="earliest") as stream:
            stored = []
            while not stored or stored[-1] != end:
                stored.append(stream.read_event().id)
        assert len(stored) == len(set(stored))
        for publisher in range(32):
            mine = [id_ for id_ in stored if id_.startswith(f"{publisher}:")]
            assert mine == sorted(mine, key=lambda id_: int(id_.split(":")[1]))
            assert set(acknowledged[publisher]) <= set(mine)


def test_a_second_process_on_the_same_file_is_refused(start_with, tmp_path, topic):
    hub = start_with("bolt")
    hub.publish_ok(topic, "x")
    conf = dict(hub.conf)
    result = run_command("run", folder=hub.folder, conf=conf)
    assert result.returncode == 1
    assert b"another hub" in result.stderr
    assert str(hub.process.pid).encode() in result.stderr
    assert hub.publish(topic, "still fine").status == 200


def test_a_token_decides_at_the_time_of_the_replay(start_with, transport, topic):
    hub = start_with(transport)
    start = hub.publish_ok(topic, "start")
    hub.publish_ok(topic, "secret", private="")
    token = tokens.mint(subscribe=[topic])
    with hub.subscribe(topic, last_event_id=start, token=token) as stream:
        assert stream.read_event().data == "secret"
