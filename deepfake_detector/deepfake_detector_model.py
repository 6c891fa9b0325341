"""DeepfakeDetectorModel: a network from fresh weights to a model folder."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from deepfake_detector.architectures import architecture_of, with_own_recipe
from deepfake_detector.artifact import (
    KERAS_FILE,
    LITERT_FILE,
    Artifact,
    ModelCard,
    write_artifact,
)
from deepfake_detector.backbone_weights import (
    NONE,
    backbone_layers,
    load_backbone,
    with_fine_tuning,
)
from deepfake_detector.backends import BACKENDS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.distillation import Student, load_teacher
from deepfake_detector.distribution import EvenBatches, mirrored_strategy, scope_of
from deepfake_detector.exceptions import ArtifactError, ConfigError, TrainingError
from deepfake_detector.fused_adam import fuse_adam
from deepfake_detector.fused_normalization import fuse_batch_normalization
from deepfake_detector.training_schedule import Stage, training_stages

logger = logging.getLogger(__name__)

#: Largest difference in logit between Keras and an exported file that is accepted: at
#: most 0.0001 of p_fake, before calibration. The two add in different orders, and on
#: some processors that comes to 1e-4 in the deepest networks; a file that is wrong is
#: off by far more.
EXPORT_TOLERANCE: Final = 4e-4

_SCORING_BATCH: Final = 64


class DeepfakeDetectorModel:
    """One network of the `architectures` table, trained, scored and saved.

    Parameters
    ----------
    config : TrainConfig
        The run's settings; what they leave open is the network's own.

    Raises
    ------
    UnknownNameError
        If there is no such architecture; the message lists the choices.
    ConfigError
        If the network cannot be built so, or there is no such optimiser.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = with_fine_tuning(with_own_recipe(config))
        _named_optimizer(self.config.optimizer)  # refused now, not after the crops
        self.strategy = mirrored_strategy() if config.strategy == "mirrored" else None
        size = self.config.image_size or 0  # never None after its own recipe
        self.input_shape = (size, size, 3)
        self.batch_size = self.config.batch_size or 0
        keras.utils.set_random_seed(config.seed)
        with scope_of(self.strategy):
            self.network = self._build(
                "mixed_bfloat16" if config.mixed_precision else "float32"
            )
            fuse_batch_normalization(self.network)
            # Training sees the logit alone: the other outputs follow from it.
            logit = self.network.output["logit"]
            self.trainer = self._trainer(logit)

    def load_backbone(self) -> None:
        """Fill the network's body with the weights that the settings name, if any.

        Raises
        ------
        TrainingError
            If they cannot be had, or are not those of this body.
        """
        source = self.config.backbone_weights or NONE
        if source != NONE:
            architecture = architecture_of(self.config)
            load_backbone(self.network, architecture, self.input_shape, source)

    def load_weights(self, path: Path) -> None:
        """Take the weights that a checkpoint kept as the best.

        Parameters
        ----------
        path : Path
            A `.weights.h5` file; an optimiser in it is left out.

        Raises
        ------
        TrainingError
            If it is damaged.
        """
        plain = keras.Model(self.network.inputs, self.network.output["logit"])
        try:
            plain.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(
                f"{path.name}: the best weights cannot be read "
                f"({type(error).__name__}); start the run anew"
            ) from error

    def compile_model(self, stage: Stage | None = None) -> None:
        """Set the optimiser, the loss on logits, and the metrics of the log.

        Parameters
        ----------
        stage : Stage, optional
            What is to be trained; the run's first stage where not given.
        """
        stage = stage or training_stages(self.config)[0]
        if self.config.head_epochs:
            architecture = architecture_of(self.config)
            for layer in backbone_layers(self.network, architecture, self.input_shape):
                layer.trainable = not stage.frozen
        with scope_of(self.strategy):
            self.trainer.compile(
                optimizer=_optimizer(self.config, stage.learning_rate, self.trainer),
                loss=_loss(self.config),
                metrics=_metrics(),
            )

    def train_model(
        self,
        train: CropBatches,
        val: CropBatches,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        initial_epoch: int = 0,
    ) -> dict[str, list[float]]:
        """Train until the last epoch or until a callback stops it.

        Parameters
        ----------
        train, val : CropBatches
            Batches to learn from and to watch.
        epochs : int
            Number of the last epoch.
        callbacks : sequence of keras.callbacks.Callback, optional
            Checkpoints, early stopping and the like.
        initial_epoch : int, default 0
            Epochs already done, for a resumed run.

        Returns
        -------
        dict of str to list of float
            One value an epoch, by metric name.
        """
        weights = train.class_weights() if self.config.class_weights else None
        history = self.trainer.fit(
            self._shared(train),
            validation_data=self._shared(val),
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=list(callbacks),
            class_weight=weights,
            # The batches come shuffled; Keras would shuffle them by a seed of its own.
            shuffle=False,
            verbose=2,
        )
        return {name: list(map(float, v)) for name, v in history.history.items()}

    def evaluate_model(self, batches: CropBatches) -> dict[str, float]:
        """Return the loss and metrics that :meth:`compile_model` set.

        Parameters
        ----------
        batches : CropBatches
            Batches to score.

        Returns
        -------
        dict of str to float
            Value by metric name.
        """
        values = self.trainer.evaluate(
            self._shared(batches), verbose=0, return_dict=True
        )
        return {name: float(value) for name, value in values.items()}

    def predict_logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of P(fake), not calibrated, in the precision that serves.

        Parameters
        ----------
        crops : ndarray of shape (n, h, w, 3), uint8
            RGB crops of the network's input size.

        Returns
        -------
        ndarray of shape (n,), float32
            Logits.
        """
        scorer = self.trainer
        if self.config.mixed_precision:
            # Calibration and cut-offs are fitted on these, and what ships is float32.
            plain = self._float32_copy()
            scorer = keras.Model(plain.inputs, plain.output["logit"])
        # The last batch is filled up: a second batch size would be compiled anew.
        logits = []
        for start in range(0, len(crops), _SCORING_BATCH):
            batch = np.asarray(crops[start : start + _SCORING_BATCH])
            filled = np.resize(batch, (_SCORING_BATCH, *batch.shape[1:]))
            scored = np.asarray(scorer.predict_on_batch(filled))
            logits.append(scored[: len(batch), 0])
        return np.concatenate(logits).astype(np.float32)

    def save_model(self, directory: Path, card: ModelCard) -> Artifact:
        """Write the model folder; each file in it has been run once.

        Parameters
        ----------
        directory : Path
            Folder to make or replace.
        card : ModelCard
            What the model is; its `files` are filled in.

        Returns
        -------
        Artifact
            The written folder.

        Raises
        ------
        ArtifactError
            If an exported file answers otherwise than the trained network.
        """
        plain = self._float32_copy()
        logger.info("exporting %s (%d parameters)", card.name, plain.count_params())

        def write_files(staging: Path) -> None:
            plain.save(staging / KERAS_FILE)
            plain.export(staging / LITERT_FILE, format="litert", verbose=False)
            _require_same_answers(plain, staging)

        return write_artifact(directory, card, write_files)

    def steps(self, batches: CropBatches) -> int:
        """Return the number of training steps that an epoch has.

        Parameters
        ----------
        batches : CropBatches
            What is trained on.

        Returns
        -------
        int
            Batches, where devices share them, too.
        """
        return len(self._shared(batches))

    def _shared(self, batches: CropBatches) -> keras.utils.PyDataset:
        """The batches, such that all devices get their share."""
        devices = 1 if self.strategy is None else self.strategy.num_replicas_in_sync
        return batches if devices == 1 else EvenBatches(batches, devices)

    def _build(self, dtype_policy: str) -> keras.Model:
        architecture = architecture_of(self.config)
        with _policy(dtype_policy):
            try:
                return architecture.build(self.input_shape)
            except ValueError as error:
                raise ConfigError(
                    f"image_size: {self.config.architecture!r} cannot be built for "
                    f"{self.input_shape[0]} pixels; use a larger one, or its own "
                    f"{architecture.image_size}"
                ) from error

    def _trainer(self, logit: Any) -> keras.Model:
        """The part that is trained, beside a teacher where the settings name one."""
        if self.config.teacher is None:
            return keras.Model(self.network.inputs, logit)
        student = Student(self.network.inputs, logit)
        teacher = load_teacher(self.config.teacher, self.input_shape)
        student.listen_to(teacher, self.config.teacher_share)
        return student

    def _float32_copy(self) -> keras.Model:
        """The same weights, uncompiled and in float32: what LiteRT can run."""
        copy = self._build("float32")
        copy.set_weights(self.network.get_weights())
        return copy


def _loss(config: TrainConfig) -> keras.losses.Loss:
    """Binary cross-entropy of logits, weighed towards hard pictures where asked."""
    shared = {"from_logits": True, "label_smoothing": config.label_smoothing}
    if config.focal_gamma:
        return keras.losses.BinaryFocalCrossentropy(gamma=config.focal_gamma, **shared)
    return keras.losses.BinaryCrossentropy(**shared)


def _metrics() -> list[keras.metrics.Metric]:
    """What the log and the history say of an epoch, a confusion matrix included."""
    return [
        keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
        keras.metrics.Precision(name="precision", thresholds=0.0),
        keras.metrics.Recall(name="recall", thresholds=0.0),
        keras.metrics.AUC(name="auc", from_logits=True),
        keras.metrics.TrueNegatives(name="real_as_real", thresholds=0.0),
        keras.metrics.FalsePositives(name="real_as_fake", thresholds=0.0),
        keras.metrics.FalseNegatives(name="fake_as_real", thresholds=0.0),
        keras.metrics.TruePositives(name="fake_as_fake", thresholds=0.0),
    ]


def _optimizer(
    config: TrainConfig, learning_rate: float, network: keras.Model
) -> keras.optimizers.Optimizer:
    """The optimiser of that name with what the settings say of it."""
    made = _named_optimizer(config.optimizer)
    changes: dict[str, Any] = {"learning_rate": learning_rate}
    if config.weight_decay is not None:
        changes["weight_decay"] = config.weight_decay
    if config.clip_norm is not None:
        changes["global_clipnorm"] = config.clip_norm
    if config.ema_decay is not None:
        changes |= {"use_ema": True, "ema_momentum": config.ema_decay}
    optimizer = type(made).from_config(made.get_config() | changes)
    # Biases and the scales of normalisation have one axis, or none.
    vectors = [v for v in network.trainable_variables if len(v.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    fuse_adam(optimizer)
    return optimizer


def _named_optimizer(name: str | None) -> keras.optimizers.Optimizer:
    try:
        return keras.optimizers.get(name)
    # A TypeError is of those that wrap another optimiser.
    except (ValueError, TypeError):
        raise ConfigError(
            f"optimizer: Keras has none named {name!r}; try adam, adamw, sgd or rmsprop"
        ) from None


def _require_same_answers(network: keras.Model, directory: Path) -> None:
    """Load both written files and compare their logits with the network's."""
    shape = network.input_shape[1:]
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    flat = np.full((1, *shape), 127, dtype=np.uint8)
    batch = np.concatenate([noise, flat])  # (3, h, w, 3)
    expected = np.asarray(network(batch.astype(np.float32))["logit"])[:, 0]
    saved = keras.saving.load_model(directory / KERAS_FILE, compile=False)
    exported = BACKENDS.get("litert")((directory / LITERT_FILE).read_bytes())
    answers = {
        KERAS_FILE: np.asarray(saved(batch.astype(np.float32))["logit"])[:, 0],
        LITERT_FILE: exported.run(batch)["logit"],
    }
    for name, logit in answers.items():
        difference = float(np.max(np.abs(logit - expected)))
        if not difference <= EXPORT_TOLERANCE:
            raise ArtifactError(
                f"{name}: its logits differ from the trained network's by "
                f"{difference:.2g}, more than {EXPORT_TOLERANCE:g}; nothing was saved"
            )


@contextmanager
def _policy(name: str) -> Iterator[None]:
    """Build layers under a dtype policy without leaving it set for others."""
    before: Any = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
