"""Disks that are slow, broken or full."""
import os
import re
import subprocess
from pathlib import Path

from .hub import BINARY, ROOT
from .load import wait_until
from .wire import HANG_GUARD_S

SOURCE = ROOT / "tests/support/slow_disk.c"
IN_NAMESPACE = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
TO_NAMESPACE = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]


def sanitizer_runtime():
    """The library of the binary's sanitizer, which wants to be the first that is preloaded."""
    output = subprocess.run(["ldd", str(BINARY)], check=True, capture_output=True, text=True).stdout
    return re.findall(r"=> (\S*/lib[at]san\S*)", output)


class SlowDisk:
    """Holds back or fails the syncs of a hub that is started with `env`."""

    def __init__(self, folder):
        self.folder = Path(folder) / "orders"
        self.folder.mkdir()
        library = Path(folder) / "slow_disk.so"
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE)],
                       check=True)
        self.env = {"LD_PRELOAD": ":".join([*sanitizer_runtime(), str(library)]), "DISK_ORDERS": str(self.folder)}

    def hold(self):
        """No sync ends until `release`."""
        (self.folder / "held").unlink(missing_ok=True)
        (self.folder / "hold").touch()

    def wait_held(self):
        wait_until((self.folder / "held").exists, "no sync has come")

    def release(self):
        (self.folder / "hold").unlink()

    def fail(self):
        (self.folder / "fail").touch()

    def heal(self):
        (self.folder / "fail").unlink()


class SmallDisk:
    """A file system of so many bytes in memory, seen only by processes that run under `wrapper`."""

    def __init__(self, folder, size):
        self.folder = Path(folder) / "disk"
        self.folder.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", *IN_NAMESPACE, "--mount", "sh", "-c",
             f'mount -t tmpfs -o size={size} none "{self.folder}" && echo mounted && exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"mounted\n"
        self.wrapper = ["nsenter", "--target", str(self.holder.pid), *TO_NAMESPACE, "--mount"]
        # The same folder as we see it.
        self.path = Path(f"/proc/{self.holder.pid}/root{self.folder}")

    def fill_but(self, room):
        """Leaves so many bytes."""
        status = os.statvfs(self.path)
        with open(self.path / "ballast", "wb") as ballast:
            ballast.write(bytes(status.f_bavail * status.f_frsize - room))

    def make_room(self):
        (self.path / "ballast").unlink()

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(HANG_GUARD_S)
        self.holder.stdout.close()
