"""TrainModel: one experiment, from a configuration to a run folder."""

import dataclasses
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Self

import keras
import numpy as np
from numpy.typing import NDArray

from deepfake_detector import plots
from deepfake_detector.architectures import with_own_recipe
from deepfake_detector.artifact import ModelCard
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.calibration import Calibration
from deepfake_detector.config import ENV_PREFIX, REPOSITORY, TrainConfig
from deepfake_detector.crop_batches import Balance, CropBatches
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.evaluation import evaluate_scores, thumbnail_baseline_auc
from deepfake_detector.exceptions import ConfigError, DatasetError, TrainingError
from deepfake_detector.face_crops import crop_rule
from deepfake_detector.training_checkpoint import (
    BEST_FILE,
    TrainingCheckpoint,
    TrainingState,
)

logger = logging.getLogger(__name__)

CONFIG_FILE: Final = "config.json"
METRICS_FILE: Final = "metrics.json"
PROVENANCE_FILE: Final = "provenance.json"

#: The reference implementation's floor for the learning rate.
_LEAST_LEARNING_RATE: Final = 1e-7

_PACKAGES: Final = (
    "tensorflow",
    "keras",
    "numpy",
    "pillow",
    "dlib-bin",
    "scikit-learn",
)

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
        config = with_own_recipe(config)
        self.config = config
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
            return cls(TrainConfig.from_env(environ, **given))
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
            If no epoch ended with a validation loss, or the checkpoint is damaged.
        KeyboardInterrupt
            On Ctrl-C, after a checkpoint was left to resume from.
        """
        started = time.monotonic()
        if not self.rule.square:
            logger.info(
                "training on whole pictures, the reference's way; --crop face trains "
                "on faces and generalises better"
            )
        if self.config.resume is None:
            self.run_dir = _new_folder(self.run_dir)
        _write_json(self.run_dir / CONFIG_FILE, self.config.to_dict())
        splits = self._load_splits()
        provenance = self._provenance(splits)
        _write_json(self.run_dir / PROVENANCE_FILE, provenance)
        state = self._fit(splits)
        if state.best_epoch is not None:
            self.model.trainer.load_weights(self.run_dir / "checkpoint" / BEST_FILE)
        provenance["best_epoch"] = state.best_epoch
        provenance["sessions"][-1]["minutes"] = (time.monotonic() - started) / 60
        _write_json(self.run_dir / PROVENANCE_FILE, provenance)
        return self._conclude(splits, provenance, state)

    def _load_splits(self) -> dict[str, tuple[CropSet, ...]]:
        """The crops of every dataset, by split; a run without data leaves no folder."""
        try:
            loaded = [
                [crop_set.by_origin() for crop_set in handler.load_split_data()]
                for handler in self.handlers
            ]  # by handler, split and origin
        except DatasetError:
            if self.config.resume is None:
                shutil.rmtree(self.run_dir)
            raise
        splits = {
            split: tuple(part for of_handler in loaded for part in of_handler[i])
            for i, split in enumerate(SPLITS)
        }
        self.sources = _numbered([part.source for part in splits["train"]])
        self.owners = [
            handler
            for handler, of_handler in zip(self.handlers, loaded, strict=True)
            for _ in of_handler[0]
        ]
        if self.config.train_pictures is not None:
            number, seed = self.config.train_pictures, self.config.seed
            splits["train"] = tuple(s.drawn(number, seed) for s in splits["train"])
        return splits

    def _fit(self, splits: dict[str, tuple[CropSet, ...]]) -> TrainingState:
        """Train from the checkpoint on; return the state after the last epoch."""
        config, directory = self.config, self.run_dir / "checkpoint"
        if not self.model.trainer.trainable_variables:
            logger.info("%s has nothing to train", config.architecture)
            return TrainingState(finished=True)
        state = TrainingState.read(directory)
        watchers = [
            keras.callbacks.EarlyStopping(patience=config.early_stopping_patience),
            keras.callbacks.ReduceLROnPlateau(
                factor=0.1,
                patience=config.reduce_lr_patience,
                min_lr=_LEAST_LEARNING_RATE,
            ),
        ]
        checkpoint = TrainingCheckpoint(directory, state, watchers)
        self.model.compile_model()
        if state.weights is not None:
            logger.info("resuming after epoch %d", state.epoch)
            self._load_checkpoint(directory / state.weights)
        if state.epoch < config.epochs and not state.stopped_early:
            train = CropBatches(
                splits["train"],
                self.model.batch_size,
                self.augment,
                config.seed,
                Balance(config.balance_sources, config.balance_classes),
                first_epoch=state.epoch,
            )
            val = CropBatches(splits["val"], self.model.batch_size)
            try:
                self.model.train_model(
                    train, val, config.epochs, [*watchers, checkpoint], state.epoch
                )
            except KeyboardInterrupt:
                # Keras gives the checkpoint its network when training begins.
                if state.weights is None and checkpoint.model is not None:
                    checkpoint.save()
                raise
            state.finished = True
            checkpoint.write_state()
        if state.best_epoch is None:
            raise TrainingError(
                "no epoch ended with a validation loss that is a number; try a smaller "
                "--learning-rate, or --mixed-precision off"
            )
        return state

    def _load_checkpoint(self, path: Path) -> None:
        """Put a saved network's weights and optimiser into this run's model."""
        try:
            saved = keras.saving.load_model(path)
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{path.name}: the checkpoint cannot be read ({type(error).__name__}); "
                "start the run anew"
            ) from error
        trainer = self.model.trainer
        trainer.set_weights(saved.get_weights())
        trainer.optimizer.build(trainer.trainable_variables)
        for mine, theirs in zip(
            trainer.optimizer.variables, saved.optimizer.variables, strict=True
        ):
            mine.assign(theirs)

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
        calibration = Calibration.fit(
            np.concatenate(logits["val"]), _labels(splits["val"])
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
            metrics=metrics,
            provenance=provenance,
            licence_note=_licence_note(self.handlers),
        )
        self.model.save_model(self.run_dir / "model", card)
        _write_json(self.run_dir / METRICS_FILE, metrics)
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
            report["pooled"] = evaluate_scores(_labels(splits[split]), p_fake)
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

    def _provenance(self, splits: dict[str, tuple[CropSet, ...]]) -> dict[str, Any]:
        """Where the model comes from; a resumed run adds a session to those before."""
        path = self.run_dir / PROVENANCE_FILE
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        data = self._data_facts(splits)
        _require_same_data(before.get("data", data), data)
        session = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "epochs_before": TrainingState.read(self.run_dir / "checkpoint").epoch,
            "git_commit": _git_commit(),
            "python": sys.version.split()[0],
            "versions": {name: _version(name) for name in _PACKAGES},
        }
        return {
            "sessions": [*before.get("sessions", []), session],
            "seed": self.config.seed,
            "config": _without_paths(self.config),
            "data": data,
        }

    def _data_facts(self, splits: dict[str, tuple[CropSet, ...]]) -> dict[str, Any]:
        facts = {}
        for i, (source, handler) in enumerate(
            zip(self.sources, self.owners, strict=True)
        ):
            train = splits["train"][i]
            spec = handler.specs[train.source]
            facts[source] = {
                "sha256": handler.data_hash,
                "fake_kind": spec.fake_kind,
                "licence": spec.licence,
                "citation": spec.citation,
                "pictures": {split: len(splits[split][i]) for split in splits},
                "face_found_share": train.face_found_share(),
                "duplicates": handler.duplicate_facts(train.source),
            }
        return facts


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


def _require_same_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other pictures: some could be trained on and then scored."""
    hashes = [[data["sha256"] for data in facts.values()] for facts in (before, now)]
    if hashes[0] != hashes[1]:
        raise DatasetError(
            "resume: the pictures are other than those the run began with; put them "
            "back, or start the run anew"
        )


def _numbered(names: list[str]) -> list[str]:
    """Names that differ: a second `folder` is called `folder-2`."""
    counts = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return [
        name if count == 1 else f"{name}-{count}"
        for name, count in zip(names, counts, strict=True)
    ]


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


def _labels(crop_sets: tuple[CropSet, ...]) -> NDArray[np.int64]:
    return np.concatenate([crop_set.y_true for crop_set in crop_sets])


def _licence_note(handlers: list[DatasetHandler]) -> str:
    terms = "; ".join(
        f"{source}: {spec.licence}"
        for h in handlers
        for source, spec in h.specs.items()
    )
    return f"Trained on pictures under these terms: {terms}."


def _without_paths(config: TrainConfig) -> dict[str, Any]:
    """The settings, paths cut to their last part: a card tells no one's folders."""
    fields = dataclasses.asdict(config)

    def last_part(value: Any) -> Any:
        if isinstance(value, tuple):
            return [last_part(item) for item in value]
        return value.name if isinstance(value, Path) else value

    return {name: last_part(value) for name, value in fields.items()}


def _git_commit() -> str | None:
    """The commit of this checkout, or None outside one."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],  # noqa: S607
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _write_json(path: Path, value: Any) -> None:
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
