"""Keras: runs `.keras` files, those of the reference implementation among them.

Needs TensorFlow, so serving asks for it by name only. A file is read by
:func:`deepfake_detector.keras_file.check_keras_file` before Keras sees it.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.artifact import KERAS_FILE, Artifact, ModelCard
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    MissingPackageError,
)
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.keras_file import check_keras_file
from deepfake_detector.labels import FAKE, REAL, SCORE_SIGNS

FloatArray = NDArray[np.float64]

#: What Keras is known to raise on a file that it cannot build or fill.
_LOAD_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

#: Closest that a float32 probability is taken to come to 0 and to 1.
_EPSILON: Final = float(np.finfo(np.float32).eps)


class KerasBackend:
    """A Keras network; one call at a time, because Keras is not thread-safe.

    Parameters
    ----------
    network : keras.Model
        With one (n, h, w, 3) input, and out of it either a dict of ``logit`` (n, 1)
        and, where there is one, ``cam`` (n, h', w', 1), or one sigmoid output (n, 1),
        or one softmax output (n, 2) in the order of `labels`.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.

    Raises
    ------
    MissingPackageError
        If Keras or TensorFlow is not installed.
    ConfigError
        If the score is neither.
    ArtifactError
        If the network's input or output is of another shape.
    """

    def __init__(self, network: Any, score: str = "p_fake") -> None:
        self._sign = _sign(score)
        # What looks into the network, as grad_cam does, needs both.
        self.network, self.score = network, score
        self.input_shape = _input_shape(network)
        self._read = _reader(network)
        self._call = _compiled(network, self.input_shape)
        self._lock = threading.Lock()
        self.run(np.zeros((1, *self.input_shape), dtype=np.uint8))

    @classmethod
    def load(cls, artifact: Artifact) -> Self:
        """Read the network of a model folder.

        Parameters
        ----------
        artifact : Artifact
            A loaded, verified model folder.

        Returns
        -------
        KerasBackend
            The ready backend.

        Raises
        ------
        ArtifactError
            If the folder holds no such file, or it is not a network like ours.
        """
        with artifact.verified_file(KERAS_FILE) as file:
            network = _load_network(file)
        return cls(network, artifact.card.score)

    @classmethod
    def load_file(cls, path: Path, score: str) -> tuple[Self, ModelCard]:
        """Read a bare `.keras` file, which says nothing of how it must be fed.

        Parameters
        ----------
        path : Path
            A file that Keras 3 saved.
        score : {'p_fake', 'p_real'}
            What the network's score stands for: P(real) in a file of the reference
            implementation, whose class folders are read in alphabetical order.

        Returns
        -------
        backend : KerasBackend
            The ready backend.
        card : ModelCard
            A card that feeds it whole pictures, uncalibrated.

        Raises
        ------
        ConfigError
            If the score is neither.
        UnsafeModelError
            If the file names code that is neither Keras's layers nor ours.
        ArtifactError
            If the file is missing, or is not a network that can be served.
        """
        _sign(score)
        backend = cls(_load_network(path), score)
        card = ModelCard(
            name=path.stem,
            architecture="unknown",
            input_shape=backend.input_shape,
            crop=CROP_RULES["whole"],
            score=score,
        )
        return backend, card

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the network on a batch, in inference mode.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            RGB crops; `n` may be 0.

        Returns
        -------
        dict of str to ndarray
            ``logit`` of shape (n,) and, where the network has one, ``cam`` of shape
            (n, h', w'), both float32.
        """
        if not len(batch):
            return {"logit": np.zeros(0, dtype=np.float32)}
        with self._lock:
            outputs = self._read(self._call(batch.astype(np.float32)))
        return {
            name: (self._sign * values).astype(np.float32)
            for name, values in outputs.items()
        }


def _sign(score: str) -> float:
    if score not in SCORE_SIGNS:
        raise ConfigError(
            f"unknown score {score!r}; choose from: {', '.join(SCORE_SIGNS)}"
        )
    return SCORE_SIGNS[score]


