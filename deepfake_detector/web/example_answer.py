"""An answer as the reference shows it: made by the code that makes the real ones."""

from typing import Any

import numpy as np

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.detector import Analysis, FaceAnalysis
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.image_metadata import ImageMetadata
from deepfake_detector.picture import Picture
from deepfake_detector.stability import CHECKS, PLAIN, Stability
from deepfake_detector.verdict import verdict_of
from deepfake_detector.web.answer_fields import picture_fields
from deepfake_detector.web.service import Judged


def example_answer(cut_offs: CutOffs, model: str) -> dict[str, Any]:
    """Make up the answer to a portrait whose face is likely fake.

    Parameters
    ----------
    cut_offs : CutOffs
        What the served model's scores are read by.
    model : str
        Its name.

    Returns
    -------
    dict
        JSON-ready fields.
    """
    metadata = ImageMetadata(
        "JPEG",
        512,
        512,
        file_bytes=61_234,
        sha256="5f" * 32,
        software="GIMP 3.0.4",
        taken="2026-05-31T17:02:59",
    )
    analysis = _analysis(cut_offs, model)
    # No answer shows it.
    picture = Picture.of(np.zeros((1, 1, 3), dtype=np.uint8))
    return picture_fields(Judged(picture, analysis, (None,), metadata), explained=False)


def _analysis(cut_offs: CutOffs, model: str) -> Analysis:
    """One face, halfway between the cut-off and certainty."""
    p_fake = round((1 + cut_offs.likely_fake) / 2, 4)
    face = FaceAnalysis(
        FaceBox(179, 83, 187, 187),
        verdict_of(p_fake, cut_offs),
        p_fake,
        Stability.of(dict.fromkeys((PLAIN, *CHECKS), p_fake), cut_offs),
    )
    return Analysis(
        width=512,
        height=512,
        verdict=face.verdict,
        p_fake=p_fake,
        faces=(face,),
        faces_found=1,
        whole_picture=False,
        cut_offs=cut_offs,
        model_cut_offs=cut_offs,
        model=model,
    )
