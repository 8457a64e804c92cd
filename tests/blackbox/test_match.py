"""Matchers and grants that are patterns."""
import uuid
from urllib.parse import urlencode

import pytest

from harness.hub import PATH
from harness.tokens import detail, mint

BASE = "https://example.com"


@pytest.fixture
def topic():
    return uuid.uuid4().hex


def pattern(text):
    return {"match": text, "match_type": "urlpattern"}


def refusal(hub, query):
    response = hub.request("GET", f"{PATH}?{query}")
    return response.status, response.body


def ids(stream, count):
    return [event.id for event in stream.read_events(count)]


# ---- subscriptions


def test_a_url_pattern_gets_the_topics_that_it_matches(any_hub, topic):
    with any_hub.subscribe(match_urlpattern=f"{BASE}/{topic}/:id") as stream:
        any_hub.publish_ok(f"{BASE}/{topic}/1/2", id="deeper")
        any_hub.publish_ok(f"{BASE}/{topic}", id="above")
        any_hub.publish_ok(f"{BASE}/{topic}/1", id="a")
        any_hub.publish_ok(f"{BASE}:443/{topic}/2?x=1#y", id="b")
        assert ids(stream, 2) == ["a", "b"]


def test_topics_and_patterns_are_resolved_against_the_hub(hub, topic):
    with hub.subscribe(match_urlpattern=f"/{topic}/:id") as stream:
        hub.publish_ok(f"https://other.example/{topic}/1", id="elsewhere")
        hub.publish_ok(f"https://hub.example/{topic}/1", id="absolute")
        hub.publish_ok(f"/{topic}/2", id="relative")
        assert ids(stream, 2) == ["absolute", "relative"]


def test_an_update_comes_once_though_several_patterns_match(hub, topic):
    with hub.subscribe(f"{BASE}/{topic}/1", match_urlpattern=f"{BASE}/{topic}/:id",
                       match_exact=f"{BASE}/{topic}/2") as stream:
        hub.post(urlencode([("topic", f"{BASE}/{topic}/1"), ("topic", f"{BASE}/{topic}/2"), ("id", "a")]),
                 hub.publisher_token())
        hub.publish_ok(f"{BASE}/{topic}/2", id="b")
        assert ids(stream, 2) == ["a", "b"]


def test_a_star_as_a_pattern_matches_every_topic(hub, topic):
    with hub.subscribe(match_urlpattern="*") as stream:
        hub.publish_ok(topic, id=f"{topic}-any")
        while stream.read_event().id != f"{topic}-any":
            pass


def test_an_alternate_topic_that_matches_is_enough(hub, topic):
    with hub.subscribe(match_urlpattern=f"{BASE}/{topic}/:id") as stream:
        hub.post(urlencode([("topic", f"urn:{topic}"), ("topic", f"{BASE}/{topic}/1"), ("id", "a")]),
                 hub.publisher_token())
        assert ids(stream, 1) == ["a"]


def test_a_group_of_the_patterns_own_is_a_regular_expression(hub, topic):
    with hub.subscribe(match_urlpattern=BASE + f"/{topic}/:type(news|alerts)/(\\d+)") as stream:
        for path in ("sport/1", "news/x", "news/1", "alerts/22"):
            hub.publish_ok(f"{BASE}/{topic}/{path}", id=path)
        assert ids(stream, 2) == ["news/1", "alerts/22"]


def test_the_topic_of_an_update_that_is_no_url_matches_no_pattern(hub, topic):
    with hub.subscribe(topic, match_urlpattern="*://*/*") as stream:
        hub.publish_ok(f"https://[{topic}", id="none")
        hub.publish_ok(topic, id=f"{topic}-end")
        assert ids(stream, 1) == [f"{topic}-end"]


@pytest.mark.parametrize("text", ["/(unclosed", "{unclosed", f"{BASE}/[(", f"{BASE}/:a/:a", f"{BASE}/(?=x)"])
def test_a_pattern_that_does_not_compile_is_refused(hub, text):
    query = urlencode({"match_urlpattern": text})
    assert refusal(hub, query) == (400, b"invalid topic matcher pattern\n")


def test_a_pattern_may_have_4096_bytes(hub, topic):
    text = f"{BASE}/{topic}/:id/"
    hub.subscribe(match_urlpattern=text + "x" * (4096 - len(text))).close()
    assert refusal(hub, urlencode({"match_urlpattern": text + "x" * (4097 - len(text))})) == (
        400, b"pattern too long (max 4096 bytes)\n")


# ---- history


@pytest.mark.parametrize("tail", ["64KiB", "64MiB"])
def test_the_history_is_replayed_by_patterns(start_hub, tail):
    hub = start_hub(transport_url="bolt://hub.db", tail_max_bytes=tail)
    for number in range(600):
        hub.publish_ok(f"{BASE}/{'odd' if number % 2 else 'even'}/{number}", "x" * 300, id=str(number))
    with hub.subscribe(match_urlpattern=f"{BASE}/odd/:number", last_event_id="earliest") as stream:
        assert ids(stream, 300) == [str(number) for number in range(1, 600, 2)]
        hub.publish_ok(f"{BASE}/even/x", id="even")
        hub.publish_ok(f"{BASE}/odd/x", id="odd")
        assert ids(stream, 1) == ["odd"]


