"""Protected resource metadata (RFC 9728; modern.md 1.3), and the challenges that lead to it."""
import json

import pytest

from harness import tokens
from harness.hub import PATH

METADATA = f"/.well-known/oauth-protected-resource{PATH}"
DETAIL = "https://mercure.rocks/authorization-detail"


def read(hub, **options):
    response = hub.request("GET", METADATA, **options)
    assert response.status == 200
    assert response.get("Content-Type") == "application/json"
    return json.loads(response.body)


def issuer(name, *servers):
    key = {"jwt_key": tokens.PUBLISHER_KEY}
    return {"issuer": name, "authorization_servers": servers, "publisher": key, "subscriber": key}


def test_the_metadata_says_which_tokens_the_hub_takes(hub):
    response = hub.request("GET", METADATA)
    assert response.text == json.dumps({
        "resource": tokens.AUDIENCE,
        "bearer_methods_supported": ["header"],
        "authorization_details_types_supported": [DETAIL],
        "mercure_cookie": "__Secure-mercure_access_token",
    }, separators=(",", ":")) + "\n"


def test_no_token_is_needed_and_caches_may_keep_it(start_hub):
    hub = start_hub(anonymous=False)
    response = hub.request("GET", METADATA)
    assert response.status == 200
    assert response.get("Cache-Control") == "public, max-age=3600"
    assert response.get("X-Frame-Options") == "DENY"


def test_authorization_servers_come_in_the_order_of_the_configuration_and_once(start_hub):
    hub = start_hub(issuers=[issuer("https://a", "https://auth.b", "https://auth.a"), issuer("https://c"),
                             issuer("https://d", "https://auth.a", "https://auth.d")])
    document = read(hub)
    assert document["authorization_servers"] == ["https://auth.b", "https://auth.a", "https://auth.d"]
    assert list(document) == ["resource", "bearer_methods_supported", "authorization_servers",
                              "authorization_details_types_supported", "mercure_cookie"]


def test_the_resource_is_derived_from_the_request_where_it_is_not_set(start_hub):
    hub = start_hub(resource_identifier=None, cookie_name="mercure")
    document = read(hub, host="Hub.example:8080")
    assert document["resource"] == f"http://Hub.example:8080{PATH}"
    assert document["mercure_cookie"] == "mercure"


def test_head_has_the_head_alone(hub):
    get, head = hub.request("GET", METADATA), hub.request("HEAD", METADATA)
    assert (head.status, head.body) == (200, b"")
    assert head.get("Content-Length") == str(len(get.body))


@pytest.mark.parametrize("method", ["POST", "DELETE", "QUERY"])
def test_the_metadata_can_only_be_read(hub, method):
    response = hub.request(method, METADATA)
    assert (response.status, response.get("Allow")) == (405, "GET, HEAD, OPTIONS")
    assert hub.request("OPTIONS", METADATA).get("Allow") == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", f"{METADATA}/", f"{METADATA}x"])
def test_there_is_no_metadata_at_other_paths(hub, path):
    assert hub.request("GET", path).status == 404


def where(challenge):
    """The path and origin of the metadata that a challenge names."""
    return challenge.split('resource_metadata="')[1].split('"')[0]


def test_each_challenge_leads_to_the_metadata(start_hub):
    hub = start_hub(anonymous=False)
    refused = [
        hub.request("GET", f"{PATH}?match=x"),
        hub.request("GET", f"{PATH}?match=x", {"Authorization": "Basic x"}),
        hub.request("GET", f"{PATH}?match=x", {"Authorization": "Bearer " + "x" * 50}),
        hub.publish("x", token=tokens.mint(publish=["y"])),
        hub.publish("x", token=""),
    ]
    assert [response.status for response in refused] == [401, 400, 401, 403, 401]
    origin = tokens.AUDIENCE.removesuffix(PATH)
    assert {where(response.get("WWW-Authenticate")) for response in refused} == {origin + METADATA}


def test_the_challenge_names_the_origin_of_the_request_where_no_resource_is_set(start_hub):
    hub = start_hub(anonymous=False, resource_identifier=None)
    response = hub.request("GET", f"{PATH}?match=x", host="hub.example:8080")
    assert response.get("WWW-Authenticate") == f'Bearer resource_metadata="http://hub.example:8080{METADATA}"'
