"""Comparison: many networks trained under one budget, and one table of them."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from deepfake_detector.architectures import ARCHITECTURES, with_own_recipe
from deepfake_detector.artifact import Artifact
from deepfake_detector.backbone_weights import with_fine_tuning
from deepfake_detector.comparison_table import write_comparison
from deepfake_detector.config import ServeConfig, TrainConfig
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.dataset_scoring import score_in_batches
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation import evaluate_scores, thumbnail_baseline_auc
from deepfake_detector.exceptions import ConfigError, DivergenceError
from deepfake_detector.face_crops import crop_rule
from deepfake_detector.model_cost import network_cost
from deepfake_detector.train_model import CONFIG_FILE, METRICS_FILE, TrainModel
from deepfake_detector.whole_file import write_json

logger = logging.getLogger(__name__)

#: What a trial's folder holds beside the run's own files.
COST_FILE: Final = "cost.json"
FAILED_FILE: Final = "failed.json"
HELD_OUT_FILE: Final = "held_out.json"

#: The table, as a file.
ROWS_FILE: Final = "comparison.json"

#: Settings that a row states.
_BUDGET: Final = (
    "dataset",
    "train_pictures",
    "epochs",
    "batch_size",
    "image_size",
    "optimizer",
    "learning_rate",
    "augmentation",
    "mixed_precision",
    "backbone_weights",
    "head_epochs",
)

#: Settings that may differ between the first start of a comparison and its next.
_FREE_SETTINGS: Final = ("resume", "output", "cache_dir", "archive", "data_dir")


@dataclass(frozen=True)
class Trial:
    """One network to be trained once.

    Parameters
    ----------
    architecture : str
        Name in the table.
    crop : {'face', 'whole'}
        What it sees.
    seed : int
        Seed of weights, order and augmentation.
    held_out : str or None, default None
        Dataset that it is scored on but not trained on.
    """

    architecture: str
    crop: str
    seed: int
    held_out: str | None = None

    @property
    def row(self) -> str:
        """Name of the table's row, which trials of other seeds share."""
        parts = (self.architecture, self.crop, self.held_out and f"no-{self.held_out}")
        return "-".join(part for part in parts if part)

    @property
    def folder(self) -> str:
        """Name of its run folder."""
        return f"{self.row}-seed{self.seed}"


