"""Subscribing: the answer's head, the bytes of the stream, matchers, and how streams live and end."""
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest

from harness import tokens
from harness.hub import PATH
from harness.sse import Stream
from harness.wire import Closed, request_bytes


def refusal(hub, query, **kwargs):
    connection, response = hub.open_stream(query, **kwargs)
    with connection:
        body = connection.read_exactly(int(response.get("Content-Length") or 0))
        return response.status, body


# ---- the answer


def test_the_head_of_a_stream_is_as_the_protocol_says(hub, topic):
    with hub.subscribe(topic) as stream:
        response = stream.response
        assert (response.version, response.status, response.reason) == ("1.1", 200, "OK")
        headers = {name: response.get(name) for name, _ in response.headers}
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "private, no-cache, no-store, must-revalidate, max-age=0"
        assert headers["Connection"] == "keep-alive"
        assert headers["Pragma"] == "no-cache"
        assert headers["Expires"] == "0"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Xss-Protection"] == "1; mode=block"
        assert headers["Content-Security-Policy"] == "default-src 'self'"
        assert headers["Transfer-Encoding"] == "chunked"
        for name in ("Expire", "Content-Length", "Mercure-Last-Event-ID", "Content-Encoding", "Set-Cookie"):
            assert response.get(name) is None


def test_the_accept_header_does_not_matter(hub, topic):
    hub.subscribe(topic, headers={"Accept": "text/html", "Accept-Encoding": "gzip, br"}).close()


def test_a_stream_begins_with_a_comment_and_has_exactly_these_bytes(any_hub, topic):
    with any_hub.subscribe(topic) as stream:  # has read ":\n"
        any_hub.publish_ok(topic, "several\nlines\rwith\r\neol\n", id="urn:bytes", type="kind", retry="42")
        wanted = b"event: kind\nretry: 42\nid: urn:bytes\ndata: several\ndata: lines\ndata: with\ndata: eol\ndata: \n\n"
        assert stream.read_exactly(len(wanted)) == wanted
        id_ = any_hub.publish_ok(topic)
        wanted = f"id: {id_}\ndata: \n\n".encode()
        assert stream.read_exactly(len(wanted)) == wanted
        any_hub.publish_ok(topic, "  two spaces, : and \u00e9", id="urn:bytes:2", retry="0", type="")
        wanted = "id: urn:bytes:2\ndata:   two spaces, : and \u00e9\n\n".encode()
        assert stream.read_exactly(len(wanted)) == wanted


@pytest.mark.parametrize("data, lines", [
    ("\n", ["", ""]), ("\r\n\r\n", ["", "", ""]), ("\r\r\n\n", ["", "", "", ""]), ("a\r", ["a", ""]), ("\x00", ["\x00"]),
    ("data: x", ["data: x"]), (":", [":"]), ("\u2028\u0085", ["\u2028\u0085"]),
])
def test_every_line_end_in_data_begins_a_data_line(hub, topic, data, lines):
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, data, id="urn:l")
        wanted = "id: urn:l\n" + "".join(f"data: {line}\n" for line in lines) + "\n"
        assert stream.read_exactly(len(wanted.encode())) == wanted.encode()


def test_the_largest_retry_is_sent_as_it_is(hub, topic):
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, "x", retry=str((1 << 64) - 1))
        assert stream.read_event().retry == "18446744073709551615"


# ---- matchers


def test_exact_matchers_compare_bytes(hub, topic):
    odd = topic + "/{id}?q=%41#f"
    with hub.subscribe(odd) as stream:
        for other in (topic, topic + "/1", odd.replace("%41", "A"), odd.upper(), odd + "/"):
            hub.publish_ok(other, "no")
        hub.publish_ok(odd, "yes")
        assert stream.read_event().data == "yes"


