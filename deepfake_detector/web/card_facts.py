"""What the about page tells of the model: read from its card, never typed by hand."""

from collections.abc import Mapping
from typing import Any, Final

from deepfake_detector.artifact import POOLED, ModelCard

#: The split whose figures tell how good a model is.
_SPLIT: Final = "test"


def measured_sets(card: ModelCard) -> list[dict[str, Any]]:
    """Return what was measured on pictures that played no part in training.

    Parameters
    ----------
    card : ModelCard
        The model's.

    Returns
    -------
    list of dict
        For each data set of the test split, `name`, `split`, `pooled`, `pictures`,
        `auc`, `auc_interval`, `thumbnail_auc` (None where not measured) and `answers`:
        see :func:`answers_of`. All sets together come last; empty for a card without
        figures.
    """
    sets = {
        name: report
        for name, report in card.metrics.get(_SPLIT, {}).items()
        if report.get("auc") is not None
    }
    names = sorted(sets, key=lambda name: name == POOLED)
    return [
        {
            "name": name,
            "split": _SPLIT,
            "pooled": name == POOLED,
            "pictures": sets[name]["pictures"],
            "auc": sets[name]["auc"],
            "auc_interval": sets[name].get("auc_interval"),
            "thumbnail_auc": sets[name].get("thumbnail_baseline_auc"),
            "answers": answers_of(sets[name]),
        }
        for name in names
    ]


def answers_of(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how often each answer was given, as the server gives it.

    Parameters
    ----------
    report : mapping
        What was measured on one data set.

    Returns
    -------
    dict or None
        Of `reals_called_fake`, `reals_called_real`, `fakes_called_fake`,
        `fakes_called_real` and `inconclusive` the `count`, `of` and `share`; after the
        stability check where that was measured, as `checked` says. None where neither
        was.
    """
    answers = report.get("stability") or report.get("cut_offs")
    if not answers or "reals_called_fake" not in answers:
        return None
    return {"checked": "stability" in report, **answers}


def inconclusive_share(card: ModelCard) -> float | None:
    """Return how often no answer is given.

    Parameters
    ----------
    card : ModelCard
        The model's.

    Returns
    -------
    float or None
        In [0, 1], of all sets of the test split together; None where that was not
        measured.
    """
    last = next(iter(measured_sets(card)[-1:]), None)
    if last is None or not last["pooled"] or last["answers"] is None:
        return None
    return float(last["answers"]["inconclusive"]["share"])


def training_sets(card: ModelCard) -> list[dict[str, Any]]:
    """Return what the model was trained on.

    Parameters
    ----------
    card : ModelCard
        The model's.

    Returns
    -------
    list of dict
        `name`, `fake_kind`, `citation`, `licence` and `pictures` (how many it was
        trained on, or None) of each data set; empty for a card that does not say.
    """
    return [
        {
            "name": name,
            "fake_kind": data.get("fake_kind", ""),
            "citation": data.get("citation", ""),
            "licence": data.get("licence", ""),
            "pictures": data.get("pictures", {}).get("train"),
        }
        for name, data in card.provenance.get("data", {}).items()
    ]
