"""Tokens of every algorithm, made by the libraries that people make them with: npm `jose` and Python `PyJWT`."""
import json
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest

from harness.hub import PATH, run_command
from harness.tokens import claims
from harness.wire import HANG_GUARD_S

KEYS = Path(__file__).parent.parent / "data" / "keys"
CLIENTS = Path(__file__).parent / "clients"
SECRET = "a secret that is as long as the longest of the digests asks for: 64 bytes"
FILES = {"RS": "rsa", "PS": "rsa", "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}
PUBLIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
ALGORITHMS = ["HS256", "HS384", "HS512", *PUBLIC]
SET = "https://set.example"


def name_of(alg):
    return FILES.get(alg) or FILES.get(alg[:2])


def pem(alg, kind="pub"):
    return (KEYS / f"{name_of(alg)}{'.' + kind if kind else ''}.pem").read_text()


def signing_key(alg):
    return SECRET if alg.startswith("HS") else pem(alg, "")


def make_with_pyjwt(requests):
    return [jwt.encode(request["claims"], request["key"], algorithm=request["alg"],
                       headers={"typ": "at+jwt", **({"kid": request["kid"]} if request["kid"] else {})})
            for request in requests]


def run_jose(requests, *args):
    result = subprocess.run(["node", CLIENTS / "jose.mjs", *args], input=json.dumps(requests).encode(), check=True,
                            capture_output=True, timeout=HANG_GUARD_S)
    return json.loads(result.stdout)


LIBRARIES = {"jose": run_jose, "PyJWT": make_with_pyjwt}


def issuer_of(alg):
    return f"https://{alg.lower()}.example"


def request_of(alg, iss, kid=None):
    return {"key": signing_key(alg), "alg": alg, "kid": kid, "claims": claims(publish=["*"], iss=iss)}


@pytest.fixture(scope="module", params=list(LIBRARIES))
def minted(request):
    """Tokens by (algorithm, issuer), of one library."""
    requests = [request_of(alg, issuer_of(alg)) for alg in ALGORITHMS]
    requests += [request_of(alg, SET, name_of(alg)) for alg in PUBLIC]
    made = LIBRARIES[request.param](requests)
    return {(one["alg"], one["claims"]["iss"]): token for one, token in zip(requests, made)}


@pytest.fixture(scope="module")
def keys_hub(start_module_hub):
    """Each algorithm has an issuer of its own with one key; one more issuer has a set with all of them."""
    issuers = [{"issuer": issuer_of(alg),
                "publisher": {"jwt_key": SECRET if alg.startswith("HS") else pem(alg), "jwt_algorithm": alg}}
               for alg in ALGORITHMS]
    issuers.append({"issuer": SET, "publisher": {"jwks_uri": (KEYS / "set.json").resolve().as_uri()}})
    return start_module_hub(issuers=issuers)


def publish(hub, token):
    body = urlencode({"topic": "https://example.com/libraries"})
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", f"Bearer {token}")]
    return hub.request("POST", PATH, headers, body, "hub.example").status


def with_flipped_bit(token, part):
    """The token with one bit of a part other, in what is still base64url of the same length."""
    parts = token.split(".")
    middle = len(parts[part]) // 2
    text = parts[part]
    parts[part] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1:]
    return ".".join(parts)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_is_good_with_its_key(keys_hub, minted, alg):
    token = minted[alg, issuer_of(alg)]
    assert publish(keys_hub, token) == 200
    assert publish(keys_hub, with_flipped_bit(token, 2)) == 401
    assert publish(keys_hub, with_flipped_bit(token, 1)) == 401


@pytest.mark.parametrize("alg", PUBLIC)
def test_a_token_is_good_with_a_set_of_keys(keys_hub, minted, alg):
    token = minted[alg, SET]
    assert publish(keys_hub, token) == 200
    assert publish(keys_hub, with_flipped_bit(token, 2)) == 401


