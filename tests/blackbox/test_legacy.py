"""The 0.x hub's configuration and protocol, alone and beside the modern one.

The vectors were observed on the standalone servers 0.10.4 (version 7) and 0.14.10 (version 8). Where this hub
answers otherwise, it is said why."""
import base64
import time
from urllib.parse import quote, urlencode

import jwt
import pytest

from harness import tokens
from harness.hub import PATH, Hub, run_command
from harness.keys import Key, KeyServer, jwk_set, pem
from harness.sse import Stream
from harness.wire import Connection

ISSUE_FILE = """\
transport_url: bolt://updates.db
license: '...'
addr: :3001
jwt_key: '!ChangeMe!'
"""


def as_0x(folder, flags=(), env=None, **conf):
    """A hub without any key of the modern protocol; `env` has the names that 0.x had."""
    return Hub(folder, flags=flags, env=env, **{
        "issuers": None, "anonymous": None, "resource_identifier": None, "transport_url": None,
        "workers": 1, **conf})


def ask(address, target, headers=(), method="GET"):
    with Connection(address) as connection:
        return connection.request(method, target, headers)


# ---- Configuration


def test_the_file_of_the_0x_hub_works_unchanged(tmp_path):
    # Only the ports are of the test.
    (tmp_path / "mercure.yaml").write_text(ISSUE_FILE)
    hub = as_0x(tmp_path, flags=["--addr", "127.0.0.1:0"], addr=None)
    assert hub.request("GET", "/healthz").status == 200
    hub.stop()
    assert (tmp_path / "updates.db.lmdb").exists()
    assert [line for line in hub.log.others if "licen" in line] == [
        "mercure.yaml:2:10: warning: license: Accepted and ignored: no licence is needed."]


def test_the_file_of_the_0x_hub_is_valid_with_nothing_else(tmp_path):
    (tmp_path / "mercure.yaml").write_text(ISSUE_FILE)
    result = run_command("validate", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, b"The configuration is valid: mercure.yaml.\n")


