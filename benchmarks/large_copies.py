"""What smaller copies of large JPEGs save and change.

`python -m benchmarks.large_copies SET...`: pictures of the validation splits are
enlarged to 9 megapixels, for want of real photos of that size, and judged twice: as it
ships, and with all pixels decoded. An enlarged picture has no finer detail than the
small one, so this says little of how well such photos are judged, only how far the two
ways part.
"""

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from PIL import Image

from benchmarks.figures import machine, print_report, say, versions
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import CACHE_DIR, ServeConfig
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.evaluation import score_metrics
from deepfake_detector.picture import Picture
from deepfake_detector.thumbnail_baseline import ThumbnailBaseline, thumbnails

_SIDE_PX: Final = 3072
_JPEG_QUALITY: Final = 92

_WAYS: Final = ("as it ships", "all pixels")


@click.command()
@click.argument("sets", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pictures", type=click.IntRange(min=20), default=80, show_default=True)
def main(sets: tuple[Path, ...], pictures: int) -> None:
    """Judge enlarged validation pictures of each SET both ways; print JSON."""
    with one_line_errors():
        detector = Detector.load(ServeConfig())
        report = {path.stem: _compared(detector, path, pictures) for path in sets}
    about = {"machine": machine(), "versions": versions()}
    print_report(about | {"split": "val", "sets": report}, _rows(report))


def _compared(detector: Detector, path: Path, most: int) -> dict[str, Any]:
    say(f"judging {path.name}")
    card = detector.card
    size = card.input_shape[:2]
    handler = DatasetHandler.for_path(path, card.crop, size, CACHE_DIR)
    labelled = handler.pictures("val")
    judged: list[tuple[int, Analysis, Analysis]] = []
    seconds = np.zeros(2)
    for picture in labelled[:: max(1, len(labelled) // most)]:
        jpeg = _enlarged(handler.path_of(picture))
        pair = []
        for way, all_pixels in enumerate((False, True)):
            started = time.process_time()
            opened = Picture.of(jpeg)
            pair.append(detector.analyse(opened.all_pixels if all_pixels else opened))
            seconds[way] += time.process_time() - started
        judged.append((picture.label, pair[0], pair[1]))
    return _figures(judged) | {
        "processor_ms": dict(zip(_WAYS, _per_picture(seconds, judged), strict=True))
    }


def _per_picture(seconds: Any, judged: Sequence[Any]) -> list[float]:
    return [round(1e3 * float(taken) / len(judged), 1) for taken in seconds]


def _figures(judged: Sequence[tuple[int, Analysis, Analysis]]) -> dict[str, Any]:
    """Of pictures in which both ways judged a face."""
    both = [
        (label, one, other)
        for label, one, other in judged
        if one.p_fake is not None and other.p_fake is not None
    ]
    y_true = np.array([label for label, _, _ in both])
    scores = np.array([[one.p_fake, other.p_fake] for _, one, other in both], float)
    crops = [one.faces[0].crop for _, one, _ in both if one.faces[0].crop is not None]
    rows = thumbnails(crops)
    baseline = ThumbnailBaseline.cross_fitted(rows, y_true, None)
    off = np.abs(scores[:, 0] - scores[:, 1])
    return {
        "pictures": len(judged),
        "judged_both_ways": len(both),
        "auc": {
            way: score_metrics(y_true, scores[:, number])["auc"]
            for number, way in enumerate(_WAYS)
        },
        "auc of 16x16 thumbnails": baseline
        and score_metrics(y_true, baseline.p_fake(rows))["auc"],
        "mean_difference_of_p_fake": float(off.mean()),
        "other_verdicts": sum(one.verdict != other.verdict for _, one, other in both),
    }


def _enlarged(path: Path) -> bytes:
    file = io.BytesIO()
    with Image.open(path) as picture:
        large = picture.convert("RGB").resize((_SIDE_PX,) * 2, Image.Resampling.BICUBIC)
    large.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _rows(report: dict[str, Any]) -> Sequence[tuple[str, str]]:
    return [
        (
            f"{name}, val, {of_set['judged_both_ways']} of {of_set['pictures']}",
            f"AUC {of_set['auc'][_WAYS[0]]:.3f} as it ships, "
            f"{of_set['auc'][_WAYS[1]]:.3f} of all pixels (thumbnails "
            f"{of_set['auc of 16x16 thumbnails'] or 0:.3f}); p_fake apart by "
            f"{of_set['mean_difference_of_p_fake']:.3f} on average, "
            f"{of_set['other_verdicts']} other verdicts; "
            f"{of_set['processor_ms'][_WAYS[0]]:g} and "
            f"{of_set['processor_ms'][_WAYS[1]]:g} ms of processor time",
        )
        for name, of_set in report.items()
    ]


if __name__ == "__main__":
    main()
