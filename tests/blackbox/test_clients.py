"""Real clients of npm, of Python and of a browser, and the exact requests of others."""
import json
import subprocess
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from harness import tokens
from harness.browser import Browser
from harness.hub import PATH, Hub
from harness.listeners import LISTENERS
from harness.site import Site
from harness.sse import Stream
from harness.wire import HANG_GUARD_S

CLIENTS = Path(__file__).parent / "clients"


class Client:
    """A script of clients/ and the events that it prints."""

    def __init__(self, script, *args):
        self.process = subprocess.Popen(["node", CLIENTS / script, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(HANG_GUARD_S)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def read(self, event):
        """The next thing that happens, which must be of that kind."""
        line = json.loads(self.process.stdout.readline())
        assert line["event"] == event, line
        return line

    def read_messages(self, count):
        """The next messages, whatever happens between them."""
        messages = []
        while len(messages) < count:
            line = json.loads(self.process.stdout.readline())
            if line["event"] == "message":
                messages.append(line)
        return messages


def url_of(hub, *topics, **others):
    host, port = hub.address
    query = urlencode([("match", topic) for topic in topics] + list(others.items()))
    return f"http://{host}:{port}{PATH}" + (f"?{query}" if query else "")


def test_eventsource_receives_every_kind_of_update(any_hub, topic):
    with Client("eventsource.mjs", url_of(any_hub, topic), "", "kind") as client:
        client.read("open")
        any_hub.publish_ok(topic, "a\n\n  b \u20ac", id=f'id-["{topic}"]')
        assert client.read("message") == {"event": "message", "type": "message", "data": "a\n\n  b \u20ac",
                                          "lastEventId": f'id-["{topic}"]'}
        any_hub.publish_ok(topic, "typed", type="kind")
        assert client.read("message")["type"] == "kind"
        any_hub.publish_ok(topic)
        assert client.read("message")["data"] == ""


def test_eventsource_gets_private_updates_with_a_token(hub, topic):
    with Client("eventsource.mjs", url_of(hub, topic), tokens.mint(subscribe=[topic])) as client, \
            Client("eventsource.mjs", url_of(hub, topic)) as anonymous:
        client.read("open")
        anonymous.read("open")
        hub.publish_ok(topic, "secret", private="on")
        hub.publish_ok(topic, "public")
        assert [message["data"] for message in client.read_messages(2)] == ["secret", "public"]
        assert anonymous.read("message")["data"] == "public"


def test_eventsource_comes_back_by_itself_and_misses_nothing(start_with, transport, topic):
    hub = start_with(transport, {"write_timeout": "1s"})
    with Client("eventsource.mjs", url_of(hub, topic)) as client:
        client.read("open")
        ids = [hub.publish_ok(topic, "0", retry="10")]
        received = client.read_messages(1)
        while hub.metrics()["mercure_subscribers_total"] < 3:
            ids.append(hub.publish_ok(topic, str(len(ids))))
        received += client.read_messages(len(ids) - 1)
        assert [message["lastEventId"] for message in received] == ids


def test_eventsource_starts_with_an_id_in_the_query(any_hub, topic):
    ids = [any_hub.publish_ok(topic, str(i)) for i in range(4)]
    for name in ("last_event_id", "lastEventId"):
        with Client("eventsource.mjs", url_of(any_hub, topic, **{name: ids[0]})) as client:
            assert [message["lastEventId"] for message in client.read_messages(3)] == ids[1:]


@pytest.mark.parametrize("query, code", [({}, 400), ({"topic": "x"}, 400)])
def test_a_status_ends_an_eventsource_for_good(hub, query, code):
    with Client("eventsource.mjs", url_of(hub, **query)) as client:
        assert client.read("error") == {"event": "error", "code": code, "closed": True}


def test_an_eventsource_with_a_bad_token_is_told_401(hub, topic):
    with Client("eventsource.mjs", url_of(hub, topic), tokens.mint(key="wrong")) as client:
        assert client.read("error") == {"event": "error", "code": 401, "closed": True}


def test_a_connection_closed_over_the_limit_is_tried_again(start_hub, topic):
    hub = start_hub(max_subscribers=1)
    first = hub.subscribe(topic)
    with Client("eventsource.mjs", url_of(hub, topic)) as client:
        assert client.read("error")["closed"] is False
        first.close()
        while json.loads(client.process.stdout.readline())["event"] != "open":
            pass
        hub.publish_ok(topic, "at last")
        assert client.read_messages(1)[0]["data"] == "at last"


def test_fetch_publishes_and_streams(any_hub, topic):
    with Client("fetch.mjs", url_of(any_hub), topic, any_hub.publisher_token(), "20") as client:
        assert client.read("open") == {"event": "open", "status": 200, "type": "text/event-stream"}
        published = client.read("published")["published"]
        assert {answer["status"] for answer in published} == {200}
        assert {answer["type"] for answer in published} == {"text/plain; charset=utf-8"}
        messages = client.read_messages(20)
        assert [message["id"] for message in messages] == [answer["id"] for answer in published]
        assert [message["data"] for message in messages] == [f"update {i}" for i in range(20)]


# ---- the same for each library


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.browser] if listener.needs_browser else [])
                        for name, listener in LISTENERS.items()])
