"""`cinnabar token check`: what a hub would say of a token, rule by rule."""
import json
from pathlib import Path

import jwt
import pytest

from harness import tokens
from harness.hub import default_issuers, run_command
from harness.keys import Key, KeyServer
from harness.tokens import base64url, claims, mint, sign

KEYS = Path(__file__).parent.parent / "data" / "keys"
RULES = ["parts", "json", "header", "types", "issuer", "role", "algorithm", "key", "signature", "typ", "exp", "nbf",
         "aud", "grants"]


@pytest.fixture
def check(tmp_path):
    def run(token, *args, stdin=b"", **conf):
        settings = {"issuers": default_issuers(), "anonymous": True, "resource_identifier": tokens.AUDIENCE, **conf}
        return run_command("token", "check", *args, token, folder=tmp_path, conf=settings, stdin=stdin)

    return run


def explain(result):
    report = json.loads(result.stdout)
    assert result.returncode == (0 if report["good"] else 1)
    return report


def role(report, name):
    return next(one for one in report["roles"] if one["role"] == name)


def test_a_good_token_passes_every_rule_and_its_grants_are_listed(check):
    token = mint(publish=["https://example.com/a"], subscribe=["*", {"match": "/b/:id", "match_type": "urlpattern"}])
    report = explain(check(token, "--json"))
    assert report["good"] and report["header"] == {"alg": "HS256", "typ": "at+jwt"}
    assert report["claims"]["iss"] == tokens.ISSUER
    for name in ("publisher", "subscriber"):
        answer = role(report, name)
        assert answer["good"] and answer["issuer"] == tokens.ISSUER
        assert answer["rules"] == [{"rule": rule, "result": "pass"} for rule in RULES]
    assert report["grants"] == [
        {"action": "publish", "match": "https://example.com/a", "match_type": "exact"},
        {"action": "subscribe", "match": "*", "match_type": "exact"},
        {"action": "subscribe", "match": "/b/:id", "match_type": "urlpattern"}]


@pytest.mark.parametrize("make, rule, reason, detail", [
    (lambda: "x.y", "parts", "three parts", ""),
    (lambda: "x.y.z", "parts", "base64url", ""),
    (lambda: sign(b"{", b"{}"), "json", "header is not a JSON object", ""),
    (lambda: sign({"alg": "HS256", "typ": "at+jwt"}, b"[]"), "json", "claims are not a JSON object", ""),
    (lambda: mint(header={"crit": ["x"]}), "header", "crit", '"crit":["x"]'),
    (lambda: mint(header={"alg": "none"}), "header", "not an algorithm", '"alg":"none"'),
    (lambda: mint(iss=1), "types", "iss is not a string", ""),
    (lambda: mint(iss="https://x.example"), "issuer", "no issuer of that name",
     'iss is "https://x.example"; configured: "https://localhost"'),
    (lambda: mint(iss=None), "issuer", "iss is missing", 'configured: "https://localhost"'),
    (lambda: mint(alg="HS512"), "algorithm", "may use", 'alg is "HS512"; keys: one without kid for HS256'),
    (lambda: mint(key="wrong", header={"kid": "mine"}), "signature", "wrong",
     'alg is "HS256"; kid is "mine"; keys: one without kid for HS256'),
    (lambda: mint(typ="JWT"), "typ", "not at+jwt", '"typ":"JWT"'),
    (lambda: mint(exp=1), "exp", "expired", "exp is 1970-01-01T00:00:01Z; it is 20"),
    (lambda: mint(exp=None), "exp", "exp is missing", ""),
    (lambda: mint(nbf=4102444800), "nbf", "not valid yet", "nbf is 2100-01-01T00:00:00Z; it is 20"),
    (lambda: mint(aud="https://x.example"), "aud", "another audience",
     f'aud is "https://x.example"; the hub is "{tokens.AUDIENCE}"'),
    (lambda: mint(details=[{"type": tokens.DETAIL_TYPE}]), "grants", "actions", ""),
])
def test_a_bad_token_fails_one_rule_exactly(check, make, rule, reason, detail):
    report = explain(check(make(), "--json"))
    assert not report["good"] and report["grants"] == []
    answer = role(report, "publisher")
    assert (answer["good"], answer["rule"]) == (False, rule)
    assert reason in answer["reason"]
    assert answer["detail"].startswith(detail) or detail in answer["detail"]
    at = RULES.index(rule)
    assert [one["result"] for one in answer["rules"]] == (
        ["pass"] * at + ["fail"] + ["not reached"] * (len(RULES) - at - 1))


def test_roles_are_told_apart(check):
    issuers = [{"issuer": tokens.ISSUER, "publisher": {"jwt_key": tokens.PUBLISHER_KEY}}]
    token = mint(publish=["*"])
    report = explain(check(token, "--json", issuers=issuers))
    assert report["good"] and role(report, "publisher")["good"]
    assert role(report, "subscriber")["rule"] == "role"
    assert check(token, "--role", "publisher", issuers=issuers).returncode == 0
    refused = check(token, "--role", "subscriber", "--json", issuers=issuers)
    assert [one["role"] for one in explain(refused)["roles"]] == ["subscriber"]
    assert refused.returncode == 1


