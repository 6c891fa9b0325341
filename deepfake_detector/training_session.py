"""TrainingSession: from a run's last checkpoint, or from none, to its last epoch."""

import importlib.util
import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import keras

from deepfake_detector.augmentations import Augmentation
from deepfake_detector.averaged_weights import AveragedValidation
from deepfake_detector.config import WATCHED_METRICS, TrainConfig
from deepfake_detector.crop_batches import CropBatches, Showing
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.distribution import scope_of
from deepfake_detector.epoch_log import EpochLog
from deepfake_detector.exceptions import (
    DivergenceError,
    MissingPackageError,
    TrainingError,
)
from deepfake_detector.keras_file import check_keras_file
from deepfake_detector.nan_guard import NanGuard
from deepfake_detector.training_checkpoint import TrainingCheckpoint, TrainingState
from deepfake_detector.training_schedule import Stage, StepSchedule, training_stages

logger = logging.getLogger(__name__)

#: The reference implementation's floor for the learning rate.
_LEAST_LEARNING_RATE: Final = 1e-7


class TrainingSession:
    """One sitting of a training run.

    Each stage begins by reading the checkpoint that the one before left, so that a run
    that was cut there does the same as one that was not.

    Parameters
    ----------
    model : DeepfakeDetectorModel
        The network; changed in place.
    crop_sets : mapping of str to sequence of CropSet
        The crops of `train` and `val`.
    augment : Augmentation
        Changes one training crop.
    run_dir : Path
        The run folder.
    after_epoch : callable, optional
        Called without arguments when an epoch is over and its checkpoint written.

    Raises
    ------
    ConfigError
        If the settings leave no room for the warm-up.
    MissingPackageError
        If TensorBoard is asked for and not installed.
    """

    def __init__(
        self,
        model: DeepfakeDetectorModel,
        crop_sets: Mapping[str, Sequence[CropSet]],
        augment: Augmentation,
        run_dir: Path,
        after_epoch: Callable[[], None] | None = None,
    ) -> None:
        self.model = model
        self.config = model.config
        self.crop_sets = crop_sets
        self.augment = augment
        self.run_dir = run_dir
        self.after_epoch = after_epoch
        self.directory = run_dir / "checkpoint"
        self.stages = training_stages(self.config)
        self.images_per_second: list[float] = []
        require_tensorboard(self.config)

    def run(self) -> TrainingState:
        """Train what is left to train.

        Returns
        -------
        TrainingState
            Where the run stands after its last epoch.

        Raises
        ------
        TrainingError
            If the loss is no number, or a checkpoint cannot be read or written.
        """
        if not self.model.trainer.trainable_variables:
            logger.info("%s has nothing to train", self.config.architecture)
            return TrainingState(finished=True)
        state = TrainingState.read(self.directory)
        if state.weights is not None:
            logger.info("resuming after epoch %d", state.epoch)
        for stage in self.stages:
            if state.epoch < stage.last and not state.stopped_early:
                self._train(stage, state)
        if state.best_epoch is None:
            raise DivergenceError(
                f"no epoch ended with a {self.config.early_stopping_metric} that is a "
                "number; try a smaller --learning-rate, or --no-mixed-precision"
            )
        return state

    def train_batches(self, first_epoch: int) -> CropBatches:
        """Return the batches that training begins with at an epoch.

        Parameters
        ----------
        first_epoch : int
            Epochs before it.

        Returns
        -------
        CropBatches
            Shuffled, augmented and balanced as the settings say.
        """
        return CropBatches(
            self.crop_sets["train"],
            self.model.batch_size,
            self.augment,
            self.config.seed,
            Showing(
                sources=self.config.balance_sources,
                classes=self.config.balance_classes,
                self_blended=self.config.self_blended,
                augmented=self.config.augmented,
                ramp_epochs=self.config.augmentation_ramp,
            ),
            first_epoch=first_epoch,
        )

    def _train(self, stage: Stage, state: TrainingState) -> None:
        """Train one stage from where the run stands."""
        if len(self.stages) > 1:
            part = "the head alone" if stage.frozen else "the whole network"
            logger.info("up to epoch %d: %s is trained", stage.last, part)
        self.model.compile_model(stage)
        if state.weights is not None:
            begun = state.epoch > stage.first or stage.first == 0
            self._load(self.directory / state.weights, with_optimizer=begun)
        train = self.train_batches(state.epoch)
        val = CropBatches(self.crop_sets["val"], self.model.batch_size)
        # The head alone is trained for as long as was said.
        watchers = self._watchers(stage) if stage is self.stages[-1] else []
        checkpoint = TrainingCheckpoint(
            self.directory, state, watchers, self.config.early_stopping_metric
        )
        averaging = AveragedValidation()
        log = EpochLog(
            train.pictures, self.config.epochs, self.config.early_stopping_metric
        )
        callbacks = [
            NanGuard(),
            StepSchedule(stage, self.model.steps(train)),
            averaging,
            log,
            *watchers,
            *self._tensorboard(),
            checkpoint,
            *self._told_of_epochs(),
        ]
        try:
            self.model.train_model(train, val, stage.last, callbacks, state.epoch)
        except KeyboardInterrupt:
            averaging.on_test_end()
            # Keras gives the checkpoint its network when training begins.
            if state.weights is None and checkpoint.model is not None:
                checkpoint.save()
            raise
        finally:
            self.images_per_second += log.images_per_second
        state.finished = stage is self.stages[-1]
        checkpoint.write_state()

    def _watchers(self, stage: Stage) -> list[keras.callbacks.Callback]:
        """What ends training early and lowers the rate."""
        metric = self.config.early_stopping_metric
        watch = {"monitor": metric, "mode": WATCHED_METRICS[metric]}
        watchers = [
            keras.callbacks.EarlyStopping(
                patience=self.config.early_stopping_patience, **watch
            )
        ]
        if stage.schedule == "plateau":
            watchers.append(
                keras.callbacks.ReduceLROnPlateau(
                    factor=0.1,
                    patience=self.config.reduce_lr_patience,
                    min_lr=_LEAST_LEARNING_RATE,
                    **watch,
                )
            )
        return watchers

    def _told_of_epochs(self) -> list[keras.callbacks.Callback]:
        """Who else wants to know; a run that is killed has then told of its epochs."""
        if (tell := self.after_epoch) is None:
            return []
        return [keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: tell())]

    def _tensorboard(self) -> list[keras.callbacks.Callback]:
        if not self.config.tensorboard:
            return []
        folder = self.run_dir / "tensorboard"
        return [keras.callbacks.TensorBoard(str(folder), write_graph=False)]

    def _load(self, path: Path, with_optimizer: bool) -> None:
        """Put a saved network's weights and optimiser into this run's model."""
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:
                    raise zipfile.BadZipFile
            # A run folder may come from somebody else.
            check_keras_file(path)
            saved = keras.saving.load_model(path, safe_mode=True)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"{path.name}: the checkpoint cannot be read ({type(error).__name__}); "
                "start the run anew"
            ) from error
        trainer = self.model.trainer
        trainer.set_weights(saved.get_weights())
        if not with_optimizer:
            return
        with scope_of(self.model.strategy):
            trainer.optimizer.build(trainer.trainable_variables)
        for mine, theirs in zip(
            trainer.optimizer.variables, saved.optimizer.variables, strict=True
        ):
            mine.assign(keras.ops.convert_to_numpy(theirs))


def require_tensorboard(config: TrainConfig) -> None:
    """Refuse to log for TensorBoard where it is not installed.

    Parameters
    ----------
    config : TrainConfig
        Settings; `tensorboard` counts.

    Raises
    ------
    MissingPackageError
        With the `pip install` line.
    """
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise MissingPackageError(
            "--tensorboard needs a package that is not installed: "
            "pip install tensorboard"
        )
