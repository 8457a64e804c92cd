"""Matching by URL Patterns: what they match, live and from the history, in grants, and what they may cost."""
import uuid
from urllib.parse import urlencode

import pytest

from harness import tokens
from harness.hub import PATH
from harness.sse import Stream
from harness.wire import Closed, request_bytes

HOST = "https://hub.example"  # of tokens.AUDIENCE, which patterns are resolved against


def pattern(text):
    """A topic of a grant."""
    return {"match": text, "match_type": "urlpattern"}


def follow(hub, *patterns, end, **options):
    """A stream of the patterns and of the topic `end`, which tells that nothing more is on its way."""
    query = [("match_urlpattern", text) for text in patterns] + [("match", end)]
    if "last_event_id" in options:
        query.append(("last_event_id", options.pop("last_event_id")))
    token = options.pop("token", None)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection, response = hub.open_stream(urlencode(query), headers, **options)
    assert response.status == 200, connection.read_all()
    stream = Stream(connection, response)
    assert stream.read_exactly(2) == b":\n"
    return stream


def received(stream, last="end"):
    """The data of all events up to the one with `last`, which is left out."""
    found = []
    while (data := stream.read_event().data) != last:
        found.append(data)
    return found


def matches(hub, text, topic):
    end = f"urn:end:{uuid.uuid4()}"
    with follow(hub, text, end=end) as stream:
        hub.publish_ok(topic, "matched")
        hub.publish_ok(end, "end")
        return received(stream) == ["matched"]


def refusal(hub, query, **options):
    connection, response = hub.open_stream(query, **options)
    with connection:
        return response.status, connection.read_exactly(int(response.get("Content-Length") or 0))


# ---- what matches


BOOK = "https://example.com/books/:id"


@pytest.mark.parametrize("text, topic, wanted", [
    (BOOK, "https://example.com/books/1", True),
    (BOOK, "https://example.com/books/1/", False),
    (BOOK, "https://example.com/books/", False),
    (BOOK, "https://example.com/books/1?x=1#y", True),
    (BOOK, "https://EXAMPLE.com/books/1", True),
    (BOOK, "https://example.com/BOOKS/1", False),
    (BOOK, "https://example.com:443/books/1", True),
    (BOOK, "http://example.com/books/1", False),
    (BOOK, "https://user:pw@example.com/books/1", True),
    (BOOK, "https://example.com/books/a%2Fb", True),
    (BOOK, "/books/123", False),
    ("https://example.com/*", "https://example.com/a/b/c", True),
    ("https://example.com", "https://example.com/a/b", True),
    ("https://example.com/foo/*", "https://example.com/foo", False),
    ("https://*.example.com/x", "https://a.b.example.com/x", True),
    ("https://:sub.example.com/x", "https://a.b.example.com/x", False),
    ("*://example.com/books/:id", "foo://example.com/books/1", True),
    ("*", "no URL at all: [", True),
    ("https://example.com/feed/:type(news|alerts)", "https://example.com/feed/news", True),
    ("https://example.com/feed/:type(news|alerts)", "https://example.com/feed/sport", False),
    ("https://example.com/items{/:tail}?", "https://example.com/items", True),
    ("https://example.com/items{/:tail}?", "https://example.com/items/a", True),
    ("https://example.com/items{/:tail}?", "https://example.com/items/a/b", False),
    (r"https://example.com/n/(\d+)", "https://example.com/n/42", True),
    (r"https://example.com/n/(\d+)", "https://example.com/n/4a", False),
    ("https://example.com/:id", "https://example.com/:id", True),
    ("https://example.com/\u00e9/:x", "https://example.com/%C3%A9/1", True),
    ("https://b\u00fccher.example/:x", "https://xn--bcher-kva.example/1", True),
    (r"urn\:example\:*", "urn:example:1", True),
    (r"urn\:example\:*", "urn:other:1", False),
    # Relative ones stand at the hub's own URL.
    ("/books/:id", "/books/123", True),
    ("/books/:id", f"{HOST}/books/123", True),
    ("/books/:id", "https://example.com/books/123", False),
    (f"{HOST}/books/:id", "/books/123", True),
    ("/:x", "foo", False),
    (":x", "foo", True),
    ("*://*/*", "https://[", False),
    (r"https://example.com/:type(news|alerts)/(\d+)", "https://example.com/alerts/22", True),
    (r"https://example.com/:type(news|alerts)/(\d+)", "https://example.com/alerts/x", False),
])
def test_a_pattern_matches_as_the_standard_says(hub, text, topic, wanted):
    assert matches(hub, text, topic) is wanted


