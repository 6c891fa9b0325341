"""What a program is told of judged pictures: the API's answer, and the saved report."""

from collections.abc import Sequence
from typing import Any

from deepfake_detector.heatmap import with_heatmaps
from deepfake_detector.web.errors import problem
from deepfake_detector.web.service import Judged, Refused


def answer_fields(
    answers: Sequence[Judged | Refused], explained: bool
) -> dict[str, Any]:
    """Return the answers to one request as JSON-ready fields.

    Parameters
    ----------
    answers : sequence of Judged or Refused
        One for each picture, at least one.
    explained : bool
        Whether each face has a `heatmap`.

    Returns
    -------
    dict
        Of one picture :func:`picture_fields`; of several `results`, a list of such.
    """
    fields = [picture_fields(answer, explained) for answer in answers]
    return fields[0] if len(fields) == 1 else {"results": fields}


def picture_fields(answer: Judged | Refused, explained: bool) -> dict[str, Any]:
    """Return the answer to one picture as JSON-ready fields.

    Parameters
    ----------
    answer : Judged or Refused
        What was found, or why nothing was.
    explained : bool
        Whether each face has a `heatmap`.

    Returns
    -------
    dict
        The analysis, as :meth:`deepfake_detector.detector.Analysis.to_dict` gives it,
        and `facts` of the file, as
        :meth:`deepfake_detector.image_metadata.ImageMetadata.to_dict` gives them; of a
        picture that could not be judged a `problem`.
    """
    if isinstance(answer, Refused):
        return {"problem": problem(answer.error.http_status, str(answer.error))}
    if explained:
        fields = with_heatmaps(answer.analysis, answer.heatmaps)
    else:
        fields = answer.analysis.to_dict()
    return fields | {"facts": answer.metadata.to_dict()}