class Comparison:
    """Networks trained on the same pictures for the same number of passes.

    Parameters
    ----------
    config : TrainConfig
        Settings that all share; what it leaves open is each network's own.
    trials : sequence of Trial
        What is trained, in order; ensembles come after their members.
    members : sequence of str, optional
        Architectures of this comparison that its ensembles are made of.
    directory : Path, optional
        Where run folders and the table go; `config.output` where not given.
    """

    def __init__(
        self,
        config: TrainConfig,
        trials: Iterable[Trial],
        members: Sequence[str] = (),
        directory: Path | None = None,
    ) -> None:
        self.config = config
        self.trials = tuple(trials)
        self.members = tuple(members)
        self.directory = directory or config.output
        self._require_plan()

    def run(self) -> list[dict[str, Any]]:
        """Train what is not trained yet, and write the table.

        A network whose training fails has a row that says why; a comparison that was
        cut goes on where it was.

        Returns
        -------
        list of dict
            One row for each network and crop.

        Raises
        ------
        ConfigError
            If the folder holds a comparison under other settings.
        """
        for number, trial in enumerate(self.trials, start=1):
            logger.info("%d of %d: %s", number, len(self.trials), trial.folder)
            self._train(trial)
            self._score_held_out(trial)
        for trial in self.trials:
            self._measure_cost(trial)
        rows = self.rows()
        write_json(self.directory / ROWS_FILE, rows)
        write_comparison(self.directory, rows)
        return rows

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each network and crop, of what is finished.

        Returns
        -------
        list of dict
            `architecture`, `crop`, `seeds`, the budget, the cost, and of every metric
            its mean, spread (standard deviation over seeds) and interval.
        """
        by_row: dict[str, list[Trial]] = {}
        for trial in self.trials:
            by_row.setdefault(trial.row, []).append(trial)
        rows = [self._row(trials) for trials in by_row.values()]
        return [row for row in rows if row]

    def _require_plan(self) -> None:
        """Refuse what would fail only after hours of training."""
        if not self.trials:
            raise ConfigError("architectures: expected at least one name, got none")
        for trial in self.trials:
            crop_rule(trial.crop)
            self._without(trial.held_out)
        self._require_members()

    def _require_members(self) -> None:
        for trial in self.trials:
            if ARCHITECTURES.get(trial.architecture).combine is None:
                continue
            trained = {
                t.architecture
                for t in self.trials
                if (t.crop, t.seed) == (trial.crop, trial.seed)
            }
            missing = sorted(set(self.members) - trained)
            if missing or not self.members:
                raise ConfigError(
                    f"members: {trial.architecture!r} needs members among the "
                    f"compared networks; got {', '.join(missing) or 'none'}"
                )

    def _config(self, trial: Trial) -> TrainConfig:
        """The settings of one trial."""
        config = dataclasses.replace(
            self.config,
            architecture=trial.architecture,
            crop=trial.crop,
            seed=trial.seed,
            output=self.directory,
            member=self._member_folders(trial),
            **self._without(trial.held_out),
        )
        if ARCHITECTURES.get(trial.architecture).backbone is None:
            config = dataclasses.replace(
                config, backbone_weights=None, head_epochs=None
            )
        return with_fine_tuning(with_own_recipe(config))

    def _member_folders(self, trial: Trial) -> tuple[Path, ...]:
        if ARCHITECTURES.get(trial.architecture).combine is None:
            return ()
        return tuple(
            self._folder(dataclasses.replace(trial, architecture=name)) / "model"
            for name in self.members
        )

    def _without(self, held_out: str | None) -> dict[str, Any]:
        """The datasets that remain, with their archives or folders."""
        if held_out is None:
            return {}
        kept = [i for i, name in enumerate(self.config.dataset) if name != held_out]
        if len(kept) == len(self.config.dataset) or not kept:
            raise ConfigError(
                f"{held_out!r} cannot be left out of: {', '.join(self.config.dataset)}"
            )
        return {
            name: tuple(values[i] for i in kept) if values else values
            for name in ("dataset", "archive", "data_dir")
            for values in [getattr(self.config, name)]
        }

    def _folder(self, trial: Trial) -> Path:
        return self.directory / trial.folder

    def _train(self, trial: Trial) -> None:
        """Train one network, or go on where it was cut, unless it is finished.

        A network that diverged is not tried again; what may pass, as a full disk, ends
        the comparison, which goes on from there when it is started again.
        """
        folder = self._folder(trial)
        if (folder / METRICS_FILE).is_file() or (folder / FAILED_FILE).is_file():
            return
        try:
            run = self._begin(trial, folder)
            run.run_training()
        except DivergenceError as error:
            logger.warning("%s: %s", trial.folder, error)
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / FAILED_FILE, {"reason": str(error)})
            return
        finally:
            keras.backend.clear_session()
        # It would be several times the model's size, for each of many networks.
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)

    def _begin(self, trial: Trial, folder: Path) -> TrainModel:
        config = self._config(trial)
        if not (folder / CONFIG_FILE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            return TrainModel(config, run_dir=folder)
        saved = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        _require_same_settings(trial.folder, saved, config.to_dict())
        return TrainModel(dataclasses.replace(config, resume=folder))

    def _score_held_out(self, trial: Trial) -> None:
        """Score a network on the test split of the dataset that it has not seen."""
        folder = self._folder(trial)
        is_scored = (folder / HELD_OUT_FILE).is_file()
        if trial.held_out is None or is_scored or not (folder / METRICS_FILE).is_file():
            return
        config = self._config(trial)
        every = dataclasses.replace(
            config,
            dataset=self.config.dataset,
            archive=self.config.archive,
            data_dir=self.config.data_dir,
        )
        index = self.config.dataset.index(trial.held_out)
        unseen = DatasetHandler.for_config(every)[index]
        crop_set = unseen.get_image_dataset_from_directory("test")
        detector = Detector.load(ServeConfig(model_dir=folder / "model"))
        p_fake = score_in_batches(detector, crop_set.crops)
        report = evaluate_scores(crop_set.y_true, p_fake)
        report["thumbnail_baseline_auc"] = thumbnail_baseline_auc(
            crop_set.crops, crop_set.y_true, _training_crops(config)
        )
        write_json(folder / HELD_OUT_FILE, {trial.held_out: report})

    def _measure_cost(self, trial: Trial) -> None:
        """Measure each network once, when nothing is trained any more."""
        folder = self._folder(trial)
        if trial != self._measured(trial) or (folder / COST_FILE).is_file():
            return
        logger.info("measuring %s", trial.architecture)
        artifact = Artifact.load(folder / "model")
        write_json(folder / COST_FILE, network_cost(self._config(trial), artifact))

    def _measured(self, trial: Trial) -> Trial | None:
        """The finished trial whose cost is measured; it is that of every crop."""
        alike = (t for t in self.trials if t.architecture == trial.architecture)
        return next(
            (t for t in alike if (self._folder(t) / METRICS_FILE).is_file()), None
        )

    def _row(self, trials: list[Trial]) -> dict[str, Any]:
        """One row from the trials of all seeds."""
        first, folders = trials[0], [self._folder(trial) for trial in trials]
        done = [metrics for folder in folders if (metrics := _metrics(folder))]
        failed = [f for folder in folders if (f := _read_json(folder / FAILED_FILE))]
        if not done and not failed:
            return {}
        row: dict[str, Any] = {
            "architecture": first.architecture,
            "crop": first.crop,
            "held_out": first.held_out,
            "seeds": len(done),
            "failed": [failure["reason"] for failure in failed],
        }
        config = _read_json(folders[0] / CONFIG_FILE)
        row |= {name: config[name] for name in _BUDGET if name in config}
        return row | {
            "cost": _read_json(
                self._folder(self._measured(first) or first) / COST_FILE
            ),
            "metrics": {
                split: {
                    source: summary([metrics[split][source] for metrics in done])
                    for source in done[0][split]
                }
                for split in (done[0] if done else ())
            },
        }


def trials_of(
    architectures: Sequence[str],
    crops: Sequence[str],
    seeds: Sequence[int],
    held_out: Sequence[str | None] = (None,),
) -> list[Trial]:
    """Return every combination, a crop and seed at a time, ensembles last in each.

    Parameters
    ----------
    architectures, crops : sequence of str
        Names in their tables.
    seeds : sequence of int
        Seeds.
    held_out : sequence of str or None, default (None,)
        Datasets to leave out of training in turn.

    Returns
    -------
    list of Trial
        In the order of training.

    Raises
    ------
    UnknownNameError
        If there is no such architecture.
    """
    ordered = sorted(
        dict.fromkeys(architectures),
        key=lambda name: ARCHITECTURES.get(name).combine is not None,
    )
    return [
        Trial(architecture, crop, seed, left_out)
        for seed in seeds
        for left_out in held_out
        for crop in dict.fromkeys(crops)
        for architecture in ordered
    ]


def summary(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarise one data set's figures over seeds.

    Parameters
    ----------
    reports : sequence of mapping
        What `evaluation.evaluate_scores` returned for each seed.

    Returns
    -------
    dict
        Of every figure its `mean` and `spread`, the standard deviation over seeds (None
        for one), and where it has one the mean of the 95 % `interval`.
    """
    first = reports[0]
    figures = {}
    for name, value in first.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        values = [report[name] for report in reports if report[name] is not None]
        figures[name] = {
            "mean": float(np.mean(values)),
            "spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        }
        if f"{name}_interval" in first:
            intervals = [report[f"{name}_interval"] for report in reports]
            figures[name]["interval"] = np.mean(intervals, axis=0).tolist()
    return figures


def _require_same_settings(
    name: str, saved: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    """Refuse to mix trainings under different settings in one table."""
    differing = sorted(
        key
        for key, value in wanted.items()
        if key not in _FREE_SETTINGS and key in saved and saved[key] != value
    )
    if differing:
        raise ConfigError(
            f"{name}: was begun with another {', '.join(differing)}; give the same "
            "settings, or another --output"
        )


def _metrics(folder: Path) -> dict[str, Any]:
    """A finished run's figures, those of a dataset it has not seen among them."""
    metrics: dict[str, Any] = _read_json(folder / METRICS_FILE)
    if metrics:
        metrics["test"] |= _read_json(folder / HELD_OUT_FILE)
    return metrics


def _training_crops(config: TrainConfig) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """What a run is trained on, all datasets together."""
    drawn = [
        handler.get_image_dataset_from_directory("train").drawn(
            config.train_pictures, config.seed
        )
        for handler in DatasetHandler.for_config(config)
    ]
    crops = np.concatenate([crop_set.crops for crop_set in drawn])
    return crops, np.concatenate([crop_set.y_true for crop_set in drawn])


def _read_json(path: Path) -> Any:
    """A file's content; empty where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
