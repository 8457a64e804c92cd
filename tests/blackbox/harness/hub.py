"""The hub's process: started with a configuration, watched through its log, stopped or killed."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from . import tokens
from .sse import Stream
from .wire import HANG_GUARD_S, Connection, request_bytes

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CINNABAR_BINARY", ROOT / "build/release/cinnabar"))
PATH = "/.well-known/mercure"
SANITIZER_REPORT = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:|cinnabar: bug:")
SUPPRESSIONS = ROOT / "tests/support/tsan.supp"
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"exitcode=99:halt_on_error=1:suppressions={SUPPRESSIONS}",
}


def free_address(host=None):
    """Of a loopback host that no other test uses, unless it is named: nobody takes the port before it is listened on."""
    host = host or ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


def environment(folder, conf):
    """No variable of the caller's but PATH: the tests decide alone. None removes a default."""
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    env.update(SANITIZER_OPTIONS)
    for key, value in conf.items():
        if value is not None:
            env[f"MERCURE_{key.upper()}"] = as_text(value)
    return env


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return str(value)


def run_command(*args, folder, conf=None, env=None, stdin=b"", timeout=HANG_GUARD_S, wrapper=(),
                pass_fds=()):
    """Runs a command of the binary to its end."""
    variables = environment(Path(folder), conf or {})
    variables.update(env or {})
    return subprocess.run([*wrapper, str(BINARY), *map(str, args)], cwd=folder, env=variables, input=stdin,
                          capture_output=True, timeout=timeout, check=False, pass_fds=pass_fds)


def default_issuers():
    return [{
        "issuer": tokens.ISSUER,
        "publisher": {"jwt_key": tokens.PUBLISHER_KEY},
        "subscriber": {"jwt_key": tokens.SUBSCRIBER_KEY},
    }]


