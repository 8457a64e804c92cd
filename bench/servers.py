"""The servers that are measured: each started afresh for one measurement, on a free port of 127.0.0.1."""
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CINNABAR_BINARY", ROOT / "build/release/cinnabar"))
BARE = ROOT / "build/bench/bare"
NCHAN = ROOT / "build/cache/nchan"
KEY = "!ChangeThisMercureHubJWTSecretKey!"
START_S = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens. `protocol` is how the load tool talks to it."""

    protocol = "mercure"
    path = "/"

    def __init__(self):
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="cinnabar-bench-"))
        self.process = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {"PATH": os.environ.get("PATH", "")}

    def __enter__(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, env=self.environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self.accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.log()
                self.__exit__()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{log}")
            time.sleep(0.02)
        return self

    def accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"


class Cinnabar(Server):
    """This project's hub, its tokens checked."""

    path = "/.well-known/mercure"
    transport = "local://"

    def command(self):
        return [str(BINARY), "run"]

    def environment(self):
        return {**super().environment(), "HOME": str(self.folder),
                "MERCURE_ADDR": f"127.0.0.1:{self.port}", "MERCURE_OPS_ADDR": "127.0.0.1:0",
                "MERCURE_TRANSPORT_URL": self.transport, "MERCURE_ANONYMOUS": "true",
                "MERCURE_LOG_LEVEL": "warn", "MERCURE_RESOURCE_IDENTIFIER": self.url(),
                "MERCURE_PUBLISHER_JWT_KEY": KEY, "MERCURE_SUBSCRIBER_JWT_KEY": KEY}


class Local(Cinnabar):
    """In memory."""


class Bolt(Cinnabar):
    """Durable: a publish is answered when it is on disk, with nothing left out."""

    @property
    def transport(self):
        return f"bolt://{self.folder}/updates.db"


class Nchan(Server):
    """nginx with nchan, two workers, updates in shared memory, no tokens."""

    protocol = "nchan"

    def command(self):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        values = {"MODULES": NCHAN / "usr/lib/nginx/modules", "USER": "root", "DIR": self.folder,
                  "FILES": files, "CONNECTIONS": files - 100, "PORT": self.port}
        text = (ROOT / "bench/nchan.conf.in").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (self.folder / "nginx.conf").write_text(text)
        # This build of nginx wants /var/lib/nginx: it gets one in a mount namespace of its own.
        start = ('mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/nginx && exec "$0" -e stderr -p "$1" '
                 '-c "$1/nginx.conf"')
        return ["unshare", "-m" if os.getuid() == 0 else "-rm", "sh", "-c", start,
                str(NCHAN / "usr/sbin/nginx"), str(self.folder)]


class Bare(Server):
    """A loop around send, two threads."""

    protocol = "bare"

    def command(self):
        return [str(BARE), str(self.port), "2"]


SERVERS = {"local": Local, "bolt": Bolt, "nchan": Nchan, "bare": Bare}