def test_the_key_of_a_set_is_named_and_keys_that_are_passed_over_too(check, tmp_path):
    keys = json.loads((KEYS / "set.json").read_text())["keys"]
    (tmp_path / "set.json").write_text(json.dumps({"keys": [{"kty": "RSA", "use": "enc"}, *keys]}))
    issuers = [{"issuer": tokens.ISSUER, "publisher": {"jwks_uri": (tmp_path / "set.json").as_uri()}}]

    def token(kid):
        return jwt.encode(claims(publish=["*"]), (KEYS / "p256.pem").read_text(), "ES256",
                          {"typ": "at+jwt", "kid": kid})

    result = check(token("p256"), "--json", "--role", "publisher", issuers=issuers)
    assert role(explain(result), "publisher")["key_id"] == "p256"
    assert b"A key of a set is passed over" in result.stderr and b"its use is not sig" in result.stderr
    answer = role(explain(check(token("other"), "--json", issuers=issuers)), "publisher")
    assert answer["rule"] == "key" and 'kid is "other"' in answer["detail"] and '"ed25519" for EdDSA' in answer["detail"]
    missing = [{"issuer": tokens.ISSUER, "publisher": {"jwks_uri": (tmp_path / "none.json").as_uri()}}]
    result = check(token("p256"), "--json", issuers=missing)
    assert role(explain(result), "publisher")["rule"] == "key" and b"none.json: No such file" in result.stderr


def test_sets_behind_urls_are_fetched(check):
    key = Key("k1")
    server = KeyServer(key)
    issuers = [{"issuer": tokens.ISSUER, "publisher": {"jwks_uri": server.url}, "subscriber": {"jwks_uri": server.url}}]
    report = explain(check(key.mint(publish=["*"]), "--json", issuers=issuers))
    assert report["good"] and role(report, "subscriber")["key_id"] == "k1"
    assert server.requests == 1  # once for both roles
    server.serve(status=500, body="x")
    result = check(key.mint(publish=["*"]), "--json", issuers=issuers)
    assert not explain(result)["good"] and server.url.encode() in result.stderr
    server.close()


def test_without_the_hubs_name_the_audience_is_not_compared(check):
    token = mint(publish=["*"], aud="https://x.example/.well-known/mercure")
    result = check(token, resource_identifier=None)
    assert result.returncode == 0 and b"--url" in result.stdout
    assert check(token, "--url", "https://x.example/.well-known/mercure", resource_identifier=None).returncode == 0
    assert check(token, "--url", "https://y.example/.well-known/mercure", resource_identifier=None).returncode == 1


def test_a_token_of_0x_is_explained_where_that_protocol_is_on(check, tmp_path):
    token = sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {"publish": ["*"]}}, "old key")
    report = explain(check(token, "--json"))
    answer = role(report, "publisher")
    assert (answer["rule"], answer["detail"]) == ("issuer", "") and "0.x" in answer["reason"]
    (tmp_path / "old.yaml").write_text("jwt_key: old key\n")
    report = explain(check(token, "--json", "--config", "old.yaml"))
    answer = role(report, "publisher")
    assert answer["good"] and report["old_claim"] == {"publish": ["*"]}
    results = {one["rule"]: one["result"] for one in answer["rules"]}
    assert {rule for rule in RULES if results[rule] == "not asked"} == {"issuer", "typ", "aud"}


def test_text_for_people_says_the_same(check):
    result = check(mint(publish=["https://example.com/a"]))
    text = result.stdout.decode()
    assert "As a publisher's it is good:" in text and "  ok    signature" in text
    assert text.endswith('\nIt grants:\n  publish    "https://example.com/a"\n  subscribe  public updates alone\n')
    text = check(mint(subscribe=["*"])).stdout.decode()
    assert text.endswith('\nIt grants:\n  subscribe  "*"\n  publish    nothing\n')
    text = check(mint(exp=1)).stdout.decode()
    assert "As a publisher's it is refused:" in text and "  FAIL  exp        the token has expired: exp is 1970" in text


def test_the_token_may_come_from_standard_input_or_a_file(check, tmp_path):
    token = mint(publish=["*"])
    assert check("@-", stdin=f"{token}\n".encode()).returncode == 0
    (tmp_path / "token").write_text(f"  {token}\r\n")
    assert check("@token").returncode == 0
    assert check("@nowhere").returncode == 1


def test_development_needs_no_configuration(tmp_path):
    token = run_command("token", "--dev", folder=tmp_path).stdout.decode().strip()
    assert run_command("token", "check", "--dev", token, folder=tmp_path).returncode == 0


def test_wrong_use_and_a_wrong_configuration_are_2(check, tmp_path):
    assert run_command("token", "check", folder=tmp_path).returncode == 2
    assert run_command("token", "check", "--nonsense", "x", folder=tmp_path).returncode == 2
    result = check(mint(), issuers=[{"issuer": "x"}])
    assert result.returncode == 2 and b"issuers" in result.stderr
    assert run_command("token", "check", "--help", folder=tmp_path).returncode == 0


def test_no_byte_of_a_token_reaches_the_terminal_as_it_is(check):
    evil = "\x1b]0;title\x07"
    token = mint(iss=evil, sub=evil, publish=["a"])
    result = check(token)
    assert b"\x1b" not in result.stdout + result.stderr and b"\\u001b]0;title" in result.stdout
    garbage = ".".join(base64url(part) for part in (b'{"alg":"\x1b[31m"}', b"\x1b[31m", b"x"))
    result = check(garbage)
    assert b"\x1b" not in result.stdout + result.stderr
