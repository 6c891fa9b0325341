"""What a network costs: weights, arithmetic, time to train and to serve, disk."""

import time
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np

from deepfake_detector.artifact import LITERT_FILE, Artifact
from deepfake_detector.backends import BACKENDS
from deepfake_detector.config import TrainConfig
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel

#: Seconds that each timing runs for at least, and how often at least.
_SECONDS: Final = 3.0
_TURNS: Final = 5


def network_cost(config: TrainConfig, artifact: Artifact) -> dict[str, Any]:
    """Measure a network on this machine.

    Parameters
    ----------
    config : TrainConfig
        The recipe it is trained by.
    artifact : Artifact
        A trained model folder of it.

    Returns
    -------
    dict
        `parameters`; `flops` of one forward pass of one picture (a multiplication and
        an addition count two; None where TensorFlow is not the backend);
        `train_images_per_second` (median step, data ready in memory); `serve_ms`
        (median, LiteRT, one picture, one thread); `file_bytes` of `model.tflite`.
    """
    model = DeepfakeDetectorModel(config)
    cost = {
        "parameters": int(model.network.count_params()),
        "flops": forward_flops(model.network),
        "train_images_per_second": _train_images_per_second(model),
        "serve_ms": 1000 * _median_seconds(_serving_step(artifact)),
        "file_bytes": (artifact.directory / LITERT_FILE).stat().st_size,
    }
    keras.backend.clear_session()
    return cost


def forward_flops(network: keras.Model) -> int | None:
    """Count the floating point operations of one picture's forward pass.

    Parameters
    ----------
    network : keras.Model
        The network.

    Returns
    -------
    int or None
        As TensorFlow's profiler counts them; None on another backend of Keras.
    """
    if keras.config.backend() != "tensorflow":
        return None
    import tensorflow as tf

    spec = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)
    forward = tf.function(lambda batch: network(batch, training=False)["logit"])
    graph = forward.get_concrete_function(spec).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return int(profiler.profile(graph, options=options).total_float_ops)


def _train_images_per_second(model: DeepfakeDetectorModel) -> float | None:
    """Pictures a second in training steps; None where nothing is trained."""
    if not model.trainer.trainable_variables:
        return None
    model.compile_model()
    rng = np.random.default_rng(0)
    shape = (model.batch_size, *model.input_shape)
    crops = rng.integers(0, 256, shape, dtype=np.uint8)
    y_true = rng.integers(0, 2, (model.batch_size, 1)).astype(np.float32)
    step = lambda: model.trainer.train_on_batch(crops, y_true)  # noqa: E731
    return model.batch_size / _median_seconds(step)


def _serving_step(artifact: Artifact) -> Callable[[], Any]:
    backend = BACKENDS.get("litert").load(artifact)
    batch = np.random.default_rng(0).integers(
        0, 256, (1, *artifact.card.input_shape), dtype=np.uint8
    )
    return lambda: backend.run(batch)


def _median_seconds(step: Callable[[], Any]) -> float:
    """Median time of a step, the first two left out."""
    for _ in range(2):
        step()
    times: list[float] = []
    while len(times) < _TURNS or sum(times) < _SECONDS:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return float(np.median(times))
