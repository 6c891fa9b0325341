"""A small network that learns from a larger one what the labels do not say."""

from pathlib import Path
from typing import Any

import keras

from deepfake_detector.artifact import KERAS_FILE, Artifact
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.keras_file import check_keras_file


@keras.saving.register_keras_serializable(package="deepfake_detector")
class Student(keras.Model):  # type: ignore[misc]
    """A network from pixels to a logit whose loss may be shared with a teacher.

    Of the loss, `share` is the cross-entropy with the teacher's P(fake) of the same
    augmented pictures, and the rest is that with the labels [1]_. Scoring and saving
    know nothing of the teacher.

    References
    ----------
    .. [1] Hinton et al., "Distilling the Knowledge in a Neural Network", 2015,
       arXiv:1503.02531, section 2, at temperature 1.
    """

    def listen_to(self, teacher: keras.Model, share: float) -> None:
        """Take a teacher for the training to come.

        Parameters
        ----------
        teacher : keras.Model
            Pixels (n, h, w, 3) to a dict with ``p_fake`` (n, 1); not changed.
        share : float
            Share of the loss that is the teacher's, in [0, 1].
        """

        def teacher_loss(pixels: Any, logit: Any) -> Any:
            p_fake = keras.ops.stop_gradient(teacher(pixels, training=False)["p_fake"])
            return keras.ops.mean(
                keras.ops.binary_crossentropy(p_fake, logit, from_logits=True)
            )

        # In functions, where Keras does not take the teacher for a part of the network.
        self._teacher_loss, self._teacher_share = teacher_loss, share

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of a batch; Keras calls this.

        Parameters
        ----------
        x : tensor of shape (n, h, w, 3)
            Pixels in [0, 255].
        y : tensor of shape (n, 1)
            Labels.
        y_pred : tensor of shape (n, 1)
            The network's logits.
        sample_weight : tensor, optional
            Weight of each picture in the labels' part.
        training : bool, default True
            Whether the network is being trained.

        Returns
        -------
        tensor
            One number.
        """
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training or not hasattr(self, "_teacher_loss"):
            return loss
        share = self._teacher_share
        return (1 - share) * loss + share * self._teacher_loss(x, y_pred)


def load_teacher(directory: Path, input_shape: tuple[int, int, int]) -> keras.Model:
    """Load a trained model folder's network to learn from.

    Parameters
    ----------
    directory : Path
        A model folder with a `model.keras`.
    input_shape : (int, int, int)
        The student's height, width and channels.

    Returns
    -------
    keras.Model
        The network.

    Raises
    ------
    ArtifactError
        If the folder is missing or damaged.
    ConfigError
        If it takes another input than the student does.
    """
    artifact = Artifact.load(directory)
    card = artifact.card
    if card.input_shape != input_shape:
        raise ConfigError(
            f"teacher: expected a model that takes {input_shape}, as the network that "
            f"is trained, but {card.name!r} takes {card.input_shape}"
        )
    with artifact.verified_file(KERAS_FILE) as path:
        check_keras_file(path)
        return keras.saving.load_model(path, compile=False, safe_mode=True)
