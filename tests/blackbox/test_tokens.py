"""Tokens: where they are taken from, what makes one good, and what is answered when it is not."""
import re
import time
from urllib.parse import urlencode

import pytest

from harness import tokens
from harness.hub import PATH
from harness.tokens import bearer, claims, detail, mint, sign

METADATA = 'resource_metadata="https://hub.example/.well-known/oauth-protected-resource/.well-known/mercure"'
COOKIE = "__Secure-mercure_access_token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = urlencode({"topic": "https://example.com/tokens"})


def publish(hub, *headers, body=BODY, target=PATH, host="hub.example"):
    """Publishes with exactly these header fields."""
    return hub.request("POST", target, list(FORM.items()) + list(headers), body, host)


def assert_challenge(response, status, error):
    bodies = {400: b"Bad Request\n", 401: b"Unauthorized\n", 403: b"Forbidden\n"}
    assert (response.status, response.body) == (status, bodies[status])
    challenge = re.sub(r'error_description="[^"]*", ', "", response.get("WWW-Authenticate"))
    assert challenge == "Bearer " + (f'error="{error}", ' if error else "") + METADATA


def assert_bad(hub, token):
    assert_challenge(publish(hub, bearer(token)), 401, "invalid_token")


def described(response):
    match = re.search(r'error_description="([^"]*)"', response.get("WWW-Authenticate"))
    return match and match.group(1)


# ---- where a token stands


def test_publishing_needs_a_token(hub):
    assert_challenge(publish(hub), 401, None)


def test_subscribing_needs_one_unless_anonymous(start_hub, topic):
    hub = start_hub(anonymous=False)
    assert_challenge(hub.request("GET", f"{PATH}?match={topic}"), 401, None)
    assert_challenge(hub.request("GET", PATH), 401, None)
    hub.subscribe(topic, token=mint()).close()


def test_a_bad_token_is_an_error_even_where_none_is_needed(hub, topic):
    response = hub.request("GET", f"{PATH}?match={topic}", [bearer(mint(key="wrong"))])
    assert_challenge(response, 401, "invalid_token")


def test_the_token_is_looked_at_before_the_matchers(hub):
    response = hub.request("GET", f"{PATH}?match_nonsense=x", [bearer(mint(key="wrong"))])
    assert response.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(hub, scheme):
    assert publish(hub, ("Authorization", f"{scheme} {mint(publish=['*'])}")).status == 200


@pytest.mark.parametrize("value", [
    "Basic dXNlcjpwYXNzd29yZHVzZXI6cGFzc3dvcmR1c2VyOnBhc3N3b3Jk", "Bearer", "Bearer ", "Bearer short", "",
    "Bearer " + "x" * 40, "Bearer" + "x" * 60, "Token " + "x" * 60,
])
def test_an_authorization_that_is_no_bearer_token_is_400(hub, value):
    assert_challenge(publish(hub, ("Authorization", value)), 400, "invalid_request")


def test_41_bytes_are_a_token_if_a_bad_one(hub):
    assert_bad(hub, "x" * 41)


def test_two_authorizations_are_400(hub):
    token = mint(publish=["*"])
    assert_challenge(publish(hub, bearer(token), bearer(token)), 400, "invalid_request")


def test_spaces_before_the_token_belong_to_it(hub):
    assert_bad(hub, " " + mint(publish=["*"]))


@pytest.mark.parametrize("name", ["access_token", "authorization"])
def test_a_token_in_the_query_is_no_token(hub, topic, name):
    token = mint(publish=["*"])
    assert_challenge(publish(hub, target=f"{PATH}?{name}={token}"), 401, None)
    assert_challenge(publish(hub, body=f"{BODY}&{name}={token}"), 401, None)


# ---- the cookie


def cookie(token, name=COOKIE):
    return ("Cookie", f"first=1; {name}={token}; last=2")


def test_a_cookie_subscribes_from_anywhere(hub, topic):
    with hub.subscribe(topic, headers=[cookie(mint(subscribe=["*"])), ("Origin", "https://evil.example")]) as stream:
        hub.publish_ok(topic, "secret", private="")
        assert stream.read_event().data == "secret"


def test_the_header_wins_over_the_cookie(hub, topic):
    with hub.subscribe(topic, headers=[cookie("garbage"), bearer(mint(subscribe=["*"]))]) as stream:
        hub.publish_ok(topic, "secret", private="")
        assert stream.read_event().data == "secret"
    assert_challenge(publish(hub, ("Authorization", "Basic x"), cookie(mint(publish=["*"]))), 400, "invalid_request")


