"""One picture on its way to a verdict, stage by stage, beside what the core could do.

Run in a process of its own: it pins itself to one core before any runtime is imported.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final

import numpy as np

from benchmarks.figures import Spread
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.image_metadata import read_metadata
from deepfake_detector.picture import Picture

#: How often each stage runs in a turn, at least, and for how long.
_LEAST_RUNS: Final = 5
_SECONDS: Final = 0.6

#: Side of the square matrices that the core's rate is measured with.
_MATRIX: Final = 1024


def stage_milliseconds(
    pictures: Mapping[str, bytes], backends: tuple[str, ...], turns: int
) -> dict[str, Any]:
    """Time every stage of each picture with each backend, on one core.

    Parameters
    ----------
    pictures : mapping of str to bytes
        Encoded pictures by name; each holds at least one face.
    backends : tuple of str
        Names in the `backends` table.
    turns : int
        How often each is timed.

    Returns
    -------
    dict
        `stages`: milliseconds, median and spread, by picture, backend and stage;
        `core`: what the core could do.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_time_all, dict(pictures), backends, turns).result()


def _time_all(
    pictures: dict[str, bytes], backends: tuple[str, ...], turns: int
) -> dict[str, Any]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    detectors = {name: Detector.load(ServeConfig(backend=name)) for name in backends}
    jobs = {
        (picture, name): _stages(detector, data)
        for picture, data in pictures.items()
        for name, detector in detectors.items()
    }
    taken: dict[Any, dict[str, list[float]]] = {
        key: {stage: [] for stage in stages} for key, stages in jobs.items()
    }
    for _ in range(turns):
        for key, stages in jobs.items():
            for stage, step in stages.items():
                taken[key][stage].append(_milliseconds(step))
    return {
        "stages": {
            picture: {
                name: {
                    stage: Spread(tuple(values)).to_dict()
                    for stage, values in taken[picture, name].items()
                }
                for name in backends
            }
            for picture in pictures
        },
        "core": _core(turns),
    }


def _stages(detector: Detector, data: bytes) -> dict[str, Callable[[], Any]]:
    """What a request does, one after the other; the page's part is left out."""
    picture = Picture.of(data)
    boxes = detector.face_detector.detect(picture)
    rule, size = detector.card.crop, detector.card.input_shape[:2]
    views = [view for box in boxes for view in detector.views(picture, box)]
    batch, analysis = np.stack(views), detector.analyse(picture)
    return {
        "decode": lambda: Picture.of(data),
        "find faces": lambda: detector.face_detector.detect(picture),
        "crop": lambda: [picture.crop(box, rule, size) for box in boxes],
        "crop and re-encode": lambda: [detector.views(picture, box) for box in boxes],
        "network": lambda: detector.backend.run(batch),
        "read the file's facts": lambda: read_metadata(data),
        "render": lambda: json.dumps(analysis.to_dict()),
        "all, from file to analysis": lambda: detector.analyse(data),
    }


def _milliseconds(step: Callable[[], Any]) -> float:
    """Median time of one run."""
    step()
    times: list[float] = []
    while len(times) < _LEAST_RUNS or sum(times) < _SECONDS:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def _core(turns: int) -> dict[str, Any]:
    """Floating point operations a second of one core, in large matrix products."""
    rates: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for _ in range(turns):
        rates["float32"].append(_matrix_gflops("f32"))
        rates["bfloat16"].append(_matrix_gflops("bf16"))
    return {
        f"{name} gflops": Spread(tuple(values)).to_dict()
        for name, values in rates.items()
    }


def _matrix_gflops(precision: str) -> float:
    import openvino
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    weights = rng.standard_normal((_MATRIX, _MATRIX), dtype=np.float32)
    left = ops.parameter([_MATRIX, _MATRIX], np.float32)
    product = ops.matmul(left, ops.constant(weights), False, False)
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }
    network = openvino.Core().compile_model(
        openvino.Model([product], [left]), "CPU", options
    )
    request = network.create_infer_request()
    milliseconds = _milliseconds(lambda: request.infer(weights, share_inputs=True))
    return 2 * _MATRIX**3 / milliseconds / 1e6
