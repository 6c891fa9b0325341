"""All that `evaluate` finds out: each set, all of them together, and a matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_detector import slices
from deepfake_detector.artifact import POOLED, ModelCard
from deepfake_detector.calibration_check import calibration_check
from deepfake_detector.cut_off_report import cut_off_report
from deepfake_detector.dataset_scoring import (
    ScoredSet,
    answers_to_pictures,
    score_set,
)
from deepfake_detector.deletion_test import deletion_test
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation import (
    evaluate_scores,
    numbered,
    score_metrics,
    worst_mistakes,
)
from deepfake_detector.explainers import EXPLAINERS, default_explainer
from deepfake_detector.explainers.perturbation import logits
from deepfake_detector.labels import FAKE
from deepfake_detector.picture import Picture
from deepfake_detector.robustness import robustness_report
from deepfake_detector.set_examination import (
    Examination,
    examine,
    stability_report,
)

#: Most pictures whose heatmaps are tested.
_EXPLAINED: Final = 64

#: What a cell of the matrix says.
_OF_A_CELL: Final = (
    "pictures",
    "auc",
    "auc_interval",
    "accuracy",
    "eer",
    "ece",
    "ece_chance_95",
    "cut_offs",
    "thumbnail_baseline_auc",
)


@dataclass(frozen=True)
class EvaluationOptions:
    """How sets are scored.

    Parameters
    ----------
    split : {'train', 'val', 'test'}, optional
        Which split; by default `test` where there are splits, else every picture.
    by_picture : bool, default False
        Score a picture by its highest-scoring face instead of by its centre one.
    threshold : float, optional
        P(fake) from which the answer is Fake; by default the card's.
    examine : bool, default False
        Whether to report slices, the worst mistakes and the deletion test of heatmaps,
        which costs a second look at each picture.
    robustness : bool, default False
        Whether to score perturbed copies of each picture too.
    answers : bool, default False
        Whether to report the whole answer to each picture, face by face.
    """

    split: str | None = None
    by_picture: bool = False
    threshold: float | None = None
    examine: bool = False
    robustness: bool = False
    answers: bool = False


@dataclass(frozen=True)
class EvaluatedSet:
    """One set's scores and all that is reported of them.

    Parameters
    ----------
    scored : ScoredSet
        Labels and scores.
    report : dict
        Plain numbers, ready for JSON.
    examination : Examination or None
        What a second look found, where one was taken.
    """

    scored: ScoredSet
    report: dict[str, Any]
    examination: Examination | None

    def crops_of(self, detector: Detector, indices: Sequence[int]) -> Any:
        """Crop some of the pictures again, to show them.

        Parameters
        ----------
        detector : Detector
            What scored them.
        indices : sequence of int
            Which pictures, by their place in the set.

        Returns
        -------
        ndarray of shape (n, h, w, 3), uint8
            The crops that were scored.
        """
        card, scored = detector.card, self.scored
        boxes = self.examination.boxes if self.examination else ()
        paths = [scored.handler.path_of(scored.pictures[i]) for i in indices]
        return np.stack(
            [
                Picture.of(path, detector.max_pixels).crop(
                    boxes[i], card.crop, card.input_shape[:2]
                )
                for i, path in zip(indices, paths, strict=True)
            ]
        )


@dataclass(frozen=True)
class Evaluation:
    """What one model gets on every set.

    Parameters
    ----------
    model : str
        Name of the model.
    threshold : float
        P(fake) from which the answer is Fake.
    sets : tuple of EvaluatedSet
        In the order given; their names differ.
    pooled : dict or None
        The report of all sets together, where there are several.
    """

    model: str
    threshold: float
    sets: tuple[EvaluatedSet, ...]
    pooled: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Return every report as JSON-ready fields."""
        return {
            "model": self.model,
            "threshold": self.threshold,
            "sets": {one.scored.name: one.report for one in self.sets},
            POOLED: self.pooled,
        }


def evaluate_sets(
    detector: Detector,
    sets: Sequence[tuple[str | None, Path]],
    options: EvaluationOptions | None = None,
) -> Evaluation:
    """Score a model on every set and report each, and all of them together.

    Parameters
    ----------
    detector : Detector
        What is scored.
    sets : sequence of (str or None, Path)
        Name (by default that of the file or folder) and place of each set, a folder or
        zip with Real and Fake or with splits that hold them. Equal names are numbered,
        and of several sets one called ``pooled``, too.
    options : EvaluationOptions, optional
        How they are scored.

    Returns
    -------
    Evaluation
        Everything that was found.

    Raises
    ------
    DatasetError
        If the pictures of a set cannot be had, or too few of them can be judged.
    ArtifactError
        If the model answers with something other than numbers.
    """
    options = options or EvaluationOptions()
    threshold = options.threshold
    if threshold is None:
        threshold = detector.card.threshold
    several = len(sets) > 1
    names = numbered(
        [name or path.resolve().name for name, path in sets],
        taken=(POOLED,) if several else (),
    )
    evaluated = [
        _evaluate_set(
            detector,
            score_set(detector, path, options.split, options.by_picture, name),
            threshold,
            options,
        )
        for name, (_, path) in zip(names, sets, strict=True)
    ]
    pooled = _pooled_report(evaluated, threshold, detector.card) if several else None
    return Evaluation(detector.card.name, threshold, tuple(evaluated), pooled)


