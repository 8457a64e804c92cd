"""What pages of other origins may do: preflights and requests with an Origin (Fetch Standard; modern.md 1.9)."""
import json

import pytest

from harness import tokens
from harness.hub import PATH, run_command
from harness.site import Site
from harness.sse import Stream

SITE = "https://site.example"
METADATA = f"/.well-known/oauth-protected-resource{PATH}"
ALLOW = ["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods",
         "Access-Control-Allow-Headers", "Access-Control-Expose-Headers"]
VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


ORIGINS = [SITE, "https://*.apps.example", "http://localhost:*", "null", "capacitor://localhost",
           "https://default.example:443"]


@pytest.fixture(scope="module")
def cors_hub(start_module_hub):
    return start_module_hub(cors_origins=" ".join(ORIGINS), playground=True, log_level="debug")


@pytest.fixture(scope="module")
def open_hub(start_module_hub):
    return start_module_hub(cors_origins=f"* {SITE}")


def preflight(hub, origin=SITE, method="POST", headers=None, path=PATH):
    fields = {"Access-Control-Request-Method": method}
    if origin is not None:
        fields["Origin"] = origin
    if headers is not None:
        fields["Access-Control-Request-Headers"] = headers
    response = hub.request("OPTIONS", path, fields)
    assert response.status == 204
    assert response.body == b""
    assert response.get("Vary") == VARY
    assert response.get("X-Frame-Options") == "DENY"
    return response


def granted(response):
    return {name: response.get(name) for name in ALLOW if response.get(name) is not None}


def assert_refused(hub, reason, **asked):
    response = preflight(hub, **asked)
    assert granted(response) == {}
    line = hub.log.wait("^Preflight refused$", request_id=response.get("X-Request-Id"))
    assert reason in line["reason"]


# ---- preflights


def test_a_preflight_is_answered_with_what_was_asked_for(cors_hub):
    headers = "authorization,cache-control,last-event-id"
    assert granted(preflight(cors_hub, headers=headers)) == {
        "Access-Control-Allow-Origin": SITE,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": headers,
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "QUERY"])
def test_a_preflight_for_each_method_of_the_hub(cors_hub, method):
    answer = granted(preflight(cors_hub, method=method))
    assert answer["Access-Control-Allow-Methods"] == method
    assert "Access-Control-Allow-Headers" not in answer


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "query", "BREW"])
def test_a_preflight_for_another_method_is_not_granted(cors_hub, method):
    assert_refused(cors_hub, "method", method=method)


@pytest.mark.parametrize("headers", [
    "authorization", "content-type", "Last-Event-ID, Authorization", "last-event-id,authorization", "",
])
def test_header_fields_may_be_asked_for_in_any_case_and_order(cors_hub, headers):
    assert granted(preflight(cors_hub, headers=headers)).get("Access-Control-Allow-Headers", "") == headers


@pytest.mark.parametrize("headers", ["x-custom", "authorization,x-custom", "authorization x-custom", "*"])
def test_a_preflight_for_other_header_fields_is_not_granted(cors_hub, headers):
    assert_refused(cors_hub, "header field", headers=headers)


def test_the_body_of_a_query_may_have_its_type_from_another_origin(cors_hub):
    answer = granted(preflight(cors_hub, method="QUERY", headers="content-type"))
    assert answer["Access-Control-Allow-Headers"] == "content-type"


@pytest.mark.parametrize("path", ["/", "/nowhere", METADATA, "/healthz", f"{PATH}/debug/config.json",
                                  f"{PATH}/subscriptions"])
def test_a_preflight_is_answered_at_every_path(cors_hub, path):
    assert granted(preflight(cors_hub, method="GET", path=path))["Access-Control-Allow-Origin"] == SITE


def test_options_without_a_method_to_ask_for_is_no_preflight(cors_hub):
    response = cors_hub.request("OPTIONS", headers={"Origin": SITE})
    assert response.status == 204
    assert "QUERY" in response.get("Allow")
    assert response.get("Access-Control-Allow-Methods") is None


# ---- origins


@pytest.mark.parametrize("origin", [
    SITE, "HTTPS://Site.Example", "https://a.apps.example", "https://a.b.APPS.example", "http://localhost:5173",
    "null", "capacitor://localhost", "https://default.example",
])
def test_an_origin_that_is_listed_is_echoed(cors_hub, origin):
    assert granted(preflight(cors_hub, origin))["Access-Control-Allow-Origin"] == origin
    assert cors_hub.request("GET", headers={"Origin": origin}).get("Access-Control-Allow-Origin") == origin