@pytest.mark.parametrize("value", ["", "garbage", "a.b.c"])
def test_a_cookie_of_garbage_is_a_bad_token(hub, topic, value):
    response = hub.request("GET", f"{PATH}?match={topic}", [cookie(value)])
    assert_challenge(response, 401, "invalid_token")


def test_the_first_cookie_of_the_name_counts(hub, topic):
    good, bad = f"{COOKIE}={mint()}", f"{COOKIE}=bad"
    connection, response = hub.open_stream(f"match={topic}", [("Cookie", f"{good}; {bad}")])
    connection.close()
    assert response.status == 200
    assert hub.request("GET", f"{PATH}?match={topic}", [("Cookie", f"{bad}; {good}")]).status == 401


def test_other_cookies_are_none_of_our_business(hub, topic):
    for name in ("mercureAuthorization", "mercure_access_token", "x" + COOKIE, COOKIE + "x"):
        hub.subscribe(topic, headers=[cookie("garbage", name)]).close()


def test_the_name_of_the_cookie_is_configured(start_hub, topic):
    hub = start_hub(cookie_name="hub_token")
    with hub.subscribe(topic, headers=[cookie(mint(subscribe=["*"]), "hub_token")]) as stream:
        hub.publish_ok(topic, "secret", private="")
        assert stream.read_event().data == "secret"
    hub.subscribe(topic, headers=[cookie("garbage")]).close()


@pytest.fixture
def origins_hub(start_hub):
    return start_hub(publish_origins="https://one.example,https://*.two.example,http://three.example:8080")


@pytest.mark.parametrize("headers, allowed", [
    ([("Origin", "https://one.example")], True),
    ([("Origin", "https://a.two.example")], True),
    ([("Origin", "http://three.example:8080")], True),
    ([("Origin", "https://one.example"), ("Referer", "https://evil.example/")], True),
    ([("Referer", "https://one.example/path?query#fragment")], True),
    ([("Referer", "https://one.example")], True),
    ([("Origin", "https://evil.example"), ("Referer", "https://one.example/")], False),
    ([("Origin", "http://one.example")], False),
    ([("Origin", "https://one.example:444")], False),
    ([("Origin", "https://one.example.evil.example")], False),
    ([("Origin", "https://evil.example/https://one.example")], False),
    ([("Origin", "null")], False),
    ([("Referer", "https://evil.example/https://one.example/")], False),
    ([("Referer", "no url")], False),
    ([], False),
])
def test_publishing_with_the_cookie_is_for_named_origins(origins_hub, headers, allowed):
    response = publish(origins_hub, cookie(mint(publish=["*"])), *headers)
    if allowed:
        assert response.status == 200
    else:
        assert_challenge(response, 400, "invalid_request")


def test_without_origins_no_cookie_publishes(hub):
    response = publish(hub, cookie(mint(publish=["*"])), ("Origin", "https://hub.example"))
    assert_challenge(response, 400, "invalid_request")


def test_the_origin_is_looked_at_before_the_token(hub):
    assert publish(hub, cookie("garbage"), ("Origin", "https://evil.example")).status == 400


def test_the_origin_does_not_matter_with_the_header(hub):
    assert publish(hub, bearer(mint(publish=["*"])), ("Origin", "https://evil.example")).status == 200


def test_a_star_allows_every_origin(start_hub):
    hub = start_hub(publish_origins="*")
    assert publish(hub, cookie(mint(publish=["*"])), ("Origin", "https://any.example")).status == 200
    assert publish(hub, cookie(mint(publish=["*"]))).status == 400


# ---- signatures and keys


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_each_algorithm_verifies_with_its_key_alone(start_hub, topic, alg):
    key = "k" * 64
    hub = start_hub(issuers=[{"issuer": tokens.ISSUER, "publisher": {"jwt_key": key, "jwt_algorithm": alg},
                              "subscriber": {"jwt_key": key, "jwt_algorithm": alg}}])
    assert publish(hub, bearer(mint(publish=["*"], key=key, alg=alg))).status == 200
    for other in {"HS256", "HS384", "HS512"} - {alg}:
        assert_bad(hub, mint(publish=["*"], key=key, alg=other))
    assert_bad(hub, mint(publish=["*"], key=key + "x", alg=alg))


@pytest.mark.parametrize("alg", ["none", "None", "HS1", "RS256", "", None, 256])
def test_other_algorithms_are_bad(hub, alg):
    assert_bad(hub, mint(publish=["*"], header={"alg": alg}))


