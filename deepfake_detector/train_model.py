"""TrainModel: one experiment, from a configuration to a run folder."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import plots
from deepfake_detector.architectures import with_own_recipe
from deepfake_detector.artifact import POOLED, ModelCard
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.backbone_weights import with_fine_tuning
from deepfake_detector.calibration import Calibration
from deepfake_detector.config import ENV_PREFIX, TrainConfig
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.cut_offs import CutOffs, equal_source_weights
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.distribution import graphics_cards
from deepfake_detector.evaluation import (
    evaluate_scores,
    numbered,
    thumbnail_baseline_auc,
)
from deepfake_detector.exceptions import ConfigError, DatasetError, TrainingError
from deepfake_detector.face_crops import crop_rule
from deepfake_detector.file_lock import only_process
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.learning_rate_finder import sweep_learning_rate
from deepfake_detector.precision import with_own_precision
from deepfake_detector.presets import train_config
from deepfake_detector.provenance import SessionClock, data_facts, provenance_of
from deepfake_detector.training_checkpoint import BEST_FILE, STATE_FILE, TrainingState
from deepfake_detector.training_schedule import training_stages
from deepfake_detector.training_session import TrainingSession, require_tensorboard
from deepfake_detector.whole_file import write_json

logger = logging.getLogger(__name__)

CONFIG_FILE: Final = "config.json"
METRICS_FILE: Final = "metrics.json"
PROVENANCE_FILE: Final = "provenance.json"

_LOCK_FILE: Final = "training.lock"

#: Settings that a resumed run takes from its command line, not from its folder.
_RESUMABLE: Final = ("epochs", "score_test")


class TrainModel:
    """One training run.

    Parameters
    ----------
    config : TrainConfig
        The run's settings; with `resume` set, the run folder they came from.
    run_dir : Path, optional
        Folder to make; one named by time and architecture where not given.

    Raises
    ------
    UnknownNameError
        If a dataset, architecture, crop or augmentation is unknown.
    """

    def __init__(self, config: TrainConfig, run_dir: Path | None = None) -> None:
        self.config = config = with_fine_tuning(with_own_recipe(config))
        training_stages(config)  # a warm-up that is too long is refused now
        require_tensorboard(config)
        self.rule = crop_rule(config.crop or "")
        self.augment = AUGMENTATIONS.get(config.augmentation)
        self.handlers = DatasetHandler.for_config(config)
        # Known when the data are: a merged dataset counts as each of those in it.
        self.sources: list[str] = []
        self.owners: list[DatasetHandler] = []
        self.model = DeepfakeDetectorModel(config)
        self.run_dir = config.resume or run_dir or _run_name(config)

    @classmethod
    def from_options(cls, environ: Mapping[str, str], **options: Any) -> Self:
        """Make a new run, or go on with the one that `resume` names.

        Parameters
        ----------
        environ : mapping of str to str
            Usually `os.environ`.
        **options : object
            Settings from the command line; None where not given.

        Returns
        -------
        TrainModel
            The run.

        Raises
        ------
        ConfigError
            If a setting is bad, the folder to resume is no run folder, or a setting
            is given that a resumed run cannot change.
        """
        given = {name: value for name, value in options.items() if value is not None}
        resume = given.pop("resume", None) or environ.get(ENV_PREFIX + "RESUME")
        if resume is None:
            return cls(with_own_precision(train_config(environ, **given)))
        run_dir = Path(resume).resolve()
        fixed = sorted(set(given) - set(_RESUMABLE))
        if fixed:
            raise ConfigError(
                "resume: a resumed run keeps its settings but for "
                f"{' and '.join(_RESUMABLE)}; leave out {', '.join(fixed)}"
            )
        return cls(dataclasses.replace(_saved_config(run_dir), resume=run_dir, **given))

    def run_training(self) -> dict[str, Any]:
        """Train, calibrate, score and save.

        Returns
        -------
        dict
            Run folder, best epoch and metrics: what the last line on stdout says.

        Raises
        ------
        DatasetError
            If the data cannot be had, or are not those that a resumed run began with.
        TrainingError
            If weights to begin with cannot be had, the loss is no number, a checkpoint
            cannot be read or written, or another process trains in the run folder.
        KeyboardInterrupt
            On Ctrl-C, after a checkpoint was left to resume from.
        """
        clock = SessionClock(graphics_cards())
        if not self.rule.square:
            logger.info(
                "training on whole pictures, the reference's way; --crop face trains "
                "on faces and generalises better"
            )
        if not (self.run_dir / "checkpoint" / STATE_FILE).is_file():
            self.model.load_backbone()
        if self.config.resume is None:
            self.run_dir = _new_folder(self.run_dir)
        with ExitStack() as stack:
            try:
                lock = only_process(self.run_dir / _LOCK_FILE, wait=False)
                stack.enter_context(lock)
            except BlockingIOError:
                raise TrainingError(
                    f"resume: another process is training in {self.run_dir.name}; "
                    "wait until it has ended, or start a run of its own"
                ) from None
            return self._train(clock)

    def _train(self, clock: SessionClock) -> dict[str, Any]:
        """Train in the run folder, which is there and is this process's alone."""
        write_json(self.run_dir / CONFIG_FILE, self.config.to_dict())
        splits = self._load_splits()
        provenance = self._provenance(splits)

        def keep_provenance(**facts: Any) -> None:
            provenance["sessions"][-1] |= clock.read() | facts
            write_json(self.run_dir / PROVENANCE_FILE, provenance)

        keep_provenance()
        training = TrainingSession(
            self.model, splits, self.augment, self.run_dir, keep_provenance
        )
        state = training.run()
        if state.best_epoch is not None:
            self.model.load_weights(self.run_dir / "checkpoint" / BEST_FILE)
        provenance["best_epoch"] = state.best_epoch
        keep_provenance(images_per_second=_median(training.images_per_second))
        return self._conclude(splits, provenance, state)

    def find_learning_rate(self) -> dict[str, Any]:
        """Try ever higher learning rates on this run's data, and suggest one.

        Returns
        -------
        dict
            Folder with the curve, and the suggestion: for the last line on stdout.

        Raises
        ------
        ConfigError
            If a run is to be resumed: it has its rate.
        DatasetError
            If the data cannot be had.
        TrainingError
            If the loss leaves all bounds at once.
        """
        if self.config.resume is not None:
            raise ConfigError("resume: a resumed run keeps its learning rate")
        self.model.load_backbone()
        name = f"{self.run_dir.name}-learning-rate"
        self.run_dir = _new_folder(self.run_dir.with_name(name))
        splits = self._load_splits()
        training = TrainingSession(self.model, splits, self.augment, self.run_dir)
        sweep = sweep_learning_rate(self.model, training.train_batches(0))
        write_json(self.run_dir / "learning-rate.json", sweep.to_dict())
        plots.learning_rate_curve(sweep.rates, sweep.losses, sweep.suggestion).savefig(
            self.run_dir / "learning-rate.png"
        )
        return {
            "run": str(self.run_dir),
            "architecture": self.config.architecture,
            "learning_rate": self.config.learning_rate,
            "suggestion": sweep.suggestion,
        }

    def _load_splits(self) -> dict[str, tuple[CropSet, ...]]:
        """The crops of every dataset, by split; a run without data leaves no folder."""
        try:
            splits = self._read_splits()
            for split in SPLITS if self.config.score_test else SPLITS[:2]:
                _require_both_classes(split, splits[split])
        except DatasetError:
            if self.config.resume is None:
                shutil.rmtree(self.run_dir)
            raise
        return splits

    def _read_splits(self) -> dict[str, tuple[CropSet, ...]]:
        loaded = [
            [crop_set.by_origin() for crop_set in handler.load_split_data()]
            for handler in self.handlers
        ]  # by handler, split and origin
        splits = {
            split: tuple(part for of_handler in loaded for part in of_handler[i])
            for i, split in enumerate(SPLITS)
        }
        self.sources = numbered(
            [part.source for part in splits["train"]], taken=(POOLED,)
        )
        self.owners = [
            handler
            for handler, of_handler in zip(self.handlers, loaded, strict=True)
            for _ in of_handler[0]
        ]
        number, seed = self.config.train_pictures, self.config.seed
        splits["train"] = tuple(s.drawn(number, seed) for s in splits["train"])
        return splits

    def _provenance(self, splits: dict[str, tuple[CropSet, ...]]) -> dict[str, Any]:
        """Where the model comes from; a resumed run adds a session to those before."""
        path = self.run_dir / PROVENANCE_FILE
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        epoch = TrainingState.read(self.run_dir / "checkpoint").epoch
        facts = data_facts(dict(zip(self.sources, self.owners, strict=True)), splits)
        return provenance_of(self.config, facts, before, epoch)

    def _conclude(
        self,
        splits: dict[str, tuple[CropSet, ...]],
        provenance: dict[str, Any],
        state: TrainingState,
    ) -> dict[str, Any]:
        """Calibrate on validation, score, save the artifact and the figures."""
        scored = ("val", "test") if self.config.score_test else ("val",)
        logits = {
            split: [self.model.predict_logits(s.crops) for s in splits[split]]
            for split in scored
        }
        val_logits, val_labels = np.concatenate(logits["val"]), _labels(splits["val"])
        val_sources = [
            source
            for source, crop_set in zip(self.sources, splits["val"], strict=True)
            for _ in range(len(crop_set))
        ]
        calibration = Calibration.fit(
            val_logits, val_labels, equal_source_weights(val_sources)
        )
        metrics = {
            split: self._report(splits, split, logits[split], calibration)
            for split in scored
        }
        card = ModelCard(
            name=self.run_dir.name,
            architecture=self.config.architecture,
            input_shape=self.model.input_shape,
            crop=self.rule,
            calibration=calibration,
            cut_offs=CutOffs.fit(
                calibration.p_fake(val_logits), val_labels, val_sources
            ),
            metrics=metrics,
            provenance=provenance,
            licence_note=_licence_note(self.handlers),
        )
        self.model.save_model(self.run_dir / "model", card)
        write_json(self.run_dir / METRICS_FILE, metrics)
        self._draw(splits, logits, calibration, metrics, state)
        return {
            "run": str(self.run_dir),
            "architecture": self.config.architecture,
            "parameters": int(self.model.network.count_params()),
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "metrics": metrics,
        }

    def _report(
        self,
        splits: dict[str, tuple[CropSet, ...]],
        split: str,
        logits: list[NDArray[np.float32]],
        calibration: Calibration,
    ) -> dict[str, Any]:
        """Metrics of each dataset and, where there are several, of all together."""
        report = {}
        for source, train, crop_set, logit in zip(
            self.sources, splits["train"], splits[split], logits, strict=True
        ):
            baseline = thumbnail_baseline_auc(
                crop_set.crops, crop_set.y_true, (train.crops, train.y_true)
            )
            report[source] = evaluate_scores(
                crop_set.y_true, calibration.p_fake(logit)
            ) | {
                "thumbnail_baseline_auc": baseline,
                "face_found_share": crop_set.face_found_share(),
            }
        if len(report) > 1:
            p_fake = calibration.p_fake(np.concatenate(logits))
            report[POOLED] = evaluate_scores(_labels(splits[split]), p_fake)
        return report

    def _draw(
        self,
        splits: dict[str, tuple[CropSet, ...]],
        logits: dict[str, list[NDArray[np.float32]]],
        calibration: Calibration,
        metrics: dict[str, Any],
        state: TrainingState,
    ) -> None:
        plots.training_curves(state.history).savefig(self.run_dir / "curves.png")
        plots.mistakes_over_epochs(state.history).savefig(self.run_dir / "mistakes.png")
        for split, report in metrics.items():
            name = list(report)[-1]
            figure = plots.confusion_matrix(
                report[name]["confusion"], f"{name}, {split}"
            )
            figure.savefig(self.run_dir / f"confusion-{split}.png")
            p_fake = calibration.p_fake(np.concatenate(logits[split]))
            plots.reliability_diagram(
                _labels(splits[split]), p_fake, f"{name}, {split}"
            ).savefig(self.run_dir / f"reliability-{split}.png")