def test_both_names_of_the_exact_matcher_and_several_values_may_be_mixed(hub, topic):
    query = urlencode([("match", topic + "/1"), ("match_exact", topic + "/2"), ("match", topic + "/3")])
    connection, response = hub.open_stream(query)
    with Stream(connection, response) as stream:
        for i in range(1, 5):
            hub.publish_ok(f"{topic}/{i}", str(i))
        hub.publish_ok(topic + "/1", "end")
        assert [event.data for event in stream.read_events(4)] == ["1", "2", "3", "end"]


def test_the_wildcard_matches_every_topic(start_hub, topic):
    hub = start_hub()
    with hub.subscribe("*") as stream:
        for name in (topic, "plain", "urn:x:y", "/path", "https://example.com/{x}"):
            hub.publish_ok(name, name)
        assert [event.data for event in stream.read_events(5)] == [
            topic, "plain", "urn:x:y", "/path", "https://example.com/{x}"]


def test_an_alternate_topic_matches_too(any_hub, topic):
    with any_hub.subscribe(topic + "/alternate") as stream:
        any_hub.publish_ok([topic, topic + "/alternate"], "both")
        assert stream.read_event().data == "both"


def test_an_update_comes_once_however_many_matchers_fit(any_hub, topic):
    topics = [f"{topic}/{i}" for i in range(5)]
    with any_hub.subscribe(*topics, *topics, "*") as stream:
        any_hub.publish_ok(topics + topics, "once")
        any_hub.publish_ok(topics[0], "end")
        events = []
        while not events or events[-1] != "end":
            event = stream.read_event()
            if event.data in ("once", "end"):
                events.append(event.data)
        assert events == ["once", "end"]


def test_an_empty_matcher_is_accepted_and_useless(hub, topic):
    with hub.subscribe("", topic) as stream:
        hub.publish_ok(topic, "x")
        assert stream.read_event().data == "x"


@pytest.mark.parametrize("query, plain", [
    ("match=TOPICa;b", "a;b"), ("match=TOPICa%zz", "a%zz"), ("match=TOPIC%", "%"), ("match=TOPICa+b", "a b"),
    ("match=TOPIC%E2%82%ac", "\u20ac"), ("&&match=TOPICx%3Dy&", "x=y"), ("match=TOPICa=b", "a=b"),
    ("m%61tch=TOPICz", "z"), ("match=TOPIC1&match", "1"),
])
def test_the_query_is_read_as_browsers_write_forms(hub, topic, query, plain):
    connection, response = hub.open_stream(query.replace("TOPIC", topic))
    assert response.status == 200
    with Stream(connection, response) as stream:
        hub.publish_ok(topic + plain, "x")
        assert stream.read_event().data == "x"


