"""What commands measured of a model, put into its card.

No figure of a card is written by hand: `evaluate --into-card` puts what it found on a
split in the place of what was there, `model-card --leave-one-out` the rows of a
comparison.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_detector.artifact import CARD_FILE, POOLED, ModelCard
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.metrics import roc_auc_score
from deepfake_detector.provenance import git_commit, package_version
from deepfake_detector.whole_file import write_json

#: What a card does not repeat of each report, and what names single pictures.
_LEFT_OUT: Final = ("model", "worst", "answers")

#: Digits after the point of a figure.
_DIGITS: Final = 6

#: Packages that a score may depend on.
_PACKAGES: Final = ("ai-edge-litert", "openvino", "numpy", "pillow", "dlib-bin")

#: What is kept of a comparison's row.
_OF_A_ROW: Final = (
    "held_out",
    "seeds",
    "train_pictures",
    "epochs",
    "augmentation",
)


def with_figures(card: ModelCard, evaluation: Mapping[str, Any]) -> ModelCard:
    """Return the card with an evaluation in it.

    Parameters
    ----------
    card : ModelCard
        The card of the model that was evaluated.
    evaluation : mapping
        What `evaluation_run.Evaluation.to_dict` returns.

    Returns
    -------
    ModelCard
        With the reports of every set, and of all together, under their split in
        `metrics`, in the place of what was there; floats have six digits. Under
        `evaluations` its provenance says which commit and packages scored the split.

    Raises
    ------
    ArtifactError
        If the evaluation is of another model, or its sets are of different splits.
    """
    if evaluation["model"] != card.name:
        raise ArtifactError(
            f"expected an evaluation of {card.name!r}, got one of "
            f"{evaluation['model']!r}; evaluate with this model folder"
        )
    splits = {report["split"] for report in evaluation["sets"].values()}
    if len(splits) != 1:
        raise ArtifactError(
            f"expected sets of one split, got {', '.join(sorted(splits))}; give --split"
        )
    (split,) = splits
    reports = evaluation["sets"]
    if evaluation[POOLED]:
        reports = {**reports, POOLED: evaluation[POOLED]}
    kept = {
        name: {key: _rounded(report[key]) for key in report if key not in _LEFT_OUT}
        for name, report in reports.items()
    }
    by_whom = {
        "git_commit": git_commit(),
        "versions": {name: package_version(name) for name in _PACKAGES},
    }
    evaluations = {**card.provenance.get("evaluations", {}), split: by_whom}
    return replace(
        card,
        metrics={**card.metrics, split: kept},
        provenance={**card.provenance, "evaluations": evaluations},
    )


def export_differences(
    y_true: np.ndarray[Any, Any],
    shipped: np.ndarray[Any, Any],
    network: np.ndarray[Any, Any],
) -> dict[str, float]:
    """Report how far the shipped file's answers are from the network's.

    Parameters
    ----------
    y_true : ndarray of shape (n,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    shipped, network : ndarray of shape (n,), float
        P(fake) of the same pictures by the file that serves and by the network that it
        was exported from.

    Returns
    -------
    dict of str to float
        The largest `p_fake_difference` and the `auc_difference`, neither negative, and
        `pictures`.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or a score is not finite.
    """
    aucs = [roc_auc_score(y_true, scores) for scores in (shipped, network)]
    return {
        "pictures": len(y_true),
        "p_fake_difference": float(np.max(np.abs(shipped - network))),
        "auc_difference": abs(aucs[0] - aucs[1]),
    }


def with_export_check(
    card: ModelCard, split: str, differences: Mapping[str, Mapping[str, float]]
) -> ModelCard:
    """Return the card with a check of its export in it.

    Parameters
    ----------
    card : ModelCard
        The card.
    split : str
        What was scored.
    differences : mapping of str to mapping
        By data set what :func:`export_differences` returns.

    Returns
    -------
    ModelCard
        With the differences under their split in `export_check`.
    """
    check = {name: dict(found) for name, found in differences.items()}
    return replace(card, export_check={**card.export_check, split: check})


def with_leave_one_out(card: ModelCard, rows: Sequence[Mapping[str, Any]]) -> ModelCard:
    """Return the card with the rows of a leave-one-out comparison in it.

    Parameters
    ----------
    card : ModelCard
        The card.
    rows : sequence of mapping
        What `comparison.Comparison.rows` returned; rows of other architectures, and
        those in which no set was left out, are passed over.

    Returns
    -------
    ModelCard
        With a row for each set that was left out: its AUC on the test split of that set
        (`mean`, `spread` over seeds, `interval`), the thumbnail baseline's, and how
        it was trained.

    Raises
    ------
    ArtifactError
        If no row is of this architecture without one set.
    """
    kept = []
    for row in rows:
        if row["architecture"] != card.architecture or not row["held_out"]:
            continue
        found = row["metrics"].get("test", {}).get(row["held_out"])
        if found is None:
            continue
        kept.append(
            {name: row.get(name) for name in _OF_A_ROW}
            | {
                "auc": _rounded(found["auc"]),
                "thumbnail_baseline_auc": _rounded(
                    found.get("thumbnail_baseline_auc", {}).get("mean")
                ),
            }
        )
    if not kept:
        raise ArtifactError(
            f"expected rows of {card.architecture!r} with a set left out, found none; "
            "give the comparison.json that `compare --leave-one-out` wrote"
        )
    return replace(card, leave_one_out=kept)


def read_comparison(path: Path) -> list[dict[str, Any]]:
    """Read the rows that `compare` wrote.

    Parameters
    ----------
    path : Path
        A `comparison.json`.

    Returns
    -------
    list of dict
        The rows.

    Raises
    ------
    ArtifactError
        If there is no such file, or it is no comparison.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{path.name}: expected the comparison.json that `compare` wrote, but it "
            f"cannot be read ({type(error).__name__})"
        ) from error
    wanted = {"architecture", "held_out", "metrics"}
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and wanted <= set(row) for row in rows
    ):
        raise ArtifactError(
            f"{path.name}: expected the rows that `compare` wrote, got something else"
        )
    return rows


def rewrite_card(directory: Path, card: ModelCard) -> None:
    """Put a card in the place of the one that is in a model folder.

    Parameters
    ----------
    directory : Path
        A model folder, whose files stay as they are.
    card : ModelCard
        Its card with other figures.

    Raises
    ------
    OSError
        If it cannot be written; the older card stays.
    """
    write_json(directory / CARD_FILE, card.to_dict())


def _rounded(value: Any) -> Any:
    """Figures of a report with as many digits as mean anything."""
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
