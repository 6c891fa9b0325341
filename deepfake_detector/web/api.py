"""The answers for programs."""

from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug import Response

from deepfake_detector.exceptions import UploadError
from deepfake_detector.web.answer_fields import answer_fields
from deepfake_detector.web.judging_options import JudgingOptions
from deepfake_detector.web.model_summary import model_summary
from deepfake_detector.web.service import current_service
from deepfake_detector.wording import words

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

    Raises
    ------
    UploadError
        If there are options in the address, where they would not be read.
    """
    if request.args:
        raise UploadError(
            words("Expected options as fields of the form, got some in the address.")
        )
    answers = current_service().judge(request)
    explained = JudgingOptions.read(request.form).heatmap_method is not None
    return answer_fields(answers, explained)


@bp.get("/model")
def model() -> Response:
    """Describe the model that answers, and the limits.

    Returns
    -------
    Response
        What :func:`model_summary` says, as JSON; 304 where the client has it already.
    """
    service = current_service()
    response = jsonify(model_summary(service.detector, service.config))
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)
