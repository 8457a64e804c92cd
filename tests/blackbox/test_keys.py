"""Keys that change while the hub runs: by URL, by file, by issuer and role; and who tries to make use of that."""
import datetime
import ipaddress
import json
import os
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness import tokens
from harness.hub import PATH, Hub
from harness.keys import Key, KeyServer, jwk_set
from harness.wire import HANG_GUARD_S, request_bytes

TOPIC = "https://example.com/keys"
ASK_GAP_S = 5  # between two fetches that tokens bring about


@pytest.fixture
def key_server():
    servers = []

    def start(*keys, context=None):
        servers.append(KeyServer(*keys, context=context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def issuer(uri, name=tokens.ISSUER, roles=("publisher", "subscriber"), **verifier):
    return {"issuer": name, **{role: {"jwks_uri": uri, **verifier} for role in roles}}


def start_with_keys(start_hub, *issuers, **conf):
    hub = start_hub(issuers=list(issuers), anonymous=False, **conf)
    hub.log.wait("^Keys are in use$")
    return hub


def publish(hub, token, data="x"):
    return hub.publish(TOPIC, data, token=token)


def ask_for_stream(hub, token, method="GET"):
    connection = hub.connect()
    connection.send(request_bytes(method, f"{PATH}?match=x", {"Authorization": f"Bearer {token}"}))
    return connection


def assert_accepted(hub, token):
    response = publish(hub, token)
    assert response.status == 200, response


def assert_refused(hub, token, reason):
    response = publish(hub, token)
    assert response.status == 401, response
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert line["reason"] == reason
    return line


UNKNOWN = "the issuer has no key with that kid and alg for this role"


def wait_until_accepted(hub, token):
    deadline = time.monotonic() + HANG_GUARD_S
    while (response := publish(hub, token)).status != 200:
        assert response.status == 401 and time.monotonic() < deadline, response


# ---- sets behind URLs


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "PS384", "EdDSA"])
def test_a_key_behind_a_url_verifies_tokens(start_hub, key_server, alg):
    key = Key("one", alg)
    hub = start_with_keys(start_hub, issuer(key_server(key).url))
    assert_accepted(hub, key.mint(publish=["*"]))
    assert_refused(hub, Key("one", alg).mint(publish=["*"]), "the signature is wrong")


@pytest.mark.threads
def test_keys_are_rotated_without_dropping_a_stream(start_hub, key_server):
    old, new = Key("old"), Key("new")
    server = key_server(old)
    hub = start_with_keys(start_hub, issuer(server.url))
    with hub.subscribe(TOPIC, token=old.mint(subscribe=["*"])) as stream:
        assert_accepted(hub, old.mint(publish=["*"]))
        assert stream.read_event().data == "x"
        server.serve(old, new)
        time.sleep(ASK_GAP_S)  # the first fetch begins the gap; what is waited for is its end alone
        assert_accepted(hub, new.mint(publish=["*"]))
        assert stream.read_event().data == "x"
        server.serve(new)
        wait_until_gone(hub, old)
        assert publish(hub, new.mint(publish=["*"]), "after").status == 200
        assert stream.read_event().data == "after"


def wait_until_gone(hub, key):
    """Made-up names ask for new sets, until the key that was removed is not in it."""
    token = key.mint(publish=["*"])
    deadline = time.monotonic() + HANG_GUARD_S
    while hub.publish(f"{TOPIC}/other", token=token).status == 200:
        publish(hub, Key("made up").mint(publish=["*"]))
        assert time.monotonic() < deadline


def test_a_cached_token_is_refused_once_its_key_is_removed(start_hub, tmp_path):
    old, new = Key("old"), Key("new")
    path = tmp_path / "keys.json"
    path.write_text(jwk_set(old))
    hub = start_with_keys(start_hub, issuer(path.as_uri()))
    token = old.mint(publish=["*"], subscribe=["*"])
    for _ in range(4):  # on both workers
        assert_accepted(hub, token)
    with hub.subscribe(TOPIC, token=token) as stream:
        replace(path, jwk_set(new))
        hub.log.wait("^Keys are in use$", 2)
        wait_until_accepted(hub, new.mint(publish=["*"]))
        line = assert_refused(hub, token, UNKNOWN)
        assert (line["key_id"], line["keys"], line["issuer"]) == ("old", "new", tokens.ISSUER)
        assert stream.read_event().data == "x"  # the stream that is open stays open