def test_a_token_without_a_signature_is_bad(hub):
    head, body, _ = mint(publish=["*"], header={"alg": "none"}).split(".")
    assert_bad(hub, f"{head}.{body}.")


@pytest.mark.parametrize("change", [
    lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: t + ".", lambda t: "." + t, lambda t: t + ".x",
    lambda t: t.rsplit(".", 1)[0], lambda t: t.replace(".", ".."), lambda t: t[:10] + "!" + t[11:],
    lambda t: t[:-2] + ("A" if t[-2] != "A" else "B") + t[-1],
])
def test_a_token_that_was_touched_is_bad(hub, change):
    assert_bad(hub, change(mint(publish=["*"])))


@pytest.mark.parametrize("header, payload", [
    (b"{}", b"{}"), (b"[]", b"{}"), (b"no json", b"{}"), ({"alg": "HS256", "typ": "at+jwt"}, b"no json"),
    ({"alg": "HS256", "typ": "at+jwt"}, b"[]"), ({"alg": "HS256", "typ": "at+jwt"}, b"\xff"),
    ({"alg": "HS256", "typ": "at+jwt"}, b'{"iss":"https://localhost","iss":"https://localhost"}'),
])
def test_a_token_that_is_no_json_is_bad(hub, header, payload):
    assert_bad(hub, sign(header, payload))


def test_roles_have_keys_of_their_own(start_hub, topic):
    hub = start_hub(anonymous=False, issuers=[{
        "issuer": tokens.ISSUER, "publisher": {"jwt_key": "publisher key"}, "subscriber": {"jwt_key": "subscriber key"}}])
    as_publisher = mint(publish=["*"], subscribe=["*"], key="publisher key")
    as_subscriber = mint(publish=["*"], subscribe=["*"], key="subscriber key")
    for _ in range(2):  # the second time from the cache
        assert publish(hub, bearer(as_publisher)).status == 200
        assert_bad(hub, as_subscriber)
        hub.subscribe(topic, token=as_subscriber).close()
        assert hub.request("GET", f"{PATH}?match={topic}", [bearer(as_publisher)]).status == 401


def test_issuers_have_keys_of_their_own(start_hub):
    hub = start_hub(issuers=[
        {"issuer": "https://one.example", "publisher": {"jwt_key": "one"}},
        {"issuer": "https://two.example", "publisher": {"jwt_key": "two"}},
    ])
    assert publish(hub, bearer(mint(publish=["*"], key="one", iss="https://one.example"))).status == 200
    assert publish(hub, bearer(mint(publish=["*"], key="two", iss="https://two.example"))).status == 200
    assert_bad(hub, mint(publish=["*"], key="one", iss="https://two.example"))


def test_a_role_without_a_key_takes_no_token(start_hub, topic):
    hub = start_hub(issuers=[{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}])
    hub.subscribe(topic).close()
    assert publish(hub, bearer(mint(publish=["*"]))).status == 200


# ---- claims


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_of_an_access_token(hub, typ):
    assert publish(hub, bearer(mint(publish=["*"], typ=typ))).status == 200


@pytest.mark.parametrize("typ", [None, "", "JWT", "jwt", "at", "at+jwt ", "text/at+jwt", 1])
def test_other_types_are_bad(hub, typ):
    assert_bad(hub, mint(publish=["*"], typ=typ))


@pytest.mark.parametrize("others", [
    {"exp": None}, {"exp": 1}, {"exp": "9999999999"}, {"exp": -1}, {"exp": True}, {"exp": [9999999999]},
    {"nbf": 9999999999}, {"nbf": "1"}, {"iss": None}, {"iss": ""}, {"iss": "https://localhost/"},
    {"iss": "https://LOCALHOST"}, {"iss": ["https://localhost"]}, {"iss": 1}, {"aud": None}, {"aud": ""},
    {"aud": []}, {"aud": "https://hub.example"}, {"aud": "https://hub.example/.well-known/mercure/"},
    {"aud": {"x": tokens.AUDIENCE}}, {"aud": [tokens.AUDIENCE, 1]}, {"aud": 5},
])
def test_claims_that_are_not_as_they_should_be(hub, others):
    assert_bad(hub, mint(publish=["*"], **others))


