"""Networks that compile in a moment: two that learn, and two that cannot."""

from typing import Any

import keras
import pytest
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import activation_map_head, dense_head
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.registry import Registry


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Convolution, batch normalisation and dropout on a few pixels."""
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    x = layers.BatchNormalization(momentum=0.5)(x)
    return keras.Model(inputs, activation_map_head(x, dropout=0.2), name="tiny")


def build_bodied(input_shape: tuple[int, int, int]) -> keras.Model:
    """A body that may have published weights, under a head."""
    inputs = keras.Input(input_shape, name="image")
    x = body(None, input_tensor=inputs).output
    return keras.Model(inputs, activation_map_head(x, dropout=0.2), name="bodied")


def body(weights: str | None, **where: Any) -> keras.Model:
    """As in keras.applications: some layers are named, some numbered by Keras."""
    if weights == "imagenet":
        raise Exception("URL fetch failure on https://example.org/weights.h5")
    inputs = where.get("input_tensor")
    if inputs is None:
        inputs = keras.Input(where["input_shape"])
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(6, 3, strides=2, name="stem_conv")(x)
    x = layers.BatchNormalization(momentum=0.5, name="stem_bn")(x)
    x = layers.Conv2D(6, 1)(layers.ReLU()(x))
    return keras.Model(inputs, layers.BatchNormalization()(x), name="body")


def build_flat(input_shape: tuple[int, int, int]) -> keras.Model:
    """Judges by the mean colour."""
    return _by_mean_colour(input_shape, scale=1 / 255, name="flat")


def build_broken(input_shape: tuple[int, int, int]) -> keras.Model:
    """Answers NaN to everything."""
    return _by_mean_colour(input_shape, scale=float("nan"), name="broken")


def _by_mean_colour(
    input_shape: tuple[int, int, int], scale: float, name: str
) -> keras.Model:
    inputs = keras.Input(input_shape, name="image")
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(scale)(inputs))
    return keras.Model(inputs, dense_head(x), name=name)


TINY = Architecture(build, parameters=None, image_size=24)
FLAT = Architecture(build_flat, parameters=None, image_size=24)
BODIED = Architecture(build_bodied, parameters=None, image_size=24, backbone=body)
BROKEN = Architecture(build_broken, parameters=None, image_size=24)

#: Stands in for the table of architectures.
TINY_ARCHITECTURES = Registry(
    "architecture",
    [
        ("bodied", "tests.tiny_network:BODIED"),
        ("broken", "tests.tiny_network:BROKEN"),
        ("flat", "tests.tiny_network:FLAT"),
        ("mean", "deepfake_detector.architectures.ensemble:MEAN"),
        ("tiny", "tests.tiny_network:TINY"),
    ],
)


def train_step_by_step(patch: pytest.MonkeyPatch) -> None:
    """Let every training run eagerly: tracing such a network would take longer."""
    train = DeepfakeDetectorModel.train_model

    def train_eagerly(self: DeepfakeDetectorModel, *args: Any) -> Any:
        self.trainer.run_eagerly = True
        try:
            return train(self, *args)
        finally:
            self.trainer.run_eagerly = False

    patch.setattr(DeepfakeDetectorModel, "train_model", train_eagerly)
