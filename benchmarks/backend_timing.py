"""Milliseconds a face of every backend, called in this process on one core.

Run it in a process of its own: it pins itself to one core before any runtime is
imported, so that each starts one thread, and TensorFlow stays where it was loaded.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figures import Spread
from deepfake_detector.artifact import Artifact
from deepfake_detector.backends import BACKENDS, Backend

BATCH_SIZES: Final = (1, 8)

#: Answers without looking, so its time says nothing.
_STAND_IN: Final = "constant"

#: How long each backend is called in one turn, as a share of the benchmark's seconds.
_SHARE: Final = 0.1


def backend_milliseconds(
    directories: Sequence[Path], seconds: float, turns: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Time every backend on every model, in turns, in a process of its own.

    Parameters
    ----------
    directories : sequence of Path
        Model folders.
    seconds : float
        Length of a turn of the whole benchmark; here a tenth of it is taken.
    turns : int
        How often each is timed.

    Returns
    -------
    dict of str to dict of str to dict
        Milliseconds a face, median and spread, by ``<architecture> by <backend>`` and
        then by ``batch of <n>``.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        job = pool.submit(_time_all, directories, seconds * _SHARE, turns)
        return job.result()


def _time_all(
    directories: Sequence[Path], seconds: float, turns: int
) -> dict[str, dict[str, dict[str, Any]]]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    artifacts = [Artifact.load(directory) for directory in directories]
    backends = {
        f"{artifact.card.architecture} by {name}": BACKENDS.get(name).load(artifact)
        for artifact in artifacts
        for name in BACKENDS
        if name != _STAND_IN
    }
    taken: dict[str, dict[int, list[float]]] = {
        label: {size: [] for size in BATCH_SIZES} for label in backends
    }
    for backend in backends.values():  # whatever is compiled on first use
        for size in BATCH_SIZES:
            _milliseconds_a_face(backend, size, 0.0)
    for _ in range(turns):
        for label, backend in backends.items():
            for size in BATCH_SIZES:
                taken[label][size].append(_milliseconds_a_face(backend, size, seconds))
    return {
        label: {f"batch of {n}": Spread(tuple(v)).to_dict() for n, v in by_size.items()}
        for label, by_size in taken.items()
    }


def _milliseconds_a_face(backend: Backend, size: int, seconds: float) -> float:
    """Call it at least once, and then until the time is over."""
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (size, *backend.input_shape), dtype=np.uint8)
    calls, started = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - started < seconds:
        backend.run(batch)
        calls += 1
    return 1e3 * (time.perf_counter() - started) / (calls * size)
