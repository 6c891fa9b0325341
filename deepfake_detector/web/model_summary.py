"""What a program may know of the model that answers it: its card, cut to the point.

The card holds more than that: every slice and perturbed copy that was measured, and how
it came about to the last setting. It stays with the model; docs/model-card.md shows it.
"""

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from deepfake_detector.config import ServeConfig, TrainConfig
from deepfake_detector.detector import MAX_FACES, Detector
from deepfake_detector.heatmap import MAX_OCCLUDED_FACES
from deepfake_detector.images import FORMATS
from deepfake_detector.labels import CLASS_NAMES

#: Figures of a measured set and what they say; each has an interval of 95 % beside it.
#: docs/evaluation.md defines them.
FIGURES: Final = {
    "auc": "How often a random fake scores above a random real.",
    "average_precision": "Precision, averaged over the steps in which recall rises.",
    "accuracy": "Share of right answers, fake from the threshold on.",
    "balanced_accuracy": "Mean of that share of reals and of fakes.",
    "precision": "Share of fakes among what is called fake.",
    "recall": "Share of the fakes that are called fake.",
    "f1": "Harmonic mean of precision and recall.",
    "tpr_at_fpr_1": "Share of fakes found while at most 1 % of reals are called fake.",
    "tpr_at_fpr_5": "Share of fakes found while at most 5 % of reals are called fake.",
    "eer": "Error rate where misses equal false alarms; smaller is better.",
    "ece": "Mean gap between P(fake) and the share of fakes; smaller is better.",
    "brier": "Mean squared gap between P(fake) and the truth; smaller is better.",
    "log_loss": "Mean -ln of the probability given to the truth; smaller is better.",
}

#: Kinds of answers that are counted at the cut-offs.
ANSWERS: Final = (
    "reals_called_fake",
    "reals_called_real",
    "fakes_called_fake",
    "fakes_called_real",
    "inconclusive",
)

#: What is said of each data set that the model learned from.
DATA_FIELDS: Final = ("sha256", "fake_kind", "licence", "citation", "pictures")

_SIZES: Final = ("pictures", "real", "fake")


def model_summary(detector: Detector, config: ServeConfig) -> dict[str, Any]:
    """Describe the model that answers, and what a request to it may hold.

    Parameters
    ----------
    detector : Detector
        What judges the pictures.
    config : ServeConfig
        The server's limits.

    Returns
    -------
    dict
        JSON-ready fields; the schema `Model` of web/openapi_schemas.py has each. None
        where the card does not say.
    """
    card = detector.card
    return {
        "name": card.name,
        "architecture": card.architecture,
        "input_shape": list(card.input_shape),
        "classes": list(CLASS_NAMES),
        "crop": card.crop.to_dict(),
        "calibration": card.calibration.to_dict(),
        "cut_offs": detector.cut_offs_for().to_dict(),
        "metrics": _metrics(card.metrics),
        "provenance": _provenance(card.provenance),
        "licence_note": card.licence_note,
        "files": dict(card.files),
        "limits": limits(config),
    }


def limits(config: ServeConfig) -> dict[str, Any]:
    """Say what a request may hold.

    Parameters
    ----------
    config : ServeConfig
        The server's limits.

    Returns
    -------
    dict
        JSON-ready fields; bytes, pixels and seconds by name.
    """
    return {
        "formats": list(FORMATS),
        "max_files": config.max_files,
        "max_upload_bytes": config.max_upload_bytes,
        "max_request_bytes": config.max_request_bytes,
        "max_pixels": config.max_pixels,
        "max_faces": MAX_FACES,
        "max_occluded_faces": MAX_OCCLUDED_FACES,
        "request_seconds": config.request_seconds,
        "rate_limit": config.rate_limit or None,
    }


def _metrics(splits: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each measured set under its split and its name, as in the card."""
    return {
        split: {name: _measured(report) for name, report in sets.items()}
        for split, sets in splits.items()
        if isinstance(sets, dict)
    }


def _measured(report: Mapping[str, Any]) -> dict[str, Any]:
    summary: dict[str, Any] = {name: report.get(name) for name in _SIZES}
    for name in FIGURES:
        summary[name] = report.get(name)
        summary[f"{name}_interval"] = report.get(f"{name}_interval")
    summary["cut_offs"] = _counted(report.get("cut_offs"))
    for name in ("thumbnail_baseline_auc", "thumbnail_baseline_fitted_on"):
        summary[name] = report.get(name)
    return summary


def _counted(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How many were answered how; None in cards older than the two cut-offs."""
    if report is None:
        return None
    return {name: report.get(name) for name in ANSWERS}


def _provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What the model was made of, without folders and machines."""
    first: Mapping[str, Any] = next(iter(provenance.get("sessions") or ()), {})
    data = provenance.get("data") or {}
    return {
        "started": first.get("started"),
        "git_commit": first.get("git_commit"),
        "seed": provenance.get("seed"),
        "best_epoch": provenance.get("best_epoch"),
        "data": {
            name: {field: said.get(field) for field in DATA_FIELDS}
            for name, said in data.items()
        },
        "config": _without_places(provenance.get("config") or {}),
    }


def _without_places(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the training but for files, folders and addresses."""
    told = {
        field.name
        for field in dataclasses.fields(TrainConfig)
        if Path not in (field.type, *typing.get_args(field.type))
    }
    # Where weights come from may be a file of the trainer's.
    told -= {"dataset_url", "backbone_weights"}
    return {name: value for name, value in config.items() if name in told}
