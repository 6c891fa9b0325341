"""Explainers put to the deletion test on a folder or archive with Real and Fake."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.config import CACHE_DIR
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.deletion_test import deletion_test
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import DatasetError
from deepfake_detector.explainers import EXPLAINERS
from deepfake_detector.explainers.perturbation import logits
from deepfake_detector.labels import CLASS_NAMES

logger = logging.getLogger(__name__)


def score_explainers(
    detector: Detector,
    path: Path,
    methods: Sequence[str],
    pictures: int = 60,
    split: str | None = None,
    blank: str = "mean",
) -> list[dict[str, Any]]:
    """Ask of each method whether blanking what it marks lowers the logit.

    Parameters
    ----------
    detector : Detector
        What is explained.
    path : Path
        Folder or zip with Real and Fake, or with splits that hold them; or a name in
        the `datasets` table, where there is no such file.
    methods : sequence of str
        Names in the `explainers` table.
    pictures : int, default 60
        How many crops with a found face, half of each class, drawn by a fixed seed.
    split : {'train', 'val', 'test'}, optional
        Which split; by default `test` where there are splits, else every picture.
    blank : {'mean', 'blur'}, default 'mean'
        What stands in for a blanked pixel.

    Returns
    -------
    list of dict
        For each method what `deletion_test.deletion_test` reports, the score being the
        logit; with `method`, `model`, `data` and `split`.

    Raises
    ------
    DatasetError
        If the pictures cannot be had, or too few of them hold a face.
    ExplanationError
        If a method cannot explain this network.
    """
    explainers = {m: EXPLAINERS.get(m)(detector.backend) for m in methods}
    handler = DatasetHandler.for_path(
        path, detector.card.crop, detector.backend.input_shape[:2], CACHE_DIR
    )
    split = handler.split_to_score(split)
    crops = _drawn(handler, split, pictures)

    def score(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return logits(detector.backend, batch)

    facts = {"model": detector.card.name, "data": path.resolve().name, "split": split}
    rows = []
    for method, explainer in explainers.items():
        logger.info("%s: explaining %d crops", method, len(crops))
        evidence = np.stack([explainer.explain(crop).evidence for crop in crops])
        report = deletion_test(score, crops, evidence, blank=blank)
        rows.append({"method": method} | report | facts)
    return rows


def _drawn(handler: DatasetHandler, split: str, pictures: int) -> NDArray[np.uint8]:
    """As many crops as asked for, or as there are, half of each class."""
    found = handler.get_image_dataset_from_directory(split)
    rng = np.random.default_rng(0)
    rows = [
        rng.permutation(np.flatnonzero(found.face_found & (found.y_true == label)))
        for label in range(len(CLASS_NAMES))
    ]
    each = min(max(1, pictures // 2), *map(len, rows))
    if not each:
        raise DatasetError(
            f"{found.split}: expected pictures of both classes with a face to explain, "
            "found none of one"
        )
    chosen = np.sort(np.concatenate([of_class[:each] for of_class in rows]))
    return np.asarray(found.crops[chosen])