def test_the_second_listener_has_metrics_and_healthz(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": "k", "METRICS_ENABLED": "1", "METRICS_ADDR": "127.0.0.1:0"})
    address = Hub.parse_address(hub.log.wait("^Listening for metrics$")["addr"])
    metrics = ask(address, "/metrics")
    assert (metrics.status, metrics.get("Content-Type")) == (
        200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\nmercure_subscribers_connected 0\n" in metrics.text
    assert ask(address, "/healthz").status == 200
    assert ask(address, "/healthz", method="HEAD").status == 200
    assert ask(address, "/.well-known/mercure?topic=x").status == 404
    assert hub.request("GET", "/metrics").status == 404
    hub.stop()


def basic(pair):
    return [("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())]


def test_metrics_on_the_main_listener_need_the_name_and_the_password(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": "k", "METRICS": "1", "METRICS_PASSWORD": "~~~???>>>"})
    refused = hub.request("GET", "/metrics")
    assert (refused.status, refused.get("WWW-Authenticate"), refused.text) == (
        401, 'Basic realm="Mercure"', "")
    for wrong in ("mercure:", "mercure:~~~???>>", "Mercure:~~~???>>>", ""):
        assert hub.request("GET", "/metrics", basic(wrong)).status == 401
    answer = hub.request("GET", "/metrics", basic("mercure:~~~???>>>"))
    assert (answer.status, answer.get("Content-Type")) == (
        200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\nmercure_updates_total 0\n" in answer.text
    assert hub.request("POST", "/metrics", basic("mercure:~~~???>>>")).status == 405
    hub.stop()


def test_metrics_on_the_main_listener_are_open_without_a_name(tmp_path):
    hub = as_0x(tmp_path, flags=["--metrics", "--metrics_login", ""], env={"JWT_KEY": "k"})
    assert hub.request("GET", "/metrics").status == 200
    hub.stop()


# ---- The protocol: the vectors

KEY = "!ChangeMe!"
FORM = "application/x-www-form-urlencoded"
VECTOR_HUB = {
    "JWT_KEY": KEY, "ALLOW_ANONYMOUS": "1", "CORS_ALLOWED_ORIGINS": "https://a.example https://b.example",
    "PUBLISH_ALLOWED_ORIGINS": "https://a.example", "TRANSPORT_URL": "local://x",
}


@pytest.fixture(scope="module", params=[8, 7])
def old(request, tmp_path_factory):
    """A hub of either version; tests of what differs ask for `old.version`."""
    hub = as_0x(tmp_path_factory.mktemp("old"), env=dict(VECTOR_HUB), protocol_version_compatibility=request.param)
    hub.version = request.param
    yield hub
    hub.stop()


@pytest.fixture
def topic(request):
    return f"https://example.com/{request.node.name}/{time.monotonic_ns()}"


def claim(key="mercure", **members):
    return {key: members}


def old_token(claims, key=KEY, alg="HS256", **header):
    return tokens.sign({"alg": alg, "typ": "JWT", **header}, claims, key)


def publisher(*selectors, **claims):
    return old_token({**claim(publish=list(selectors)), **claims})


def publish(hub, body, token=None, headers=(), query="", content_type=FORM):
    all_headers = list(headers)
    if content_type:
        all_headers.append(("Content-Type", content_type))
    if token:
        all_headers.append(("Authorization", f"Bearer {token}"))
    if not isinstance(body, str):
        body = urlencode(body, doseq=True)
    return hub.request("POST", PATH + query, all_headers, body)


def subscribe(hub, query, token=None, headers=()):
    """An open stream; the query is a text or pairs."""
    given = list(headers) + ([("Authorization", f"Bearer {token}")] if token else [])
    text = query if isinstance(query, str) else urlencode(query)
    connection, response = hub.open_stream(text, given)
    assert response.status == 200, (response, connection.read_all())
    stream = Stream(connection, response)
    stream.read_comment()
    return stream


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/", 200), ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("GET", "/nope", 404),
    ("GET", PATH, 400), ("GET", PATH + "/", 404), ("PUT", PATH, 405)])
def test_vector_of_paths_and_methods(old, method, path, status):
    assert old.request(method, path).status == status


def test_vector_a_healthz_is_not_posted_to(old):
    # 404 in 0.x, where the path fell through to the router; 405 says more.
    assert old.request("POST", "/healthz").status == 405


@pytest.mark.parametrize("claims", [
    None, {}, claim(subscribe=["*"]), claim(publish=None), {"mercure": None}],
    ids=["no token", "no claim", "no publish", "publish null", "claim null"])
def test_vector_publishing_needs_the_list_publish(old, claims, topic):
    response = publish(old, {"topic": topic}, claims and old_token(claims))
    assert (response.status, response.text) == (401, "Unauthorized\n")


def test_vector_an_empty_list_publishes_what_is_public_in_version_7_alone(old, topic):
    assert publish(old, {"topic": topic}, publisher()).status == (200 if old.version == 7 else 401)


def test_vector_an_empty_list_publishes_nothing_private(old, topic):
    assert publish(old, {"topic": topic, "private": ""}, publisher()).status == 401


def test_vector_another_selector_publishes_what_is_public_in_version_7_alone(old, topic):
    assert publish(old, {"topic": topic}, publisher("bar")).status == (200 if old.version == 7 else 401)
    assert publish(old, {"topic": topic, "private": "0"}, publisher("bar")).status == 401


def test_vector_every_topic_needs_a_selector(old, topic):
    both = {"topic": [topic, "bar"], "private": "on"}
    assert publish(old, both, publisher("bar")).status == 401
    assert publish(old, both, publisher("bar", topic)).status == 200


def test_vector_the_answer_is_the_id(old, topic):
    response = publish(old, {"topic": topic, "id": "i1"}, publisher("*"))
    assert (response.status, response.text, response.get("Content-Type")) == (
        200, "i1", "text/plain; charset=utf-8")


def test_vector_an_update_may_have_no_data(old, topic):
    with subscribe(old, [("topic", topic)]) as stream:
        assert publish(old, {"topic": topic, "id": "i2"}, publisher("*")).status == 200
        assert stream.read_exactly(len("id: i2\ndata: \n\n")) == b"id: i2\ndata: \n\n"


@pytest.mark.parametrize("body, query, content_type", [
    ("data=x", "", FORM), ("data=x", "?topic=foo", FORM), ("topic=foo", "", None),
    ("--x\r\nContent-Disposition: form-data; name=topic\r\n\r\nfoo\r\n--x--\r\n", "",
     "multipart/form-data; boundary=x"), ('{"topic":"foo"}', "", "application/json")],
    ids=["none", "in the query", "no type", "multipart", "json"])
def test_vector_a_topic_is_needed_in_a_form(old, body, query, content_type):
    response = publish(old, body, publisher("*"), query=query, content_type=content_type)
    assert (response.status, response.text) == (400, 'Missing "topic" parameter\n')


@pytest.mark.parametrize("retry, status", [("abc", 400), ("0", 200), ("+1", 400), ("1.5", 400), ("", 200)])
def test_vector_a_retry_is_a_number(old, topic, retry, status):
    response = publish(old, {"topic": topic, "retry": retry}, publisher("*"))
    assert response.status == status
    assert status == 200 or response.text == 'Invalid "retry" parameter\n'


@pytest.mark.parametrize("body, query, content_type", [
    ("topic=foo&data=%zz", "", FORM), ("topic=foo", "", FORM + "; charset"), ("topic=foo", "?a;b", FORM),
    ("topic=foo;data=x", "", FORM)], ids=["escape", "type", "query", "semicolon"])
def test_vector_a_malformed_form_is_a_bad_request(old, body, query, content_type):
    response = publish(old, body, publisher("*"), query=query, content_type=content_type)
    assert (response.status, response.text) == (400, "Bad Request\n")


def test_vector_bearer_in_lower_case(old, topic):
    # 401 in 0.x; RFC 9110 says that the case of a scheme does not matter.
    response = publish(old, {"topic": topic}, headers=[("Authorization", f"bearer {publisher('*')}")])
    assert response.status == 200


def test_vector_two_authorization_fields(old, topic):
    field = ("Authorization", f"Bearer {publisher('*')}")
    assert publish(old, {"topic": topic}, headers=[field, field]).status == 401


@pytest.mark.parametrize("value", ["Bearer abc", "Bearer ", "Basic bWU6c2VjcmV0"])
def test_vector_a_short_token(old, topic, value):
    response = publish(old, {"topic": topic}, headers=[("Authorization", value)])
    assert (response.status, response.text) == (401, "Unauthorized\n")


@pytest.mark.parametrize("headers, status", [
    ([], 401), ([("Origin", "https://b.example")], 401), ([("Origin", "https://a.example")], 200),
    ([("Referer", "https://a.example/page?x")], 200)], ids=["none", "wrong", "origin", "referer"])
def test_vector_the_cookie_needs_an_allowed_origin(old, topic, headers, status):
    cookie = ("Cookie", f"a=b; mercureAuthorization={publisher('*')}")
    assert publish(old, {"topic": topic}, headers=[cookie, *headers]).status == status


def test_vector_the_parameter_authorization_publishes(old, topic):
    # 0.10 did not have it; where it is not on purpose, nobody sends it.
    assert publish(old, {"topic": topic}, query=f"?authorization={publisher('*')}").status == 200


def test_vector_the_parameter_authorization_in_the_body_is_no_token(old, topic):
    assert publish(old, {"topic": topic, "authorization": publisher("*")}).status == 401


@pytest.mark.parametrize("alg", ["HS384", "HS512"])
def test_vector_the_other_algorithms_of_the_same_secret(old, topic, alg):
    assert publish(old, {"topic": topic}, old_token(claim(publish=["*"]), alg=alg)).status == 200


def test_vector_no_algorithm(old, topic):
    head = tokens.base64url(b'{"alg":"none","typ":"JWT"}')
    body = tokens.base64url(b'{"mercure":{"publish":["*"]}}')
    for signature in ("", "x" * 43):
        assert publish(old, {"topic": topic}, f"{head}.{body}.{signature}").status == 401


@pytest.mark.parametrize("claims, status", [
    ({"exp": 1}, 401), ({"nbf": 4e9}, 401), ({"exp": 4e9, "nbf": 1.5}, 200), ({"aud": ["x", "y"], "iss": "z"}, 200),
    # 401 up to 0.15.9, and ignored from then on.
    ({"iat": 4e9}, 200)], ids=["expired", "not yet", "valid", "others", "iat"])
def test_vector_the_times_of_a_token(old, topic, claims, status):
    assert publish(old, {"topic": topic}, publisher("*", **claims)).status == status


def test_vector_the_namespaced_claim_alone(old, topic):
    # 401 in 0.10, 200 from 0.11 on.
    token = old_token(claim("https://mercure.rocks/", publish=["*"]))
    assert publish(old, {"topic": topic}, token).status == 200


def test_vector_the_namespaced_claim_wins(old, topic):
    token = old_token({**claim(publish=["*"]), **claim("https://mercure.rocks/", publish=None)})
    assert publish(old, {"topic": topic}, token).status == 401


def test_vector_publish_must_be_a_list(old, topic):
    assert publish(old, {"topic": topic}, old_token({"mercure": {"publish": "*"}})).status == 401


@pytest.mark.parametrize("name", ["lastEventID", "Last-Event-ID"])
def test_vector_the_last_event_id_in_the_query(old, name):
    # Each version had one of the names; clients of both ask the same hub now.
    connection, response = old.open_stream(f"topic=foo&{name}=earliest")
    connection.close()
    assert response.get("Last-Event-ID") == "earliest" == response.get("Mercure-Last-Event-ID")


def test_vector_the_header_wins(old, topic):
    for name in "abc":
        assert publish(old, {"topic": topic, "id": f"{name} {topic}"}, publisher("*")).status == 200
    query = [("topic", topic), ("lastEventID", f"a {topic}")]
    with subscribe(old, query, headers=[("Last-Event-ID", f"b {topic}")]) as stream:
        assert stream.response.get("Last-Event-ID") == f"b {topic}"
        assert stream.read_event().id == f"c {topic}"


def test_vector_a_long_history_comes_whole(old, topic):
    # 0.14 sent 1,000 of 1,200 and fell silent.
    with old.connect() as connection:
        for i in range(1200):
            body = urlencode({"topic": topic, "data": i})
            response = connection.request("POST", PATH, [
                ("Content-Type", FORM), ("Authorization", f"Bearer {publisher('*')}")], body, old.host)
            assert response.status == 200
    with subscribe(old, [("topic", topic), ("lastEventID", "earliest")]) as stream:
        assert [stream.read_event().data for _ in range(1200)] == [str(i) for i in range(1200)]


# Preflights are answered as since 0.21, where the hub's own status was always 204; browsers look at the fields.


def preflight(hub, **fields):
    names = {"origin": "Origin", "method": "Access-Control-Request-Method", "headers": "Access-Control-Request-Headers"}
    response = hub.request("OPTIONS", PATH, [(names[name], value) for name, value in fields.items()])
    assert (response.status, response.text) == (204, "")
    return response.get("Access-Control-Allow-Origin"), response.get("Access-Control-Allow-Headers")


@pytest.mark.parametrize("headers", ["authorization,cache-control,last-event-id", "authorization,cache-control"])
def test_vector_a_preflight(old, headers):
    assert preflight(old, origin="https://a.example", method="GET", headers=headers) == ("https://a.example", headers)


@pytest.mark.parametrize("fields", [
    {"origin": "https://c.example", "method": "GET"}, {"origin": "https://a.example", "method": "GET", "headers": "x-other"},
    {"origin": "https://a.example", "method": "DELETE"}, {"method": "GET"}],
    ids=["unknown origin", "bad header", "method", "no origin"])
def test_vector_a_preflight_that_is_not_granted(old, fields):
    assert preflight(old, **fields) == (None, None)


def test_vector_options_without_a_method_is_no_preflight(old):
    assert preflight(old, origin="https://a.example")[1] is None


# ---- The protocol: the rest


def test_an_unauthorized_subscription_is_401_even_without_a_topic(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": KEY, "TRANSPORT_URL": "local://x"})
    for query, headers in (("", []), ("?topic=x", []), ("?topic=x", [("Authorization", "Bearer " + "x" * 50)])):
        response = hub.request("GET", PATH + query, headers)
        assert (response.status, response.text) == (401, "Unauthorized\n")
    response = hub.request("GET", PATH, [("Authorization", f"Bearer {old_token({})}")])
    assert (response.status, response.text) == (400, 'Missing "topic" parameter.\n')
    hub.stop()


def test_a_bad_token_is_never_taken_for_anonymous(old):
    for token in (old_token({}, key="other"), old_token({"exp": 1}), "x" * 60):
        assert old.request("GET", PATH + "?topic=x", [("Authorization", f"Bearer {token}")]).status == 401
    assert old.request("GET", PATH + f"?topic=x&authorization={'x' * 60}").status == 401


@pytest.mark.parametrize("query", ["authorization=TOKEN&authorization=TOKEN", "authorization=abc", "authorization="])
def test_the_parameter_authorization_stands_once_and_is_a_token(old, query):
    # Anonymous subscribers are allowed: it is the parameter that is refused.
    query = "topic=x&" + query.replace("TOKEN", old_token(claim(subscribe=["*"])))
    response = old.request("GET", f"{PATH}?{query}")
    assert (response.status, response.text) == (401, "Unauthorized\n")


def test_the_first_mechanism_that_is_there_is_the_only_one(old, topic):
    good, bad = publisher("*"), old_token(claim(publish=["*"]), key="other")
    cookie = [("Cookie", f"mercureAuthorization={good}"), ("Origin", "https://a.example")]
    assert publish(old, {"topic": topic}, bad, cookie, f"?authorization={good}").status == 401
    assert publish(old, {"topic": topic}, None, cookie, f"?authorization={bad}").status == 401
    assert publish(old, {"topic": topic}, None, cookie).status == 200


def test_an_empty_selector_is_one_of_the_empty_topic_alone(old, topic):
    with subscribe(old, [("topic", ""), ("topic", topic)]) as stream:
        assert publish(old, {"topic": topic, "data": "x"}, publisher("*")).status == 200
        assert stream.read_event().data == "x"


def test_private_updates_go_where_the_claim_says(old, topic):
    other = topic + "/other"
    token = old_token(claim(subscribe=[topic]))
    with subscribe(old, [("topic", topic), ("topic", other)], token) as granted, \
            subscribe(old, [("topic", topic), ("topic", other)]) as anonymous:
        for each in (topic, other):
            assert publish(old, {"topic": each, "private": "", "data": f"private {each}"}, publisher("*")).status == 200
        assert publish(old, {"topic": other, "data": "end"}, publisher("*")).status == 200
        assert granted.read_event().data == f"private {topic}"
        assert granted.read_event().data == "end"
        assert anonymous.read_event().data == "end"


@pytest.mark.parametrize("how", ["header", "cookie", "parameter"])
def test_a_subscriber_brings_its_token_in_three_ways(old, topic, how):
    token = old_token(claim(subscribe=["*"]))
    query = {"topic": topic}
    headers = []
    if how == "header":
        headers.append(("Authorization", f"Bearer {token}"))
    elif how == "cookie":
        headers.append(("Cookie", f"mercureAuthorization={token}"))
    else:
        query["authorization"] = token
    with subscribe(old, urlencode(query), headers=headers) as stream:
        assert publish(old, {"topic": topic, "private": "on", "data": how}, publisher("*")).status == 200
        assert stream.read_event().data == how


def test_a_stream_is_as_it_was(old, topic):
    with subscribe(old, [("topic", topic)]) as stream:
        response = stream.response
        assert response.get("Content-Type") == "text/event-stream"
        assert response.get("Cache-Control") == "private, no-cache, no-store, must-revalidate, max-age=0"
        assert response.get("X-Accel-Buffering") == "no"
        assert response.get("Last-Event-ID") is None and response.get("Mercure-Last-Event-ID") is None
        fields = [("topic", topic), ("id", "x"), ("type", "t"), ("retry", "7"), ("data", "a\nb")]
        assert publish(old, fields, publisher("*")).status == 200
        expected = b"event: t\nretry: 7\nid: x\ndata: a\ndata: b\n\n"
        assert sorted(stream.read_exactly(len(expected)).split(b"\n")) == sorted(expected.split(b"\n"))


def test_an_empty_last_event_id_is_none(old):
    connection, response = old.open_stream("topic=foo&lastEventID=", [("Last-Event-ID", "")])
    connection.close()
    assert response.status == 200 and response.get("Last-Event-ID") is None


def test_a_stream_ends_with_its_token(old, topic):
    token = old_token({**claim(subscribe=["*"]), "exp": time.time() + 1.5})
    with subscribe(old, [("topic", topic)], token) as stream:
        while stream.receive():
            pass
        assert stream.ended


# ---- Public keys


def sign_with(key, alg, kid=None, **claims):
    return jwt.encode(claims or claim(publish=["*"]), key.private, alg, {"kid": kid} if kid else {})


@pytest.mark.parametrize("configured, others, wrong", [
    ("RS256", ["RS256", "RS512", "PS384"], "HS256"), ("ES256", ["ES256"], "HS256"), ("EdDSA", ["EdDSA"], "HS256")])
def test_a_public_key_as_jwt_key(tmp_path, configured, others, wrong):
    key = Key("", configured)
    hub = as_0x(tmp_path, env={"JWT_KEY": pem(key), "JWT_ALGORITHM": configured, "TRANSPORT_URL": "local://x"})
    for alg in others:
        assert publish(hub, {"topic": "x"}, sign_with(key, alg)).status == 200
    assert publish(hub, {"topic": "x"}, sign_with(Key("", configured), configured)).status == 401
    # The public key is no secret: nobody signs with its text.
    assert publish(hub, {"topic": "x"}, old_token(claim(publish=["*"]), key=pem(key), alg=wrong)).status == 401
    hub.stop()


def test_a_public_key_needs_its_algorithm(tmp_path):
    result = run_command("validate", folder=tmp_path, env={"JWT_KEY": pem(Key("", "ES256"))})
    assert result.returncode == 2
    assert b"JWT_KEY: error: jwt_algorithm is required with a key in PEM form" in result.stderr


@pytest.mark.parametrize("kind", ["url", "file"])
def test_sets_of_keys_behind_urls(tmp_path, kind):
    publishers, subscribers = Key("p", "RS256"), Key("s", "ES256")
    servers = [KeyServer(key) for key in (publishers, subscribers)]
    urls = [server.url for server in servers]
    if kind == "file":
        for name, key in (("p", publishers), ("s", subscribers)):
            (tmp_path / f"{name}.json").write_text(jwk_set(key))
        urls = [f"file://{tmp_path}/{name}.json" for name in "ps"]
    hub = as_0x(tmp_path, env={"PUBLISHER_JWKS_URL": urls[0], "SUBSCRIBER_JWKS_URL": urls[1], "TRANSPORT_URL": "local://x"})
    token = sign_with(publishers, "RS256", "p")
    with subscribe(hub, [("topic", "x")], sign_with(subscribers, "ES256", "s", **claim(subscribe=["*"]))) as stream:
        assert publish(hub, {"topic": "x", "private": "on", "data": "secret"}, token).status == 200
        assert stream.read_event().data == "secret"
    assert publish(hub, {"topic": "x"}, sign_with(subscribers, "ES256", "s")).status == 401
    assert publish(hub, {"topic": "x"}, sign_with(publishers, "RS256", "unknown")).status == 401
    hub.stop()
    for server in servers:
        server.close()


# ---- Both at once

MODERN_KEY = "a key of the modern protocol alone, of more than 32 bytes"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Another key for each protocol."""
    hub = Hub(tmp_path_factory.mktemp("both"), issuers=[{
        "issuer": tokens.ISSUER, "publisher": {"jwt_key": MODERN_KEY}, "subscriber": {"jwt_key": MODERN_KEY}}],
        env={"JWT_KEY": KEY}, publish_origins="*")
    yield hub
    hub.stop()


def modern(**members):
    return tokens.mint(key=MODERN_KEY, **members)


def test_subscribers_of_both_protocols_get_the_same_updates(both, topic):
    with subscribe(both, [("topic", topic)]) as old_stream, subscribe(both, [("match", topic)]) as new_stream, \
            subscribe(both, [("topic", topic)], modern(subscribe=[topic])) as crossed, \
            subscribe(both, [("match", topic)], old_token(claim(subscribe=[topic]))) as crossed_back:
        for fields, token in (({"data": "old"}, publisher(topic)), ({"data": "new"}, modern(publish=[topic])),
                              ({"data": "private", "private": "on"}, publisher(topic)), ({"data": "end"}, publisher(topic))):
            assert publish(both, {"topic": topic, **fields}, token).status == 200
        for stream in (old_stream, new_stream):
            assert [stream.read_event().data for _ in range(3)] == ["old", "new", "end"]
        for stream in (crossed, crossed_back):
            assert [stream.read_event().data for _ in range(4)] == ["old", "new", "private", "end"]


@pytest.mark.parametrize("claims, typ", [
    ({"aud": "https://elsewhere.example"}, "at+jwt"), ({"aud": None}, "at+jwt"), ({"exp": None}, "at+jwt"),
    ({"exp": 1}, "at+jwt"), ({"iss": None}, "at+jwt"), ({"iss": "https://other.example"}, "at+jwt"),
    # With the modern key, and the form of an old one: the old key is asked, and has not signed it.
    ({}, "JWT"), ({}, None)])
def test_a_modern_token_is_held_to_every_modern_rule(both, topic, claims, typ):
    token = modern(publish=["*"], typ=typ, **claims)
    assert publish(both, {"topic": topic}, token).status == 401


def test_an_old_key_signs_no_access_token(both, topic):
    for typ in ("at+jwt", "application/at+jwt", "AT+JWT"):
        token = tokens.mint(publish=["*"], key=KEY, typ=typ, mercure={"publish": ["*"]})
        assert publish(both, {"topic": topic}, token).status == 401


def test_the_old_claim_of_an_access_token_grants_nothing(both, topic):
    token = modern(mercure={"publish": ["*"], "subscribe": ["*"]})
    assert publish(both, {"topic": topic}, token).status == 403


def test_refusals_of_modern_tokens_stay_modern(both, topic):
    assert publish(both, {"topic": topic}, modern(publish=["elsewhere"])).status == 403
    assert publish(both, {"topic": topic}, publisher("elsewhere")).status == 401
    field = ("Authorization", f"Bearer {modern(publish=['*'])}")
    assert publish(both, {"topic": topic}, headers=[field, field]).status == 400


@pytest.mark.parametrize("place", ["parameter", "cookie"])
def test_an_access_token_may_not_stand_where_only_0x_looked(both, topic, place):
    token = modern(publish=["*"], subscribe=["*"])
    query, headers = "", [("Origin", "https://a.example")]
    if place == "parameter":
        query = f"?authorization={token}"
    else:
        headers.append(("Cookie", f"mercureAuthorization={token}"))
    assert publish(both, {"topic": topic}, headers=headers, query=query).status == 401
    connector = "&" if query else "?"
    assert both.request("GET", f"{PATH}{query}{connector}match={quote(topic, '')}", headers).status == 401


def test_the_modern_cookie_comes_before_the_old_one(both, topic):
    cookies = f"mercureAuthorization={publisher('elsewhere')}; __Secure-mercure_access_token={modern(publish=['*'])}"
    response = publish(both, {"topic": topic}, headers=[("Cookie", cookies), ("Origin", "https://a.example")])
    assert response.status == 200


def test_modern_requests_get_no_old_answers(both):
    response = both.request("GET", PATH)
    assert (response.status, response.text) == (400, 'missing "match" subscription parameter\n')
    connection, response = both.open_stream("match=x&last_event_id=")
    connection.close()
    assert (response.get("Mercure-Last-Event-ID"), response.get("Last-Event-ID")) == ("earliest", None)


def test_without_the_0x_protocol_nothing_of_it_is_accepted(start_hub, topic):
    hub = start_hub()
    token = tokens.sign({"alg": "HS256", "typ": "JWT"}, claim(publish=["*"], subscribe=["*"]), tokens.PUBLISHER_KEY)
    assert publish(hub, {"topic": topic}, token).status == 401
    cookie = [("Cookie", f"mercureAuthorization={token}"), ("Origin", "https://a.example")]
    assert publish(hub, {"topic": topic}, headers=cookie).status == 401
    assert publish(hub, {"topic": topic}, query=f"?authorization={token}").status == 401
    assert hub.request("GET", PATH + "?topic=x").status == 400
    connection, response = hub.open_stream(f"match=x&lastEventID=earliest&authorization={token}")
    connection.close()
    assert (response.status, response.get("Mercure-Last-Event-ID")) == (200, None)


def test_what_is_left_of_0x_is_counted_and_logged(start_hub, topic):
    hub = start_hub(env={"JWT_KEY": KEY}, publish_origins="*")
    names = ("token", "authorization", "cookie", "topic", "last_event_id")

    def counts():
        metrics = hub.metrics()
        return [metrics[f'mercure_legacy_requests_total{{kind="{name}"}}'] for name in names]

    assert counts() == [0, 0, 0, 0, 0]
    assert publish(hub, {"topic": topic}, hub.publisher_token()).status == 200
    subscribe(hub, [("match", topic)]).close()
    assert counts() == [0, 0, 0, 0, 0]
    assert publish(hub, {"topic": topic}, publisher("*"), headers=[("User-Agent", "old/1")]).status == 200
    line = hub.log.wait("^A request of the 0.x protocol$")
    assert (line["legacy"], line["user_agent"]) == ("token", "old/1")
    cookie = [("Cookie", f"mercureAuthorization={publisher('*')}"), ("Origin", "https://a.example")]
    assert publish(hub, {"topic": topic}, headers=cookie).status == 200
    subscribe(hub, [("topic", topic), ("authorization", publisher()), ("lastEventID", "x")]).close()
    assert counts() == [3, 1, 1, 1, 1]
