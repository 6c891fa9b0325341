"""The two ways to train that are compared; see `training_trial`."""

import time
from pathlib import Path
from typing import Any

import keras

from benchmarks.training_trial import (
    BATCH_SIZE,
    INPUT_ALONE,
    INPUT_SHAPE,
    Trial,
    crops_for,
)
from deepfake_detector.architectures import ARCHITECTURES
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import DATASETS
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.labels import CLASS_NAMES


class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the time of each epoch up to its validation, and after it.

    Parameters
    ----------
    images : int
        Pictures of an epoch.
    target_auc : float or None
        Validation AUC at which training stops.

    Attributes
    ----------
    seconds, processor_seconds : list of float
        Of each epoch's training, on the wall and of all cores.
    ends, validated : list of float
        When each epoch's training, and its validation, was over.
    aucs : list of float
        Validation AUC of each epoch.
    """

    def __init__(self, images: int, target_auc: float | None) -> None:
        super().__init__()
        self.images = images
        self.target_auc = target_auc
        self.seconds: list[float] = []
        self.processor_seconds: list[float] = []
        self.ends: list[float] = []
        self.validated: list[float] = []
        self.aucs: list[float] = []
        self._began = self._processor_began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clocks."""
        self._began, self._processor_began = time.perf_counter(), time.process_time()

    def on_test_begin(self, logs: Any = None) -> None:
        """Stop the clocks: the epoch's training is over, its validation begins."""
        self.ends.append(time.perf_counter())
        self.seconds.append(self.ends[-1] - self._began)
        self.processor_seconds.append(time.process_time() - self._processor_began)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the AUC, and stop where it is reached."""
        self.validated.append(time.perf_counter())
        self.aucs.append((logs or {})["val_auc"])
        if self.target_auc is not None and self.aucs[-1] >= self.target_auc:
            self.model.stop_training = True


def train(trial: Trial) -> EpochClock:
    """Train as a trial says.

    Parameters
    ----------
    trial : Trial
        What to train, and how.

    Returns
    -------
    EpochClock
        What it took.
    """
    images = sum(1 for path in (Path(trial.root) / "Train").glob("*/*"))
    clock = EpochClock(images, trial.target_auc)
    (_train_ours if trial.way == "ours" else _train_plain)(trial, clock)
    return clock


def _train_ours(trial: Trial, clock: EpochClock) -> None:
    """Crop the pictures into the cache, then train from it."""
    model = _our_model(trial)
    model.compile_model()
    with crops_for(trial) as cache_dir:
        train, val = read_crops(trial.root, cache_dir)
        augment = AUGMENTATIONS.get(trial.augmentation)
        model.train_model(
            CropBatches([train], BATCH_SIZE, augment, trial.seed),
            CropBatches([val], BATCH_SIZE),
            trial.epochs,
            [clock],
        )


def read_crops(root: str, cache_dir: Path) -> list[CropSet]:
    """Return the crops of whole pictures, from the cache where it has them.

    Parameters
    ----------
    root : str
        Folder of the pictures.
    cache_dir : Path
        Where crops are kept.

    Returns
    -------
    list of CropSet
        Those of `train` and `val`.
    """
    handler = DatasetHandler(
        DATASETS.get("folder"),
        DatasetSource(Path(root), None, None, cache_dir),
        CROP_RULES["whole"],
        INPUT_SHAPE[:2],
    )
    return [handler.get_image_dataset_from_directory(s) for s in ("train", "val")]


def _our_model(trial: Trial) -> DeepfakeDetectorModel:
    """Our model of that network."""
    is_network = trial.architecture != INPUT_ALONE
    model = DeepfakeDetectorModel(
        TrainConfig(
            architecture=trial.architecture if is_network else "compact",
            image_size=INPUT_SHAPE[0],
            mixed_precision=trial.precision == "mixed_bfloat16",
            strategy="none" if trial.devices == 1 else "mirrored",
            seed=trial.seed,
        )
    )
    if not is_network:
        model.trainer = _mean_colour()
    return model


def _train_plain(trial: Trial, clock: EpochClock) -> None:
    """Train straight from the files, by Keras alone."""
    model = _our_model(trial)
    initial = model.trainer.get_weights()
    if trial.architecture != INPUT_ALONE:
        # As the table builds it: nothing of our trainer's own is in it.
        keras.config.set_dtype_policy(trial.precision)
        network = ARCHITECTURES.get(trial.architecture).build(INPUT_SHAPE)
        model.trainer = keras.Model(network.inputs, network.output["logit"])
        model.trainer.set_weights(initial)
    model.compile_model()
    # Keras's own update of the weights instead of the fused one.
    vars(model.trainer.optimizer).pop("update_step", None)
    train, val = (_plain_dataset(trial, name) for name in ("Train", "Validation"))
    model.trainer.fit(
        train.cache() if trial.cached else train,
        validation_data=val.cache() if trial.cached else val,
        epochs=trial.epochs,
        callbacks=[clock],
        verbose=2,
    )


def _plain_dataset(trial: Trial, split: str) -> Any:
    return keras.utils.image_dataset_from_directory(
        Path(trial.root) / split,
        label_mode="binary",
        class_names=list(CLASS_NAMES),
        batch_size=BATCH_SIZE,
        image_size=INPUT_SHAPE[:2],
        seed=trial.seed,
        verbose=False,
    )


def _mean_colour() -> keras.Model:
    """A network that costs next to nothing."""
    inputs = keras.Input(INPUT_SHAPE)
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(mean))
