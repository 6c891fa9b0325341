"""Table of runtimes: a batch of pixels in, logits (and an activation map) out.

A new runtime is one file with a class that has :meth:`Backend.run`, and one line here.
One instance may be used from many threads at once.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.registry import Registry

FloatArray = NDArray[np.float32]


class Backend(Protocol):
    """What every runtime does.

    Attributes
    ----------
    input_shape : (int, int, int)
        Height, width and channels that :meth:`run` takes.
    """

    input_shape: tuple[int, int, int]

    def run(self, batch: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """Run the network on a batch.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            RGB crops; `n` may be 0.

        Returns
        -------
        dict of str to ndarray
            ``logit`` of shape (n,), float32: logits of P(fake). Where the network has
            one, ``cam`` of shape (n, h', w'), float32: its class-activation map, whose
            mean is the logit.
        """
        ...


BACKENDS = Registry(
    "backend",
    [
        ("constant", "deepfake_detector.backends.constant_backend:ConstantBackend"),
        ("keras", "deepfake_detector.backends.keras_backend:KerasBackend"),
        ("litert", "deepfake_detector.backends.litert_backend:LiteRTBackend"),
        ("openvino", "deepfake_detector.backends.openvino_backend:OpenVINOBackend"),
        (
            "openvino_bf16",
            "deepfake_detector.backends.openvino_backend:BFloat16Backend",
            "OpenVINO in bfloat16: faster where the processor has it, a little off.",
        ),
    ],
)
