"""Active subscriptions: their events and the API that lists them (docs/http.md)."""
import json
import re
import threading
from urllib.parse import quote

import pytest

from harness import tokens
from harness.hub import PATH
from harness.sse import Stream
from harness.wire import Closed, request_bytes

API = "/.well-known/mercure/subscriptions"
EVERYTHING = tokens.mint(subscribe=["*"])


@pytest.fixture(scope="module")
def hub(start_module_hub):
    return start_module_hub(subscriptions=True)


@pytest.fixture
def quiet_hub(start_hub):
    """One without streams of earlier tests, whose ends may be told at any time."""
    return start_hub(subscriptions=True)


def bearer(token=EVERYTHING):
    return [("Authorization", f"Bearer {token}")]


def segment(text):
    return quote(text, safe="")


def ask(hub, path="", token=EVERYTHING, headers=(), method="GET"):
    return hub.request(method, API + path, bearer(token) + list(headers))


def subscriptions(hub, path=""):
    response = ask(hub, path)
    assert response.status == 200, response
    return json.loads(response.text)["subscriptions"]


def wait_for(hub, path, count):
    """The subscriptions, once there are so many: ends of streams are told of when they are noticed."""
    with watch(hub) as watcher:
        while len(listed := subscriptions(hub, path)) != count:
            watcher.read_event()
    return listed


def watch(hub, last_event_id=None):
    """A stream of all subscription events, read up to its own arrival unless it resumes."""
    stream = hub.subscribe("*", token=EVERYTHING, last_event_id=last_event_id)
    if last_event_id is None:
        next_event(stream, "*")
    return stream


def next_event(watcher, match):
    """The next event of a subscription to `match`."""
    while True:
        event = watcher.read_event()
        if event.type == "mercure" and json.loads(event.data).get("match") == match:
            return event


# ---- Events

