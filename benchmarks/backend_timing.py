"""Milliseconds a face of every runtime, called in this process on one core.

Run it in a process of its own: it pins itself to one core before any runtime is
imported, so that each starts one thread, and TensorFlow stays where it was loaded.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Spread
from deepfake_detector.artifact import KERAS_FILE, Artifact
from deepfake_detector.backends import BACKENDS

BATCH_SIZES: Final = (1, 4, 8)

#: Answers without looking, so its time says nothing.
_STAND_IN: Final = "constant"

#: How long each runtime is called in one turn, as a share of the benchmark's seconds.
_SHARE: Final = 0.1

Runtime = Callable[[NDArray[np.uint8]], Any]


def backend_milliseconds(
    directories: Sequence[Path], seconds: float, turns: int
) -> dict[str, dict[str, Any]]:
    """Time every runtime on every model, in turns, in a process of its own.

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
    dict of str to dict
        By ``<architecture> by <runtime>``: milliseconds a face, median and spread, by
        ``batch of <n>``; and by ``<architecture>`` its floating point `operations`.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        job = pool.submit(_time_all, directories, seconds * _SHARE, turns)
        return job.result()


def _time_all(
    directories: Sequence[Path], seconds: float, turns: int
) -> dict[str, dict[str, Any]]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    artifacts = [Artifact.load(directory) for directory in directories]
    runtimes = {
        (f"{artifact.card.architecture} by {name}", artifact.card.input_shape): run
        for artifact in artifacts
        for name, run in _runtimes(artifact).items()
    }
    taken: dict[str, dict[int, list[float]]] = {
        label: {size: [] for size in BATCH_SIZES} for label, _ in runtimes
    }
    for (_, shape), run in runtimes.items():  # whatever is compiled on first use
        for size in BATCH_SIZES:
            _milliseconds_a_face(run, shape, size, 0.0)
    for _ in range(turns):
        for (label, shape), run in runtimes.items():
            for size in BATCH_SIZES:
                taken[label][size].append(
                    _milliseconds_a_face(run, shape, size, seconds)
                )
    by_runtime = {
        label: {f"batch of {n}": Spread(tuple(v)).to_dict() for n, v in by_size.items()}
        for label, by_size in taken.items()
    }
    return by_runtime | {a.card.architecture: _operations(a) for a in artifacts}


def _runtimes(artifact: Artifact) -> dict[str, Runtime]:
    """Every backend of the table, Keras in its plainest way, and ONNX Runtime."""
    found: dict[str, Runtime] = {
        name: BACKENDS.get(name).load(artifact).run
        for name in BACKENDS
        if name != _STAND_IN
    }
    network = _network(artifact)
    found["keras predict"] = lambda batch: network.predict(batch, verbose=0)
    found["onnxruntime"] = _onnx_runtime(network)
    return found


def _network(artifact: Artifact) -> Any:
    import keras

    return keras.saving.load_model(artifact.directory / KERAS_FILE, compile=False)


def _onnx_runtime(network: Any) -> Runtime:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.onnx")
        network(np.zeros((1, *network.input_shape[1:])))  # else it exports nothing
        network.export(file, format="onnx", verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch.astype(np.float32)})


def _operations(artifact: Artifact) -> dict[str, Any]:
    from deepfake_detector.model_cost import forward_flops

    return {"operations": forward_flops(_network(artifact))}


def _milliseconds_a_face(
    run: Runtime, shape: tuple[int, int, int], size: int, seconds: float
) -> float:
    """Call it at least once, and then until the time is over."""
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (size, *shape), dtype=np.uint8)
    calls, started = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - started < seconds:
        run(batch)
        calls += 1
    return 1e3 * (time.perf_counter() - started) / (calls * size)
