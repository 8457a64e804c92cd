"""The vectors of the 0.x subscription API (0.14.10), on a hub with nothing but 0.x keys."""
import json
from urllib.parse import quote_plus

import pytest

from harness.hub import PATH
from test_legacy import KEY, as_0x, claim, old_token, publish, publisher, subscribe

API = f"{PATH}/subscriptions"


@pytest.fixture
def old(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": KEY, "ALLOW_ANONYMOUS": "1", "SUBSCRIPTIONS": "1", "TRANSPORT_URL": "local://x"})
    yield hub
    hub.stop()


@pytest.fixture
def foo(old):
    """The id of the one subscriber, who waits for "foo"."""
    with subscribe(old, [("topic", "foo")], old_token(claim(subscribe=["foo"], payload={"a": 1}))):
        listed, = json.loads(ask(old, "").text)["subscriptions"]
        yield listed["subscriber"]


def ask(hub, path, token=None, method="GET", headers=()):
    token = old_token(claim(subscribe=["*"])) if token is None else token
    return hub.request(method, API + path, [*headers, *([("Authorization", f"Bearer {token}")] if token else [])])


@pytest.mark.parametrize("token", ["", old_token(claim(subscribe=["/elsewhere"])), old_token(claim())],
                         ids=["none", "elsewhere", "no list"])
def test_vector_a_token_must_cover_the_path(old, token):
    response = ask(old, "", token)
    assert (response.status, response.text) == (401, "Unauthorized\n")


@pytest.mark.parametrize("path, listed", [("", ["foo"]), ("?x=1", ["foo"]), ("/foo", ["foo"]), ("/unknown", []), ("/*", [])])
def test_vector_a_list_has_the_id_that_was_asked_for(old, foo, path, listed):
    response = ask(old, path)
    assert (response.status, response.get("Content-Type")) == (200, "application/ld+json")
    document = json.loads(response.text)
    assert (document["id"], document["type"]) == (API + path, "Subscriptions")
    assert [each["topic"] for each in document["subscriptions"]] == listed


def test_vector_whoever_has_the_list_gets_304(old, foo):
    tag = ask(old, "").get("ETag")
    for value in (tag, f'"{tag}"', f'W/"{tag}"'):
        assert ask(old, "", headers=[("If-None-Match", value)]).status == 304
    assert ask(old, "", headers=[("If-None-Match", "other")]).status == 200


def test_vector_one_subscription(old, foo):
    for subscriber in (quote_plus(foo), foo):
        response = ask(old, f"/foo/{subscriber}")
        document = json.loads(response.text)
        assert response.status == 200
        assert {name: document[name] for name in ("@context", "type", "subscriber", "topic", "active", "payload")} == {
            "@context": "https://mercure.rocks/", "type": "Subscription", "subscriber": foo, "topic": "foo",
            "active": True, "payload": {"a": 1}}
        assert document["id"] == f"{API}/foo/{quote_plus(foo)}"


@pytest.mark.parametrize("path, method, status", [
    ("/foo/unknown", "GET", 404), ("/", "GET", 404), ("", "POST", 405)])
def test_vector_what_is_not_there(old, path, method, status):
    assert ask(old, path, method=method).status == status


def test_vector_head_of_a_subscription(old, foo):
    # 405 in 0.x; RFC 9110 wants it wherever GET is.
    assert ask(old, f"/foo/{foo}", method="HEAD").status == 200


def test_without_subscriptions_there_is_no_api(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": KEY})
    assert ask(hub, "").status == 404
    hub.stop()


def test_a_watcher_by_template_sees_who_comes_and_goes(old):
    token = old_token(claim(subscribe=[API + "{/topic}{/subscriber}"]))
    with subscribe(old, [("topic", API + "/{topic}/{subscriber}")], token) as watcher:
        with subscribe(old, [("topic", "bar")]):
            while (event := json.loads(watcher.read_event().data))["topic"] != "bar":
                pass
            assert (event["type"], event["active"]) == ("Subscription", True)
        assert publish(old, {"topic": "bar"}, publisher("*")).status == 200
        while (event := json.loads(watcher.read_event().data))["active"]:
            pass
        assert (event["topic"], event["id"]) == ("bar", f"{API}/bar/{quote_plus(event['subscriber'])}")