@pytest.fixture(scope="module")
def hub_without_url(start_module_hub):
    hub = start_module_hub(resource_identifier=None)
    # The audience is the URL of the request then.
    hub.publisher_token = lambda: tokens.mint(publish=["*"], aud=f"http://{hub.host}{PATH}")
    return hub


@pytest.mark.parametrize("text, topic, wanted", [
    ("/books/:id", "/books/123", True),
    ("/books/:id", "https://example.com/books/123", False),
    (BOOK, "/books/123", False),
    (":x", "foo", True),
    # The path of the hub's URL is known where its host is not.
    ("/:x", "foo", False),
    ("/.well-known/:x", "foo", True),
])
def test_without_a_url_of_the_hub_relative_patterns_match_relative_topics(hub_without_url, text, topic, wanted):
    assert matches(hub_without_url, text, topic) is wanted


@pytest.mark.parametrize("text", [
    "/(unclosed", "{unclosed", "https://example.com/[(", "https://example.com/:a/:a", "https://example.com/(?=x)",
])
def test_a_pattern_that_does_not_compile_is_refused(hub, text):
    query = "match=x&" + urlencode({"match_urlpattern": text})
    assert refusal(hub, query) == (400, b"invalid topic matcher pattern\n")


def test_a_pattern_is_never_compared_as_text(hub, topic):
    with follow(hub, topic + "/:id(\\d+)", end=topic) as stream:
        hub.publish_ok(topic + "/:id(\\d+)", "no")
        hub.publish_ok(topic, "end")
        assert received(stream) == []


def test_any_topic_of_an_update_may_match(any_hub, topic):
    with follow(any_hub, topic + "/:id", end=topic + "/a/b") as stream:
        any_hub.publish_ok([topic, topic + "/alternate"], "by the alternate")
        any_hub.publish_ok(topic + "/a/b", "end")
        assert received(stream) == ["by the alternate"]


def test_an_update_comes_once_however_many_patterns_fit(any_hub, topic):
    patterns = [topic + "/:id", topic + "/*", topic + "{/:id}?", topic + "/:id"]
    with follow(any_hub, *patterns, end=topic + "/1") as stream:
        any_hub.publish_ok([topic + "/1", topic + "/2"], "once")
        any_hub.publish_ok(topic + "/1", "end")
        assert received(stream) == ["once"]


def test_the_body_of_query_may_have_patterns(hub, topic):
    connection = hub.connect()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.send(request_bytes("QUERY", PATH, headers, urlencode({"match_urlpattern": topic + "/:id"})))
    with Stream(connection, connection.read_head()) as stream:
        hub.publish_ok(topic + "/1", "by body")
        assert stream.read_event().data == "by body"


def test_streams_that_share_a_pattern_leave_one_by_one(hub, topic):
    streams = [follow(hub, topic + "/:id", end=topic) for _ in range(6)]
    for i in range(6):
        hub.publish_ok(f"{topic}/{i}", str(i))
        for stream in streams:
            assert stream.read_event().data == str(i)
        streams.pop(len(streams) // 2).close()


def test_patterns_that_come_and_go_meanwhile_change_nothing(hub, topic):
    with follow(hub, topic + "/:id", end=topic) as stream:
        for i in range(50):
            with follow(hub, f"{topic}/:id({i})", end=topic) as other:
                hub.publish_ok(f"{topic}/{i}", str(i))
                assert other.read_event().data == str(i)
        hub.publish_ok(topic, "end")
        assert received(stream) == [str(i) for i in range(50)]


# ---- the history


def publish_mixed(hub, topic, count):
    """Updates of which every other one is of a topic below /odd; the data of those."""
    for i in range(count):
        hub.publish_ok(f"{topic}/{('even', 'odd')[i % 2]}/{i}", str(i))
    return [str(i) for i in range(1, count, 2)]


def test_the_history_is_replayed_by_patterns(any_hub, topic):
    start = any_hub.publish_ok(topic, "start")
    odd = publish_mixed(any_hub, topic, 40)
    with follow(any_hub, topic + "/odd/:id", end=topic, last_event_id=start) as stream:
        any_hub.publish_ok(topic + "/odd/live", "live")
        any_hub.publish_ok(topic, "end")
        assert received(stream) == [*odd, "live"]


def test_the_history_in_the_store_is_replayed_by_patterns(start_with, topic):
    hub = start_with("bolt", {"tail_max_bytes": "64KiB"})
    odd = []
    for i in range(400):
        hub.publish_ok(f"{topic}/{('even', 'odd')[i % 2]}/{i}", f"{i} " + "x" * 1000)
        odd += [str(i)] if i % 2 else []
    with follow(hub, topic + "/odd/:id", end=topic, last_event_id="earliest") as stream:
        hub.publish_ok(topic, "end")
        assert [data.split()[0] for data in received(stream)] == odd


def test_a_pattern_and_an_exact_matcher_share_the_order_of_the_history(any_hub, topic):
    start = any_hub.publish_ok(topic, "start")
    for name in ("/a/1", "/b", "/a/2", "/c", "/b", "/a/3"):
        any_hub.publish_ok(topic + name, name)
    query = urlencode({"match_urlpattern": topic + "/a/:id", "match": topic + "/b", "last_event_id": start})
    connection, response = any_hub.open_stream(query)
    with Stream(connection, response) as stream:
        assert [event.data for event in stream.read_events(5)] == ["/a/1", "/b", "/a/2", "/b", "/a/3"]


# ---- grants


def test_a_grant_by_pattern_is_for_publishing(hub, topic):
    token = tokens.mint(publish=[pattern(topic + "/:id")])
    assert hub.publish(topic + "/1", token=token).status == 200
    assert hub.publish([topic + "/1", topic + "/2"], token=token).status == 200
    for refused in (topic, topic + "/1/2", [topic + "/1", topic]):
        response = hub.publish(refused, token=token)
        assert response.status == 403
        hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))