def test_an_unknown_key_is_fetched_and_the_request_waits_for_it(start_hub, key_server):
    old, new = Key("old"), Key("new")
    server = key_server(old)
    hub = start_with_keys(start_hub, issuer(server.url))
    time.sleep(ASK_GAP_S)
    server.serve(old, new)
    server.hold()
    tokens_of_new = [new.mint(publish=["*"], sub=str(i)) for i in range(8)]
    with Parallel(hub, tokens_of_new) as requests:
        server.wait_requests(2)
        assert_accepted(hub, old.mint(publish=["*"]))  # nobody else waits
        server.release()
        assert requests.statuses() == [200] * 8
    assert server.requests == 2


class Parallel:
    """Publishes with each of the tokens at the same time."""

    def __init__(self, hub, all_tokens):
        self.responses = [None] * len(all_tokens)
        self.threads = [threading.Thread(target=self.run, args=(hub, i, token)) for i, token in enumerate(all_tokens)]

    def run(self, hub, i, token):
        self.responses[i] = publish(hub, token)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def statuses(self):
        for thread in self.threads:
            thread.join(HANG_GUARD_S)
        return [response.status for response in self.responses]

    def __exit__(self, *args):
        for thread in self.threads:
            thread.join(HANG_GUARD_S)


def test_made_up_keys_neither_flood_the_key_server_nor_delay_others(start_hub, key_server):
    key = Key("good")
    server = key_server(key)
    hub = start_with_keys(start_hub, issuer(server.url))
    good = key.mint(publish=["*"])
    forger = Key("forger")
    began = time.monotonic()
    for i in range(300):
        response = publish(hub, forger.mint(publish=["*"], header={"kid": f"made up {i}"}))
        assert response.status == 401
        assert_accepted(hub, good)
    gaps = (time.monotonic() - began) / ASK_GAP_S
    assert server.requests <= 1 + 1 + gaps


def test_a_key_server_that_hangs_holds_up_only_who_needs_it(start_hub, key_server):
    key = Key("good")
    server = key_server(key)
    hub = start_with_keys(start_hub, issuer(server.url))
    time.sleep(ASK_GAP_S)
    server.hold()
    with Parallel(hub, [Key("new").mint(publish=["*"])]) as requests:
        server.wait_requests(2)
        stream = ask_for_stream(hub, Key("newer").mint())
        for i in range(20):
            assert_accepted(hub, key.mint(publish=["*"], sub=str(i)))
        assert requests.statuses() == [503]  # in bounded time
        assert stream.read_all() == b""
    hub.log.wait("^A token could not be checked$", reason="the keys of the token's issuer take too long to come")


@pytest.mark.parametrize("answer,reason", [
    ({"status": 500, "body": "{}"}, "the answer's status is 500"),
    ({"status": 404, "body": "{}"}, "the answer's status is 404"),
    ({"body": "{" + " " * (256 << 10) + "}"}, "the answer is larger than 262144 bytes"),
    ({"body": "no JSON"}, None),
    ({"body": "[]"}, None),
    ({"body": '{"keys": {}}'}, None),
])
def test_a_bad_answer_leaves_the_last_good_set_in_use(start_hub, key_server, answer, reason):
    key = Key("good")
    server = key_server(key)
    hub = start_with_keys(start_hub, issuer(server.url))
    token = key.mint(publish=["*"])
    assert_accepted(hub, token)
    server.serve(**answer)
    time.sleep(ASK_GAP_S)
    assert publish(hub, Key("new").mint(publish=["*"])).status == 401
    line = hub.log.wait("^Keys cannot be renewed", url=server.url)
    assert reason is None or line["reason"] == reason
    assert_accepted(hub, token)
    assert_accepted(hub, key.mint(publish=["*"], sub="another"))
    metrics = hub.metrics()
    assert metrics["mercure_key_fetches_total"] == 2
    assert metrics["mercure_key_fetches_failed_total"] == 1


