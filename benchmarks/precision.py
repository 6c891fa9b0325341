"""What other runtimes make of the scores: `python -m benchmarks.precision SET...`.

Every runtime of the table scores the validation pictures of each set; the default
runtime is what the others are compared with.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from benchmarks.figures import machine, print_report, say, versions
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import ServeConfig
from deepfake_detector.dataset_scoring import ScoredSet, score_set
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation import score_metrics
from deepfake_detector.verdict import verdict_of

_DEFAULT: Final = ServeConfig().backend
_OTHERS: Final = ("openvino_bf16", "litert")


@click.command()
@click.argument("sets", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(sets: tuple[Path, ...]) -> None:
    """Score the validation split of each SET with every runtime; print JSON."""
    names = (_DEFAULT, *_OTHERS)
    with one_line_errors():
        detectors = {name: Detector.load(ServeConfig(backend=name)) for name in names}
        report = {path.stem: _compared(path, detectors) for path in sets}
    about = {"machine": machine(), "versions": versions()}
    print_report(about | {"split": "val", "sets": report}, _rows(report))


def _compared(path: Path, detectors: dict[str, Detector]) -> dict[str, Any]:
    say(f"scoring {path.name}")
    scored = {name: score_set(d, path, "val") for name, d in detectors.items()}
    expected = scored[_DEFAULT]
    baseline = expected.baseline_scores
    card = detectors[_DEFAULT].card
    return {
        "pictures": len(expected.pictures),
        "auc of 16x16 thumbnails": baseline is not None
        and score_metrics(expected.y_true, baseline)["auc"],
        "by_runtime": {
            name: {
                **{
                    metric: score_metrics(one.y_true, one.p_fake)[metric]
                    for metric in ("auc", "ece")
                },
                **_difference(expected, one, card),
            }
            for name, one in scored.items()
        },
    }


def _difference(expected: ScoredSet, other: ScoredSet, card: Any) -> dict[str, Any]:
    off = np.abs(expected.p_fake - other.p_fake)
    verdicts = [
        [verdict_of(p, card.cut_offs) for p in one.p_fake.tolist()]
        for one in (expected, other)
    ]
    return {
        "largest difference of p_fake": float(off.max()),
        "mean difference of p_fake": float(off.mean()),
        "other verdicts": sum(a is not b for a, b in zip(*verdicts, strict=True)),
    }


def _rows(report: dict[str, Any]) -> Sequence[tuple[str, str]]:
    return [
        (
            f"{name}, val, {of_set['pictures']} pictures, {runtime}",
            f"AUC {figures['auc']:.4f} (thumbnails "
            f"{of_set['auc of 16x16 thumbnails']:.3f}), ECE {figures['ece']:.4f}, "
            f"p_fake off by {figures['mean difference of p_fake']:.4f} on average and "
            f"{figures['largest difference of p_fake']:.4f} at most, "
            f"{figures['other verdicts']} other verdicts",
        )
        for name, of_set in report.items()
        for runtime, figures in of_set["by_runtime"].items()
    ]


if __name__ == "__main__":
    main()
