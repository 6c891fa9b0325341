"""The numbers of several worker processes, kept in files so that any can tell the sum.

Gunicorn's configuration calls these; a single process needs none of it. Workers come
and go, so each counts in the files of its place, a small number: the next worker in
that place counts on from there. By process id, as usual, every worker that was ever
replaced would leave its files behind.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from prometheus_client import multiprocess, values

from deepfake_detector.exceptions import ConfigError

#: Variable by which prometheus-client knows the folder.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

#: In memory, where there is such a folder: the files are written at every request.
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108

#: Starts of the files' names, by kind of number; "livesum" is the gauges' mode.
_KINDS: Final = ("counter", "histogram", "gauge_livesum")

#: Of a new file, in bytes. It grows as it fills.
_FILE_BYTES: Final = 1 << 16

#: Which files this process counts in; a worker's own place replaces it after the fork.
_place = "master"

_folder: Path | None = None


def share() -> Path:
    """Make a folder for the numbers, which goes when this process ends.

    Call it before the application is made. A second call changes nothing.

    Returns
    -------
    Path
        The folder; readable by this user alone.

    Raises
    ------
    ConfigError
        If there is nowhere to make it.
    """
    global _folder
    if _folder is None:
        in_memory = os.access(_SHARED_MEMORY, os.W_OK)
        try:
            made = tempfile.mkdtemp(
                prefix=f"deepfake-metrics-{os.getpid()}-",
                dir=_SHARED_MEMORY if in_memory else None,
            )
        except OSError as error:
            raise ConfigError(
                "metrics: expected a folder for temporary files that can be written "
                f"to ({error.strerror}); set TMPDIR to one"
            ) from error
        _folder = Path(made)
        os.environ[VARIABLE] = made
        by_place = values.MultiProcessValue(lambda: _place)  # type: ignore[no-untyped-call]
        values.ValueClass = by_place
        atexit.register(_remove, _folder, os.getpid())
    return _folder


def free_place(taken: Collection[int]) -> int:
    """Find a place for a worker that is about to start.

    Parameters
    ----------
    taken : collection of int
        Places of the workers that live.

    Returns
    -------
    int
        The lowest place that none of them has.
    """
    place = next(n for n in range(len(taken) + 1) if n not in taken)
    leave(place)
    _make_files(place)
    return place


def take(place: int) -> None:
    """Count in the files of a place from now on; for a worker, after its fork.

    Parameters
    ----------
    place : int
        What :func:`free_place` answered.
    """
    global _place
    _place = str(place)


def leave(place: int) -> None:
    """Forget what a dead worker had in hand; what it counted stays.

    Parameters
    ----------
    place : int
        The dead worker's place.
    """
    multiprocess.mark_process_dead(place)  # type: ignore[no-untyped-call]


def _make_files(place: int) -> None:
    """Make what a place lacks, each in one step.

    Left to itself, prometheus-client makes a file empty and then lengthens it; whoever
    asked for the numbers between the two would get an error instead of them.
    """
    for kind in _KINDS:
        file = Path(os.environ[VARIABLE], f"{kind}_{place}.db")
        if not file.exists():
            new = file.with_suffix(".new")
            new.touch()
            os.truncate(new, _FILE_BYTES)
            new.rename(file)


def _remove(folder: Path, owner: int) -> None:
    """Forked workers inherit this, and must leave the folder alone."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
