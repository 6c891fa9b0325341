"""What the C library is told about memory that was freed."""

import ctypes
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_detector.config import REPOSITORY
from deepfake_detector.web import heap

SCRIPT = """
import platform
from deepfake_detector.web import heap

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

told = heap.give_back_large()
assert told == (platform.libc_ver()[0] == "glibc")
if told:
    for _ in range(3):  # glibc would take the later ones from its heap
        pictures = [bytearray(12_000_000) for _ in range(4)]
        small = [bytearray(1000) for _ in range(100)]
        full = resident_mb()
        del pictures
        assert full - resident_mb() > 40
"""


def test_large_buffers_go_back_to_the_system() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=REPOSITORY, check=True)


def lacks_mallopt(_: Any) -> Any:
    return SimpleNamespace()


def cannot_open(_: Any) -> Any:
    raise OSError


@pytest.mark.parametrize("library", [lacks_mallopt, cannot_open])
def test_another_c_library_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, library: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", library)
    assert heap.give_back_large() is False
