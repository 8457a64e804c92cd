"""A replay of any length arrives complete and in order, and takes no memory worth the name."""
import pytest

from harness.load import Follower, Publisher, publish_series
from harness.process import MIB, MemoryPeak, is_sanitized, scale

PUBLISHERS = 16
BLOCK = 50_000


def fill(hub, topic, count):
    """Publishes so many updates, in blocks so that the requests need not all be in memory."""
    publishers = [Publisher(hub) for _ in range(PUBLISHERS)]
    filler = "x" * 80
    for start in range(0, count, BLOCK):
        numbers = range(start, min(start + BLOCK, count))
        publish_series(publishers, [
            [publisher.request(f"topic={topic}&id={topic}:{n}&data={filler}") for n in numbers[i::PUBLISHERS]]
            for i, publisher in enumerate(publishers)])
    for publisher in publishers:
        publisher.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_long_replay_is_complete_and_in_order_and_takes_no_memory(start_with, count):
    """`seen` has seen the updates live: the replay must have the very same bytes."""
    count = scale(count)
    hub = start_with("bolt", {"tail_max_bytes": "4MiB", "heartbeat": "0s"})
    live = Follower(hub, "*")
    fill(hub, "t", count)
    live.wait(count)
    ids = live.ids()
    assert len(set(ids)) == len(ids) == count
    series = [[] for _ in range(PUBLISHERS)]
    for id_ in ids:
        number = int(id_.partition(":")[2])
        series[number % PUBLISHERS].append(number)
    assert all(numbers == list(range(i, count, PUBLISHERS)) for i, numbers in enumerate(series))

    with MemoryPeak(hub.process.pid) as memory:
        replay = Follower(hub, "*", last_event_id="earliest")
        replay.wait(count)
    print(f"{count} updates: {memory.growth / MIB:.1f} MiB more memory at most")
    same = replay.body == live.body
    assert same
    if not is_sanitized():
        assert memory.growth < 32 * MIB

    with MemoryPeak(hub.process.pid) as memory:
        matching = [Follower(hub, "t" if i % 2 else "*", last_event_id=ids[i * count // 8]) for i in range(8)]
        for i, follower in enumerate(matching):
            follower.wait(count - i * count // 8 - 1)
    same = all(follower.ids() == ids[i * count // 8 + 1:] for i, follower in enumerate(matching))
    assert same
    print(f"eight of them at once, from different places: {memory.growth / MIB:.1f} MiB")
    if not is_sanitized():
        assert memory.growth < 32 * MIB
    for follower in [live, replay, *matching]:
        follower.close()
