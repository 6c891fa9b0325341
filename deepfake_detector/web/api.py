"""The answers for programs."""

from typing import Any

from flask import Blueprint, request

from deepfake_detector.heatmap import heatmaps_of, with_heatmaps
from deepfake_detector.web import uploads
from deepfake_detector.web.service import current_service

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predict")
def predict() -> dict[str, Any]:
    """Judge the picture that was sent in the field `file`.

    Returns
    -------
    dict
        The analysis, as :meth:`deepfake_detector.detector.Analysis.to_dict` gives it;
        with a `heatmap` in each face where `explain` asked for one.
    """
    method = uploads.heatmap_method(request.form)
    service = current_service()
    image, analysis = service.judge(request)
    if method is None:
        return analysis.to_dict()
    maps = heatmaps_of(service.detector, analysis, method)
    return with_heatmaps(analysis, maps)
