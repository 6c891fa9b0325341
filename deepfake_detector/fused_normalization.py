"""Batch normalisation in one pass instead of a dozen, while a network trains.

Keras 3 on TensorFlow composes it of separate operations, each of which reads and writes
the whole feature map: on a processor that is a third of a small network's training
time. TensorFlow's own fused operation computes the same numbers.
"""

from functools import partial
from typing import Any

import keras


def fuse_batch_normalization(network: keras.Model) -> int:
    """Let a network's batch normalisation layers train by the fused operation.

    Layers stay what they are: weights, names and saved files do not change, and
    inference runs as before. Where Keras runs on another backend, nothing is done.

    Parameters
    ----------
    network : keras.Model
        The network; changed in place.

    Returns
    -------
    int
        How many layers were fused.
    """
    if keras.config.backend() != "tensorflow":
        return 0
    fused = [layer for layer in _flat(network) if _is_fusable(layer)]
    for layer in fused:
        layer.call = partial(_call, layer)
    return len(fused)


def _flat(network: Any) -> list[Any]:
    """Every layer, those of inner networks as well."""
    inner = [_flat(layer) for layer in getattr(network, "layers", [])]
    return [network, *(layer for layers in inner for layer in layers)]


def _is_fusable(layer: Any) -> bool:
    """Whether it is a plain layer on (n, h, w, c) maps, as the operation needs it."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and layer.scale
        and layer.center
        and not layer.renorm
        and not layer.synchronized
    )


def _call(
    layer: Any, inputs: Any, training: bool | None = None, mask: Any = None
) -> Any:
    """Normalise by this batch's moments, and let the moving ones follow."""
    if not training or not layer.trainable or mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    import tensorflow as tf

    unused = tf.zeros([0])  # moments that the operation takes in inference only
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,  # (n, h, w, c)
        scale=layer.gamma,
        offset=layer.beta,
        mean=unused,
        variance=unused,
        epsilon=layer.epsilon,
    )
    # It estimates the population's variance; Keras keeps the sample's own.
    count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], variance.dtype)
    variance = variance * (count - 1) / count
    for moving, moment in (
        (layer.moving_mean, mean),
        (layer.moving_variance, variance),
    ):
        moving.assign(moving * layer.momentum + moment * (1 - layer.momentum))
    return outputs