def test_a_pattern_of_any_topic_is_for_publishing_everything(hub, topic):
    assert hub.publish(topic, token=tokens.mint(publish=[pattern("*")])).status == 200


@pytest.mark.parametrize("matcher", ["match", "match_urlpattern"])
def test_private_updates_reach_those_whose_pattern_covers_them(any_hub, topic, matcher):
    def subscribe(granted):
        token = tokens.mint(subscribe=[granted]) if granted else None
        topics = {"match": topic + "/1", "match_urlpattern": topic + "/:id"}
        return any_hub.subscribe(token=token, **{matcher: topics[matcher]})

    covered = [subscribe(grant) for grant in (pattern(topic + "/:id"), pattern("*"), topic + "/1")]
    others = [subscribe(grant) for grant in (pattern(topic + "/:id/:more"), topic + "/:id", topic, None)]
    any_hub.publish_ok(topic + "/1", "secret", private="on")
    any_hub.publish_ok(topic + "/1", "public")
    for stream in covered:
        assert [event.data for event in stream.read_events(2)] == ["secret", "public"]
    for stream in others:
        assert stream.read_event().data == "public"
    for stream in covered + others:
        stream.close()


def test_the_topic_of_the_grant_need_not_be_that_of_the_matcher(any_hub, topic):
    token = tokens.mint(subscribe=[pattern(topic + "/granted/:id")])
    with any_hub.subscribe(token=token, match_urlpattern=topic + "/matched/:id") as stream:
        any_hub.publish_ok(topic + "/matched/1", "no", private="")
        any_hub.publish_ok(topic + "/granted/1", "no", private="")
        any_hub.publish_ok([topic + "/matched/1", topic + "/granted/1"], "yes", private="")
        assert stream.read_event().data == "yes"


def test_each_of_many_that_match_everything_gets_its_own_private_updates(any_hub, topic):
    streams = [any_hub.subscribe("*", token=tokens.mint(subscribe=[pattern(f"{topic}/{i}/:id"), topic]))
               for i in range(20)]
    for i in range(20):
        any_hub.publish_ok(f"{topic}/{i}/x", str(i), private="")
    any_hub.publish_ok(topic, "end", private="")
    for i, stream in enumerate(streams):
        assert received(stream) == [str(i)]
        stream.close()


def test_private_updates_of_the_history_need_a_pattern_that_covers_them(any_hub, topic):
    start = any_hub.publish_ok(topic, "start")
    for name in ("a", "b"):
        any_hub.publish_ok(f"{topic}/{name}/1", name, private="")
    any_hub.publish_ok(topic + "/c/1", "public")
    for granted, wanted in ((None, ["public"]), (topic + "/a/:id", ["a", "public"]),
                            (topic + "/:name/1", ["a", "b", "public"])):
        token = tokens.mint(subscribe=[pattern(granted)]) if granted else None
        with any_hub.subscribe(token=token, match_urlpattern=topic + "/*", last_event_id=start) as stream:
            assert [event.data for event in stream.read_events(len(wanted))] == wanted


