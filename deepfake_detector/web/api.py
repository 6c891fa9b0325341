"""The answers for programs."""

from typing import Any

from flask import Blueprint, request

from deepfake_detector.web.service import current_service

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predict")
def predict() -> dict[str, Any]:
    """Judge the picture that was sent in the field `file`.

    Returns
    -------
    dict
        The analysis, as :meth:`deepfake_detector.detector.Analysis.to_dict` gives it.
    """
    _, analysis = current_service().judge(request)
    return analysis.to_dict()
