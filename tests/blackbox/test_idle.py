"""With no traffic, subscribers cost no time and little memory, and give it back when they leave."""
import time

import pytest

from harness.crowd import Crowd
from harness.load import wait_until
from harness.process import KIB, MIB, cpu_ns, is_sanitized, rss_anon, wake_ups

QUIET_S = 1.5


def wait_for_quiet(pid):
    """Until nothing has woken the process for a while: what came before is done."""
    def is_quiet():
        before = wake_ups(pid)
        time.sleep(0.3)
        return wake_ups(pid) == before
    wait_until(is_quiet, "the hub has no rest")


def measure_rest(pid):
    """CPU time and wake-ups while nothing happens."""
    wait_for_quiet(pid)
    cpu, woken = cpu_ns(pid), wake_ups(pid)
    time.sleep(QUIET_S)
    return cpu_ns(pid) - cpu, wake_ups(pid) - woken


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [3000, pytest.param(15_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("transport, topic, most", [("local", "urn:idle", 512), ("bolt", "urn:idle:#", 640)],
                         ids=["one-topic", "a-topic-each"])
def test_idle_subscribers_cost_no_time_and_little_memory_and_give_it_back(start_with, transport, topic, most, count):
    """Where each has a topic of its own, that is a part of what it takes."""
    hub = start_with(transport)
    pid = hub.process.pid
    Crowd(hub, 200).leave()  # whatever is allocated once
    hub.wait_metric("mercure_subscribers_connected", 0)
    wait_for_quiet(pid)
    before = rss_anon(pid)

    crowd = Crowd(hub, count, topic)
    assert hub.metrics()["mercure_subscribers_connected"] == count
    cpu, woken = measure_rest(pid)
    taken = rss_anon(pid) - before
    crowd.leave()
    hub.wait_metric("mercure_subscribers_connected", 0)
    wait_for_quiet(pid)
    kept = rss_anon(pid) - before
    print(f"{count} idle: {cpu} ns and {woken} wake-ups in {QUIET_S} s, {taken / count:.0f} bytes each, "
          f"{kept / KIB:.0f} of {taken / KIB:.0f} KiB kept")
    assert woken == 0
    assert cpu == 0
    if not is_sanitized():
        assert taken <= most * count
        # Each worker's heap keeps its top for what comes next, however large the storm was: the bound says
        # something about the large one.
        assert kept <= 5 * MIB / 2


def test_storms_of_reconnects_do_not_add_up(start_with, transport):
    """Memory after many storms is that after the first."""
    hub = start_with(transport)
    pid = hub.process.pid
    after = []
    for _ in range(4):
        Crowd(hub, 800).leave()
        hub.wait_metric("mercure_subscribers_connected", 0)
        wait_for_quiet(pid)
        after.append(rss_anon(pid))
    print([f"{each / KIB:.0f} KiB" for each in after])
    assert hub.metrics()["mercure_subscribers_total"] == 4 * 800
    if not is_sanitized():
        assert after[-1] - after[0] <= 512 * KIB


def test_a_heartbeat_is_all_that_wakes_the_hub(start_hub):
    """As many wake-ups as heartbeats, at most: many streams that are due together are one."""
    hub = start_hub(heartbeat="500ms")
    crowd = Crowd(hub, 100)
    wait_until(lambda: hub.metrics()["mercure_http_sends_total"] >= 300, "no heartbeats come")
    sends = hub.metrics()["mercure_http_sends_total"]
    woken = wake_ups(hub.process.pid)
    time.sleep(1.5)
    woken = wake_ups(hub.process.pid) - woken
    sends = hub.metrics()["mercure_http_sends_total"] - sends
    print(f"{woken} wake-ups for {sends:.0f} heartbeats")
    assert 100 <= sends <= 500
    assert woken <= sends + 20
    crowd.leave()
