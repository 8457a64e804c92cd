"""The order of updates is the same at every subscriber, with any number of publishers."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.wire import request_bytes
from harness.hub import PATH

PUBLISHERS = 32


def publish_series(hub, topic, publisher, count):
    """Publishes on one connection, one after the other; the ids in that order."""
    headers = {"Authorization": f"Bearer {hub.publisher_token()}", "Content-Type": "application/x-www-form-urlencoded"}
    ids = []
    with hub.connect() as connection:
        for i in range(count):
            connection.send(request_bytes("POST", PATH, headers, f"topic={topic}&id={publisher}:{i}&data=x"))
            response = connection.read_response()
            assert response.status == 200, response
            ids.append(response.text)
    return ids


def read_ids(stream, count):
    return [event.id for event in stream.read_events(count)]


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_subscriber_sees_the_same_order(start_with, transport, topic, workers):
    hub = start_with(transport, {"workers": workers})
    each = 30
    count = PUBLISHERS * each
    streams = [hub.subscribe(topic if i % 2 else "*") for i in range(12)]
    with ThreadPoolExecutor(PUBLISHERS + len(streams)) as pool:
        orders = [pool.submit(read_ids, stream, count) for stream in streams]
        series = list(pool.map(lambda i: publish_series(hub, topic, i, each), range(PUBLISHERS)))
        orders = [order.result() for order in orders]
    assert all(order == orders[0] for order in orders)
    assert len(set(orders[0])) == count
    for ids in series:  # each publisher's own updates keep their order
        mine = set(ids)
        assert [id_ for id_ in orders[0] if id_ in mine] == ids
    with hub.subscribe(topic, last_event_id="earliest") as stream:
        assert read_ids(stream, count) == orders[0]
    for stream in streams:
        stream.close()


@pytest.mark.threads
def test_pipelined_updates_of_one_connection_keep_their_order(any_hub, topic):
    headers = {"Authorization": f"Bearer {any_hub.publisher_token()}", "Content-Type": "application/x-www-form-urlencoded"}
    with any_hub.subscribe(topic) as stream, any_hub.connect() as connection:
        connection.send(b"".join(request_bytes("POST", PATH, headers, f"topic={topic}&id={topic}/{i}") for i in range(200)))
        answers = [connection.read_response().text for _ in range(200)]
        assert answers == [f"{topic}/{i}" for i in range(200)]
        assert read_ids(stream, 200) == answers
