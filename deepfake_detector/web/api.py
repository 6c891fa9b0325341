"""The answers for programs."""

from typing import Any

from flask import Blueprint, request

from deepfake_detector.web.answer_fields import answer_fields
from deepfake_detector.web.judging_options import JudgingOptions
from deepfake_detector.web.service import current_service

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predict")
def predict() -> dict[str, Any]:
    """Judge the pictures that were sent in the field `file`.

    Returns
    -------
    dict
        Of one picture the analysis, as
        :meth:`deepfake_detector.detector.Analysis.to_dict` gives it, with a `heatmap`
        in each face where `explain` asked for one. Of several pictures `results`, a
        list of such analyses in their order; one that could not be judged has a
        `problem` instead.
    """
    answers = current_service().judge(request)
    explained = JudgingOptions.read(request.form).heatmap_method is not None
    return answer_fields(answers, explained)