def test_the_hub_starts_without_its_keys_and_gets_them_later(start_hub, key_server):
    key = Key("good")
    server = key_server(key)
    server.serve(status=503, body="not now")
    hub = start_hub(issuers=[issuer(server.url)], anonymous=False)
    hub.log.wait("^Keys cannot be had", reason="the answer's status is 503")
    assert hub.ask_operations("/mercure/health/ready").status == 200
    response = publish(hub, key.mint(publish=["*"]))
    assert response.status == 503 and response.get("Retry-After")
    # An EventSource would never come back from a status, and does from this.
    for method in ("GET", "QUERY"):
        assert ask_for_stream(hub, key.mint(), method).read_all() == b""
    assert hub.request("HEAD", f"{PATH}?match=x", [("Authorization", f"Bearer {key.mint()}")]).status == 503
    server.serve(key)
    hub.log.wait("^Keys are in use$")
    assert_accepted(hub, key.mint(publish=["*"]))


def test_a_request_that_comes_before_the_first_keys_waits_for_them(start_hub, key_server):
    key = Key("good")
    server = key_server(key)
    server.hold()
    hub = start_hub(issuers=[issuer(server.url)], anonymous=False)
    with Parallel(hub, [key.mint(publish=["*"])]) as requests:
        server.wait_requests(1)
        server.release()
        assert requests.statuses() == [200]
    assert server.requests == 1


def test_keys_without_a_name_are_renewed_as_well(start_hub, key_server):
    old, new = Key(None), Key(None)
    server = key_server(old)
    hub = start_with_keys(start_hub, issuer(server.url))
    assert_accepted(hub, old.mint(publish=["*"]))
    server.serve(new)
    time.sleep(ASK_GAP_S)
    assert_accepted(hub, new.mint(publish=["*"]))
    assert_refused(hub, old.mint(publish=["*"]), "the signature is wrong")


def test_keys_are_refreshed_by_the_clock(start_hub, key_server):
    old, new = Key("old"), Key("new")
    server = key_server(old)
    hub = start_with_keys(start_hub, issuer(server.url), jwks_refresh="10s")
    server.serve(new)
    server.wait_requests(2)
    hub.log.wait("^Keys are in use$", 2)
    assert_accepted(hub, new.mint(publish=["*"]))


# ---- redirects and TLS


def certificate(folder):
    """A certificate for 127.0.0.1 that signs itself: the path of its file, and a server's context with it."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True).sign(private, hashes.SHA256()))
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return cert_file, context


def test_keys_come_by_https_from_a_server_that_can_prove_itself(start_hub, key_server, tmp_path):
    key = Key("good")
    cert_file, context = certificate(tmp_path)
    server = key_server(key, context=context)
    hub = start_with_keys(start_hub, issuer(server.url), env={"SSL_CERT_FILE": str(cert_file)})
    assert_accepted(hub, key.mint(publish=["*"]))
    stranger = start_hub("stranger", issuers=[issuer(server.url)], anonymous=False)
    assert "certificate" in stranger.log.wait("^Keys cannot be had")["reason"]


def test_https_is_never_redirected_to_http(start_hub, key_server, tmp_path):
    key = Key("good")
    plain = key_server(key)
    cert_file, context = certificate(tmp_path)
    server = key_server(key, context=context)
    server.serve(status=302, body="", headers={"Location": plain.url})
    hub = start_hub(issuers=[issuer(server.url)], anonymous=False, env={"SSL_CERT_FILE": str(cert_file)})
    hub.log.wait("^Keys cannot be had", reason="it redirects to an address that is not allowed")
    assert plain.requests == 0


def test_http_may_be_redirected_a_few_times(start_hub, key_server):
    key = Key("good")
    server = key_server()
    server.serve(body=lambda path: (200, jwk_set(key).encode(), {}) if path == "/3" else
                 (302, b"", {"Location": {"/jwks.json": "/1", "/1": "/2", "/2": "/3"}[path]}))
    hub = start_with_keys(start_hub, issuer(server.url))
    assert_accepted(hub, key.mint(publish=["*"]))
    circle = key_server()
    circle.serve(status=302, body="", headers={"Location": "/again"})
    lost = start_hub("lost", issuers=[issuer(circle.url)], anonymous=False)
    lost.log.wait("^Keys cannot be had")
    assert circle.requests == 4


def test_keys_without_tls_are_warned_of(start_hub):
    hub = start_hub(issuers=[issuer("http://keys.invalid/jwks.json")])
    hub.log.wait("^Keys are fetched without TLS", url="http://keys.invalid/jwks.json")


# ---- sets in files


def replace(path, text):
    """As careful programs do: whole, or not at all."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, path)