@pytest.mark.parametrize("origin", [
    "https://other.example", "http://site.example", "https://site.example:8443", "https://site.example.evil.example",
    "https://apps.example", "https://a.apps.example.evil.example", "http://a.apps.example", "http://localhost",
    "nulls", "https://evilsite.example", "",
])
def test_an_origin_that_is_not_listed_is_told_nothing(cors_hub, origin):
    assert_refused(cors_hub, "origin", origin=origin)
    response = cors_hub.request("GET", headers={"Origin": origin})
    assert granted(response) == {}
    assert response.get("Vary") == "Origin"


def test_a_preflight_without_an_origin_is_not_granted(cors_hub):
    assert_refused(cors_hub, "origin", origin=None)


@pytest.mark.parametrize("origin", [SITE, "https://any.example", "null"])
def test_a_star_allows_everybody_and_never_the_cookie(open_hub, origin):
    assert granted(preflight(open_hub, origin)) == {
        "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST"}
    response = open_hub.request("GET", headers={"Origin": origin})
    assert response.get("Access-Control-Allow-Origin") == "*"
    assert response.get("Access-Control-Allow-Credentials") is None
    assert response.get("Vary") == "Origin"


# ---- answers


def assert_shared(response):
    assert response.get("Access-Control-Allow-Origin") == SITE
    assert response.get("Access-Control-Allow-Credentials") == "true"
    assert response.get("Vary") == "Origin"
    exposed = response.get("Access-Control-Expose-Headers").split(", ")
    assert {"Link", "Mercure-Last-Event-ID", "Last-Event-ID", "X-Request-Id", "WWW-Authenticate"} <= set(exposed)
    assert response.get("Access-Control-Allow-Methods") is None


@pytest.mark.parametrize("method, path, status", [
    ("GET", PATH, 400), ("HEAD", PATH, 400), ("POST", PATH, 401), ("QUERY", PATH, 415), ("GET", "/nowhere", 404),
    ("GET", METADATA, 200), ("GET", "/healthz", 200), ("POST", "/healthz", 405), ("GET", "/", 302),
    ("GET", f"{PATH}/debug/config.json", 200), ("GET", f"{PATH}/debug/", 200),
])
def test_answers_of_every_kind_are_for_the_page(cors_hub, method, path, status):
    response = cors_hub.request(method, path, {"Origin": SITE})
    assert response.status == status
    assert_shared(response)


def test_a_stream_and_a_publish_are_for_the_page(cors_hub, topic):
    connection, response = cors_hub.open_stream(f"match={topic}", {"Origin": SITE})
    assert_shared(response)
    with Stream(connection, response) as stream:
        published = cors_hub.publish(topic, "from elsewhere", headers={"Origin": SITE})
        assert published.status == 200
        assert_shared(published)
        assert stream.read_event().data == "from elsewhere"


def test_a_request_without_an_origin_only_has_vary(cors_hub):
    response = cors_hub.request("GET", METADATA)
    assert response.get("Vary") == "Origin"
    assert granted(response) == {}


def test_another_origin_is_served_all_the_same(cors_hub, topic):
    assert cors_hub.publish(topic, "x", headers={"Origin": "https://other.example"}).status == 200


def test_a_misdirected_request_is_not_for_the_page(start_hub):
    hub = start_hub(cors_origins=SITE, public_urls="https://hub.example")
    response = hub.request("GET", headers={"Origin": SITE}, host="other.example")
    assert response.status == 421
    assert granted(response) == {}
    assert response.get("Vary") is None


def test_without_cors_origins_nothing_is_said_and_options_is_ordinary(hub):
    response = hub.request("OPTIONS", headers={"Origin": SITE, "Access-Control-Request-Method": "POST"})
    assert response.status == 204
    assert "POST" in response.get("Allow")
    assert granted(response) == {}
    assert response.get("Vary") is None
    assert hub.request("GET", headers={"Origin": SITE}).get("Vary") is None


# ---- a browser