@pytest.mark.parametrize("others", [
    {"exp": 9999999999}, {"exp": 9999999999.5}, {"exp": 1e300}, {"nbf": 0}, {"nbf": 1.5}, {"iat": "nonsense"},
    {"aud": [tokens.AUDIENCE]}, {"aud": ["https://other.example", tokens.AUDIENCE]}, {"sub": None}, {"unknown": [1]},
])
def test_claims_that_are_good(hub, others):
    assert publish(hub, bearer(mint(publish=["*"], **others))).status == 200


def test_a_token_that_expires_is_bad_from_then_on(hub):
    token = mint(publish=["*"], ttl=1)
    assert publish(hub, bearer(token)).status == 200
    deadline = time.monotonic() + 20
    while (response := publish(hub, bearer(token))).status == 200:
        assert time.monotonic() < deadline
    assert_challenge(response, 401, "invalid_token")


def test_a_token_that_is_not_good_yet_becomes_good(hub):
    token = mint(publish=["*"], nbf=time.time() + 1)
    assert_bad(hub, token)
    deadline = time.monotonic() + 20
    while publish(hub, bearer(token)).status != 200:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"crit": []}, {"crit": "x"}, {"crit": ["exp"], "exp": 1}])
def test_critical_parameters_are_refused(hub, header):
    assert_bad(hub, mint(publish=["*"], header=header))


@pytest.mark.parametrize("header", [{"kid": "any"}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}])
def test_other_header_parameters_do_not_matter(hub, header):
    assert publish(hub, bearer(mint(publish=["*"], header=header))).status == 200


def test_the_audience_is_derived_from_the_request_unless_configured(start_hub):
    hub = start_hub(resource_identifier=None)
    token = mint(publish=["*"], aud="http://hub.example:8080/.well-known/mercure")
    for _ in range(2):
        assert publish(hub, bearer(token), host="hub.example:8080").status == 200
        response = publish(hub, bearer(token), host="other.example")
        assert response.status == 401
        assert response.get("WWW-Authenticate") == (
            'Bearer error="invalid_token", '
            'error_description="the token is meant for another audience", resource_metadata='
            '"http://other.example/.well-known/oauth-protected-resource/.well-known/mercure"')


# ---- what the client is told


@pytest.mark.parametrize("change,text", [
    ({"exp": 1}, "the token has expired"),
    ({"exp": None}, "exp is missing"),
    ({"nbf": 4e9}, "the token is not valid yet"),
    ({"aud": "https://other.example"}, "the token is meant for another audience"),
    ({"authorization_details": 1}, "authorization_details is not a list"),
])
def test_who_has_a_signed_token_is_told_what_is_wrong_with_it(hub, change, text):
    response = publish(hub, bearer(mint(publish=["*"], **change)))
    assert_challenge(response, 401, "invalid_token")
    assert described(response) == text


@pytest.mark.parametrize("change", [{"key": "wrong"}, {"iss": "https://other.example"}, {"header": {"alg": "HS512"}}])
def test_who_has_no_signed_token_is_told_nothing(hub, change):
    assert described(publish(hub, bearer(mint(publish=["*"], **change)))) is None


def test_a_missing_grant_and_a_malformed_request_are_explained(hub):
    response = publish(hub, bearer(mint(publish=["https://example.com/other"])))
    assert_challenge(response, 403, "insufficient_scope")
    assert described(response).startswith("the token does not grant publishing on the topic")
    assert described(publish(hub, ("Authorization", "Basic x"))) == (
        "the Authorization header field is not a Bearer token")


def test_each_refusal_has_the_same_request_id_in_the_answer_and_the_log(hub):
    for headers in [[], [("Authorization", "Basic x")], [bearer(mint(key="wrong"))],
                    [bearer(mint(publish=["https://example.com/other"]))], [bearer(mint(publish=["*"], exp=1))]]:
        response = publish(hub, *headers)
        assert hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))["reason"]


def test_the_log_tells_which_keys_there_were(hub):
    response = publish(hub, bearer(mint(key="wrong", publish=["*"], header={"kid": "mine"})))
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert (line["reason"], line["issuer"], line["key_id"], line["keys"]) == (
        "the signature is wrong", "https://localhost", "mine", "(1 without kid)")


# ---- authorization details


TOPIC = {"match": "https://example.com/tokens"}