def test_a_file_is_watched_and_only_a_good_set_replaces_the_old(start_hub, tmp_path):
    old, new = Key("old"), Key("new")
    path = tmp_path / "keys of mine.json"
    path.write_text(jwk_set(old))
    hub = start_with_keys(start_hub, issuer(path.as_uri()))
    assert_accepted(hub, old.mint(publish=["*"]))
    path.write_text("half of a se")
    hub.log.wait("^Keys cannot be renewed", url=path.as_uri())
    assert_accepted(hub, old.mint(publish=["*"], sub="again"))
    path.unlink()
    hub.log.wait("^Keys cannot be renewed|^Keys are in use")
    assert_accepted(hub, old.mint(publish=["*"], sub="and again"))
    path.write_text(jwk_set(new))
    hub.log.wait("^Keys are in use$", 2)
    wait_until_accepted(hub, new.mint(publish=["*"]))
    assert_refused(hub, old.mint(publish=["*"]), UNKNOWN)


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path):
    from harness.hub import run_command
    path = tmp_path / "keys.json"
    conf = {"issuers": [issuer(path.as_uri())], "addr": "127.0.0.1:0", "ops_addr": "127.0.0.1:0",
            "transport_url": "local://", "log_format": "json"}
    result = run_command("run", folder=tmp_path, conf=conf)
    assert result.returncode == 1
    events = [json.loads(line) for line in result.stderr.decode().splitlines()]
    assert events[0]["msg"].startswith("Keys cannot be had") and events[0]["reason"] == "No such file or directory"
    path.write_text("{}")
    assert run_command("run", folder=tmp_path, conf=conf).returncode == 1


# ---- issuers and roles


def test_publishers_and_subscribers_have_keys_of_their_own(start_hub, key_server):
    publisher, subscriber = Key("same"), Key("same")
    both = {"issuer": tokens.ISSUER, "publisher": {"jwks_uri": key_server(publisher).url},
            "subscriber": {"jwks_uri": key_server(subscriber).url}}
    hub = start_hub(issuers=[both], anonymous=False)
    hub.log.wait("^Keys are in use$", 2)
    assert_accepted(hub, publisher.mint(publish=["*"]))
    assert_refused(hub, subscriber.mint(publish=["*"]), "the signature is wrong")
    hub.subscribe(TOPIC, token=subscriber.mint()).close()
    response = hub.request("GET", f"{PATH}?match=x", [("Authorization", f"Bearer {publisher.mint()}")])
    assert response.status == 401


def test_keys_of_two_issuers_are_never_mixed(start_hub, key_server):
    one, two = Key("same"), Key("same")
    names = ["https://one.example", "https://two.example"]
    hub = start_hub(anonymous=False, issuers=[issuer(key_server(one).url, names[0]),
                                              issuer(key_server(two).url, names[1])])
    hub.log.wait("^Keys are in use$", 2)
    assert_accepted(hub, one.mint(publish=["*"], iss=names[0]))
    assert_accepted(hub, two.mint(publish=["*"], iss=names[1]))
    assert_refused(hub, one.mint(publish=["*"], iss=names[1]), "the signature is wrong")
    assert_refused(hub, one.mint(publish=["*"], iss="https://three.example"), "no issuer of that name is configured")


