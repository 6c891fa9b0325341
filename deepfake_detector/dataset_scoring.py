"""A detector scored on a folder or archive with Real and Fake in it."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.config import REPOSITORY
from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import DATASETS
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.evaluation import evaluate_scores, thumbnail_baseline_auc
from deepfake_detector.exceptions import DatasetError, ImageError
from deepfake_detector.verdict import MIN_FACE_PX

logger = logging.getLogger(__name__)

#: Where unpacked archives and crops are kept.
CACHE_DIR: Final = REPOSITORY / "data"

_BATCH: Final = 32


def score_dataset(
    detector: Detector, path: Path, split: str | None = None, by_picture: bool = False
) -> dict[str, Any]:
    """Score every picture of a folder or archive.

    Parameters
    ----------
    detector : Detector
        What is scored.
    path : Path
        Folder or zip with Real and Fake, or with splits that hold them.
    split : {'train', 'val', 'test'}, optional
        Which split; by default `test` where there are splits, else every picture.
    by_picture : bool, default False
        Score a picture by its highest-scoring judgeable face, as serving does, instead
        of by the face nearest its centre, which the label is of.

    Returns
    -------
    dict
        What `evaluation.evaluate_scores` returns, with the data set's name, split,
        hash and shares of found faces, and the thumbnail baseline's AUC.

    Raises
    ------
    DatasetError
        If the pictures cannot be had.
    """
    zipped = path.is_file()
    source = DatasetSource(
        data_dir=None if zipped else path,
        archive=path if zipped else None,
        url=None,
        cache_dir=CACHE_DIR,
    )
    card = detector.card
    handler = DatasetHandler(
        DATASETS.get("folder"), source, card.crop, card.input_shape[:2]
    )
    split = split or ("test" if handler.is_split else "all")
    if by_picture:
        y_true, p_fake, notes = _by_picture(detector, handler, split)
    else:
        crops = handler.get_image_dataset_from_directory(split)
        y_true, p_fake = crops.y_true, _score_in_batches(detector, crops.crops)
        notes = {
            "face_found_share": crops.face_found_share(),
            "unreadable": len(crops.unreadable),
            "thumbnail_baseline_auc": thumbnail_baseline_auc(crops.crops, y_true),
        }
    return {
        "model": card.name,
        "data": path.name,
        "data_sha256": handler.data_hash,
        "split": split,
        "scored_by": "picture" if by_picture else "centre face",
        **evaluate_scores(y_true, p_fake, card.threshold),
        **notes,
    }


def _score_in_batches(
    detector: Detector, crops: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """P(fake) of every crop, (n,), without loading them all at once."""
    starts = range(0, len(crops), _BATCH)
    return np.concatenate(
        [detector.score_crops(np.asarray(crops[s : s + _BATCH])) for s in starts]
    )


def _by_picture(
    detector: Detector, handler: DatasetHandler, split: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], dict[str, Any]]:
    """Labels and P(fake) of the pictures that could be judged, and how many were."""
    judged: list[tuple[int, float]] = []
    unreadable = 0
    pictures = handler.pictures(split)

    def analyse(picture: LabelledPicture) -> Analysis | None:
        try:
            return detector.analyse(handler.path_of(picture))
        except (ImageError, OSError) as error:
            logger.warning("%s: skipped (%s)", picture.name, error)
            return None

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for picture, analysis in zip(
            pictures, pool.map(analyse, pictures), strict=True
        ):
            if analysis is None:
                unreadable += 1
            elif analysis.p_fake is not None:
                judged.append((picture.label, analysis.p_fake))
    if len({label for label, _ in judged}) < 2:
        raise DatasetError(
            f"{len(judged)} of {len(pictures)} pictures could be judged, and not of "
            "both classes; give more pictures with faces of at least "
            f"{MIN_FACE_PX} pixels"
        )
    y_true, p_fake = zip(*judged, strict=True)
    notes = {
        "unreadable": unreadable,
        "not_judged": len(pictures) - unreadable - len(judged),
    }
    return np.array(y_true), np.array(p_fake), notes