@pytest.mark.parametrize("alg", PUBLIC)
def test_the_text_of_the_public_key_is_no_secret(keys_hub, alg):
    secret = jwt.utils.base64url_encode  # PyJWT refuses to sign like that: by hand
    head = secret(b'{"alg":"HS256","typ":"at+jwt"}').decode()
    body = secret(json.dumps(claims(publish=["*"], iss=issuer_of(alg))).encode()).decode()
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), pem(alg).encode())
    assert publish(keys_hub, f"{head}.{body}.{secret(signature).decode()}") == 401


@pytest.mark.parametrize("kind", ["crt", "pkcs1.pub"])
def test_other_forms_of_the_key_are_as_good(start_hub, minted, kind):
    hub = start_hub(issuers=[
        {"issuer": issuer_of("RS256"), "publisher": {"jwt_key": pem("RS256", kind), "jwt_algorithm": "RS256"}}])
    assert publish(hub, minted["RS256", issuer_of("RS256")]) == 200


def test_keys_come_from_the_environment_too(start_hub, minted):
    """A variable of one line, and the file that one names."""
    issuer = issuer_of("ES256")
    one_line = {"publisher_jwt_key": pem("ES256").strip().replace("\n", "\\n")}
    for folder, key in (("line", one_line), ("file", {"publisher_jwt_key_file": KEYS / "p256.pub.pem"})):
        hub = start_hub(folder, issuers=None, publisher_jwt_alg="ES256", trusted_issuers=issuer, **key)
        assert publish(hub, minted["ES256", issuer]) == 200


def test_the_libraries_take_what_the_command_signs(tmp_path):
    requests = []
    for alg in ALGORITHMS:
        result = run_command("token", "--iss", "i", "--aud", "a", "--key", "@-", "--alg", alg, "--kid", "k", "--publish", "*",
                             folder=tmp_path, stdin=signing_key(alg).encode())
        key = SECRET if alg.startswith("HS") else pem(alg)
        requests.append({"key": key, "alg": alg, "token": result.stdout.decode().strip()})
    assert run_jose(requests, "verify") == [{"alg": alg, "typ": "at+jwt", "kid": "k"} for alg in ALGORITHMS]
    for one in requests:
        assert jwt.decode(one["token"], one["key"], [one["alg"]], audience="a", issuer="i")["client_id"] == "i"


@pytest.mark.parametrize("args, reason", [
    ([], b"--alg: the algorithm is required with a key in PEM form"),
    (["--alg", "HS256"], b"--alg: the algorithm is for a shared secret, but the key is in PEM form"),
    (["--alg", "ES384"], b"--alg: the algorithm does not fit the key, which is an EC key on P-256, for ES256"),
])
def test_the_command_tells_what_a_pem_key_needs(tmp_path, args, reason):
    result = run_command("token", "--dev", "--key", f"@{KEYS / 'p256.pem'}", *args, folder=tmp_path)
    assert result.returncode == 1 and reason in result.stderr and not result.stdout


def test_the_command_signs_with_private_keys_alone(tmp_path):
    result = run_command("token", "--dev", "--key", f"@{KEYS / 'p256.pub.pem'}", "--alg", "ES256", folder=tmp_path)
    assert result.returncode == 1 and b"the key is a public key" in result.stderr
    result = run_command("token", "--dev", "--key", f"@{KEYS / 'encrypted.pkcs8.pem'}", "--alg", "ES256", folder=tmp_path)
    assert result.returncode == 1 and b"encrypted" in result.stderr


def test_a_development_token_takes_the_algorithm_with_the_key_of_the_environment(tmp_path):
    env = {"MERCURE_PUBLISHER_JWT_KEY": pem("ES256", ""), "MERCURE_PUBLISHER_JWT_ALG": "ES256"}
    token = run_command("token", "--dev", folder=tmp_path, env=env).stdout.decode().strip()
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
