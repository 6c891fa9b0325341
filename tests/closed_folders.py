"""Folders that are closed to the tests too, which often run as root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSION_3 = 0x20080522
#: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root's right to look anywhere.
_LOOK_ANYWHERE = 1 << 1 | 1 << 2


@contextmanager
def closed(*folders: Path, mode: int = 0) -> Iterator[None]:
    """Take everyone's rights to some folders for the length of a `with` block."""
    before = [(folder, folder.stat().st_mode) for folder in folders]
    for folder in folders:
        folder.chmod(mode)
    try:
        with _as_anyone():
            yield
    finally:
        for folder, mode_before in before:
            folder.chmod(mode_before)


@contextmanager
def _as_anyone() -> Iterator[None]:
    """Lay down root's right in this thread, and take it up again."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted, inheritable; then the same of the later capabilities.
    held = (ctypes.c_uint32 * 6)()
    _call(libc.capget, header, held)
    effective = held[0]
    held[0] = effective & ~_LOOK_ANYWHERE
    _call(libc.capset, header, held)
    try:
        yield
    finally:
        held[0] = effective
        _call(libc.capset, header, held)


def _call(function: "ctypes._NamedFuncPointer", *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