# ---- grants


def test_a_pattern_grants_publishing(hub, topic):
    token = mint(publish=[pattern(f"{BASE}/{topic}/:id")])
    assert hub.publish(f"{BASE}/{topic}/1", token=token).status == 200
    assert hub.publish(f"{BASE}/{topic}/1/2", token=token).status == 403


def test_a_private_update_reaches_whose_pattern_grants_it(any_hub, topic):
    granted = mint(subscribe=[pattern(f"{BASE}/{topic}/:id")])
    other = mint(subscribe=[pattern(f"{BASE}/{topic}/x/:id")])
    with any_hub.subscribe("*", token=granted) as stream, any_hub.subscribe("*", token=other) as without:
        any_hub.publish_ok(f"{BASE}/{topic}/1", id=f"{topic}-1", private="on")
        any_hub.publish_ok(f"{BASE}/{topic}/x/2", id=f"{topic}-2", private="on")
        any_hub.publish_ok(f"{BASE}/{topic}/3", id=f"{topic}-3")
        mine = {f"{topic}-{number}" for number in (1, 2, 3)}

        def received(stream):
            got = []
            while not got or got[-1] != f"{topic}-3":
                event = stream.read_event().id
                if event in mine:
                    got.append(event)
            return got

        assert received(stream) == [f"{topic}-1", f"{topic}-3"]
        assert received(without) == [f"{topic}-2", f"{topic}-3"]


def test_an_optional_group_grants_the_channel_and_its_members(hub, topic):
    """As Laravel's broadcaster grants the subscriptions of a channel."""
    token = mint(subscribe=[pattern(f"{BASE}/{topic}{{/:subscriber}}?")])
    with hub.subscribe(match_urlpattern=f"{BASE}/{topic}{{/:subscriber}}?", token=token) as stream:
        hub.publish_ok(f"{BASE}/{topic}", id="channel", private="on")
        hub.publish_ok(f"{BASE}/{topic}/7", id="member", private="on")
        assert ids(stream, 2) == ["channel", "member"]


def test_a_private_update_of_the_history_is_granted_by_a_pattern(any_hub, topic):
    any_hub.publish_ok(f"{BASE}/{topic}/0", id=f"{topic}-0")
    any_hub.publish_ok(f"{BASE}/{topic}/1", id=f"{topic}-1", private="on")
    any_hub.publish_ok(f"{BASE}/{topic}/2/3", id=f"{topic}-2", private="on")
    any_hub.publish_ok(f"{BASE}/{topic}/3", id=f"{topic}-3", private="on")
    token = mint(subscribe=[pattern(f"{BASE}/{topic}/:id")])
    with any_hub.subscribe(match_urlpattern=f"{BASE}/{topic}/*", token=token,
                           last_event_id=f"{topic}-0") as stream:
        assert ids(stream, 2) == [f"{topic}-1", f"{topic}-3"]


def test_a_grant_that_does_not_compile_makes_the_token_bad(hub, topic):
    token = mint(details=[detail(["publish"], "*"), detail(["subscribe"], pattern("/(unclosed"))])
    assert hub.publish(topic, token=token).status == 401
    hub.log.wait("^Request refused$", reason="the match of a topic is no URL Pattern")


# ---- hostile patterns

HOSTILE = BASE + "/%s/((?:a|aa)+(?:b|c))"


def test_a_pattern_that_takes_too_long_costs_its_owner_alone(start_hub):
    hub = start_hub(workers=1)  # each remembers for itself what it has refused
    hostile = urlencode({"match_urlpattern": HOSTILE % "x"})
    with hub.subscribe(f"{BASE}/x/" + "a" * 60 + "d") as good:
        connection, response = hub.open_stream(hostile)
        assert response.status == 200
        hub.publish_ok(f"{BASE}/x/" + "a" * 60 + "d", id="one")
        assert ids(good, 1) == ["one"]
        connection.read_all()
        hub.log.wait("^Streams with a pattern are cut$", pattern=HOSTILE % "x")
        assert refusal(hub, hostile) == (
            400, b"invalid topic matcher pattern: it takes too long to be matched\n")
        hub.publish_ok(f"{BASE}/x/" + "a" * 60 + "d", id="two")
        assert ids(good, 1) == ["two"]
    assert hub.metrics()["mercure_costly_patterns_total"] == 1


def test_memory_for_patterns_is_bounded(start_hub):
    hub = start_hub(max_matcher_bytes="64KiB")
    streams = []
    status = 200
    for number in range(1000):
        connection, response = hub.open_stream(urlencode({"match_urlpattern": f"{BASE}/{number}/:id"}))
        streams.append(connection)
        status = response.status
        if status != 200:
            break
    assert status == 503
    for connection in streams:
        connection.close()
    hub.wait_metric("mercure_subscribers_connected", 0)
    hub.subscribe(match_urlpattern=f"{BASE}/again/:id").close()
