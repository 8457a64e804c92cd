"""What the page for people asks the hub for, and the playground's resources (modern.md 7.1). No browser."""
import json
import time
from urllib.parse import quote

import pytest

from harness import tokens
from harness.hub import PATH
from harness.load import wait_until

DEBUG = f"{PATH}/debug"
HUB = "https://hub.example/.well-known/mercure"


def issuers(publisher=tokens.PUBLISHER_KEY, subscriber=tokens.PUBLISHER_KEY):
    return [{"issuer": tokens.ISSUER, "publisher": {"jwt_key": publisher}, "subscriber": {"jwt_key": subscriber}}]


@pytest.fixture(scope="module")
def playground(start_module_hub):
    return start_module_hub(playground=True, cookie_name="mercure_access_token", issuers=issuers())


@pytest.fixture(scope="module")
def debugger(start_module_hub):
    return start_module_hub(debugger=True)


# ---- the page


def test_the_page_is_below_the_hub(debugger):
    response = debugger.request("GET", f"{DEBUG}/")
    assert response.status == 200
    assert response.get("Content-Type") == "text/html; charset=utf-8"
    assert "script-src 'self'" in response.get("Content-Security-Policy")
    assert "unsafe" not in response.get("Content-Security-Policy")
    assert debugger.request("GET", f"{DEBUG}/", {"If-None-Match": response.get("ETag")}).status == 304


@pytest.mark.parametrize("path, status, location", [
    ("/", 302, f"{DEBUG}/"), (DEBUG, 301, f"{DEBUG}/"), (f"{DEBUG}/index.html", 301, "./"),
    (f"{PATH}/ui/", 301, f"{DEBUG}/"), (f"{PATH}/ui", 301, f"{DEBUG}/"),
])
def test_other_ways_lead_to_the_page(debugger, path, status, location):
    for method in ("GET", "HEAD"):
        response = debugger.request(method, path)
        assert (response.status, response.get("Location")) == (status, location)
    assert debugger.request("POST", path).status == 405


def test_there_is_no_page_unless_it_is_asked_for(hub):
    for path in (f"{DEBUG}/", f"{DEBUG}/config.json", f"{DEBUG}/playground-token", "/playground/x", f"{PATH}/ui/"):
        assert hub.request("GET", path).status == 404


@pytest.mark.parametrize("path", [f"{DEBUG}/nothing", f"{DEBUG}/../config.json", f"{DEBUG}/config.json/"])
def test_what_the_page_does_not_have_is_404(debugger, path):
    assert debugger.request("GET", path).status == 404


def test_the_debugger_mints_and_echoes_nothing(debugger):
    for method, path in (("GET", f"{DEBUG}/playground-token"), ("POST", f"{DEBUG}/session"),
                         ("GET", f"{DEBUG}/topics?id=x"), ("GET", "/playground/x")):
        assert debugger.request(method, path).status in (404, 405)


def test_the_config_says_what_the_page_needs(playground, debugger):
    response = playground.request("GET", f"{DEBUG}/config.json")
    assert response.get("Content-Type") == "application/json"
    assert response.get("Cache-Control") == "no-store"
    assert response.text.endswith("\n")
    config = json.loads(response.text)
    assert list(config)[:4] == ["playground", "anonymous", "subscriptions", "cookieName"]
    assert config["playground"] is True and config["anonymous"] is True
    assert config["cookieName"] == "mercure_access_token"
    assert config["hub"] == HUB and config["issuers"] == [tokens.ISSUER]
    assert json.loads(debugger.request("GET", f"{DEBUG}/config.json").text)["playground"] is False


# ---- tokens


def claims_of(token):
    header, payload, _ = token.split(".")
    return tokens.decode(header), tokens.decode(payload)


def test_the_playground_mints_a_token_for_everything(playground, topic):
    response = playground.request("GET", f"{DEBUG}/playground-token")
    assert response.status == 200
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("Cache-Control") == "no-store"
    header, claims = claims_of(response.text)
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (tokens.ISSUER, HUB, tokens.ISSUER)
    assert claims["exp"] > time.time() + 3600
    assert claims["sub"].startswith("urn:uuid:") and claims["jti"].startswith("urn:uuid:")
    grant = {"type": "https://mercure.rocks/authorization-detail", "topics": [{"match": "*"}]}
    assert claims["authorization_details"] == [grant | {"actions": ["subscribe"], "payload": {"playground": True}},
                                               grant | {"actions": ["publish"]}]
    assert playground.publish(topic, "x", token=response.text).status == 200
    again = playground.request("GET", f"{DEBUG}/playground-token").text
    assert claims_of(again)[1]["jti"] != claims["jti"]


def test_a_playground_with_keys_apart_mints_no_right_to_publish(start_hub, topic):
    hub = start_hub(playground=True, issuers=issuers(subscriber=tokens.SUBSCRIBER_KEY + "!"))
    token = hub.request("GET", f"{DEBUG}/playground-token").text
    assert [detail["actions"] for detail in claims_of(token)[1]["authorization_details"]] == [["subscribe"]]
    assert hub.publish(topic, "x", token=token).status == 401
    with hub.subscribe(topic, token=token):
        pass