def _load_network(path: Path) -> Any:
    """Check the file, then let Keras build it without its training state."""
    check_keras_file(path)
    keras = _keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except _LOAD_ERRORS as error:
        raise ArtifactError(
            f"{path.name}: Keras {keras.__version__} cannot build this network; save "
            "it again with this version of Keras"
        ) from error


def _keras() -> Any:
    try:
        import keras
    except ImportError as error:
        raise MissingPackageError(
            "the keras backend needs Keras and TensorFlow: pip install tensorflow"
        ) from error
    return keras


def _compiled(network: Any, input_shape: tuple[int, int, int]) -> Callable[..., Any]:
    """The network in inference mode; under TensorFlow traced once for any `n`."""

    def call(batch: Any) -> Any:
        return network(batch, training=False)

    if _keras().backend.backend() != "tensorflow":
        return call
    import tensorflow as tf

    spec = tf.TensorSpec((None, *input_shape), tf.float32)
    traced: Callable[..., Any] = tf.function(call, input_signature=[spec])
    return traced


def _input_shape(network: Any) -> tuple[int, int, int]:
    shapes = [tuple(tensor.shape) for tensor in getattr(network, "inputs", None) or ()]
    if len(shapes) == 1 and len(shapes[0]) == 4 and None not in shapes[0][1:]:
        _, height, width, channels = shapes[0]
        if channels == 3:
            return height, width, channels
    raise ArtifactError(
        "expected a network with one input of shape (n, height, width, 3) and a fixed "
        f"size, got {shapes or 'no stated input'}"
    )


def _reader(network: Any) -> Callable[[Any], dict[str, FloatArray]]:
    """Choose how the outputs become logits, by their shapes and the last activation."""
    outputs = _output_shapes(network)
    if isinstance(outputs, dict):
        if outputs.get("logit") == (1,) and len(outputs.get("cam", (1, 1, 1))) == 3:
            return _read_logit
    else:
        readers = {
            ((1,), "sigmoid"): _read_sigmoid,
            ((2,), "softmax"): _read_softmax,
        }
        activation = _last_activation(network)
        if (outputs, activation) in readers:
            return readers[outputs, activation]
        outputs = f"{outputs} after {activation}"
    raise ArtifactError(
        "expected a network with the output 'logit' of shape (n, 1), one sigmoid "
        f"output of shape (n, 1) or one softmax output of shape (n, 2), got {outputs}"
    )


def _output_shapes(network: Any) -> Any:
    """Shapes without `n`: one, or by name where the network returns a dict."""
    shapes = network.compute_output_shape((None, *_input_shape(network)))
    if isinstance(shapes, dict):
        return {name: tuple(shape)[1:] for name, shape in shapes.items()}
    return tuple(shapes)[1:]


def _last_activation(network: Any) -> str:
    """Name of what the last layer ends in: sigmoid, softmax or another."""
    last = network
    while getattr(last, "layers", None):
        last = last.layers[-1]
    function = getattr(last, "activation", None)
    return str(getattr(function, "__name__", type(last).__name__)).lower()


def _read_logit(outputs: Any) -> dict[str, FloatArray]:
    answer = {"logit": _numpy(outputs["logit"])[:, 0]}  # (n,)
    if "cam" in outputs:
        answer["cam"] = _numpy(outputs["cam"])[..., 0]  # (n, h', w')
    return answer


def _read_sigmoid(outputs: Any) -> dict[str, FloatArray]:
    """The logit of a probability, as far as float32 tells it from 0 and 1."""
    p = _numpy(outputs)[:, 0].clip(_EPSILON, 1 - _EPSILON)
    return {"logit": np.log(p) - np.log1p(-p)}


def _read_softmax(outputs: Any) -> dict[str, FloatArray]:
    """z_fake - z_real, which softmax's logarithms differ by as well."""
    log_p = np.log(_numpy(outputs).clip(np.finfo(np.float32).tiny))  # (n, 2)
    return {"logit": log_p[:, FAKE] - log_p[:, REAL]}


def _numpy(tensor: Any) -> FloatArray:
    return np.asarray(_keras().ops.convert_to_numpy(tensor), dtype=np.float64)