def test_the_grants_of_laravel_cover_a_channel_and_its_subscribers(any_hub, topic):
    """One detail for each channel, with the optional group that it writes for subscription events."""
    channels = [f"{topic}/{name}{{/:subscriber}}?" for name in ("private-orders.1", "presence-room.2")]
    details = [tokens.detail(["subscribe"], pattern(channel), payload={"channel": channel}) for channel in channels]
    with follow(any_hub, *channels, end=topic, token=tokens.mint(details=details)) as stream:
        for name in ("/private-orders.1", "/private-orders.2", "/presence-room.2/urn%3Auuid%3A1",
                     "/presence-room.2/1/2", "/presence-room.2"):
            any_hub.publish_ok(topic + name, name, private="")
        any_hub.publish_ok(topic, "end")
        assert received(stream) == ["/private-orders.1", "/presence-room.2/urn%3Auuid%3A1", "/presence-room.2"]


@pytest.mark.parametrize("text", ["/(unclosed", "https://example.com/:a/:a"])
def test_a_token_with_a_pattern_that_does_not_compile_is_bad(hub, topic, text):
    token = tokens.mint(publish=["*"], subscribe=[pattern(text)])
    response = hub.publish(topic, token=token)
    assert (response.status, 'error="invalid_token"' in response.get("WWW-Authenticate")) == (401, True)
    hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"),
                 reason="the match of a topic is no URL Pattern")


# ---- limits


def test_matchers_of_both_kinds_count_together(hub, topic):
    query = [("match_urlpattern", f"{topic}/{i}/:id") for i in range(60)]
    query += [("match", f"{topic}/{i}") for i in range(40)]
    connection, response = hub.open_stream(urlencode(query))
    with connection:
        assert response.status == 200
    assert refusal(hub, urlencode(query + [("match", "x")])) == (400, b"too many matchers (max 100)\n")


def test_a_pattern_may_have_4096_bytes(hub, topic):
    longest = topic + "/:id/" + "x" * (4096 - len(topic) - 5)
    with follow(hub, longest, end=topic) as stream:
        hub.publish_ok(longest.replace(":id", "1"), "long")
        assert stream.read_event().data == "long"
    assert refusal(hub, urlencode({"match_urlpattern": longest + "x"})) == (
        400, b"pattern too long (max 4096 bytes)\n")


def test_the_memory_of_patterns_counts(start_hub, topic):
    hub = start_hub(workers=1, max_matcher_bytes="64KiB")
    streams = []
    while len(streams) < 64:
        query = urlencode({"match_urlpattern": f"{topic}/{len(streams)}/:id/{'x' * 1000}"})
        try:
            streams.append(hub.open_stream(query)[0])
        except Closed:
            break
    assert 2 < len(streams) < 64
    hub.log.wait("^Subscription refused$", reason="max_matcher_bytes is reached")
    # Who asks for what is there already costs its place alone.
    hub.subscribe(match_urlpattern=f"{topic}/0/:id/{'x' * 1000}").close()
    streams.pop().close()
    hub.wait_metric("mercure_subscribers_connected", len(streams))
    hub.subscribe(match_urlpattern=f"{topic}/again/:id/{'x' * 1000}").close()
    for stream in streams:
        stream.close()


# ---- what a pattern may cost


def hostile(topic):
    """A pattern that no regular expression engine without limits comes to an end with, and such a topic."""
    return topic + "/((?:a|aa)+(?:b|c))", topic + "/" + "a" * 60 + "d"


def test_a_pattern_that_takes_too_long_ends_the_stream_of_its_owner_alone(start_hub, topic):
    hub = start_hub(workers=1)
    text, victim = hostile(topic)
    good = follow(hub, topic + "/:id", end=topic)
    bad = [hub.subscribe(match_urlpattern=text) for _ in range(2)]
    hub.publish_ok(victim, "for all")
    for stream in bad:
        assert stream.read_to_end() == []
    assert good.read_event().data == "for all"
    line = hub.log.wait("^Streams with a pattern are cut$", level="warn")
    assert line["pattern"] == text and "too long" in line["reason"]
    assert hub.metrics()["mercure_costly_patterns_total"] == 1
    # It stays refused, and costs nothing any more.
    assert refusal(hub, urlencode({"match_urlpattern": text})) == (
        400, b"invalid topic matcher pattern: it takes too long to be matched\n")
    hub.publish_ok(victim, "again")
    assert good.read_event().data == "again"
    assert hub.metrics()["mercure_costly_patterns_total"] == 1
    good.close()