@pytest.mark.parametrize("details", [
    "x", {}, 1, True, ["x"], [1], [[]],
    [{"type": 1}],
    [{"type": tokens.DETAIL_TYPE}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"]}],
    [{"type": tokens.DETAIL_TYPE, "topics": [TOPIC]}],
    [{"type": tokens.DETAIL_TYPE, "actions": [], "topics": [TOPIC]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": []}],
    [{"type": tokens.DETAIL_TYPE, "actions": "publish", "topics": [TOPIC]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish", 1], "topics": [TOPIC]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": TOPIC}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": ["*"]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [None]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": ""}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": 1}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": "a\u0001"}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": "x", "match_type": "Exact"}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": "x", "match_type": "regexp"}]}],
    [{"type": tokens.DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": "x", "match_type": 1}]}],
    [detail(["publish"], "*"), {"type": tokens.DETAIL_TYPE}],
])
def test_one_bad_detail_makes_the_token_bad(hub, details):
    assert_bad(hub, mint(details=details))


@pytest.mark.parametrize("details", [
    [detail(["publish"], "*")],
    [detail(["publish", "unknown"], "https://example.com/tokens")],
    [detail(["publish"], {"match": "https://example.com/tokens", "match_type": "exact", "other": 1})],
    [detail(["publish"], {"match": "https://example.com/tokens", "match_type": None})],
    [detail(["publish"], {"match": "https://example.com/tokens", "match_type": ""})],
    [{"type": "https://other.example", "topics": 5}, {"actions": 7}, detail(["publish"], "*")],
    [detail(["publish"], "*", extra={"x": 1})],
    [detail(["publish"], {"match": "https://example.com/:name", "match_type": "urlpattern"})],
])
def test_details_that_grant(hub, details):
    assert publish(hub, bearer(mint(details=details))).status == 200


@pytest.mark.parametrize("details", [
    None, [], [{"type": "https://other.example"}], [{}], [detail(["unknown"], "*")], [detail(["Publish"], "*")],
    [detail(["publish"], "https://example.com/other")],
    [detail(["publish"], {"match": "https://example.org/:name", "match_type": "urlpattern"})],
])
def test_details_that_grant_nothing(hub, details):
    token = sign({"alg": "HS256", "typ": "at+jwt"}, claims(authorization_details=details))
    assert_challenge(publish(hub, bearer(token)), 403, "insufficient_scope")


def test_a_token_has_at_most_a_hundred_details_and_topics(hub):
    one = detail(["publish"], "*")
    assert publish(hub, bearer(mint(details=[one] * 100))).status == 200
    assert_bad(hub, mint(details=[one] * 101))
    many = [f"t{i}" for i in range(99)]
    assert publish(hub, bearer(mint(details=[detail(["publish"], *many), one]))).status == 200
    assert_bad(hub, mint(details=[detail(["publish"], *many, "more"), one]))


def test_details_of_other_types_do_not_count(hub):
    other = {"type": "https://other.example"}
    assert publish(hub, bearer(mint(details=[other] * 200 + [detail(["publish"], "*")]))).status == 200


def test_a_matcher_in_a_token_has_at_most_4096_bytes(hub):
    assert publish(hub, bearer(mint(publish=["x" * 4096, "*"]))).status == 200
    assert_bad(hub, mint(publish=["x" * 4097, "*"]))


# ---- the log


def test_every_refusal_is_logged_with_its_reason_and_without_the_token(start_hub):
    hub = start_hub()
    token = mint(publish=["*"], exp=1)
    response = publish(hub, bearer(token))
    line = hub.log.wait(".", request_id=response.get("X-Request-Id"))
    assert "expired" in line["reason"]
    publish(hub)
    hub.log.wait(".", reason="there is no token")
    publish(hub, bearer(mint(publish=["urn:other"])))
    hub.log.wait(".", topic="https://example.com/tokens")
    assert token not in hub.log.text() and token.rsplit(".", 1)[1] not in hub.log.text()


def test_a_short_token_is_not_taken_for_another_scheme(start_hub):
    hub = start_hub()
    assert publish(hub, ("Authorization", "Bearer abc")).status == 400
    hub.log.wait("^Request refused$", reason="the Bearer token is too short to be an access token")
    assert publish(hub, ("Authorization", "Basic " + "a" * 60)).status == 400
    hub.log.wait("^Request refused$", reason="the Authorization header field is not a Bearer token")


def test_the_log_tells_both_audiences(start_hub):
    hub = start_hub()
    assert_bad(hub, mint(publish=["*"], aud=["https://a.example", "https://b.example"]))
    hub.log.wait("^Request refused$", aud="https://a.example https://b.example", expected_aud=tokens.AUDIENCE)


def test_a_token_of_0x_is_told_from_a_bad_one(start_hub):
    hub = start_hub()
    assert_bad(hub, sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {"publish": ["*"]}}))
    assert "0.x" in hub.log.wait("^Request refused$")["reason"]
