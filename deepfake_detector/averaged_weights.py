"""The average of the weights over the steps, where the optimiser keeps one [1]_.

Keras's own callback swaps by adding and subtracting, which rounds; here the trained
weights are put aside and come back bit by bit, so that a resumed run stays exact.

References
----------
.. [1] Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging",
   SIAM Journal on Control and Optimization 30, 1992.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras


@contextmanager
def averaged_weights(network: keras.Model) -> Iterator[None]:
    """Put the averages in the place of the trained weights, for a while.

    Parameters
    ----------
    network : keras.Model
        A compiled network; one whose optimiser keeps no average stays as it is.
    """
    optimizer = network.optimizer
    averages = getattr(optimizer, "_model_variables_moving_average", None)
    # Before the first step there is nothing to average.
    if not averages or keras.ops.convert_to_numpy(optimizer.iterations) == 0:
        yield
        return
    variables = network.trainable_variables
    trained = [keras.ops.convert_to_numpy(variable) for variable in variables]
    for variable, average in zip(variables, averages, strict=True):
        variable.assign(keras.ops.convert_to_numpy(average))
    try:
        yield
    finally:
        for variable, value in zip(variables, trained, strict=True):
            variable.assign(value)


class AveragedValidation(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets validation see the averaged weights."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = ExitStack()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._shown.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put the trained weights back; also to be called where validation was cut."""
        self._shown.close()
