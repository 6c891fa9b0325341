"""Training, our way against the plain way: `python -m benchmarks.training`.

The same network on the same JPEG files, in turns. Ours reads crops of `DatasetHandler`
through `CropBatches` into `DeepfakeDetectorModel`; the plain way is
`image_dataset_from_directory` and `fit`. Optimiser, loss, metrics, batch size and
precision are the same.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import keras
import numpy as np
from PIL import Image

from benchmarks.figures import (
    Aim,
    Spread,
    in_words,
    machine,
    paired_ratio,
    print_report,
    say,
    versions,
)
from deepfake_detector.architectures import ARCHITECTURES
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import DATASETS
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.labels import CLASS_NAMES

#: Images a second of a later epoch, ours over plain, of the reference's network.
_AIM: Final = Aim(1.2, is_least=True)
_AIMED_ARCHITECTURE: Final = "four_conv"

_INPUT_SHAPE: Final = (128, 128, 3)
_BATCH_SIZE: Final = 64
_SEED: Final = 0

#: The files: side in pixels, how many faces are drawn (each file has its own noise),
#: standard deviation of that noise in grey levels, and JPEG quality.
_PICTURE_PX: Final = 256
_FACES: Final = 32
_NOISE: Final = 8.0
_JPEG_QUALITY: Final = 90

#: Validation is not what is measured: as little of it as can be.
_HELD_OUT: Final = 2


@dataclass(frozen=True)
class Rates:
    """Images a second of one turn.

    Parameters
    ----------
    first : float
        Of the first epoch, with all that comes before it.
    later : float
        Of the last epoch.
    """

    first: float
    later: float


class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the time of each epoch up to its validation.

    Attributes
    ----------
    seconds : list of float
        One value an epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict, optional
            Not used.
        """
        self._started = time.perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        """Stop the clock: the epoch's training is over, its validation begins.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        self.seconds.append(time.perf_counter() - self._started)


@click.command()
@click.option(
    "--images",
    type=click.IntRange(min=_BATCH_SIZE),
    default=1024,
    show_default=True,
    help="Training pictures.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    help="Epochs of a turn; the last is the later one.",
)
@click.option(
    "--turns",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Turns of each way.",
)
@click.option(
    "--architecture",
    "architectures",
    multiple=True,
    default=(_AIMED_ARCHITECTURE, "compact"),
    show_default=True,
    help="Network to train; repeat for several.",
)
def main(images: int, epochs: int, turns: int, architectures: Sequence[str]) -> None:
    """Measure training, our way against the plain way; print JSON."""
    facts = {"machine": machine(), "versions": versions()}
    results: dict[str, Any] = {"images_per_second": {}, "ratios": {}}
    with tempfile.TemporaryDirectory() as folder:
        say(f"writing {images} pictures")
        root = Path(folder) / "pictures"
        _write_pictures(root, images)
        for architecture in architectures:
            trial = Trial(architecture, root, images, epochs)
            with redirect_stdout(sys.stderr):  # where Keras says how it goes
                rates = _take_turns(trial, turns)
            _judge(architecture, rates, results)
    settings = {
        "images": images,
        "files": f"JPEG of {_PICTURE_PX}x{_PICTURE_PX} px, quality {_JPEG_QUALITY}",
        "input_shape": _INPUT_SHAPE,
        "batch_size": _BATCH_SIZE,
        "precision": "float32",
        "epochs": epochs,
        "turns": turns,
        "our caching": "crops of 128x128 px as bytes on disk, mapped into memory; "
        "the first epoch includes hashing the files and cropping them",
        "plain caching": "none: every epoch decodes and resizes",
        "plain, cached": "dataset.cache() in memory, for information",
    }
    print_report(facts | {"settings": settings} | results, _rows(results))


class Trial:
    """One network on one folder of pictures, to be trained either way.

    Parameters
    ----------
    architecture : str
        Name in the `architectures` table.
    root : Path
        Folder with Train/, Validation/ and Test/.
    images : int
        Pictures in Train/.
    epochs : int
        Epochs to train.
    """

    def __init__(self, architecture: str, root: Path, images: int, epochs: int) -> None:
        self.architecture = architecture
        self.root = root
        self.images = images
        self.epochs = epochs

    def our_way(self) -> Rates:
        """Crop the pictures into an empty cache, then train from it.

        Returns
        -------
        Rates
            Images a second.
        """
        model, clock = self._fresh_model(), EpochClock()
        model.compile_model()
        with tempfile.TemporaryDirectory() as cache_dir:
            started = time.perf_counter()
            handler = DatasetHandler(
                DATASETS.get("folder"),
                DatasetSource(self.root, None, None, Path(cache_dir)),
                CROP_RULES["whole"],
                _INPUT_SHAPE[:2],
            )
            train, val = (
                handler.get_image_dataset_from_directory(split)
                for split in ("train", "val")
            )
            cropping = time.perf_counter() - started
            augment = AUGMENTATIONS.get("none")
            model.train_model(
                CropBatches([train], _BATCH_SIZE, augment, _SEED),
                CropBatches([val], _BATCH_SIZE),
                self.epochs,
                [clock],
            )
        return self._rates(clock, cropping)

    def plain_way(self, cached: bool = False) -> Rates:
        """Train straight from the files.

        Parameters
        ----------
        cached : bool, default False
            Keep decoded pictures in memory after the first epoch.

        Returns
        -------
        Rates
            Images a second.
        """
        model, clock = self._fresh_model(), EpochClock()
        # As the table builds it: nothing of our trainer's own is in it.
        network = ARCHITECTURES.get(self.architecture).build(_INPUT_SHAPE)
        model.trainer = keras.Model(network.inputs, network.output["logit"])
        model.compile_model()
        started = time.perf_counter()
        train, val = (self._plain_dataset(name) for name in ("Train", "Validation"))
        listing = time.perf_counter() - started
        model.trainer.fit(
            train.cache() if cached else train,
            validation_data=val,
            epochs=self.epochs,
            callbacks=[clock],
            verbose=2,
        )
        return self._rates(clock, listing)

    def _plain_dataset(self, split: str) -> Any:
        return keras.utils.image_dataset_from_directory(
            self.root / split,
            label_mode="binary",
            class_names=list(CLASS_NAMES),
            batch_size=_BATCH_SIZE,
            image_size=_INPUT_SHAPE[:2],
            seed=_SEED,
            verbose=False,
        )

    def _fresh_model(self) -> DeepfakeDetectorModel:
        keras.backend.clear_session()
        return DeepfakeDetectorModel(
            TrainConfig(
                architecture=self.architecture, image_size=_INPUT_SHAPE[0], seed=_SEED
            )
        )

    def _rates(self, clock: EpochClock, before_s: float) -> Rates:
        first = self.images / (before_s + clock.seconds[0])
        return Rates(first, self.images / clock.seconds[-1])


def _take_turns(trial: Trial, turns: int) -> dict[str, list[Rates]]:
    """Train each way in turns, after an epoch that wakes TensorFlow."""
    ways: dict[str, Callable[[], Rates]] = {
        "plain way": trial.plain_way,
        "our way": trial.our_way,
        "plain way, cached": lambda: trial.plain_way(cached=True),
    }
    Trial(trial.architecture, trial.root, trial.images, epochs=1).plain_way()
    rates: dict[str, list[Rates]] = {way: [] for way in ways}
    for turn in range(turns):
        for way, train in ways.items():
            say(f"{trial.architecture}, turn {turn + 1} of {turns}: {way}")
            rates[way].append(train())
    return rates


def _judge(
    architecture: str, rates: dict[str, list[Rates]], results: dict[str, Any]
) -> None:
    """Put one network's figures into the results."""
    first = {way: [r.first for r in taken] for way, taken in rates.items()}
    later = {way: [r.later for r in taken] for way, taken in rates.items()}
    results["images_per_second"][architecture] = {
        way: {
            "first epoch": Spread(tuple(first[way])).to_dict(),
            "later epoch": Spread(tuple(later[way])).to_dict(),
        }
        for way in rates
    }
    for epoch, figures in (("first epoch", first), ("later epoch", later)):
        ratio = paired_ratio(figures["our way"], figures["plain way"])
        aimed = epoch == "later epoch" and architecture == _AIMED_ARCHITECTURE
        name = f"{architecture}, {epoch}"
        results["ratios"][name] = _AIM.judge(ratio) if aimed else ratio.to_dict()


def _write_pictures(root: Path, images: int) -> None:
    """Real and fake by turns; to the clock it does not matter what they show."""
    rng = np.random.default_rng(_SEED)
    faces = [draw_face(seed, _PICTURE_PX) for seed in range(_FACES)]
    counts = {"Train": images, "Validation": _HELD_OUT, "Test": _HELD_OUT}
    for split, count in counts.items():
        for name in CLASS_NAMES:
            (root / split / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.normal(0.0, _NOISE, faces[0].shape)
            noisy = np.clip(faces[number % _FACES] + noise, 0, 255).astype(np.uint8)
            class_name = CLASS_NAMES[number % len(CLASS_NAMES)]
            path = root / split / class_name / f"{number:05}.jpg"
            Image.fromarray(noisy).save(path, quality=_JPEG_QUALITY)


def _rows(results: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """The table for people."""
    rows = [
        (f"{architecture}, {way}, {epoch}", f"{in_words(spread)} images/s")
        for architecture, ways in results["images_per_second"].items()
        for way, epochs in ways.items()
        for epoch, spread in epochs.items()
    ]
    return rows + [
        (f"ratio, {name}", in_words(ratio)) for name, ratio in results["ratios"].items()
    ]


if __name__ == "__main__":
    main()
