"""What the hub believes of proxies in front of it: who asks, and whom for."""
import json

import pytest

from harness import tokens
from harness.hub import PATH, run_command

METADATA = f"/.well-known/oauth-protected-resource{PATH}"
SAID = [("X-Forwarded-For", "192.0.2.7, 127.0.0.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "public.example")]
URL = f"https://public.example{PATH}"


def resource(hub, headers=SAID):
    return json.loads(hub.request("GET", METADATA, headers).text)["resource"]


def peer_of_refusal(hub, headers=SAID):
    response = hub.request("GET", PATH, headers)
    return hub.log.wait("^Subscription refused$", request_id=response.get("X-Request-Id"))["peer"]


@pytest.fixture(scope="module", params=["trusted_proxies", "USE_FORWARDED_HEADERS"])
def proxied(request, start_module_hub):
    how = ({"trusted_proxies": "127.0.0.0/8,fd00::/8"} if request.param == "trusted_proxies"
           else {"env": {"USE_FORWARDED_HEADERS": "1"}})
    return start_module_hub(resource_identifier=None, **how)


def test_the_client_of_a_proxy_is_in_the_log(proxied):
    assert peer_of_refusal(proxied) == "192.0.2.7"
    assert peer_of_refusal(proxied, []).startswith("127.0.0.1:")


def test_the_url_of_the_hub_is_that_of_the_proxy(proxied, topic):
    assert resource(proxied) == URL
    token = tokens.mint(publish=["*"], aud=URL)
    assert proxied.publish(topic, "x", token=token, headers=SAID).status == 200
    assert proxied.publish(topic, "x", token=token).status == 401
    challenge = proxied.request("POST", PATH, SAID).get("WWW-Authenticate")
    assert f'resource_metadata="https://public.example{METADATA}"' in challenge


def test_the_standard_field_is_understood(proxied):
    headers = [("Forwarded", 'for="[2001:db8::7]:4711";proto=https;host=public.example, for=127.0.0.9')]
    assert resource(proxied, headers) == URL
    assert peer_of_refusal(proxied, headers) == "2001:db8::7"


@pytest.mark.parametrize("host", ["a b", "public.example/path", "user@public.example", "public.example:99999", ""])
def test_a_malformed_host_is_left_out(proxied, host):
    headers = [("X-Forwarded-Host", host), ("X-Forwarded-Proto", "gopher")]
    assert resource(proxied, headers) == f"http://{proxied.host}{PATH}"


def test_whoever_is_no_proxy_is_not_believed(start_hub, hub):
    assert peer_of_refusal(hub).startswith("127.0.0.1:")
    other = start_hub(resource_identifier=None, trusted_proxies="127.0.0.2 10.0.0.0/8")
    assert resource(other) == f"http://{other.host}{PATH}"
    assert peer_of_refusal(other).startswith("127.0.0.1:")


def test_networks_win_over_everybody(start_hub):
    hub = start_hub(trusted_proxies="10.0.0.0/8", use_forwarded_headers=True)
    assert peer_of_refusal(hub).startswith("127.0.0.1:")


def test_a_proxy_at_a_unix_socket_is_believed(start_hub, tmp_path):
    hub = start_hub(addr=f"unix:{tmp_path}/hub.sock", trusted_proxies="127.0.0.9")
    assert peer_of_refusal(hub) == "192.0.2.7"


def test_public_urls_are_compared_with_what_the_proxy_says(start_hub):
    hub = start_hub(trusted_proxies="127.0.0.1", public_urls="https://public.example")
    assert hub.request("GET", "/healthz", SAID).status == 200
    assert hub.request("GET", "/healthz").status == 421


def test_what_is_no_network_is_refused(tmp_path):
    conf = {"publisher_jwt_key": "x" * 32, "anonymous": True, "trusted_proxies": "10.0.0.0/8 proxy.example"}
    result = run_command("validate", folder=tmp_path, conf=conf)
    assert result.returncode == 2
    assert b'trusted_proxies: "proxy.example" is neither an IP address nor a network' in result.stderr
