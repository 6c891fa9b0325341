"""The network that proposes faces, and how it is fitted; Keras only."""

import logging
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Float32Array = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

#: Filters and stride of each layer. Sixteen numbers fill a register of the processors
#: that this is to be fast on.
_LAYERS: Final = ((16, 2), (16, 2), (16, 1), (16, 1), (16, 1), (16, 1))

_BATCH: Final = 32
_RATE: Final = 5e-3


def build_network(side: int | None = None) -> keras.Model:
    """Build the untrained network.

    Parameters
    ----------
    side : int, optional
        Side of the one square that it takes; any number of any size by default.

    Returns
    -------
    keras.Model
        From RGB pixels in [0, 255] of shape (n, h, w, 3) to (n, h / 4, w / 4, 2): the
        logit of a face's centre, and the logarithm to base 2 of its side over the
        middle one.
    """
    layers = keras.layers
    pixels = keras.Input((side, side, 3), batch_size=1 if side else None)
    x = layers.Rescaling(1 / 64, offset=-2.0)(pixels)
    for filters, stride in _LAYERS:
        x = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.95)(x)
        x = layers.ReLU()(x)
    rare = keras.initializers.Constant(-2.0)
    answers = layers.Conv2D(2, 1, bias_initializer=rare)(x)
    return keras.Model(pixels, answers)


def proposal_loss(targets: Any, answers: Any) -> Any:
    """Return the network's loss.

    Parameters
    ----------
    targets : tensor of shape (n, h, w, 3)
        As `proposal_scenes.targets_of` says.
    answers : tensor of shape (n, h, w, 2)
        What the network answered.

    Returns
    -------
    tensor of shape ()
        Focal cross-entropy of the logits, and how far off the faces' sides are.
    """
    yes, counts, log_side = targets[..., 0], targets[..., 1], targets[..., 2]
    logit = answers[..., 0]
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(yes, logit)
    wrong = tf.abs(yes - tf.sigmoid(logit))
    weight = (0.25 + 0.5 * yes) * wrong**2 * counts
    faces = tf.reduce_sum(yes) + 1.0
    off = tf.abs(answers[..., 1] - log_side) * yes
    return (4 * tf.reduce_sum(entropy * weight) + 0.3 * tf.reduce_sum(off)) / faces


def fit(
    network: keras.Model,
    examples: tuple[UInt8Array, Float32Array],
    epochs: int,
    rng: np.random.Generator,
) -> list[float]:
    """Fit a network to examples, mirrored by turns and in varied light.

    Parameters
    ----------
    network : keras.Model
        What is fitted.
    examples : (ndarray, ndarray)
        Pixels (n, h, w, 3), uint8, and the target of each.
    epochs : int
        How often each example is seen.
    rng : Generator
        Decides the order and the light.

    Returns
    -------
    list of float
        Mean loss of each epoch.
    """
    pixels, targets = examples
    batch = min(_BATCH, len(pixels))
    steps = len(pixels) // batch * epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=_RATE, warmup_steps=max(1, steps // 20)
    )
    network.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4), loss=proposal_loss)
    history = []
    for _ in range(epochs):
        losses = []
        order = rng.permutation(len(pixels))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = np.sort(order[start : start + batch])
            x, y = pixels[chosen].astype(np.float32), targets[chosen]
            x *= rng.uniform(0.8, 1.2, (batch, 1, 1, 1)).astype(np.float32)
            if rng.random() < 0.5:
                x, y = x[:, :, ::-1], y[:, :, ::-1]
            losses.append(float(network.train_on_batch(x, y)))
        history.append(float(np.mean(losses)))
        logger.info("epoch %d: loss %.4f", len(history), history[-1])
    return history
