"""The page: a form, and the verdict on the picture that was sent with it."""

from typing import Any

from flask import Blueprint, render_template, request

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.images import FORMATS
from deepfake_detector.verdict import LABELS, SENTENCES, class_named, class_share
from deepfake_detector.web import preview
from deepfake_detector.web.judging_options import JudgingOptions
from deepfake_detector.web.looked import looked
from deepfake_detector.web.service import Judged, Refused, current_service

bp = Blueprint("page", __name__)


@bp.get("/")
def form() -> str:
    """Show the form.

    Returns
    -------
    str
        The page.
    """
    return render_template("form.html")


@bp.post("/")
def judge() -> str:
    """Judge the pictures that were sent, and show the verdicts.

    Returns
    -------
    str
        The page.
    """
    answers = current_service().judge(request)
    return render_template(
        "result.html",
        answers=[_shown(answer) for answer in answers],
        options=JudgingOptions.read(request.form),
    )


def _shown(answer: Judged | Refused) -> dict[str, Any]:
    """One picture as `_answer.html` shows it."""
    if isinstance(answer, Refused):
        return {"analysis": None, "problem": answer.error.words}
    return {
        "analysis": answer.analysis,
        "picture": preview.data_uri(answer.image),
        "looked": looked(answer.analysis, answer.heatmaps),
    }


@bp.app_context_processor
def words() -> dict[str, Any]:
    """Give the templates what several of them say.

    Returns
    -------
    dict
        Names for all templates.
    """
    service = current_service()
    return {
        "model_name": service.detector.card.name,
        "finds_faces": service.finds_faces,
        "max_megabytes": service.config.max_upload_bytes / 1e6,
        "max_megapixels": service.detector.max_pixels / 1e6,
        "accepted_types": ",".join(f"image/{name.lower()}" for name in FORMATS),
        "likely_fake": service.detector.cut_offs_for().likely_fake,
        "labels": LABELS,
        "sentences": SENTENCES,
        "class_named": class_named,
        "class_share": class_share,
        "position_in_words": position_in_words,
    }


def position_in_words(box: FaceBox, width: int, height: int) -> str:
    """Say where in the picture a face is.

    Parameters
    ----------
    box : FaceBox
        The face, in pixels of the picture.
    width, height : int
        Size of the picture in pixels.

    Returns
    -------
    str
        "top left", "left", "centre" and so on: the ninth that holds the box's centre.
    """
    x, y = box.centre
    column = ("left", "", "right")[min(2, max(0, int(3 * x / width)))]
    row = ("top", "", "bottom")[min(2, max(0, int(3 * y / height)))]
    return f"{row} {column}".strip() or "centre"