def test_a_playground_of_0x_keys_mints_a_token_of_0x(start_hub, topic):
    hub = start_hub(playground=True, issuers=None, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    token = hub.request("GET", f"{DEBUG}/playground-token").text
    header, claims = claims_of(token)
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["mercure"] == {"subscribe": ["*"], "publish": ["*"], "payload": {"playground": True}}
    assert hub.publish(topic, "x", token=token).status == 200
    assert json.loads(hub.request("GET", f"{DEBUG}/config.json").text)["compatibility"] == 8


# ---- topics


def test_the_playground_tells_the_topics_of_updates(playground, topic):
    first = playground.publish_ok([topic, topic + "/é"], "x", private="on")
    second = playground.publish_ok(topic + '/"', "x", id=topic + " & id")
    target = f"{DEBUG}/topics?id={first}&id={quote(second)}&id=urn:unknown&x=y"

    def told():
        response = playground.request("GET", target)
        assert (response.status, response.get("Cache-Control")) == (200, "no-store")
        return json.loads(response.text)

    # A worker knows of an update when its batch has come.
    wait_until(lambda: told() == {first: [topic, topic + "/é"], second: [topic + '/"']}, "the topics are not told")


# ---- the playground's resources


def test_a_playground_resource_says_what_it_is_asked_to_say_and_where_the_hub_is(playground):
    target = "/playground/books/1.jsonld?body=%7B%22a%22%3A+1%7D&jwt=a.b-_.c&x=%3E"
    response = playground.request("GET", target)
    assert (response.status, response.text) == (200, '{"a": 1}')
    assert response.get("Content-Type") == "application/ld+json"
    assert response.all("Link") == [f'<{PATH}>; rel="mercure"; cookie-name="mercure_access_token"',
                                    f'<{target}>; rel="self"']
    assert response.get("Set-Cookie") == f"mercure_access_token=a.b-_.c; Path={PATH}; SameSite=Strict"
    assert response.get("Content-Security-Policy") == "default-src 'none'; sandbox"


def test_a_playground_resource_without_a_token_removes_the_cookie(playground):
    for target in ("/playground/x", "/playground/x?jwt="):
        response = playground.request("GET", target)
        assert (response.status, response.body) == (200, b"")
        assert response.get("Set-Cookie") == (f"mercure_access_token=; Path={PATH}; "
                                              "Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Strict")


@pytest.mark.parametrize("path", ["/demo/books/1.jsonld", f"{PATH}/ui/demo/books/1.jsonld"])
def test_a_resource_of_0x_is_where_it_was_and_sets_the_cookie_of_0x(start_hub, playground, path):
    hub = start_hub(demo=True, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    response = hub.request("GET", f"{path}?body=%7B%7D&jwt=a.b.c")
    assert (response.status, response.text, response.get("Content-Type")) == (200, "{}", "application/ld+json")
    assert response.all("Link") == [f'<{PATH}>; rel="mercure"', f'<{path}?body=%7B%7D&jwt=a.b.c>; rel="self"']
    assert response.get("Set-Cookie") == f"mercureAuthorization=a.b.c; Path={PATH}; SameSite=Strict"
    assert hub.request("GET", path).get("Set-Cookie") == (
        f"mercureAuthorization=; Path={PATH}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Strict")
    assert playground.request("GET", path).status == 404  # without the 0.x protocol


def test_a_secure_cookie_is_secure_and_the_default_name_goes_without_saying(start_hub):
    hub = start_hub(playground=True)
    response = hub.request("GET", "/playground/x?jwt=abc")
    assert response.all("Link")[0] == f'<{PATH}>; rel="mercure"'
    assert response.get("Set-Cookie") == f"__Secure-mercure_access_token=abc; Path={PATH}; Secure; SameSite=Strict"


@pytest.mark.parametrize("path, content_type", [
    ("x", "text/plain; charset=utf-8"), ("x.json", "application/json"), ("x.jsonld", "application/ld+json"),
    ("a.html/b", "text/plain; charset=utf-8"), ("x.html", "text/html; charset=utf-8"),
    ("x.js", "text/javascript; charset=utf-8"), ("x.unknown", "text/plain; charset=utf-8"),
])
def test_a_playground_resource_has_the_type_of_its_extension(playground, path, content_type):
    assert playground.request("GET", f"/playground/{path}?body=x").get("Content-Type") == content_type


@pytest.mark.parametrize("jwt", ["a%3Bb", "a%20b", "a%0D%0ASet-Cookie:x", "a,b", "%C3%A9", "a%22"])
def test_a_playground_resource_sets_no_cookie_but_a_token(playground, jwt):
    response = playground.request("GET", f"/playground/x?jwt={jwt}")
    assert response.status == 400
    assert response.get("Set-Cookie") is None
    assert playground.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))


def test_a_playground_resource_can_only_be_read(playground):
    head = playground.request("HEAD", "/playground/x?body=hello")
    assert (head.status, head.body, head.get("Content-Length")) == (200, b"", "5")
    response = playground.request("POST", "/playground/x", body="x")
    assert (response.status, response.get("Allow")) == (405, "GET, HEAD, OPTIONS")


def test_a_self_link_stays_within_its_brackets(playground):
    response = playground.request("GET", "/playground/a>b<c?body=x")
    if response.status == 200:
        assert response.all("Link")[1] == '</playground/a%3Eb%3Cc?body=x>; rel="self"'
    else:
        assert response.status == 400