def test_a_subscription_is_told_of_when_it_begins_and_when_it_ends(hub):
    with watch(hub) as watcher:
        stream = hub.subscribe("https://example.com/a b")
        begin = next_event(watcher, "https://example.com/a b")
        stream.close()
        end = next_event(watcher, "https://example.com/a b")
    assert begin.type == end.type == "mercure"
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{19,}", begin.id)
    subscriber = json.loads(begin.data)["subscriber"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", subscriber)
    assert begin.data == "\n".join([
        "{",
        f'  "id": "{API}/exact/https%3A%2F%2Fexample.com%2Fa%20b/{segment(subscriber)}",',
        '  "type": "subscription",',
        f'  "subscriber": "{subscriber}",',
        '  "match": "https://example.com/a b",',
        '  "match_type": "exact",',
        '  "active": true',
        "}"])
    assert end.data == begin.data.replace('"active": true', '"active": false')


def test_a_subscriber_sees_its_own_arrival(hub):
    with hub.subscribe("*", token=EVERYTHING) as stream:
        event = stream.read_event()
        assert json.loads(event.data)["match"] == "*"
        assert json.loads(event.data)["active"] is True


def test_a_subscriber_finds_itself_in_the_snapshot(hub):
    for i in range(20):
        with hub.subscribe(f"/self/{i}") as _:
            assert [each["match"] for each in subscriptions(hub, f"/exact/{segment(f'/self/{i}')}")] == [f"/self/{i}"]


def test_each_matcher_of_a_stream_is_a_subscription_of_one_subscriber(hub):
    with watch(hub) as watcher:
        stream = hub.subscribe("/many/b", "/many/a", "/many/b")
        begins = [json.loads(next_event(watcher, match).data) for match in ("/many/b", "/many/a")]
        assert len({each["subscriber"] for each in begins}) == 1
        stream.close()
        ends = [json.loads(next_event(watcher, match).data) for match in ("/many/b", "/many/a")]
        assert ends == [dict(each, active=False) for each in begins]


def test_the_subscriptions_of_a_stream_are_in_the_order_of_the_parameters_names_and_of_the_request(hub):
    query = "match_urlpattern=/o/:b&match_exact=/o/2&match=/o/1&match_exact=/o/0&match=/o/3&match_urlpattern=/o/:a"
    wanted = ["/o/1", "/o/3", "/o/2", "/o/0", "/o/:b", "/o/:a"]
    with watch(hub) as watcher:
        connection, _ = hub.open_stream(query)
        assert [json.loads(watcher.read_event().data)["match"] for _ in wanted] == wanted
        assert [each["match"] for each in subscriptions(hub) if each["match"].startswith("/o/")] == wanted
        connection.close()
        assert [json.loads(watcher.read_event().data)["match"] for _ in wanted] == wanted


def test_events_go_only_to_whom_a_grant_covers_them(hub):
    path = f"{API}/exact/{segment('/secret')}/"
    with hub.subscribe("/secret") as _:
        listed, = subscriptions(hub, f"/exact/{segment('/secret')}")
    granted = tokens.mint(subscribe=[listed["id"]])
    other = tokens.mint(subscribe=[f"{path}other"])
    with hub.subscribe("*", token=granted, last_event_id="earliest") as may, \
            hub.subscribe("*", token=other, last_event_id="earliest") as may_not, \
            hub.subscribe("*", last_event_id="earliest") as anonymous:
        hub.publish_ok("/last", "end", id="urn:last:secret")
        seen = []
        while not seen or seen[-1].id != "urn:last:secret":
            seen.append(may.read_event())
        assert [json.loads(each.data)["active"] for each in seen if each.type == "mercure"] == [True, False]
        for stream in (may_not, anonymous):
            event = stream.read_event()
            while event.id != "urn:last:secret":
                assert event.type != "mercure"
                event = stream.read_event()


def test_an_event_can_be_subscribed_to_by_its_topic(hub):
    with hub.subscribe("/by/topic") as followed:
        listed, = subscriptions(hub, f"/exact/{segment('/by/topic')}")
        with hub.subscribe(listed["id"], token=EVERYTHING) as stream:
            followed.close()
            assert json.loads(stream.read_event().data) == dict(listed, active=False)


def test_publishers_cannot_make_them(hub):
    response = hub.publish(f"{API}/exact/a/urn%3Auuid%3A1", "x")
    assert response.status == 400


def test_they_do_not_count_as_updates(hub):
    before = hub.metrics()["mercure_updates_total"]
    with hub.subscribe("/uncounted"):
        pass
    wait_for(hub, f"/exact/{segment('/uncounted')}", 0)
    assert hub.metrics()["mercure_updates_total"] == before


def test_a_subscription_that_is_refused_is_not_told_of(hub):
    with watch(hub) as watcher:
        assert hub.open_stream("match=%01")[1].status == 400
        assert hub.open_stream("match=/refused", bearer("x" * 50))[1].status == 401
        assert hub.request("HEAD", "/.well-known/mercure?match=/head").status == 200
        hub.publish_ok("/after", "x", id="urn:after:refused")
        for event in read_until(watcher, "urn:after:refused")[:-1]:
            assert json.loads(event.data)["match"] not in ("/refused", "/head")


# ---- Payload

PAYLOAD = '{"user":9007199254740993,"name":"<&>","deep":{"z":1,"a":[]}}'


def token_with_payload(payload, match="*"):
    """A token whose payload is exactly this text."""
    claims = tokens.claims(details=[tokens.detail(["subscribe"], match, payload="@@")])
    return tokens.sign({"alg": "HS256", "typ": "at+jwt"}, json.dumps(claims).replace('"@@"', payload).encode(),
                       tokens.SUBSCRIBER_KEY)


def test_the_payload_is_the_tokens_verbatim(hub):
    with hub.subscribe("/payload", token=token_with_payload(PAYLOAD)) as stream:
        response = ask(hub, f"/exact/{segment('/payload')}")
        assert f'"payload": {PAYLOAD}\n' in response.text
        listed, = json.loads(response.text)["subscriptions"]
        single = hub.request("GET", listed["id"], bearer())
        assert f'"payload": {PAYLOAD}\n' in single.text
        with hub.subscribe(listed["id"], token=EVERYTHING, last_event_id="earliest") as watcher:
            assert f'"payload": {PAYLOAD}\n' in watcher.read_event().data
            stream.close()
            assert f'"payload": {PAYLOAD}\n' in watcher.read_event().data


def test_the_payload_is_of_the_first_grant_that_covers_the_matcher(hub):
    details = [
        tokens.detail(["publish"], "*", payload={"n": 0}),
        tokens.detail(["subscribe"], "/p/one", payload={"n": 1}),
        tokens.detail(["subscribe"], "/p/two"),
        tokens.detail(["subscribe"], "*", payload={"n": 3}),
    ]
    token = tokens.mint(details=details)
    with hub.subscribe("/p/one", "/p/two", "/p/three", token=token):
        found = {}
        for each in subscriptions(hub):
            if each["match"].startswith("/p/"):
                found[each["match"]] = each.get("payload")
    assert found == {"/p/one": {"n": 1}, "/p/two": None, "/p/three": {"n": 3}}


# ---- The API

def test_a_list_has_an_id_a_type_and_documents(hub):
    with hub.subscribe("/list/a") as _, hub.subscribe("/list/b") as _:
        response = ask(hub)
        assert response.get("Content-Type") == "application/json"
        document = json.loads(response.text)
        assert list(document) == ["id", "type", "subscriptions"]
        assert document["id"] == API
        assert document["type"] == "subscriptions"
        mine = [each for each in document["subscriptions"] if each["match"].startswith("/list/")]
        assert [each["match"] for each in mine] == ["/list/a", "/list/b"]
        assert all(each["active"] is True and each["type"] == "subscription" for each in mine)
        assert response.text == json.dumps(document, indent=2, ensure_ascii=False)


def test_an_empty_list_is_one_too(hub):
    response = ask(hub, "/exact/nobody%20is%20here")
    assert response.text == "\n".join([
        "{", f'  "id": "{API}/exact/nobody%20is%20here",', '  "type": "subscriptions",', '  "subscriptions": []', "}"])


def test_a_list_is_filtered_by_type_and_matcher(hub):
    with hub.subscribe("/filter/a+b") as _, hub.subscribe("/filter/a b") as _:
        for match in ("/filter/a+b", "/filter/a b"):
            listed, = subscriptions(hub, f"/exact/{segment(match)}")
            assert listed["match"] == match
        assert [each["match"] for each in subscriptions(hub, "/exact/%2ffilter%2fa+b")] == ["/filter/a+b"]
        assert subscriptions(hub, f"/urlpattern/{segment('/filter/a+b')}") == []


def test_one_subscription_is_told_alone(hub):
    with hub.subscribe("/one") as stream:
        listed, = subscriptions(hub, f"/exact/{segment('/one')}")
        response = hub.request("GET", listed["id"], bearer())
        assert response.status == 200
        assert response.text == json.dumps(listed, indent=2)
        assert response.get("Content-Type") == "application/json"
        with watch(hub) as watcher:
            stream.close()
            next_event(watcher, "/one")
        gone = hub.request("GET", listed["id"], bearer())
        assert (gone.status, gone.text) == (404, "404 page not found\n")
        assert gone.get("ETag") and gone.get("Link")


@pytest.mark.parametrize("path, status, text", [
    ("/exact/%", 400, "the path has a \"%\" without two hexadecimal digits after it; write %25 for the character\n"),
    ("/exact/%zz", 400, "the path has a \"%\" without two hexadecimal digits after it; write %25 for the character\n"),
    ("/Exact/a", 400, "unsupported topic matcher type\n"),
    ("/topic/a/b", 400, "unsupported topic matcher type\n"),
    ("/", 404, "404 page not found\n"),
    ("/exact", 404, "404 page not found\n"),
    ("/exact/", 404, "404 page not found\n"),
    ("/exact//a", 404, "404 page not found\n"),
    ("/exact/a/", 404, "404 page not found\n"),
    ("/exact/a/b/c", 404, "404 page not found\n"),
    ("x", 404, "404 page not found\n"),
])
def test_a_path_that_cannot_be_is_refused_before_the_token_is_asked_for(hub, path, status, text):
    response = hub.request("GET", API + path)
    assert (response.status, response.text) == (status, text)
    hub.log.wait("refused$", request_id=response.get("X-Request-Id"), status=status, path=API + path)


def test_the_log_says_which_setting_tells_who_is_subscribed(start_hub):
    hub = start_hub()
    for path in (API, f"{API}/exact/a"):
        response = hub.request("GET", path, bearer())
        assert response.status == 404
        line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
        assert line["reason"] == "who is subscribed is not told: set subscriptions"


def test_a_token_is_needed_also_where_subscribers_may_be_anonymous(hub):
    response = hub.request("GET", API)
    assert response.status == 401
    assert response.get("WWW-Authenticate").startswith("Bearer resource_metadata=")


def test_the_grant_is_on_the_path_as_it_was_sent(hub):
    path = f"{API}/exact/{segment('/granted')}"
    token = tokens.mint(subscribe=[path])
    assert ask(hub, f"/exact/{segment('/granted')}", token).status == 200
    assert ask(hub, f"/exact/{segment('/granted').lower()}", token).status == 403
    assert ask(hub, "", token).status == 403
    assert ask(hub, f"/exact/{segment('/granted')}?x=y", token).status == 200
    assert ask(hub, "", tokens.mint(publish=["*"])).status == 403


def test_a_hub_without_a_key_for_subscribers_tells_nobody(start_hub):
    hub = start_hub(subscriptions=True,
                    issuers=[{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}])
    assert hub.request("GET", API).status == 401
    assert ask(hub).status == 401


def test_other_methods_are_told_what_is_allowed(hub):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = hub.request(method, API)
        assert response.status == 405
        assert response.get("Allow") == "GET, HEAD, OPTIONS"
    assert hub.request("OPTIONS", API).get("Allow") == "GET, HEAD, OPTIONS"


def test_head_tells_what_get_does_without_a_body(quiet_hub):
    hub = quiet_hub
    with hub.subscribe("/head"):
        get = ask(hub)
        with hub.connect() as connection:
            head = connection.request("HEAD", API, bearer(), host=hub.host)
            again = connection.request("HEAD", API, bearer(), host=hub.host)
        for response in (head, again):
            assert response.status == 200
            assert response.body == b""
            for name in ("ETag", "Link", "Content-Type", "Cache-Control"):
                assert response.get(name) == get.get(name)


def test_an_answer_names_the_event_that_it_is_as_of(quiet_hub):
    hub = quiet_hub
    last = hub.publish_ok("/anything", "x")
    response = ask(hub)
    assert response.get("ETag") == f'"{last}"'
    assert response.get("Link") == (f'</.well-known/mercure>; rel="mercure"; last-event-id="{last}"; '
                                    'type="mercure"; content-type="application/json"')
    assert response.get("Cache-Control") == "private, no-cache, must-revalidate"
    with hub.subscribe("/another"):
        assert ask(hub).get("ETag") != f'"{last}"'


def test_an_id_that_is_no_tag_is_escaped(quiet_hub):
    hub = quiet_hub
    hub.publish_ok("/odd", "x", id='a "b" 100%\\ \u00e9')
    response = ask(hub)
    assert response.get("ETag").encode("latin-1").decode() == '"a%20%22b%22%20100%25\\%20\u00e9"'
    link = response.get("Link").encode("latin-1").decode()
    assert 'last-event-id="a \\"b\\" 100%\\\\ \u00e9"' in link


def test_before_anything_was_published_the_last_event_is_earliest(start_hub):
    hub = start_hub(subscriptions=True)
    response = ask(hub)
    assert response.get("ETag") == '"earliest"'
    assert 'last-event-id="earliest"' in response.get("Link")


def test_whoever_has_the_answer_is_not_sent_it_again(quiet_hub):
    hub = quiet_hub
    hub.publish_ok("/tag", "x")
    tag = ask(hub).get("ETag")
    for value in (tag, f"W/{tag}", f'"x", {tag}', f'"x", W/{tag} , "y"', "*"):
        response = ask(hub, headers=[("If-None-Match", value)])
        assert response.status == 304, value
        assert response.body == b""
        assert response.get("ETag") == tag
        assert response.get("Link")
    assert ask(hub, headers=[("If-None-Match", '"x"'), ("If-None-Match", tag)]).status == 304
    for value in ('"x"', tag.strip('"'), tag.upper()):
        assert ask(hub, headers=[("If-None-Match", value)]).status == 200, value
    hub.publish_ok("/changes", "x")
    assert ask(hub, headers=[("If-None-Match", tag)]).status == 200


def test_it_is_not_there_unless_it_is_asked_for(start_hub):
    hub = start_hub()
    assert ask(hub).status == 404
    with hub.subscribe("*", token=EVERYTHING) as stream, hub.subscribe("/quiet"):
        hub.publish_ok("/first", "x", id="urn:first")
        assert stream.read_event().id == "urn:first"
    assert "mercure_subscriptions" not in hub.request(
        "GET", "/.well-known/oauth-protected-resource/.well-known/mercure").text


def test_the_metadata_and_the_page_tell_of_it(start_hub):
    hub = start_hub(subscriptions=True, debugger=True)
    metadata = hub.request("GET", "/.well-known/oauth-protected-resource/.well-known/mercure")
    assert json.loads(metadata.text)["mercure_subscriptions"] is True
    config = hub.request("GET", "/.well-known/mercure/debug/config.json")
    assert json.loads(config.text)["subscriptions"] is True


# ---- Snapshot and events

def test_snapshot_and_events_join_without_a_gap_or_a_repeat(start_hub):
    """Subscriptions come and go all the time. A snapshot with the events behind its last event id is, each
    time, what the snapshots that follow say."""
    hub = start_hub(subscriptions=True)
    done = threading.Event()
    failures = []

    def churn(name):
        try:
            i = 0
            while not done.is_set():
                streams = [hub.subscribe(f"/churn/{name}/{i}/{k}") for k in range(3)]
                hub.publish_ok("/noise", "x")
                for stream in streams:
                    stream.close()
                i += 1
        except Exception as error:  # the main thread tells
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            snapshot = ask(hub)
            last = snapshot.get("ETag").strip('"')
            active = {each["id"] for each in json.loads(snapshot.text)["subscriptions"]}
            with hub.subscribe("*", token=EVERYTHING, last_event_id=last) as stream:
                goals = {}
                for _ in range(3):
                    later = ask(hub)
                    ids = {each["id"] for each in json.loads(later.text)["subscriptions"]}
                    goals[later.get("ETag").strip('"')] = ids
                if last in goals:
                    assert goals.pop(last) == active
                while goals:
                    event = stream.read_event()
                    if event.type == "mercure":
                        document = json.loads(event.data)
                        if document["active"]:
                            assert document["id"] not in active
                            active.add(document["id"])
                        else:
                            active.remove(document["id"])
                    if event.id in goals:
                        assert goals.pop(event.id) == active
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures


MATCHERS = 100  # of one stream


def open_many(hub, count):
    """Streams with so many subscriptions together, no more of them at a time than are announced in a moment."""
    connections = []
    for i in range(count // MATCHERS):
        connections.append(hub.connect())
        query = "&".join(f"match=/many/{i}/{k}" for k in range(MATCHERS))
        connections[-1].send(request_bytes("GET", f"{PATH}?{query}"))
        if i % 20 == 19:
            assert [each.read_head().status for each in connections[-20:]] == [200] * 20
    return connections


def read_list(connection):
    """The list that the connection has asked for, in pieces as large as they come: it is long."""
    response, body = connection.read_head(), bytearray(connection.received)
    assert response.status == 200
    while not body.endswith(b"\r\n0\r\n\r\n"):
        body += connection.socket.recv(1 << 20)
    text = re.sub(rb"(?:^|\r\n)[0-9a-f]+\r\n", b"", body)
    return json.loads(text)["subscriptions"]


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_a_long_list_stalls_no_stream_and_is_as_of_one_moment(start_hub, count):
    hub = start_hub(subscriptions=True, workers=1, dispatch_timeout="0s", tail_max_bytes="256MiB")
    connections = open_many(hub, count)
    with hub.subscribe("/live") as live, hub.connect(receive_buffer=4096) as client:
        client.send(request_bytes("GET", API, bearer()))  # and is in no hurry to read the answer
        hub.wait_metric("mercure_http_requests_total", lambda requests: requests > len(connections) + 1)
        for i in range(100):
            with hub.subscribe(f"/later/{i}"):
                id_ = hub.publish_ok("/live", str(i))
                assert live.read_event().id == id_
        connections.pop().close()
        listed = [each["match"] for each in read_list(client)]
    assert listed == [f"/many/{i}/{k}" for i in range(count // MATCHERS) for k in range(MATCHERS)] + ["/live"]
    for connection in connections:
        connection.close()


# ---- Ends that nobody announces

def active_ids(events):
    """What is active after the events."""
    active = {}
    for event in events:
        if event.type == "mercure":
            document = json.loads(event.data)
            if document["active"]:
                active[document["id"]] = document
            else:
                del active[document["id"]]
    return active


def read_until(stream, last_id):
    events = [stream.read_event()]
    while events[-1].id != last_id:
        events.append(stream.read_event())
    return events


def test_after_a_kill_no_ghost_is_listed_and_their_ends_are_told(start_hub):
    hub = start_hub(subscriptions=True, transport_url="bolt://updates.db")
    token = token_with_payload('{"n":9007199254740993}')
    streams = [hub.subscribe(f"/ghost/{i}", token=token) for i in range(50)]
    left = hub.subscribe("/left")
    left.close()
    wait_for(hub, f"/exact/{segment('/left')}", 0)
    known = subscriptions(hub)
    last = ask(hub).get("ETag").strip('"')
    hub.kill()
    hub.start()
    assert [each for each in subscriptions(hub) if each["match"].startswith("/ghost/")] == []
    with hub.subscribe("*", token=EVERYTHING, last_event_id=last) as stream:
        ends = {}
        while len(ends) < 50:
            event = stream.read_event()
            document = json.loads(event.data)
            if not document["active"] and document["match"].startswith("/ghost/"):
                assert document["id"] not in ends
                ends[document["id"]] = document
        ghosts = {each["id"]: dict(each, active=False) for each in known if each["match"].startswith("/ghost/")}
        assert ends == ghosts
    for stream in streams:
        stream.close()
    # Once is enough.
    hub.restart()
    hub.publish_ok("/end", "x", id="urn:end")
    with hub.subscribe("*", token=EVERYTHING, last_event_id="earliest") as stream:
        events = [event for event in read_until(stream, "urn:end") if event.type == "mercure"]
    ended = [json.loads(event.data)["id"] for event in events if not json.loads(event.data)["active"]]
    assert len(ended) == len(set(ended))
    assert not active_ids(events)


def test_a_stop_tells_the_ends_of_all_streams(start_hub):
    hub = start_hub(subscriptions=True, transport_url="bolt://updates.db")
    streams = [hub.subscribe(f"/stop/{i}") for i in range(30)]
    hub.stop()
    for stream in streams:
        stream.close()
    hub.start()
    hub.publish_ok("/end", "x", id="urn:end")
    with hub.subscribe("*", token=EVERYTHING, last_event_id="earliest") as stream:
        events = read_until(stream, "urn:end")
    documents = [json.loads(event.data) for event in events if event.type == "mercure"]
    assert sum(1 for each in documents if each["match"].startswith("/stop/") and not each["active"]) == 30
    assert hub.log.find("of the last run") == []


def test_the_last_event_id_is_known_after_a_restart(start_hub):
    hub = start_hub(subscriptions=True, transport_url="bolt://updates.db")
    hub.publish_ok("/a", "x", id="urn:a")
    hub.restart()
    assert ask(hub).get("ETag") == '"urn:a"'


def test_streams_that_are_recycled_leave_and_come_in_order(start_hub):
    hub = start_hub(subscriptions=True, write_timeout="1s")
    with hub.subscribe("/recycled") as stream:
        first, = subscriptions(hub, f"/exact/{segment('/recycled')}")
        with pytest.raises(Closed):
            while True:
                stream.read_line()
    wait_for(hub, f"/exact/{segment('/recycled')}", 0)
    with hub.subscribe("/recycled"):
        second, = subscriptions(hub, f"/exact/{segment('/recycled')}")
    assert first["subscriber"] != second["subscriber"]


# ---- Limits

def test_what_subscriptions_take_is_bounded(start_hub):
    hub = start_hub(subscriptions=True, max_matcher_bytes="64KiB")
    payload = tokens.mint(details=[tokens.detail(["subscribe"], "*", payload={"text": "x" * 10000})])
    streams = []
    with pytest.raises(Closed):
        while len(streams) < 20:
            streams.append(hub.open_stream(f"match=/big/{len(streams)}", bearer(payload))[0])
    assert len(subscriptions(hub)) == len(streams) > 0
    hub.log.wait("^Subscription refused$", reason="max_matcher_bytes is reached")
    for stream in streams:
        stream.close()
    wait_for(hub, "", 1)
    with hub.subscribe("/big/again", token=payload):
        pass


def test_a_subscription_beyond_max_subscribers_is_not_told_of(start_hub):
    hub = start_hub(subscriptions=True, max_subscribers=2)
    with watch(hub) as watcher, hub.subscribe("/second"):
        next_event(watcher, "/second")
        with pytest.raises(Closed):
            hub.open_stream("match=/third")
        hub.publish_ok("/after", "x", id="urn:after")
        assert watcher.read_event().id == "urn:after"


def test_a_client_that_does_not_wait_is_ended_too(start_hub):
    hub = start_hub(subscriptions=True)
    with watch(hub) as watcher:
        for i in range(50):
            with hub.connect() as connection:
                connection.send(f"GET /.well-known/mercure?match=/rash/{i} HTTP/1.1\r\nHost: hub.example\r\n\r\n"
                                .encode())
        hub.wait_metric("mercure_subscribers_connected", 1)
        hub.publish_ok("/after", "x", id="urn:after")
        events = read_until(watcher, "urn:after")
    wait_for(hub, "", 1)
    assert all(event.type == "mercure" for event in events[:-1])


def test_a_list_that_is_taken_slowly_ends(start_hub):
    """Else a few readers could keep all places for lists, and what has gone meanwhile in memory."""
    hub = start_hub(subscriptions=True, write_timeout="1s", dispatch_timeout="0s", peer_timeout="0s")
    query = "&".join(f"match={'%E2%82%AC' * 300}{i}" for i in range(10)).encode()
    matchers = b"&".join(query.replace(b"match=", b"match=%d-" % i) for i in range(10))
    connections = [hub.connect(receive_buffer=4096)]
    for i in range(8):
        body = matchers.replace(b"match=", b"match=%d-" % i)
        connections.append(hub.connect())
        connections[-1].send(b"QUERY /.well-known/mercure HTTP/1.1\r\nHost: hub.example\r\n"
                             b"Content-Type: application/x-www-form-urlencoded\r\n"
                             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert connections[-1].read_head().status == 200
    token = bearer()[0][1].encode()
    connections[0].send(b"GET %s HTTP/1.1\r\nHost: hub.example\r\nAuthorization: %s\r\n\r\n" % (API.encode(), token))
    assert connections[0].read_head().status == 200
    for connection in connections[1:]:
        connection.close()
    hub.wait_metric("mercure_http_connections_closed_total", len(connections))
    with pytest.raises(Closed):
        while connections[0].read_chunk():
            pass
    connections[0].close()


# ---- The 0.x protocol beside it

OLD_KEY = "!ChangeMe!"


@pytest.fixture(scope="module")
def both(start_module_hub):
    return start_module_hub(subscriptions=True, env={"JWT_KEY": OLD_KEY})


def old_token(*selectors, payload='"payload"'):
    claim = {"subscribe": list(selectors), "payload": "@@"}
    text = json.dumps({"mercure": claim}).replace('"@@"', payload)
    return tokens.sign({"alg": "HS256", "typ": "JWT"}, text.encode(), OLD_KEY)


def subscribe_old(hub, topics, token, named):
    query = "&".join([f"topic={segment(topic)}" for topic in topics] +
                     [f"{name}={segment(value)}" for name, value in named.items()])
    connection, response = hub.open_stream(query, bearer(token))
    assert response.status == 200, response
    stream = Stream(connection, response)
    assert stream.read_exactly(2) == b":\n"
    return stream


def old_document(listed, **changes):
    """The document of 0.x, as its events have it, for one of the modern API."""
    kind = "exact/" if listed.get("match_type") == "exact" else ""
    match = listed.get("match", listed.get("topic"))
    document = {
        "@context": "https://mercure.rocks/",
        "id": f"{API}/{segment(match).replace('%20', '+')}/{segment(listed['subscriber'])}",
        "type": "Subscription",
        "subscriber": listed["subscriber"],
        "topic": match,
        "active": listed["active"],
    }
    assert kind in listed["id"]
    if "payload" in listed:
        document["payload"] = listed["payload"]
    return document | changes


def test_a_stream_of_0x_sees_events_in_its_own_form(both):
    with subscribe_old(both, ["*"], old_token("*"), {}) as watcher:
        with both.subscribe("/seen by old"):
            listed, = subscriptions(both, f"/exact/{segment('/seen by old')}")
            while (event := watcher.read_event()).data.count("/seen by old") == 0:
                pass
        assert event.type == ""
        assert event.data == json.dumps(old_document(listed), indent=2)
        end = watcher.read_event()
        assert end.data == json.dumps(old_document(listed, active=False), indent=2)


def test_a_modern_stream_sees_those_of_0x_in_its_own_form(both):
    with watch(both) as watcher:
        with subscribe_old(both, ["/old one"], old_token("*", payload='{"n":1}'), {}):
            while "/old one" not in (event := watcher.read_event()).data:
                pass
    subscriber = json.loads(event.data)["subscriber"]
    assert event.type == "mercure"
    assert json.loads(event.data) == {
        "id": f"{API}/%2Fold%20one/{segment(subscriber)}", "type": "subscription", "subscriber": subscriber,
        "topic": "/old one", "active": True, "payload": {"n": 1}}


def test_each_generation_follows_an_event_by_its_own_topic(both):
    with both.subscribe("/topics") as stream:
        listed, = subscriptions(both, f"/exact/{segment('/topics')}")
        modern, old = listed["id"], old_document(listed)["id"]
        with both.subscribe(modern, token=EVERYTHING, last_event_id="earliest") as one, \
                subscribe_old(both, [old], old_token("*"), {"lastEventID": "earliest"}) as two:
            assert json.loads(one.read_event().data) == listed
            assert json.loads(two.read_event().data) == old_document(listed)
            with both.subscribe(old, "/mark", token=EVERYTHING, last_event_id="earliest") as no, \
                    subscribe_old(both, [modern, "/mark"], old_token("*"), {"lastEventID": "earliest"}) as nor:
                stream.close()
                assert json.loads(one.read_event().data)["active"] is False
                assert json.loads(two.read_event().data)["active"] is False
                both.publish_ok("/mark", "x", id="urn:mark:generation")
                assert no.read_event().id == nor.read_event().id == "urn:mark:generation"


def test_the_lists_of_0x(both):
    token = old_token("*")
    with both.subscribe("/0x/a b") as _, subscribe_old(both, ["/0x/a b"], old_token("*", payload='{"big":9007199254740993}'), {}) as _:
        response = ask(both, "/%2F0x%2Fa+b", token)
        assert response.status == 200
        assert response.get("Content-Type") == "application/ld+json"
        assert response.get("Link") is None
        document = json.loads(response.text)
        assert list(document) == ["@context", "id", "type", "lastEventID", "subscriptions"]
        assert (document["@context"], document["type"]) == ("https://mercure.rocks/", "Subscriptions")
        assert document["id"] == f"{API}/%2F0x%2Fa+b"
        assert response.get("ETag") == document["lastEventID"]
        assert [each["topic"] for each in document["subscriptions"]] == ["/0x/a b", "/0x/a b"]
        assert all(list(each)[:5] == ["id", "type", "subscriber", "topic", "active"]
                   for each in document["subscriptions"])
        assert '"payload": {"big":9007199254740993}\n' in response.text
        for each in document["subscriptions"]:
            single = both.request("GET", each["id"], bearer(token))
            assert single.status == 200
            assert list(json.loads(single.text)) == ["@context", "id", "type", "subscriber", "topic", "active",
                                                     "lastEventID"] + (["payload"] if "payload" in each else [])
            raw = f"{API}/%2F0x%2Fa%20b/{each['subscriber']}"
            assert both.request("GET", raw, bearer(token)).status == 200
        assert len(json.loads(ask(both, "", token).text)["subscriptions"]) == len(subscriptions(both))
        tag = response.get("ETag")
        again = ask(both, "/%2F0x%2Fa+b", token, headers=[("If-None-Match", tag)])
        assert (again.status, again.body) == (304, b"")
    assert ask(both, "/a/b/c", token).status == 404
    assert ask(both, "/a/b", token).status == 404


def test_the_grants_of_0x_for_the_lists(both):
    assert ask(both, "", old_token("/other")).status == 401
    assert ask(both, "", old_token()).status == 401
    assert ask(both, "/foo", old_token(f"{API}/{{topic}}")).status == 200
    assert ask(both, "/foo?x=y", old_token(f"{API}/foo?x=y")).status == 200
    assert both.request("GET", f"{API}?authorization={old_token('*')}").status == 200
    response = both.request("GET", f"{API}/foo?authorization={old_token(API + '/foo')}")
    assert response.status == 200
    assert both.request("GET", API).status == 401
