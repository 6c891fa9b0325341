"""A Keras network run step by step, so that what lies between can be looked at.

Networks nest: a backbone inside a network, a network inside an ensemble. Tensors of a
nested network do not belong to the outer one's graph, so Keras cannot cut it open; a
run that notes every operation's input and output can.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ExplanationError, MissingPackageError
from deepfake_detector.labels import FAKE, REAL


@dataclass(frozen=True)
class Call:
    """One operation that ran.

    Parameters
    ----------
    operation : keras.Operation
        A layer, or a function of `keras.ops`.
    inputs, outputs : list of tensor
        What went in and came out.
    """

    operation: Any
    inputs: list[Any]
    outputs: list[Any]


@dataclass(frozen=True)
class Trace:
    """One run of a network.

    Parameters
    ----------
    calls : list of Call
        Every operation of the network and of those nested in it, as they ran. What
        passes its input on, as dropout does, is left out.
    output : tensor or dict of str to tensor
        What the network returned.
    """

    calls: list[Call]
    output: Any

    def logit(self) -> Any:
        """Return the logit of what the network's score stands for, (n,), as a tensor.

        Of a network that returns a probability it is what went into the sigmoid or
        softmax, whose own slope vanishes where it is saturated.

        Raises
        ------
        ExplanationError
            If the network's last operation is neither.
        """
        if isinstance(self.output, dict):
            return self.output["logit"][:, 0]
        values = _before_activation(self._origin(self.output))  # (n, 1) or (n, 2)
        if values.shape[1] == 1:
            return values[:, 0]
        return values[:, FAKE] - values[:, REAL]

    def feature_maps(self) -> list[Any]:
        """Return the last feature maps of each branch, (n, h', w', c) each.

        They are what convolution made, taken before any pooling, wherever nothing
        further on has a height and a width; a map of one channel is a head's answer
        and not counted.

        Raises
        ------
        ExplanationError
            If the network has none.
        """
        convolved: set[int] = set()
        found: list[Any] = []
        for call in self.calls:
            if _is_convolution(call.operation) or _any_in(call.inputs, convolved):
                convolved |= _ids(call.outputs)
                found += [t for t in call.outputs if _is_map(t) and not _pools(call)]
        followed = self._behind(_ids(found))
        last = [tensor for tensor in found if id(tensor) not in followed]
        if not last:
            raise ExplanationError(
                "grad_cam needs a network with feature maps of a convolution, which "
                "this one has not: choose occlusion or lime"
            )
        return last

    def _behind(self, wanted: set[int]) -> set[int]:
        """Ids of the tensors that any wanted tensor was made of."""
        behind: set[int] = set()
        for call in reversed(self.calls):
            if _any_in(call.outputs, wanted | behind):
                behind |= _ids(call.inputs)
        return behind

    def _origin(self, tensor: Any) -> Call:
        return next(c for c in reversed(self.calls) if tensor is c.outputs[0])


def trace(network: Any, batch: Any) -> Trace:
    """Run a network in inference mode and note every step.

    Parameters
    ----------
    network : keras.Model
        Functional or Sequential, whatever is nested in it.
    batch : tensor of shape (n, h, w, 3)
        Pixels in [0, 255].

    Returns
    -------
    Trace
        The steps and the output.

    Raises
    ------
    ExplanationError
        If the network, or one nested in it, is written as code and has no graph.
    """
    calls: list[Call] = []
    return Trace(calls, _run(network, (batch,), {}, calls))


def first_feature_maps(
    network: Any, crop: NDArray[np.uint8], layers: int = 3
) -> dict[str, NDArray[np.float32]]:
    """Run a network on a crop and return what its first convolutions made of it.

    Parameters
    ----------
    network : keras.Model
        Functional or Sequential.
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop of the network's input size.
    layers : int, default 3
        How many convolutions.

    Returns
    -------
    dict of str to ndarray of shape (h', w', c), float32
        Feature maps by the layer's name, in order.

    Raises
    ------
    ExplanationError
        If the network has no convolution, or no graph.
    """
    convert = _keras().ops.convert_to_numpy
    calls = trace(network, crop[None].astype(np.float32)).calls
    made = [
        call
        for call in calls
        if _is_convolution(call.operation) and _is_map(call.outputs[0])
    ][:layers]
    if not made:
        raise ExplanationError("this network has no convolution, so no feature maps")
    return {
        call.operation.name: np.asarray(convert(call.outputs[0])[0], dtype=np.float32)
        for call in made
    }


def _run(operation: Any, args: Any, kwargs: dict[str, Any], calls: list[Call]) -> Any:
    """Run a network, or one operation of it, and note the steps.

    Called on its own a layer is in inference mode, unless the network says otherwise.
    """
    keras = _keras()
    if isinstance(operation, keras.Sequential):
        (x,) = args
        for layer in operation.layers:
            x = _run(layer, (x,), {}, calls)
        return x
    if isinstance(operation, keras.Model):
        return _run_graph(operation, args[0], calls)
    outputs = operation(*args, **kwargs)
    inputs = [t for t in keras.tree.flatten((args, kwargs)) if hasattr(t, "shape")]
    made = [t for t in keras.tree.flatten(outputs) if not _any_in([t], _ids(inputs))]
    if made:
        calls.append(Call(operation, inputs, made))
    return outputs


def _run_graph(network: Any, inputs: Any, calls: list[Call]) -> Any:
    # Private, but it is what clone_model and every functional network run by.
    run = getattr(network, "_run_through_graph", None)
    if run is None:
        raise ExplanationError(
            f"the network {network.name!r} is written as code and has no graph to look "
            "into: choose occlusion or lime, or build it from layers"
        )

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        return _run(operation, args, kwargs, calls)

    return run(inputs, call_fn=call)


def _before_activation(call: Call) -> Any:
    """What went into the sigmoid or softmax that an operation ends in."""
    keras = _keras()
    operation, (x, *_) = call.operation, call.inputs
    if isinstance(operation, keras.layers.Dense):
        return keras.ops.matmul(x, operation.kernel) + operation.bias
    if isinstance(operation, keras.layers.Activation | keras.layers.Softmax):
        return x
    raise ExplanationError(
        "expected a network that ends in a dense layer or an activation, this one ends "
        f"in {type(operation).__name__}: choose occlusion or lime"
    )


def _is_convolution(operation: Any) -> bool:
    layers = _keras().layers
    kinds = (
        layers.Conv2D,
        layers.DepthwiseConv2D,
        layers.SeparableConv2D,
        layers.Conv2DTranspose,
    )
    return isinstance(operation, kinds)


def _pools(call: Call) -> bool:
    layers = _keras().layers
    return isinstance(call.operation, layers.MaxPooling2D | layers.AveragePooling2D)


def _is_map(tensor: Any) -> bool:
    """Whether it has several channels, and more places than one: (n, h', w', c)."""
    shape = tuple(tensor.shape)
    return len(shape) == 4 and shape[1] * shape[2] > 1 and shape[3] > 1


def _ids(tensors: Iterable[Any]) -> set[int]:
    return set(map(id, tensors))


def _any_in(tensors: Iterable[Any], ids: set[int]) -> bool:
    return any(id(tensor) in ids for tensor in tensors)


def _keras() -> Any:
    try:
        import keras
    except ImportError as error:
        raise MissingPackageError(
            "looking into a network needs Keras and TensorFlow: pip install tensorflow"
        ) from error
    return keras