class Log:
    """The lines that the hub writes on stderr, as they come."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.events = []  # lines that are JSON objects
        self.others = []  # all other lines
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.pipe:
            text = line.decode("utf-8", "replace").rstrip("\n")
            try:
                event = json.loads(text)
            except ValueError:
                event = None
            with self.changed:
                if isinstance(event, dict):
                    self.events.append(event)
                else:
                    self.others.append(text)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def find(self, msg, **fields):
        """The lines whose sentence matches the pattern `msg` and that have these fields."""
        return [event for event in list(self.events) if re.search(msg, event.get("msg", ""))
                and all(event.get(key) == value for key, value in fields.items())]

    def wait(self, msg, count=1, **fields):
        """The `count`-th such line; waits until it has come."""
        deadline = time.monotonic() + HANG_GUARD_S
        with self.changed:
            while len(found := self.find(msg, **fields)) < count:
                left = deadline - time.monotonic()
                assert left > 0 and not self.ended, f"no log line {msg!r} {fields}:\n{self.text()}"
                self.changed.wait(left)
        return found[count - 1]

    def text(self):
        return "\n".join([json.dumps(event) for event in self.events] + self.others)


class Hub:
    """One hub. Its keywords are keys of the configuration. `wrapper` is a command that runs it as its own
    last words (prlimit, unshare), `env` adds variables, `pass_fds` are descriptors that it inherits."""

    def __init__(self, folder, flags=(), command="run", wrapper=(), env=None, pass_fds=(), **conf):
        self.folder = Path(folder)
        self.flags = list(flags)
        self.command = command
        self.wrapper = list(wrapper)
        self.env = dict(env or {})
        self.pass_fds = tuple(pass_fds)
        self.conf = {
            "addr": "127.0.0.1:0",
            "ops_addr": "127.0.0.1:0",
            "transport_url": "local://",
            "issuers": default_issuers(),
            "resource_identifier": tokens.AUDIENCE,
            "anonymous": True,
            "workers": 2,
            "log_format": "json",
        }
        self.conf.update(conf)
        self.host = "hub.example"  # that requests are addressed to
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [*self.wrapper, str(BINARY), self.command, *map(str, self.flags)], cwd=self.folder,
            env=environment(self.folder, self.conf) | self.env, pass_fds=self.pass_fds, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log = Log(self.process.stderr)
        self.address = self.parse_address(self.log.wait("^Listening$")["addr"])
        self.ops_address = None
        if self.conf.get("ops_addr"):
            self.ops_address = self.parse_address(self.log.wait("^Listening for operations$")["addr"])

    @staticmethod
    def parse_address(text):
        if text.startswith("unix:"):
            return text[len("unix:"):]
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)

    # ---- the process

    def is_running(self):
        return self.process.poll() is None

    def stop(self, sig=signal.SIGTERM):
        """Asks it to end and expects that it does so in good order."""
        if self.is_running():
            self.process.send_signal(sig)
        status = self.process.wait(HANG_GUARD_S)
        self.log.thread.join(HANG_GUARD_S)
        self.process.stdout.close()
        self.check_log()
        assert status == 0, f"exit status {status}:\n{self.log.text()}"

    def kill(self):
        """As a power cut, for the process."""
        self.process.kill()
        self.process.wait(HANG_GUARD_S)
        self.log.thread.join(HANG_GUARD_S)
        self.process.stdout.close()
        self.check_log()

    def restart(self):
        self.stop()
        self.start()

    def check_log(self):
        assert not SANITIZER_REPORT.search("\n".join(self.log.others)), self.log.text()

    # ---- requests

    def connect(self, **options):
        return Connection(self.address, **options)

    def request(self, method, target=PATH, headers=(), body=b"", host=None):
        with self.connect() as connection:
            return connection.request(method, target, headers, body, host or self.host)

    def ask_operations(self, target, method="GET"):
        with Connection(self.ops_address) as connection:
            return connection.request(method, target)

    def metrics(self):
        """The samples by name; names with labels keep them."""
        samples = {}
        for line in self.ask_operations("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def publish(self, topic="", data=None, token=None, fields=(), headers=(), **named):
        """Publishes with a token for every topic unless told otherwise; the response."""
        pairs = [("topic", each) for each in ([topic] if isinstance(topic, str) else topic)]
        if data is not None:
            pairs.append(("data", data))
        pairs += list(named.items()) + list(fields)
        return self.post(urlencode(pairs), token, headers)

    def post(self, body, token=None, headers=()):
        """Publishes with exactly this body."""
        all_headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if token != "":
            all_headers.append(("Authorization", f"Bearer {token or self.publisher_token()}"))
        given = list(headers.items() if isinstance(headers, dict) else headers)
        names = {name.lower() for name, _ in given}
        all_headers = [(name, value) for name, value in all_headers if name.lower() not in names]
        return self.request("POST", PATH, all_headers + given, body)

    def publish_ok(self, topic, data=None, **named):
        """The id of the update, which must be accepted."""
        response = self.publish(topic, data, **named)
        assert response.status == 200, response
        return response.text

    def wait_metric(self, name, wanted):
        """Waits until a sample is as wanted (a number, or a function of it)."""
        is_wanted = wanted if callable(wanted) else lambda value: value == wanted
        deadline = time.monotonic() + HANG_GUARD_S
        while not is_wanted(value := self.metrics().get(name)):
            assert time.monotonic() < deadline, f"{name} is {value}"
            time.sleep(0.02)

    @staticmethod
    def publisher_token():
        return tokens.mint(publish=["*"], key=tokens.PUBLISHER_KEY)

    def open_stream(self, query, headers=(), method="GET", **options):
        """Asks for a stream with this query string; the connection and the head of the response."""
        connection = self.connect(**options)
        connection.send(request_bytes(method, f"{PATH}?{query}", headers, host=self.host))
        return connection, connection.read_head()

    def subscribe(self, *topics, token=None, last_event_id=None, headers=(), receive_buffer=None, **named):
        """An open stream, its first comment read."""
        pairs = [("match", topic) for topic in topics] + list(named.items())
        if last_event_id is not None:
            pairs.append(("last_event_id", last_event_id))
        given = list(headers.items() if isinstance(headers, dict) else headers)
        if token:
            given.append(("Authorization", f"Bearer {token}"))
        connection, response = self.open_stream(urlencode(pairs), given, receive_buffer=receive_buffer)
        if response.status != 200:
            raise AssertionError(f"{response} {connection.read_all()!r}")
        stream = Stream(connection, response)
        assert stream.read_exactly(2) == b":\n"
        return stream