@pytest.mark.browser
@pytest.mark.parametrize("allowed", ["the origin", "*"])
def test_a_page_of_another_origin_publishes_and_subscribes_in_a_browser(start_hub, browser, topic, allowed):
    with Site() as site:
        hub = start_hub(cors_origins=site.origin if allowed == "the origin" else "*")
        page = browser.open_page(site.origin + "/")
        url = json.dumps("http://{}:{}{}".format(*hub.address, PATH))
        page.eval(f"""(async () => {{
            globalThis.said = [];
            const credentials = {json.dumps("include" if allowed == "the origin" else "omit")};
            const matched = new URL({url});
            matched.searchParams.append("match", {json.dumps(topic)});
            matched.searchParams.append("last_event_id", "earliest");
            const source = new EventSource(matched, {{ withCredentials: credentials === "include" }});
            source.onmessage = ({{ data }}) => said.push(`source: ${{data}}`);
            await new Promise((resolve) => source.onopen = resolve);
            const query = await fetch({url}, {{ method: "QUERY", credentials, body: new URLSearchParams(
                [["match", {json.dumps(topic)}], ["last_event_id", "earliest"]]) }});
            said.push(query.headers.get("Mercure-Last-Event-ID"));
            const published = await fetch({url}, {{ method: "POST", credentials,
                headers: {{ Authorization: "Bearer {hub.publisher_token()}" }},
                body: new URLSearchParams([["topic", {json.dumps(topic)}], ["data", "hello"]]) }});
            said.push(published.status);
            const refused = await fetch({url}, {{ method: "POST", credentials }});
            said.push(refused.headers.get("WWW-Authenticate").slice(0, 6), Boolean(refused.headers.get("X-Request-Id")));
            let text = "";
            const reader = query.body.pipeThrough(new TextDecoderStream()).getReader();
            while (!text.includes("data: hello"))
                text += (await reader.read()).value;
        }})()""")
        page.wait("said.includes('source: hello')")
        assert page.eval("said.filter((each) => each !== 'source: hello')") == ["earliest", 200, "Bearer", True]
        page.close()


@pytest.mark.browser
def test_a_page_of_an_origin_that_is_not_named_reads_nothing_in_a_browser(start_hub, browser, topic):
    with Site() as site:
        hub = start_hub(cors_origins="https://other.example")
        page = browser.open_page(site.origin + "/")
        url = "http://{}:{}{}?match={}".format(*hub.address, PATH, topic)
        said = f"fetch({json.dumps(url)}).then(() => 'read', () => 'refused')"
        assert page.eval(said) == "refused"
        page.close()


# ---- publishing with the cookie


@pytest.mark.parametrize("origin, status", [
    ("https://a.apps.example", 200), ("https://A.APPS.example", 200), ("https://default.example", 200),
    ("https://apps.example", 400), ("null", 400),
])
def test_origins_that_publish_are_compared_the_same_way(start_hub, topic, origin, status):
    hub = start_hub(publish_origins="https://*.apps.example https://default.example:443")
    cookie = {"Cookie": f"__Secure-mercure_access_token={tokens.mint(publish=['*'])}"}
    for name, value in (("Origin", origin), ("Referer", f"{origin}/page?x#y")):
        if origin != "null" or name == "Origin":
            assert hub.publish(topic, "x", token="", headers={**cookie, name: value}).status == status


# ---- configuration


@pytest.mark.parametrize("value", [
    "*", "null", "https://a.example", "http://a.example:8080", "https://*.a.example", "http://localhost:*",
    "capacitor://", "https://[::1]:8443", "https://a.example https://b.example", "https://a.example,https://b.example",
])
def test_origins_that_the_configuration_takes(tmp_path, value):
    assert validate(tmp_path, value).returncode == 0


@pytest.mark.parametrize("value", [
    "https://a.example/", "https://a.example/path", "https://a.example?x", "https://a.example#x",
    "https://user@a.example", "https://a.example:port", "a.example", "mailto:a@b.example", "https://*.*.example",
])
def test_what_is_no_origin_is_refused_with_the_way_to_write_it(tmp_path, value):
    result = validate(tmp_path, value)
    assert result.returncode == 2
    assert b"cors_origins" in result.stderr and value.encode() in result.stderr


def test_the_names_of_0x_are_understood(tmp_path):
    for env in ("CORS_ALLOWED_ORIGINS", "MERCURE_CORS_ORIGINS"):
        result = run_command("validate", folder=tmp_path, conf={"publisher_jwt_key": "x" * 32, "anonymous": True},
                             env={env: "https://a.example/"})
        assert result.returncode == 2 and env.encode() in result.stderr


def validate(folder, value):
    conf = {"publisher_jwt_key": "x" * 32, "anonymous": True, "cors_origins": value}
    return run_command("validate", folder=folder, conf=conf)
