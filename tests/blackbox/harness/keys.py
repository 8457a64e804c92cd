"""Keys of issuers, made without the hub's own code, and a server that publishes them (RFC 7517)."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from . import tokens
from .wire import HANG_GUARD_S

CURVES = {"ES256": ("P-256", ec.SECP256R1, 32), "ES384": ("P-384", ec.SECP384R1, 48), "ES512": ("P-521", ec.SECP521R1, 66)}


def number(value, size=None):
    return tokens.base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A private key, and its public half as a JWK."""

    def __init__(self, kid, alg="ES256"):
        self.kid = kid
        self.alg = alg
        if alg in CURVES:
            self.private = ec.generate_private_key(CURVES[alg][1]())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    def jwk(self, **members):
        public = self.private.public_key()
        if self.alg in CURVES:
            curve, _, size = CURVES[self.alg]
            point = public.public_numbers()
            jwk = {"kty": "EC", "crv": curve, "x": number(point.x, size), "y": number(point.y, size)}
        elif self.alg == "EdDSA":
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": tokens.base64url(public.public_bytes_raw())}
        else:
            parts = public.public_numbers()
            jwk = {"kty": "RSA", "n": number(parts.n), "e": number(parts.e)}
        jwk = {**jwk, "alg": self.alg, "use": "sig", "kid": self.kid, **members}
        return {name: value for name, value in jwk.items() if value is not None}

    def mint(self, publish=(), subscribe=(), header=None, **others):
        """A token that this key signs."""
        head = {"typ": "at+jwt", "kid": self.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(tokens.claims(publish, subscribe, **others), self.private, self.alg, head)


def jwk_set(*keys):
    return json.dumps({"keys": [key.jwk() if isinstance(key, Key) else key for key in keys]})


class KeyServer:
    """Answers every GET with what `serve` was last told, and counts. While it is held, answers wait."""

    def __init__(self, *keys, context=None):
        self.answer = (200, jwk_set(*keys).encode(), {})
        self.requests = 0
        self.changed = threading.Condition()
        self.open = threading.Event()
        self.open.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with outer.changed:
                    outer.requests += 1
                    outer.changed.notify_all()
                outer.open.wait()
                status, body, headers = outer.answer
                if callable(body):
                    status, body, headers = body(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # the hub has had enough

            def log_message(self, *args):
                pass

        return Handler

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/jwks.json"

    def serve(self, *keys, status=200, body=None, headers=None):
        """From now on this is the answer: a set of these keys, or anything else."""
        text = body if body is not None else jwk_set(*keys)
        self.answer = (status, text.encode() if isinstance(text, str) else text, headers or {})

    def hold(self):
        self.open.clear()

    def release(self):
        self.open.set()

    def wait_requests(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.requests >= count, HANG_GUARD_S), self.requests

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


def pem(key):
    """The public half in PEM form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