def listen(request, site):
    """Starts the listener of each library in turn: listen(hub, query, token, cookie_name)."""
    listeners = []

    def start(hub, query, token, cookie_name="__Secure-mercure_access_token"):
        listener = LISTENERS[request.param]
        page = request.getfixturevalue("browser").open_page(site.origin) if listener.needs_browser else None
        url = f"http://localhost:{hub.address[1]}{PATH}?{urlencode(query)}"
        listeners.append(listener(url, token, page=page, cookie_name=cookie_name))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def come_back(hub, listener, publish):
    """Publishes until the listener has come back twice; what it has received."""
    hub.wait_metric("mercure_subscribers_total", lambda count: count >= 1)
    sent = [publish("0")]
    received = listener.read(1)
    while hub.metrics()["mercure_subscribers_total"] < 3:
        sent.append(publish(str(len(sent))))
    received += listener.read(len(sent) - 1)
    assert received == [(id_, str(i)) for i, id_ in enumerate(sent)]


OLD_KEY = "!ChangeMe!"  # of the 0.x protocol alone


# What a subscriber of either generation writes: the query, its token, the name of its cookie.
GENERATIONS = {
    "modern": lambda topic: ([("match", topic)], tokens.mint(subscribe=[topic]), "__Secure-mercure_access_token"),
    "0.x": lambda topic: ([("topic", topic)], tokens.mint_legacy({"subscribe": [topic]}, OLD_KEY), "mercureAuthorization"),
}


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
def test_each_library_receives_private_updates_and_misses_none_when_it_comes_back(start_with, site, listen, topic,
                                                                                   generation):
    hub = start_with("bolt", {"write_timeout": "1s", "cors_origins": site.origin, "anonymous": False,
                              "env": {"JWT_KEY": OLD_KEY}})
    listener = listen(hub, *generation(topic))
    come_back(hub, listener, lambda data: hub.publish_ok(topic, data, private="on", retry="10"))


# ---- requests as other clients write them