def ask_by_query(hub, patterns, token=None):
    """A QUERY for a stream of URL Patterns: the connection and the head of the response."""
    body = urlencode([("match_urlpattern", text) for text in patterns]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = hub.connect()
    connection.send(request_bytes("QUERY", PATH, headers, body, host=hub.host))
    return connection, connection.read_head()


def test_patterns_that_take_long_together_end_the_stream_of_their_owner_alone(start_hub, topic):
    hub = start_hub(workers=1)
    good = follow(hub, topic + "/:id(\\w+)", end=topic)
    # Each is within the limit; all of them take more time than there is at once.
    slow = [f"{topic}/((?:a|aa)+(?:b|c)|{i})" for i in range(100)]
    connection, response = ask_by_query(hub, slow)
    assert response.status == 200
    hub.publish_ok(topic + "/" + "a" * 16, "for all")
    assert b"data" not in connection.read_all()
    assert good.read_event().data == "for all"
    line = hub.log.wait("^Streams with a pattern are cut$", level="warn")
    assert line["reason"] == "patterns that take long to be matched have had their time"
    # None of them is refused for it.
    connection, response = ask_by_query(hub, slow)
    assert response.status == 200
    connection.close()
    good.close()


def heavy(topic, count):
    """Patterns that take long to be compiled."""
    return [f"{topic}/{i}/({'[ab]*c|' * 180}d)" for i in range(count)]


def test_what_one_request_may_have_compiled_is_bounded(start_hub, topic):
    hub = start_hub(workers=1)
    connection, response = ask_by_query(
        hub, [f"{topic}/{i}/:kind(books|authors)/:id(\\d+)" for i in range(100)])
    assert response.status == 200
    connection.close()
    connection, response = ask_by_query(hub, heavy(topic, 1))
    assert response.status == 200
    connection.close()
    connection, response = ask_by_query(hub, heavy(topic, 100))
    text = connection.read_exactly(int(response.get("Content-Length")))
    assert (response.status, text) == (
        400, b"the topic matcher patterns of one request take too long to be compiled "
             b"(use fewer, shorter ones, or fewer custom groups)\n")
    connection.close()


def test_what_one_token_may_have_compiled_is_bounded(start_hub, topic):
    hub = start_hub(workers=1)
    token = tokens.mint(publish=[pattern(text) for text in heavy(topic, 6)])
    response = hub.publish(topic, token=token)
    assert response.status == 401
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert "too long to be compiled" in line["reason"]


def test_a_pattern_that_takes_too_long_over_the_history_ends_the_stream(start_hub, topic):
    hub = start_hub(workers=1)
    text, victim = hostile(topic)
    start = hub.publish_ok(topic, "start")
    hub.publish_ok(victim, "hidden")
    with hub.connect() as connection:
        query = urlencode({"match_urlpattern": text, "last_event_id": start})
        connection.send(request_bytes("GET", f"{PATH}?{query}", host=hub.host))
        assert b"hidden" not in connection.read_all()  # it may end before its head is out
    hub.log.wait("^Streams with a pattern are cut$", level="warn", pattern=text)


def test_a_grant_that_takes_too_long_is_none(start_hub, topic):
    hub = start_hub(workers=1)
    text, victim = hostile(topic)
    other = tokens.mint(publish=[pattern(topic + "/*")])
    assert hub.publish(victim, token=tokens.mint(publish=[pattern(text)])).status == 403
    assert hub.publish(victim, token=other).status == 200
    # A new token with it is refused as a whole.
    response = hub.publish(topic + "/ab", token=tokens.mint(publish=[pattern(text)], sub="another"))
    assert response.status == 401
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert "too long" in line["reason"]


def test_a_private_grant_that_takes_too_long_ends_the_stream_of_its_owner_alone(start_hub, topic):
    hub = start_hub(workers=1)
    text, victim = hostile(topic)
    good = hub.subscribe("*", token=tokens.mint(subscribe=[pattern(topic + "/:id")]))
    bad = hub.subscribe("*", token=tokens.mint(subscribe=[pattern(text)]))
    hub.publish_ok(victim, "secret", private="")
    assert bad.read_to_end() == []
    assert good.read_event().data == "secret"
    good.close()