def test_a_url_that_two_roles_name_is_fetched_once(start_hub, key_server):
    key = Key("good")
    server = key_server(key)
    hub = start_with_keys(start_hub, issuer(server.url))
    hub.subscribe(TOPIC, token=key.mint()).close()
    assert_accepted(hub, key.mint(publish=["*"]))
    assert server.requests == 1


def test_a_set_is_used_only_with_the_algorithms_that_are_allowed(start_hub, key_server):
    allowed, other = Key("allowed"), Key("other", "RS256")
    server = key_server(allowed, other)
    hub = start_with_keys(start_hub, issuer(server.url, jwt_algorithms=["ES256"]))
    assert_accepted(hub, allowed.mint(publish=["*"]))
    assert_refused(hub, other.mint(publish=["*"]), "the header's alg is not one that the issuer may use for this role")
    assert server.requests == 1  # and nothing is fetched for it


def test_a_fixed_key_and_a_url_exclude_each_other(tmp_path):
    from harness.hub import run_command
    both = [{"issuer": "a", "publisher": {"jwt_key": "k" * 32, "jwks_uri": "https://a.example/"}}]
    result = run_command("validate", folder=tmp_path, conf={"issuers": both, "anonymous": True})
    assert result.returncode == 2
    assert b"jwt_key and jwks_uri exclude each other" in result.stderr


# ---- many at once


@pytest.mark.threads
def test_a_flood_of_new_tokens_leaves_the_hub_answering(start_hub, key_server):
    key = Key("good")
    hub = start_with_keys(start_hub, issuer(key_server(key).url))
    with hub.subscribe(TOPIC, token=key.mint(subscribe=["*"])) as stream:
        flood = [key.mint(publish=["*"], sub=str(i)) for i in range(64)]
        with Parallel(hub, flood) as requests:
            assert requests.statuses() == [200] * 64
        assert [stream.read_event().data for _ in flood] == ["x"] * 64
        # Some come twice: the second time from what is remembered.
        with Parallel(hub, flood[:8] * 4) as requests:
            assert requests.statuses() == [200] * 32


@pytest.mark.threads
def test_a_token_that_many_requests_bring_at_once_is_verified_once(start_hub, key_server):
    key = Key("good", "PS512")
    hub = start_with_keys(start_hub, issuer(key_server(key).url), workers=1)
    with Parallel(hub, [key.mint(publish=["*"])] * 32) as requests:
        assert requests.statuses() == [200] * 32
    assert hub.metrics()["mercure_verified_signatures_total"] == 1


@pytest.mark.threads
def test_clients_that_leave_while_their_token_is_checked_do_no_harm(start_hub, key_server):
    key = Key("good")
    hub = start_with_keys(start_hub, issuer(key_server(key).url))
    for i in range(100):
        with hub.connect() as connection:
            connection.send(f"GET {PATH}?match=x HTTP/1.1\r\nHost: {hub.host}\r\n"
                            f"Authorization: Bearer {key.mint(sub=str(i))}\r\n\r\n".encode())
    assert_accepted(hub, key.mint(publish=["*"]))


def test_the_hub_stops_while_requests_wait_for_keys(start_hub, key_server):
    server = key_server(Key("good"))
    server.hold()
    hub = start_hub(issuers=[issuer(server.url)], anonymous=False, shutdown_timeout="0s")
    with Parallel(hub, []) as _, hub.connect() as connection:
        connection.send(f"GET {PATH}?match=x HTTP/1.1\r\nHost: {hub.host}\r\n"
                        f"Authorization: Bearer {Key('new').mint()}\r\n\r\n".encode())
        server.wait_requests(1)
        hub.stop()