def set_argument(text: str) -> tuple[str | None, Path]:
    """Read a set as the command line gives it.

    Parameters
    ----------
    text : str
        A folder or zip, or ``NAME=`` and then a folder or zip.

    Returns
    -------
    (str or None, Path)
        The name, where one was given, and the place.
    """
    name, sign, path = text.partition("=")
    # A folder may have such a sign in its own name.
    if not sign or not name or "/" in name or Path(text).exists():
        return None, Path(text)
    return name, Path(path)


def cross_dataset_matrix(
    evaluations: Sequence[Evaluation],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Lay out what every model gets on every set.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One for each model, of the same sets.

    Returns
    -------
    dict
        By model and by set, ``pooled`` among them where there are several, the figures
        that are compared. Equal names of models are numbered.
    """
    names = numbered([evaluation.model for evaluation in evaluations])
    return {
        name: {
            label: {key: report.get(key) for key in _OF_A_CELL}
            for label, report in _reports(evaluation).items()
        }
        for name, evaluation in zip(names, evaluations, strict=True)
    }


def _reports(evaluation: Evaluation) -> Mapping[str, dict[str, Any]]:
    reports = {one.scored.name: one.report for one in evaluation.sets}
    return reports | ({POOLED: evaluation.pooled} if evaluation.pooled else {})


def _evaluate_set(
    detector: Detector, scored: ScoredSet, threshold: float, options: EvaluationOptions
) -> EvaluatedSet:
    report = scored.report(detector.card, threshold)
    if options.answers and "answers" not in report:
        report["answers"] = answers_to_pictures(detector, scored)
    if not (options.examine or options.robustness):
        return EvaluatedSet(scored, report, None)
    found = examine(detector, scored, options.robustness)
    names = [picture.name for picture in scored.pictures]
    report["slices"] = found.slices(scored, threshold)
    report["stability"] = found.stability(scored, detector.card.cut_offs)
    report["robustness"] = found.robustness(scored, threshold)
    report["worst"] = worst_mistakes(names, scored.y_true, scored.p_fake, threshold)
    evaluated = EvaluatedSet(scored, report, found)
    if options.examine:
        report["deletion_test"] = _deletion_report(detector, evaluated, threshold)
    return evaluated


def _deletion_report(
    detector: Detector, evaluated: EvaluatedSet, threshold: float
) -> dict[str, Any] | None:
    """Whether heatmaps of found fakes mark what their scores rest on."""
    scored = evaluated.scored
    found = np.flatnonzero((scored.y_true == FAKE) & (scored.p_fake >= threshold))
    if not len(found):
        return None
    # Evenly over the set, not its first: names often follow the source.
    places = np.linspace(0, len(found) - 1, min(_EXPLAINED, len(found))).astype(int)
    crops = evaluated.crops_of(detector, found[places].tolist())
    method = default_explainer(detector.backend)
    explainer = EXPLAINERS.get(method)(detector.backend)
    evidence = np.stack([explainer.explain(crop).evidence for crop in crops])

    test = deletion_test(partial(logits, detector.backend), crops, evidence)
    return {"method": method, **test}


def _pooled_report(
    sets: Sequence[EvaluatedSet], threshold: float, card: ModelCard
) -> dict[str, Any]:
    """All sets as one; the baseline is fitted on each set by itself."""
    scored = [one.scored for one in sets]
    y_true = np.concatenate([one.y_true for one in scored])
    p_fake = np.concatenate([one.p_fake for one in scored])
    known = [one.baseline_scores for one in scored if one.baseline_scores is not None]
    baseline = np.concatenate(known) if len(known) == len(scored) else None
    of = np.repeat([one.name for one in scored], [len(one.y_true) for one in scored])
    report = evaluate_scores(y_true, p_fake, threshold)
    report |= calibration_check(y_true, p_fake, of.tolist())
    report["cut_offs"] = cut_off_report(y_true, p_fake, card.cut_offs)
    figures = None if baseline is None else score_metrics(y_true, baseline)
    report["thumbnail_baseline_auc"] = figures and figures["auc"]
    report["thumbnail_baseline"] = figures
    masks = {one.name: of == one.name for one in scored}
    report["slices"] = {
        "source": slices.slice_report(masks, y_true, p_fake, threshold, baseline)
    }
    looks = [one.examination for one in sets if one.examination is not None]
    if len(looks) == len(sets):
        views = _joined([look.views for look in looks])
        report["stability"] = stability_report(y_true, p_fake, views, card.cut_offs)
    if len(looks) == len(sets) and looks[0].perturbed:
        report["robustness"] = robustness_report(
            y_true,
            p_fake,
            _joined([look.perturbed for look in looks]),
            threshold,
            None
            if baseline is None
            else {"clean": baseline}
            | _joined([look.perturbed_baseline for look in looks]),
        )
    return report


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