def _saved_config(run_dir: Path) -> TrainConfig:
    """The configuration that a run folder holds."""
    try:
        text = (run_dir / CONFIG_FILE).read_text(encoding="utf-8")
        return TrainConfig.from_dict(json.loads(text))
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"resume: expected a run folder with {CONFIG_FILE}, but {run_dir.name!r} "
            "has none that can be read; give a folder below runs/"
        ) from error


def _new_folder(wanted: Path) -> Path:
    """Make a folder of that name, or with a number after it where there is one."""
    folder, number = wanted, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")


def _run_name(config: TrainConfig) -> Path:
    moment = datetime.now().strftime("%Y%m%d-%H%M%S")
    return config.output / f"{moment}-{config.architecture}"


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None


def _require_both_classes(split: str, crop_sets: tuple[CropSet, ...]) -> None:
    """Refuse a split that nothing can be learned from, or measured on."""
    counts = np.bincount(_labels(crop_sets), minlength=len(CLASS_NAMES))
    for name, count in zip(CLASS_NAMES, counts, strict=True):
        if not count:
            raise DatasetError(
                f"{split}: expected pictures of both classes, but none of the "
                f"{counts.sum()} is {name}; add some, or choose another dataset"
            )


def _labels(crop_sets: tuple[CropSet, ...]) -> NDArray[np.int64]:
    return np.concatenate([crop_set.y_true for crop_set in crop_sets])


def _licence_note(handlers: list[DatasetHandler]) -> str:
    terms = "; ".join(
        f"{source}: {spec.licence}"
        for h in handlers
        for source, spec in h.specs.items()
    )
    return f"Trained on pictures under these terms: {terms}."
