"""Training on all graphics cards of one machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.exceptions import ConfigError


def graphics_cards() -> int:
    """Return how many graphics cards Keras can train on.

    Returns
    -------
    int
        0 where there is the processor alone.
    """
    return len(keras.distribution.list_devices("gpu"))


def mirrored_strategy() -> Any:
    """Return TensorFlow's strategy over all graphics cards, or over the processor.

    Returns
    -------
    tf.distribute.MirroredStrategy
        The strategy.

    Raises
    ------
    ConfigError
        If Keras runs on another backend than TensorFlow.
    """
    if keras.config.backend() != "tensorflow":
        raise ConfigError(
            "strategy: mirrored needs Keras on TensorFlow, got "
            f"{keras.config.backend()!r}; use --strategy none"
        )
    import tensorflow as tf

    return tf.distribute.MirroredStrategy()


@contextmanager
def scope_of(strategy: Any) -> Iterator[None]:
    """Make variables in a strategy's scope.

    Parameters
    ----------
    strategy : tf.distribute.Strategy or None
        The strategy; None leaves everything as it is.
    """
    if strategy is None:
        yield
        return
    with strategy.scope():
        yield


class EvenBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batches, cut to what can be shared evenly.

    Devices wait for each other in every step, and for ever where one got no picture. So
    of an epoch's last batch up to one picture less than there are devices is left out.

    Parameters
    ----------
    batches : CropBatches
        Batches of a size that can be shared evenly.
    devices : int
        Devices that each batch is shared among.

    Raises
    ------
    ConfigError
        If a full batch cannot be shared evenly, or there is not even one.
    """

    def __init__(self, batches: CropBatches, devices: int) -> None:
        super().__init__(workers=batches.workers, max_queue_size=batches.max_queue_size)
        self.batches = batches
        self.devices = devices
        if batches.batch_size % devices:
            raise ConfigError(
                f"batch_size: expected a multiple of the {devices} devices that share "
                f"each batch, got {batches.batch_size}"
            )
        if len(self) == 0:
            raise ConfigError(
                f"strategy: {devices} devices cannot share {batches.pictures} pictures"
            )

    def __len__(self) -> int:
        shared = self.batches.pictures // self.devices * self.devices
        return -(-shared // self.batches.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        crops, y_true = self.batches[index]
        whole = len(crops) // self.devices * self.devices
        return crops[:whole], y_true[:whole]

    def on_epoch_end(self) -> None:
        """Let the batches draw their next order; Keras calls this."""
        self.batches.on_epoch_end()
