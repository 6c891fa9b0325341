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
import platform, resource, time
from deepfake_detector.web import heap

def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

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

    def search():  # what it takes is in many smaller pieces
        return len([bytearray(1_000_000) for _ in range(40)])

    search()
    before = page_faults()
    search()
    assert page_faults() - before < 1000  # of 10 000 pages

    pieces = [bytearray(1_000_000) for _ in range(200)]
    full = resident_mb()
    del pieces
    assert full - resident_mb() > 100

    # Holes between what is still in use stay until the next look.
    pieces = [bytearray(100_000) for _ in range(2000)]
    full = resident_mb()
    del pieces[::2]
    assert full - resident_mb() < 20
    assert heap.give_back_now_and_then(every_s=0.05)
    for _ in range(200):
        time.sleep(0.05)
        if full - resident_mb() > 60:
            break
    else:
        raise AssertionError("what lies free is kept")
"""


def test_large_buffers_go_back_and_smaller_ones_later() -> None:
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
    assert heap.give_back_now_and_then() is False