def test_symfony_publishes_with_repeated_topics(hub, topic):
    with hub.subscribe(topic + "/alternate", token=tokens.mint(subscribe=["*"])) as stream:
        body = urlencode([("topic", topic), ("topic", topic + "/alternate"), ("data", '{"a":1}'), ("private", "on"),
                          ("id", "urn:php"), ("type", "kind"), ("retry", "3")])
        response = hub.request("POST", PATH, [
            ("Accept", "*/*"), ("Authorization", f"Bearer {hub.publisher_token()}"),
            ("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "Symfony HttpClient (Curl)"),
            ("Accept-Encoding", "gzip")], body)
        assert (response.status, response.text) == (200, "urn:php")
        event = stream.read_event()
        assert (event.id, event.type, event.retry, event.data) == ("urn:php", "kind", "3", '{"a":1}')


def test_both_generations_of_cookies_may_come_together(hub, topic):
    cookies = f"mercureAuthorization=old.old.old; __Secure-mercure_access_token={tokens.mint(subscribe=[topic])}"
    with hub.subscribe(topic, headers={"Cookie": cookies}) as stream:
        hub.publish_ok(topic, "secret", private="on")
        assert stream.read_event().data == "secret"


def test_a_hundred_channels_of_a_large_cookie_pass(hub, topic):
    token = tokens.mint(details=[tokens.detail(["subscribe"], *[f"{topic}/{i}" for i in range(100)],
                                               payload={"user": "x" * 1000})])
    assert len(token) > 10000
    with hub.subscribe(f"{topic}/99", headers={"Cookie": f"__Secure-mercure_access_token={token}"}) as stream:
        hub.publish_ok(f"{topic}/99", "secret", private="on")
        assert stream.read_event().data == "secret"


def test_curl_asks_before_it_sends_a_large_body(hub, topic):
    body = urlencode({"topic": topic, "data": "x" * 2000})
    with hub.connect() as connection:
        connection.send(f"POST {PATH} HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
                        f"Authorization: Bearer {hub.publisher_token()}\r\nContent-Length: {len(body)}\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_head().status == 100
        connection.send(body)
        assert connection.read_response().status == 200


def open_stream(hub, query, *headers):
    connection, response = hub.open_stream(urlencode(query), headers)
    assert response.status == 200, connection.read_all()
    return Stream(connection, response)


def modern_cookie(token):
    return "Cookie", f"__Secure-mercure_access_token={token}"


@pytest.fixture(scope="module")
def generations(tmp_path_factory):
    """A hub of both generations for a site at https://app.example, as Symfony's and Laravel's packages set it up."""
    hub = Hub(tmp_path_factory.mktemp("generations"), cors_origins="https://app.example",
              publish_origins="https://app.example", env={"JWT_KEY": OLD_KEY}, subscriptions=True,
              transport_url=f"bolt://{tmp_path_factory.mktemp('history')}/hub.db")
    yield hub
    hub.stop()


def symfony_publish(hub, token, fields):
    return hub.request("POST", PATH, [
        ("Authorization", f"Bearer {token}"), ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "*/*"),
        ("User-Agent", "Symfony HttpClient (Curl)"), ("Accept-Encoding", "gzip")], urlencode(fields))


@pytest.mark.parametrize("token", [tokens.mint(publish=["*"]), tokens.mint_legacy({"publish": ["*"]}, OLD_KEY)], ids=GENERATIONS)
def test_symfony_of_both_generations_publishes_side_by_side(generations, topic, token):
    bearer = tokens.bearer(tokens.mint_legacy({"subscribe": [topic]}, OLD_KEY))
    with generations.subscribe(topic, token=tokens.mint(subscribe=[topic])) as new, \
            open_stream(generations, {"topic": topic}, bearer) as old:
        response = symfony_publish(generations, token, [("topic", topic), ("data", "{}"), ("private", "on")])
        assert response.status == 200
        assert {stream.read_event().id for stream in (new, old)} == {response.text}


def test_symfony_sets_the_cookies_of_both_generations(generations, topic):
    old = tokens.mint_legacy({"subscribe": [topic]}, OLD_KEY)
    both = (f"mercureAuthorization={old}; "
            f"__Secure-mercure_access_token={tokens.mint(subscribe=[topic])}")
    for query in ({"match": topic}, {"topic": topic}):
        with open_stream(generations, query, ("Cookie", both)) as stream:
            generations.publish_ok(topic, "secret", private="on")
            assert stream.read_event().data == "secret"


def from_app(*headers):
    """What a browser adds to a request of a page at https://app.example, with `withCredentials`."""
    return [("Origin", "https://app.example"), ("Referer", "https://app.example/"), ("Accept", "text/event-stream"),
            ("Cache-Control", "no-cache"), ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors"), *headers]


def test_a_turbo_stream_begins_behind_what_its_page_has_shown(generations, topic):
    """UX Turbo renders the id of the newest update into the URL of its native EventSource."""
    ids = [generations.publish_ok(topic, f"<turbo-stream>{i}</turbo-stream>", private="on") for i in range(3)]
    cookie = modern_cookie(tokens.mint(subscribe=[topic]))
    query = {"match": topic, "last_event_id": ids[0]}
    with open_stream(generations, query, *from_app(cookie)) as stream:
        assert [event.id for event in stream.read_events(2)] == ids[1:]
        assert stream.response.get("Access-Control-Allow-Origin") == "https://app.example"
        assert stream.response.get("Access-Control-Allow-Credentials") == "true"
    # Coming back, the browser says where it is in the header, and the old id is still in the URL.
    with open_stream(generations, query, *from_app(cookie, ("Last-Event-ID", ids[1]))) as stream:
        assert stream.read_event().id == ids[2]


def test_a_page_of_laravel_publishes_without_a_preflight(generations, topic):
    """Echo's whispers: a form with the cookie, which needs no preflight."""
    cookie = modern_cookie(tokens.mint(publish=[topic], subscribe=[topic]))
    with open_stream(generations, {"match": topic}, *from_app(cookie)) as stream:
        response = generations.request("POST", PATH, from_app(
            cookie, ("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")),
            urlencode({"topic": topic, "private": "on", "type": "client-typing", "data": '{"user":7}'}))
        assert (response.status, response.get("Access-Control-Allow-Origin")) == (200, "https://app.example")
        event = stream.read_event()
        assert (event.type, event.data, event.id) == ("client-typing", '{"user":7}', response.text)


def test_laravel_mints_a_new_token_after_401_and_goes_on_where_it_was(generations, topic):
    first = generations.publish_ok(topic, "0", private="on")
    second = generations.publish_ok(topic, "1", private="on")
    query = {"match": topic, "last_event_id": first}
    expired = modern_cookie(tokens.mint(subscribe=[topic], exp=1))
    response = generations.request("GET", f"{PATH}?{urlencode(query)}", from_app(expired))
    assert response.status == 401
    assert 'error="invalid_token"' in response.get("WWW-Authenticate")
    with open_stream(generations, query, *from_app(modern_cookie(tokens.mint(subscribe=[topic])))) as stream:
        assert stream.read_event().id == second


@pytest.mark.parametrize("bring", ["header", "query", "cookie"])
@pytest.mark.parametrize("name", ["lastEventID", "Last-Event-ID"])
def test_old_applications_bring_id_and_token_in_the_query(start_with, topic, bring, name):
    """Dart, Python and Java clients, Mbin, Shlink: whatever a client cannot put into a header is in the URL."""
    hub = start_with("bolt", {"env": {"JWT_KEY": OLD_KEY, "PROTOCOL_VERSION_COMPATIBILITY": "7"}, "anonymous": False})
    ids = [hub.publish_ok(topic, str(i), private="on") for i in range(3)]
    token = tokens.mint_legacy({"subscribe": [topic]}, OLD_KEY)
    query, headers = [("topic", topic), (name, ids[0])], []
    if bring == "query":
        query.append(("authorization", token))
    else:
        headers.append(tokens.bearer(token) if bring == "header" else ("Cookie", f"mercureAuthorization={token}"))
    with open_stream(hub, query, *headers) as stream:
        assert [event.id for event in stream.read_events(2)] == ids[1:]


# ---- patterns


def test_the_broadcaster_of_laravel_publishes_to_each_channel_that_a_pattern_grants(generations, topic):
    grant = {"match": topic + "/:channel", "match_type": "urlpattern"}
    token = tokens.mint(details=[tokens.detail(["publish"], grant)])
    with open_stream(generations, {"match": topic + "/a"}, tokens.bearer(tokens.mint(subscribe=[topic + "/a"]))) as stream:
        for channel, status in (("a", 200), ("a/b", 403)):
            response = symfony_publish(generations, token, [("topic", f"{topic}/{channel}"), ("private", "on"),
                                                            ("data", '{"event":"App.Events.Shipped"}')])
            assert response.status == status
        assert stream.read_event().data == '{"event":"App.Events.Shipped"}'


def test_old_applications_subscribe_with_uri_templates(generations, topic):
    """API Platform: the hub comes from a Link header, the topics are templates of its resources."""
    template = topic + "/books/{id}"
    token = tokens.mint_legacy({"subscribe": [template]}, OLD_KEY)
    with open_stream(generations, [("topic", template), ("topic", topic + "/authors{?page}")], tokens.bearer(token)) as stream:
        for name, private in (("books/1", "on"), ("books/1/pages", "on"), ("authors?page=2", None), ("books/2", None)):
            fields = {"private": private} if private else {}
            generations.publish_ok(f"{topic}/{name}", name, **fields)
        assert [event.data for event in stream.read_events(3)] == ["books/1", "authors?page=2", "books/2"]


# ---- presence

API = f"{PATH}/subscriptions"


def presence_of(channel):
    """Where the presence of a channel is listed, as Laravel's packages write it."""
    return f"{API}/exact/{quote(channel, safe='')}"


def member(channel, user):
    """The cookie of a member of a presence channel, with the grant that the broadcaster writes."""
    members = {"match": presence_of(channel) + "{/:subscriber}?", "match_type": "urlpattern"}
    return modern_cookie(tokens.mint(details=[tokens.detail(["subscribe"], channel, members, payload={"user_id": user})]))


def join(hub, channel, user):
    query = [("match", channel), ("match_urlpattern", presence_of(channel) + "/:subscriber")]
    return open_stream(hub, query, *from_app(member(channel, user)))


def next_presence(stream, channel):
    """Who has joined or left the channel: (user, active, subscriber)."""
    while True:
        event = stream.read_event()
        document = json.loads(event.data) if event.type == "mercure" else {}
        if document.get("match") == channel:
            assert document["match_type"] == "exact"
            return document["payload"]["user_id"], document["active"], document["subscriber"]


def test_laravel_echo_joins_a_presence_channel(generations, topic):
    """It subscribes before it takes the snapshot, finds itself there, and follows who comes and goes."""
    with join(generations, topic, 1) as first:
        assert next_presence(first, topic)[:2] == (1, True)
        with join(generations, topic, 2) as second:
            user, active, subscriber = next_presence(first, topic)
            assert (user, active) == (2, True)
            response = generations.request("GET", presence_of(topic), from_app(member(topic, 2)))
            assert (response.status, response.get("Access-Control-Allow-Origin")) == (200, "https://app.example")
            here = {document["payload"]["user_id"]: document for document in json.loads(response.text)["subscriptions"]}
            assert here.keys() == {1, 2}
            assert (here[2]["subscriber"], here[2]["active"]) == (subscriber, True)
            assert next_presence(second, topic) == (2, True, subscriber)
        assert next_presence(first, topic) == (2, False, subscriber)


def test_a_second_event_source_of_laravel_echo_goes_on_where_its_snapshot_ends(generations, topic):
    """The events of the channel come by one EventSource, who joins and leaves by another."""
    def get_snapshot():
        response = generations.request("GET", presence_of(topic), from_app(member(topic, 1)))
        return response.get("ETag").strip('"'), {each["payload"]["user_id"]
                                                 for each in json.loads(response.text)["subscriptions"]}

    with open_stream(generations, {"match": topic}, *from_app(member(topic, 1))) as channel:
        last, here = get_snapshot()
        assert here == {1}
        other = open_stream(generations, {"match": topic}, *from_app(member(topic, 2)))
        query = {"match_urlpattern": presence_of(topic) + "/:subscriber", "last_event_id": last}
        with open_stream(generations, query, *from_app(member(topic, 1))) as presence:
            assert next_presence(presence, topic)[:2] == (2, True)
            generations.publish_ok(topic, "hello", private="on")
            assert channel.read_event().data == "hello"  # and nothing of the presence before it
            other.close()
            assert next_presence(presence, topic)[:2] == (2, False)
        assert get_snapshot()[1] == {1}


def test_nobody_else_sees_who_is_in_a_presence_channel(generations, topic):
    response = generations.request("GET", presence_of(topic), from_app(member(topic + "/other", 1)))
    assert response.status == 403


def test_old_applications_read_presence_as_json_ld(generations, topic):
    grant = f"{API}/{{topic}}{{/subscriber}}"
    token = tokens.sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {
        "subscribe": [topic, grant], "payload": {"user": "a"}}}, OLD_KEY)
    with open_stream(generations, {"topic": topic}, tokens.bearer(token)):
        response = generations.request("GET", f"{API}/{quote(topic, safe='')}", [tokens.bearer(token)])
        assert (response.status, response.get("Content-Type")) == (200, "application/ld+json")
        document = json.loads(response.text)
        assert (document["@context"], document["type"]) == ("https://mercure.rocks/", "Subscriptions")
        (subscription,) = document["subscriptions"]
        assert (subscription["type"], subscription["topic"], subscription["payload"]) == ("Subscription", topic, {"user": "a"})
