"""A small disk that a process and its children alone see, and that goes with them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY


@dataclass(frozen=True)
class PrivateDisk:
    """A disk in a file system view of its own, kept by a process that only waits."""

    folder: Path
    keeper: int

    @property
    def entered(self) -> tuple[str, ...]:
        """What stands before a command that shall see the disk."""
        as_user = () if os.geteuid() == 0 else ("-U", "--preserve-credentials")
        enter = ("nsenter", "-t", str(self.keeper), "-m", *as_user, "--")
        return (*enter, "env", "-C", str(REPOSITORY))  # it leaves the folder

    @property
    def content(self) -> Path:
        """The folder as others see it, from outside."""
        return Path(f"/proc/{self.keeper}/root") / self.folder.relative_to("/")

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.content / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def make_room(self) -> None:
        """Take away what :meth:`fill` wrote."""
        (self.content / "filler").unlink()

    def remount(self, how: str) -> None:
        """Make it `ro` or `rw`."""
        command = ["mount", "-o", f"remount,{how}", str(self.folder)]
        subprocess.run([*self.entered, *command], check=True)


@contextmanager
def private_disk(folder: Path, size: str) -> Iterator[PrivateDisk]:
    """Lay a disk over a folder that exists; skips where the system does not let us."""
    as_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec sleep 3600'
    with subprocess.Popen(
        ["unshare", "-m", *as_user, "sh", "-c", mount, "sh", size, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    ) as keeper:
        try:
            assert keeper.stdout is not None
            if keeper.stdout.readline() != "mounted\n":
                pytest.skip("needs the right to mount a disk of its own (unshare -m)")
            yield PrivateDisk(folder, keeper.pid)
        finally:
            keeper.send_signal(signal.SIGKILL)
