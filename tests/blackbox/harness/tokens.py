"""Tokens, made without the hub's own code."""
import base64
import hashlib
import hmac
import json
import time

ISSUER = "https://localhost"
AUDIENCE = "https://hub.example/.well-known/mercure"
PUBLISHER_KEY = "!ChangeThisMercureHubJWTSecretKey!"
SUBSCRIBER_KEY = "!ChangeThisMercureHubJWTSecretKey!"
DETAIL_TYPE = "https://mercure.rocks/authorization-detail"
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    """What a part of a token says; its signature is not looked at."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sign(header, payload, key=PUBLISHER_KEY):
    """A compact JWS of the two parts, which may be objects or ready-made bytes."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    text = ".".join(base64url(part) for part in parts)
    alg = header.get("alg", "HS256") if isinstance(header, dict) else "HS256"
    digest = hmac.new(key.encode(), text.encode(), DIGESTS.get(alg, hashlib.sha256)).digest()
    return f"{text}.{base64url(digest)}"


def topics(*matches):
    """Topic matchers of a detail: a text is an exact match, anything else stands as it is."""
    return [{"match": match} if isinstance(match, str) else match for match in matches]


def detail(actions, *matches, **members):
    return {"type": DETAIL_TYPE, "actions": list(actions), "topics": topics(*matches), **members}


def claims(publish=(), subscribe=(), details=None, ttl=300, **others):
    """The claims of a good token; `others` replace or, with None, remove single ones."""
    if details is None:
        details = [detail([action], *matches) for action, matches in
                   (("publish", publish), ("subscribe", subscribe)) if matches]
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": time.time() + ttl,
        "sub": "tests",
        "authorization_details": details,
    }
    payload.update(others)
    return {name: value for name, value in payload.items() if value is not None}


def mint(publish=(), subscribe=(), key=PUBLISHER_KEY, alg="HS256", typ="at+jwt", header=None, **others):
    """A token that grants publishing and subscribing to these topics."""
    head = {"alg": alg, "typ": typ, **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    return sign(head, claims(publish, subscribe, **others), key)


def mint_legacy(claim, key=PUBLISHER_KEY):
    """A token of the 0.x protocol with that claim `mercure`."""
    return sign({"alg": "HS256", "typ": "JWT"}, {"mercure": claim}, key)


def bearer(token):
    return ("Authorization", f"Bearer {token}")
