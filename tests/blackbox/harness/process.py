"""What a process costs: its memory, its time, its wake-ups, and the kernel's memory for its sockets."""
import functools
import re
import subprocess
import threading
from pathlib import Path

from .hub import BINARY

KIB, MIB = 1 << 10, 1 << 20


@functools.cache
def is_sanitized():
    """Whether the binary carries a sanitizer: then its memory and its speed say nothing."""
    data = BINARY.read_bytes()
    return b"__asan_init" in data or b"__tsan_init" in data


def scale(count):
    """So many updates, or a tenth of them where each takes ten times as long."""
    return count // 10 if is_sanitized() else count


def rss_anon(pid):
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) * KIB


def tasks(pid):
    """The folders of its threads. A sanitizer's own thread, which never rests, has no name but the program's."""
    name = Path(f"/proc/{pid}/comm").read_text()
    for task in Path(f"/proc/{pid}/task").iterdir():
        if not is_sanitized() or task.name == str(pid) or (task / "comm").read_text() != name:
            yield task


def cpu_ns(pid):
    """CPU time of all threads that live."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks(pid))


def wake_ups(pid):
    """How often the threads went to sleep, which is as often as they were woken."""
    found = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
    return sum(int(found.search((task / "status").read_text()).group(1)) for task in tasks(pid))


def socket_memory(local_port, peer_port):
    """Bytes that the kernel holds for this end of a connection: both queues, and what is kept in reserve."""
    line = subprocess.run(["ss", "-tnmH", f"sport = :{local_port} and dport = :{peer_port}"], check=True,
                          capture_output=True, text=True).stdout
    fields = dict(re.findall(r"([a-z]+)(\d+)", re.search(r"skmem:\(([^)]*)\)", line).group(1)))
    return sum(int(fields[name]) for name in ("r", "t", "f", "w", "bl"))


class MemoryPeak:
    """The largest RssAnon of a process while the block runs."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self.peak = rss_anon(pid)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.stop.wait(0.01):
            self.peak = max(self.peak, rss_anon(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.peak = max(self.peak, rss_anon(self.pid))

    @property
    def growth(self):
        return self.peak - self.before