@pytest.mark.parametrize("query, text", [
    ("", 'missing "match" subscription parameter\n'),
    ("other=1&last_event_id=x", 'missing "match" subscription parameter\n'),
    ("topic=x", 'unknown topic matcher query parameter: "topic" (use "match" or "match_urlpattern")\n'),
    ("match=x&topic=x", 'unknown topic matcher query parameter: "topic" (use "match" or "match_urlpattern")\n'),
    ("match_regexp=x", 'unknown topic matcher query parameter: "match_regexp"\n'),
    ("Match=x", 'unknown topic matcher query parameter: "Match"\n'),
    ("match=x&matches=x", 'unknown topic matcher query parameter: "matches"\n'),
    ("MATCH_EXACT=x", 'unknown topic matcher query parameter: "MATCH_EXACT"\n'),
    ("match[]=x", 'unknown topic matcher query parameter: "match[]"\n'),
    ("match_urlpattern=/(x", "invalid topic matcher pattern\n"),
    ("match=%00", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=a%0Ab", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=%7f", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=%C2%85", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=%E2%80%8B", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=%ff", "topic matcher values must be valid UTF-8 without control characters\n"),
    ("match=%ED%A0%80", "topic matcher values must be valid UTF-8 without control characters\n"),
])
def test_bad_parameters_get_400_with_the_reason(hub, query, text):
    assert refusal(hub, query) == (400, text.encode())


def test_the_log_says_of_a_subscription_of_0x_what_turns_that_protocol_on(start_hub):
    hub = start_hub()
    assert hub.request("GET", f"{PATH}?topic=x").status == 400
    assert "of the 0.x protocol, which is not on: set jwt_key" in hub.log.wait("^Subscription refused$")["reason"]


def test_a_parameter_error_has_no_challenge_and_is_text(hub):
    response = hub.request("GET", PATH)
    assert response.get("WWW-Authenticate") is None
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("X-Content-Type-Options") == "nosniff"


def test_topic_in_another_case_is_just_an_unknown_parameter(hub, topic):
    hub.subscribe(topic, Topic="x", top="y").close()


def test_there_may_be_a_hundred_matchers(hub, topic):
    hundred = [f"{topic}/{i}" for i in range(100)]
    with hub.subscribe(*hundred) as stream:
        hub.publish_ok(hundred[-1], "last")
        assert stream.read_event().data == "last"
    query = urlencode([("match", name) for name in hundred + ["x"]])
    assert refusal(hub, query) == (400, b"too many matchers (max 100)\n")


def test_equal_matchers_count_each(hub):
    assert refusal(hub, "&".join(["match=x"] * 101)) == (400, b"too many matchers (max 100)\n")


def test_a_matcher_may_have_4096_bytes(hub, topic):
    longest = topic + "/" + "x" * (4096 - len(topic) - 1)
    hub.subscribe(longest).close()
    assert refusal(hub, "match=" + "x" * 4097) == (400, b"pattern too long (max 4096 bytes)\n")


def test_the_length_of_a_matcher_counts_bytes(hub):
    assert refusal(hub, "match=" + quote("\u00e9" * 2048))[0] == 200
    assert refusal(hub, "match=" + quote("\u00e9" * 2049)) == (400, b"pattern too long (max 4096 bytes)\n")


def test_the_limits_are_those_of_the_configuration(start_hub):
    hub = start_hub(max_matchers=2, max_matcher_length=16)
    assert refusal(hub, "match=a&match=b")[0] == 200
    assert refusal(hub, "match=a&match=b&match=c") == (400, b"too many matchers (max 2)\n")
    assert refusal(hub, "match=" + "x" * 16)[0] == 200
    assert refusal(hub, "match=" + "x" * 17) == (400, b"pattern too long (max 16 bytes)\n")


def test_the_memory_of_all_matchers_is_bounded(start_hub):
    hub = start_hub(workers=1, max_matcher_bytes="64KiB")
    streams = []
    for i in range(15):  # each takes 4,096 bytes and a little more
        streams.append(hub.subscribe(f"{i:04096}"))
    # An EventSource would never come back from a status, and does from this.
    with hub.connect() as connection:
        connection.send(request_bytes("GET", f"{PATH}?match={15:04096}"))
        assert connection.read_all() == b""
    hub.log.wait("Subscriptions are refused", level="warn", reason="max_matcher_bytes is reached")
    # Those that are there already cost their places alone.
    hub.subscribe(f"{3:04096}").close()
    streams.pop().close()
    hub.wait_metric("mercure_subscribers_connected", 14)
    streams.append(hub.subscribe(f"{15:04096}"))
    for stream in streams:
        stream.close()


# ---- QUERY


FORM = "application/x-www-form-urlencoded"


def query_request(hub, body, query="", content_type=FORM):
    connection = hub.connect()
    headers = {"Content-Type": content_type} if content_type else {}
    connection.send(request_bytes("QUERY", PATH + query, headers, body))
    return connection, connection.read_head()


def test_query_subscribes_with_its_body(hub, topic):
    connection, response = query_request(hub, urlencode({"match": topic}))
    assert response.status == 200
    with Stream(connection, response) as stream:
        hub.publish_ok(topic, "by body")
        assert stream.read_event().data == "by body"


def test_query_takes_parameters_from_both_places(hub, topic):
    body = urlencode({"match": topic + "/body", "last_event_id": "urn:of-body"})
    connection, response = query_request(hub, body, f"?match={topic}/query&last_event_id=earliest")
    assert response.get("Mercure-Last-Event-ID") == "earliest"
    with Stream(connection, response) as stream:
        for name in ("body", "query"):
            hub.publish_ok(f"{topic}/{name}", name)
        assert [event.data for event in stream.read_events(2)] == ["body", "query"]


def test_the_single_last_event_id_of_the_query_string_wins_over_the_body(any_hub, topic):
    first, second = (any_hub.publish_ok(topic, "x") for _ in range(2))
    body = urlencode({"match": topic, "last_event_id": first})
    connection, response = query_request(any_hub, body, f"?last_event_id={second}")
    with connection:
        assert response.get("Mercure-Last-Event-ID") == second
    connection, response = query_request(any_hub, body, "?last_event_id=")
    with connection:
        assert response.get("Mercure-Last-Event-ID") == first


@pytest.mark.parametrize("content_type", [
    f"{FORM};charset=utf-8", f"{FORM} ; charset=UTF-8", "Application/X-WWW-Form-Urlencoded", f"{FORM}; a=b; c=d",
])
def test_the_body_of_query_is_a_form(hub, topic, content_type):
    connection, response = query_request(hub, f"match={topic}", content_type=content_type)
    with connection:
        assert response.status == 200


@pytest.mark.parametrize("content_type", [
    None, "", "text/plain", "application/json", "multipart/form-data; boundary=x", f"{FORM}x", f"x{FORM}", "*/*",
    f"{FORM}; boundary=", ";",
])
def test_another_body_of_query_is_415_with_what_it_may_be(hub, topic, content_type):
    with hub.connect() as connection:
        headers = {} if content_type is None else {"Content-Type": content_type}
        response = connection.request("QUERY", f"{PATH}?match={topic}", headers, f"match={topic}")
    assert response.status == 415
    assert response.get("Accept-Query") == FORM
    assert response.get("Accept") == FORM
    assert FORM in response.text
    line = hub.log.wait("^Subscription refused$", request_id=response.get("X-Request-Id"))
    assert "Content-Type" in line["reason"]


def test_the_type_of_a_query_is_looked_at_after_its_token(start_hub):
    hub = start_hub(anonymous=False)
    assert hub.request("QUERY", headers={"Content-Type": "text/plain"}, body="x").status == 401


@pytest.mark.parametrize("body, name", [
    ("match={}%", "%"), ("match={}%zz", "%zz"), ("match={};a=b", ";a=b"), ("match={}=x", "=x"),
    ("&&match={}+%2B&", " +"),
])
def test_what_looks_malformed_in_the_body_of_query_is_data(hub, topic, body, name):
    connection, response = query_request(hub, body.format(topic))
    assert response.status == 200
    with Stream(connection, response) as stream:
        hub.publish_ok(topic + name, "data")
        assert stream.read_event().data == "data"


@pytest.mark.parametrize("body", ["match=%ff", "match=%C3%28", "match=a%00b", "match=%E2%80%AE"])
def test_what_is_no_text_in_the_body_of_query_is_refused(hub, body):
    connection, response = query_request(hub, body)
    with connection:
        assert response.status == 400


def test_query_without_any_matcher_is_refused(hub):
    connection, response = query_request(hub, "")
    with connection:
        assert response.status == 400


def test_the_body_of_query_is_bounded(start_hub):
    hub = start_hub(max_request_body_size=100)
    connection, response = query_request(hub, "match=" + "x" * 100)
    with connection:
        assert response.status == 413
    assert hub.log.wait("^Subscription refused$")["reason"] == "Request Entity Too Large"


def test_the_body_of_query_is_no_larger_than_its_matchers_may_be(start_hub, topic):
    hub = start_hub(max_matchers=2, max_matcher_length="64B", max_id_length="45B")
    escaped = "".join(f"%{ord(c):02x}" for c in topic)
    fits = f"match_urlpattern={'%78' * 64}&match_exact={escaped}{'%78' * (64 - len(topic))}&last_event_id={'%78' * 45}"
    connection, response = query_request(hub, fits)
    with connection:
        assert response.status == 200
    connection, response = query_request(hub, fits + "&x=" + "x" * 20)
    with connection:
        assert response.status == 413


def test_a_query_over_the_limit_is_turned_away_before_its_body_is_read(start_hub, topic):
    hub = start_hub(max_connections=16)
    streams = [hub.subscribe(topic) for _ in range(16)]
    with hub.connect() as connection:
        connection.send(f"QUERY {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 1000\r\n\r\n")
        assert connection.read_all() == b""
    for stream in streams:
        stream.close()


def test_query_counts_matchers_of_both_places(hub):
    connection, response = query_request(hub, "&".join(["match=x"] * 60), "?" + "&".join(["match=x"] * 41))
    with connection:
        assert response.status == 400


# ---- last event ids (what is replayed is in test_history.py)


def last_event_id(hub, query, headers=()):
    connection, response = hub.open_stream(query, headers)
    with connection:
        assert response.status == 200
        return response.get("Mercure-Last-Event-ID")


def test_the_last_event_id_is_answered_only_when_asked_for(any_hub, topic):
    known = any_hub.publish_ok(topic, "x")
    match = f"match={topic}"
    assert last_event_id(any_hub, match) is None
    assert last_event_id(any_hub, f"{match}&last_event_id={known}") == known
    assert last_event_id(any_hub, match, {"Last-Event-ID": known}) == known
    assert last_event_id(any_hub, f"{match}&lastEventId={known}") == known
    assert last_event_id(any_hub, f"{match}&last_event_id=earliest") == "earliest"
    assert last_event_id(any_hub, f"{match}&last_event_id=urn:unknown") == "earliest"
    assert last_event_id(any_hub, f"{match}&last_event_id=") == "earliest"
    assert last_event_id(any_hub, match, {"Last-Event-ID": ""}) == "earliest"


def test_the_header_wins_over_the_query_unless_it_is_empty(any_hub, topic):
    first, second = (any_hub.publish_ok(topic, "x") for _ in range(2))
    query = f"match={topic}&last_event_id={second}"
    assert last_event_id(any_hub, query, {"Last-Event-ID": first}) == first
    assert last_event_id(any_hub, query, {"Last-Event-ID": ""}) == second
    assert last_event_id(any_hub, f"match={topic}&last_event_id=&last_event_id={second}") == second


def test_the_old_query_name_is_ignored(hub, topic):
    assert last_event_id(hub, f"match={topic}&Last-Event-ID=earliest") is None


# ---- private updates


def test_private_updates_reach_only_those_whose_grant_covers_them(any_hub, topic):
    granted = any_hub.subscribe(topic, token=tokens.mint(subscribe=[topic]))
    everything = any_hub.subscribe(topic, token=tokens.mint(subscribe=["*"]))
    other = any_hub.subscribe(topic, token=tokens.mint(subscribe=[topic + "/other"]))
    publisher = any_hub.subscribe(topic, token=tokens.mint(publish=["*"]))
    anonymous = any_hub.subscribe(topic)
    wildcard = any_hub.subscribe("*", token=tokens.mint(subscribe=[topic]))
    any_hub.publish_ok(topic, "secret", private="on")
    any_hub.publish_ok(topic, "public")
    for stream in (granted, everything):
        assert [event.data for event in stream.read_events(2)] == ["secret", "public"]
    assert wildcard.read_event().data == "secret"
    for stream in (other, publisher, anonymous):
        assert stream.read_event().data == "public"
    for stream in (granted, everything, other, publisher, anonymous, wildcard):
        stream.close()


def test_the_granted_topic_need_not_be_the_matched_one(any_hub, topic):
    with any_hub.subscribe(topic + "/1", token=tokens.mint(subscribe=[topic + "/2"])) as stream:
        any_hub.publish_ok([topic + "/1"], "no", private="")
        any_hub.publish_ok([topic + "/2"], "no", private="")
        any_hub.publish_ok([topic + "/1", topic + "/2"], "yes", private="")
        assert stream.read_event().data == "yes"


def test_grants_of_several_details_add_up(hub, topic):
    details = [tokens.detail(["subscribe"], topic + "/1"), tokens.detail(["publish"], topic + "/2"),
               tokens.detail(["publish", "subscribe"], topic + "/3")]
    with hub.subscribe("*", token=tokens.mint(details=details)) as stream:
        for i in (1, 2, 3):
            hub.publish_ok(f"{topic}/{i}", str(i), private="")
        received = [stream.read_event().data for _ in range(2)]
        assert received == ["1", "3"]


def test_a_private_update_in_the_history_needs_a_grant_too(any_hub, topic):
    start = any_hub.publish_ok(topic, "start")
    any_hub.publish_ok(topic, "secret", private="")
    any_hub.publish_ok(topic, "public")
    with any_hub.subscribe(topic, last_event_id=start) as stream:
        assert stream.read_event().data == "public"
    with any_hub.subscribe(topic, last_event_id=start, token=tokens.mint(subscribe=[topic])) as stream:
        assert [event.data for event in stream.read_events(2)] == ["secret", "public"]


# ---- the life of a stream


def test_a_silent_stream_gets_a_comment_every_heartbeat(start_hub, topic):
    hub = start_hub(heartbeat="200ms")
    with hub.subscribe(topic) as stream:
        started = time.monotonic()
        for _ in range(3):
            assert stream.read_exactly(2) == b":\n"
        assert time.monotonic() - started > 0.5
        hub.publish_ok(topic, "x")
        assert stream.read_event().data == "x"


def test_heartbeats_can_be_off(start_hub, topic):
    hub = start_hub(heartbeat="0s")
    with hub.subscribe(topic) as stream:
        assert stream.connection.is_quiet(0.5)


def test_streams_end_in_good_order_within_the_last_tenth_of_their_time(start_hub, topic):
    hub = start_hub(write_timeout="1s")
    streams = [(time.monotonic(), hub.subscribe(topic)) for _ in range(20)]
    lives = []
    for started, stream in streams:
        assert stream.read_to_end() == []
        assert not stream.cut
        lives.append(time.monotonic() - started)
    assert min(lives) > 0.85


def test_streams_do_not_all_end_at_once(start_hub, topic):
    hub = start_hub(write_timeout="3s")
    streams = [hub.subscribe(topic) for _ in range(30)]

    def end_of(stream):
        stream.read_to_end()
        return time.monotonic()

    with ThreadPoolExecutor(len(streams)) as pool:
        ends = list(pool.map(end_of, streams))
    assert max(ends) - min(ends) > 0.05  # of the 0.3 seconds over which they are spread


def test_without_a_write_timeout_streams_do_not_end(start_hub, topic):
    hub = start_hub(write_timeout="0s")
    with hub.subscribe(topic) as stream:
        assert stream.connection.is_quiet(1.2)


def test_a_stream_ends_when_its_token_expires(start_hub, topic):
    hub = start_hub(write_timeout="0s")
    token = tokens.mint(subscribe=["*"], ttl=1.5)
    expires = time.time() + 1.5
    with hub.subscribe(topic, token=token) as stream:
        hub.publish_ok(topic, "in time", private="")
        assert stream.read_event().data == "in time"
        assert stream.read_to_end() == []
        assert not stream.cut
        assert expires - 0.5 < time.time()


def test_the_connection_of_an_ended_stream_may_be_used_again_or_is_closed(start_hub, topic):
    hub = start_hub(write_timeout="1s")
    with hub.subscribe(topic) as stream:
        stream.read_to_end()
        connection = stream.connection
        try:
            connection.send(request_bytes("GET", "/healthz"))
            assert connection.read_response().status == 200
        except (Closed, BrokenPipeError):
            pass


def fill(hub, topic, count, size=100_000):
    return [hub.publish_ok(topic, f"{i}:" + "x" * size) for i in range(count)]


def test_a_subscriber_that_takes_nothing_is_cut_and_misses_nothing(start_with, transport, topic):
    hub = start_with(transport, {"dispatch_timeout": "300ms"})
    stalled = hub.subscribe(topic, receive_buffer=4096)
    ids = fill(hub, topic, 60)
    hub.wait_metric("mercure_subscribers_connected", 0)
    with stalled:
        received = [event.id for event in stalled.read_to_end()]
        assert received == ids[:len(received)] and len(received) < 60
        assert stalled.cut
    last = received[-1] if received else "earliest"
    with hub.subscribe(topic, last_event_id=last) as again:
        assert [event.id for event in again.read_events(60 - len(received))] == ids[len(received):]


def test_without_a_dispatch_timeout_a_slow_subscriber_gets_everything_later(start_with, transport, topic):
    hub = start_with(transport, {"dispatch_timeout": "0s"})
    with hub.subscribe(topic, receive_buffer=4096) as stalled, hub.subscribe(topic) as reader:
        ids = fill(hub, topic, 60)
        assert [event.id for event in reader.read_events(60)] == ids
        assert [event.id for event in stalled.read_events(60)] == ids


def test_over_the_limit_of_subscribers_a_stream_is_closed_without_a_status(start_hub, topic):
    hub = start_hub(max_subscribers=2)
    first, second = hub.subscribe(topic), hub.subscribe(topic)
    connection = hub.connect()
    with connection:
        connection.send(request_bytes("GET", f"{PATH}?match={topic}"))
        assert connection.read_all() == b""
    hub.publish_ok(topic, "publishers have a share of their own")
    second.close()
    hub.wait_metric("mercure_subscribers_connected", 1)
    hub.subscribe(topic).close()
    first.close()


def test_the_limit_of_subscribers_holds_for_many_that_come_at_once_and_whose_id_is_looked_up(start_with, transport, topic):
    hub = start_with(transport, {"max_subscribers": 3})
    connections = [hub.connect() for _ in range(200)]
    for connection in connections:
        connection.send(request_bytes("GET", f"{PATH}?match={topic}&last_event_id=nope"))
    heads = []
    for connection in connections:
        try:
            heads.append(connection.read_head())
        except Closed as closed:
            assert "there is b''" in str(closed)
    assert [(head.status, head.get("Mercure-Last-Event-ID")) for head in heads] == [(200, "earliest")] * 3
    hub.log.wait("Subscription refused", count=197, reason="max_subscribers or max_connections is reached")
    assert hub.metrics()["mercure_subscribers_connected"] == 3
    for connection in connections:
        connection.close()


def test_subscribers_are_counted(start_hub, topic):
    hub = start_hub()
    streams = [hub.subscribe(topic) for _ in range(5)]
    assert hub.metrics()["mercure_subscribers_connected"] == 5
    for stream in streams[:3]:
        stream.close()
    hub.wait_metric("mercure_subscribers_connected", 2)
    assert hub.metrics()["mercure_subscribers_total"] == 5
    for stream in streams[3:]:
        stream.close()
    hub.wait_metric("mercure_subscribers_connected", 0)


def test_public_urls_name_the_origins_that_are_served(start_hub, topic):
    hub = start_hub(public_urls="http://hub.example/.well-known/mercure")
    assert hub.request("GET", "/healthz", host="HUB.example").status == 200
    response = hub.request("GET", f"{PATH}?match={topic}", host="other.example")
    assert (response.status, response.body) == (421, b"Misdirected Request\n")
