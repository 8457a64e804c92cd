"""What a flood of new ES256 tokens does to the deliveries of other streams.

    build/venv/bin/python bench/fresh_tokens.py [--rounds N] [--rate TOKENS_PER_S] [BINARY...]

Each round measures broadcasts at a steady rate without any other load ("none"), beside requests that all bring the
same token ("remembered"), and beside as many requests with a token of their own each ("fresh"). The requests publish
nothing and get 400; the tokens are made before. Several binaries are measured in turn.
"""
import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/blackbox"))

from harness import tokens  # noqa: E402
from harness.hub import PATH, Hub, default_issuers  # noqa: E402
from harness.keys import Key, pem  # noqa: E402


ISSUER = "https://fresh.example"


def request(token):
    return (f"POST {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: 0\r\nAuthorization: Bearer {token}\r\n\r\n").encode()


class Flood(threading.Thread):
    """Sends these requests at this rate on one connection after the other, and reads what comes."""

    def __init__(self, address, requests, rate):
        super().__init__(daemon=True)
        self.requests, self.rate, self.sent, self.answered, self.done = requests, rate, 0, 0, False
        self.sockets = [socket.create_connection(address) for _ in range(8)]
        for each in self.sockets:
            each.setblocking(False)

    def run(self):
        began = time.monotonic()
        while not self.done:
            due = min(int((time.monotonic() - began) * self.rate), len(self.requests))
            while self.sent < due:
                self.sockets[self.sent % 8].send(self.requests[self.sent])
                self.sent += 1
            for each in self.sockets:
                try:
                    self.answered += each.recv(1 << 20).count(b"HTTP/1.1 400")
                except BlockingIOError:
                    pass
            time.sleep(0.002)


def measure(binary, key, kind, options):
    with tempfile.TemporaryDirectory() as folder:
        import harness.hub
        harness.hub.BINARY = Path(binary)
        hub = Hub(folder, issuers=default_issuers() + [
            {"issuer": ISSUER, "publisher": {"jwt_key": pem(key), "jwt_algorithm": "ES256"}}])
        flood = None
        if kind != "none":
            count = options.rate * options.seconds
            fresh = kind == "fresh"
            made = [key.mint(publish=["*"], header={"kid": None}, sub=str(i), iss=ISSUER)
                    for i in range(count if fresh else 1)]
            flood = Flood(hub.address, [request(made[i % len(made)]) for i in range(count)], options.rate)
        url = f"http://{hub.address[0]}:{hub.address[1]}{PATH}"
        bench = subprocess.Popen(
            [str(ROOT / "build/release/cinnabar"), "bench", "broadcast", "--url", url, "--aud", tokens.AUDIENCE, "--key",
             tokens.PUBLISHER_KEY, "-n", "1000", "-r", "20", "-p", "8", "-d", f"{options.seconds - 2}s", "--json",
             "--server-pid", str(hub.process.pid)], stdout=subprocess.PIPE)
        if flood:
            flood.start()
        result = json.loads(bench.communicate()[0])
        if flood:
            flood.done = True
            flood.join()
        signatures = hub.metrics()["mercure_verified_signatures_total"]
        hub.stop()
    return result, flood.answered if flood else 0, signatures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", nargs="*", default=[ROOT / "build/release/cinnabar"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=7)
    options = parser.parse_args()
    key = Key("one")
    figures = {}
    for _ in range(options.rounds):
        for binary in options.binaries:
            for kind in ("none", "remembered", "fresh"):
                result, answered, signatures = measure(binary, key, kind, options)
                p50, p99 = (result["delivery"][name] / 1e6 for name in ("p50_ns", "p99_ns"))
                print(f"{binary} {kind}: p50 {p50:.1f} ms, p99 {p99:.1f} ms; {answered} requests answered, "
                      f"{signatures:.0f} signatures, {result['lost']} updates lost {result['failure']}", flush=True)
                figures.setdefault((binary, kind), []).append((p50, p99))
    for (binary, kind), values in figures.items():
        p50, p99 = (statistics.median(each) for each in zip(*values))
        print(f"median of {len(values)}: {binary} {kind}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


if __name__ == "__main__":
    main()
