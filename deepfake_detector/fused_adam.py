"""Adam's update in one pass over the weights instead of a dozen.

Keras 3 on TensorFlow composes the update of separate operations, each of which reads
and writes arrays of the size of the weights: for a network with a large dense layer
that is a good part of a step on a processor. TensorFlow's own fused operation computes
the same formula [1]_.

References
----------
.. [1] Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
   arXiv:1412.6980, algorithm 1, in the order of computation at the end of section 2.
"""

from functools import partial
from typing import Any, Final

import keras

#: Those whose step is Adam's; AdamW decays the weights before it, on its own.
_FUSABLE: Final = (keras.optimizers.Adam, keras.optimizers.AdamW)


def fuse_adam(optimizer: keras.optimizers.Optimizer) -> bool:
    """Let an optimiser update each weight by the fused operation.

    The optimiser stays what it is: its variables, its name and saved files do not
    change. One of another kind, on another backend, or made for several devices is left
    alone.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        The optimiser, made in the scope it will work in; changed in place.

    Returns
    -------
    bool
        Whether it was fused.
    """
    if keras.config.backend() != "tensorflow" or not _is_fusable(optimizer):
        return False
    optimizer.update_step = partial(_update_step, optimizer)
    return True


def _is_fusable(optimizer: Any) -> bool:
    """Whether its step is Adam's, and each variable lies on one device."""
    import tensorflow as tf

    return (
        type(optimizer) in _FUSABLE
        and not optimizer.amsgrad
        and not tf.distribute.has_strategy()
    )


def _update_step(
    optimizer: Any, gradient: Any, variable: Any, learning_rate: Any
) -> None:
    """Move one weight, and the two moments that are kept of its gradient."""
    import tensorflow as tf

    if isinstance(gradient, tf.IndexedSlices):  # of an embedding: some rows alone
        type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        return
    index = optimizer._get_variable_index(variable)
    dtype = variable.dtype
    step = tf.cast(optimizer.iterations.value + 1, dtype)
    beta_1, beta_2 = (tf.cast(b, dtype) for b in (optimizer.beta_1, optimizer.beta_2))
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=tf.pow(beta_1, step),
        beta2_power=tf.pow(beta_2, step),
        lr=tf.cast(learning_rate, dtype),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=tf.cast(optimizer.epsilon, dtype),
        grad=tf.cast(gradient, dtype),
    )
