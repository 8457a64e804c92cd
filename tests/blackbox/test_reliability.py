"""What was acknowledged stays: through a kill, through a stop, at every moment of publishing."""
import random
import select
import signal

import pytest

from harness.load import Follower, Publisher
from harness.wire import HANG_GUARD_S

PUBLISHERS = 32
CUSTOM = 24  # of them choose their ids, the others leave it to the hub
WINDOW = 4   # updates that every fourth of them has on the way at one time


class Crowd:
    """Publishers that each send the next update when an older one has been answered, until the hub has gone."""

    def __init__(self, hub, name):
        self.publishers = [Publisher(hub) for _ in range(PUBLISHERS)]
        self.name = name
        self.sent = [0] * PUBLISHERS
        self.poll = select.poll()
        self.by_fd = {}
        for i, publisher in enumerate(self.publishers):
            publisher.connect()
            self.by_fd[publisher.connection.socket.fileno()] = i
            self.poll.register(publisher.connection.socket, select.POLLIN)
            for _ in range(WINDOW if i % 4 == 0 else 1):
                self.send(i)

    def id_of(self, publisher, number):
        return f"{self.name}:{publisher}:{number}"

    def send(self, i):
        custom = f"&id={self.id_of(i, self.sent[i])}" if i < CUSTOM else ""
        self.sent[i] += 1
        publisher = self.publishers[i]
        try:
            publisher.connection.send(publisher.request(f"topic=t&data={i}{custom}"))
        except OSError:
            pass  # the hub has gone; what it answered before can still be read

    def turn(self):
        """Takes answers. False: nobody is connected any more."""
        for fd, _ in self.poll.poll(HANG_GUARD_S * 1000):
            i = self.by_fd[fd]
            publisher = self.publishers[i]
            before = publisher.answers
            if publisher.connection.receive():
                publisher.take_answers()
                for _ in range(publisher.answers - before):
                    self.send(i)
            else:
                self.poll.unregister(fd)
                del self.by_fd[fd]
        return bool(self.by_fd)

    @property
    def acknowledged(self):
        return sum(len(publisher.acknowledged) for publisher in self.publishers)

    def publish_until(self, count, end):
        """Ends the hub when so many were acknowledged, and takes the answers that it gave before."""
        while self.acknowledged < count:
            assert self.turn(), "the hub has closed all connections"
        end()
        while self.turn():
            pass
        for publisher in self.publishers:
            assert not publisher.refused
            publisher.close()

    def check_stored(self, stored):
        """`stored` has what it shall: each acknowledged update once, each publisher's in its order."""
        assert len(set(stored)) == len(stored)
        places = {id_: place for place, id_ in enumerate(stored)}
        for i, publisher in enumerate(self.publishers):
            mine = [places[id_] for id_ in publisher.acknowledged]  # a KeyError is a lost update
            assert mine == sorted(mine)
            if i < CUSTOM:
                assert publisher.acknowledged == [self.id_of(i, n) for n in range(len(mine))]
                # Of what was not answered any more, a part may be stored, but without gaps.
                series = [id_ for id_ in stored if id_.startswith(f"{self.name}:{i}:")]
                assert series == [self.id_of(i, n) for n in range(len(series))]
        unanswered = sum(self.sent) - self.acknowledged
        assert self.acknowledged <= len(stored) <= self.acknowledged + unanswered


def read_history(hub, after):
    """The ids of everything that is stored behind an id."""
    end = hub.publish_ok("t", "end")
    follower = Follower(hub, "*", last_event_id=after)
    try:
        while not (ids := follower.ids()) or ids[-1] != end:
            follower.wait(len(ids) + 1)
    finally:
        follower.close()
    return ids[:-1], end


@pytest.mark.threads
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.long)])
def test_what_was_acknowledged_before_a_kill_is_stored_once_and_in_the_order_that_was_seen(start_with, rounds):
    hub = start_with("bolt")
    chance = random.Random(rounds)
    everything = []
    end = "earliest"
    for round_ in range(rounds):
        live = Follower(hub, "*")
        crowd = Crowd(hub, f"round-{round_}")
        crowd.publish_until(chance.randrange(1, 1500), hub.kill)
        live.wait_end()
        hub.start()
        stored, new_end = read_history(hub, end)
        crowd.check_stored(stored)
        seen = live.ids()
        assert seen == stored[:len(seen)], "a subscriber has seen what is not stored, or in another order"
        everything += stored + [new_end]
        end = new_end
    whole, _ = read_history(hub, "earliest")
    assert whole == everything
    print(f"{len(everything)} updates in {rounds} rounds")


@pytest.mark.threads
@pytest.mark.parametrize("acknowledged", [1, 500])
def test_a_stop_finishes_what_was_begun_and_ends_streams_in_good_order(start_with, topic, acknowledged):
    hub = start_with("bolt")
    live = Follower(hub, "*")
    chunked = hub.subscribe("*")
    other = hub.subscribe(topic)
    crowd = Crowd(hub, "stop")
    crowd.publish_until(acknowledged, lambda: hub.process.send_signal(signal.SIGTERM))
    live.wait_end()
    seen = [event.id for event in chunked.read_to_end()]
    assert not chunked.cut
    assert other.read_to_end() == [] and not other.cut
    chunked.close()
    other.close()
    hub.stop()
    hub.start()
    stored, _ = read_history(hub, "earliest")
    crowd.check_stored(stored)
    assert seen == stored[:len(seen)]
    assert live.ids() == stored[:len(live.ids())]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_stop_that_is_asked_for_again_and_again_is_still_a_good_one(start_with, name):
    for _ in range(20):
        hub = start_with("local")
        while hub.process.poll() is None:
            hub.process.send_signal(signal.Signals[name])
        hub.stop()
