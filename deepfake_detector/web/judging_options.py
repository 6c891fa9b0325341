"""What a visitor may ask for beside the picture: read from a form, or refused."""

import re
from dataclasses import dataclass
from typing import Final, Self

from werkzeug.datastructures import MultiDict

from deepfake_detector.detector import MAX_FACES
from deepfake_detector.exceptions import UploadError
from deepfake_detector.heatmap import METHODS
from deepfake_detector.wording import either, words

#: What stands for yes and for no, in any case; what is empty counts as not said.
TRUE_WORDS: Final = ("1", "true", "yes", "on")
FALSE_WORDS: Final = ("", "0", "false", "no", "off")

#: The fields of a form beside its pictures.
FIELDS: Final = ("threshold", "explain", "faces", "whole_picture")

#: What stands for as many faces as are judged at most.
ALL_FACES: Final = "all"

#: A decimal number as people write one; `float` itself takes much more than that.
_NUMBER_PATTERN: Final = re.compile(
    r"[-+]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})(e[-+]?\d{1,3})?", re.ASCII | re.IGNORECASE
)

#: A whole number; some programs write each number with a point.
_WHOLE_NUMBER_PATTERN: Final = re.compile(r"(\d{1,3})(\.0{0,20})?", re.ASCII)


@dataclass(frozen=True)
class JudgingOptions:
    """How the pictures of one request are judged.

    Parameters
    ----------
    whole_picture : bool
        Whether a picture without a face is scored as a whole.
    threshold : float or None
        The visitor's own P(fake) in [0, 1] from which a face is likely fake.
    heatmap_method : str or None
        How to show where the model looked; None where nobody asked.
    max_faces : int
        Most faces of a picture that are judged, the largest first.
    """

    whole_picture: bool = False
    threshold: float | None = None
    heatmap_method: str | None = None
    max_faces: int = MAX_FACES

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> Self:
        """Read the fields `whole_picture`, `threshold`, `explain` and `faces`.

        Parameters
        ----------
        form : MultiDict of str
            The request's fields; those that are empty or missing count as not said.

        Returns
        -------
        JudgingOptions
            What was asked for.

        Raises
        ------
        UploadError
            If a field holds what it cannot, is there twice, or is none of these; the
            message names those that are.
        """
        _refuse_others(form)
        return cls(
            _whole_picture(form.get("whole_picture", "").strip().lower()),
            _threshold(form.get("threshold", "").strip()),
            _heatmap_method(form.get("explain", "").strip().lower()),
            _max_faces(form.get("faces", "").strip().lower()),
        )


def _refuse_others(form: MultiDict[str, str]) -> None:
    """A misspelt option would not be used, and a second one not be seen."""
    if any(name not in FIELDS for name in form):
        raise UploadError(
            words(
                "Expected no fields but file (the picture itself), {fields}, and got "
                "another. Check how its name is spelt.",
                fields=", ".join(FIELDS),
            )
        )
    for name in FIELDS:
        if len(form.getlist(name)) > 1:
            raise UploadError(
                words("{field}: expected one, got several. Send it once.", field=name)
            )


def _whole_picture(word: str) -> bool:
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise UploadError(
        words("whole_picture: expected 1 or 0. Send 1 for yes, 0 for no.")
    )


def _threshold(text: str) -> float | None:
    if not text:
        return None
    number = float(text) if _NUMBER_PATTERN.fullmatch(text) else -1.0
    if not 0.0 <= number <= 1.0:
        raise UploadError(
            words(
                "threshold: expected a number from 0 to 1, with a point, such as 0.9. "
                "Leave it empty for the model's own."
            )
        )
    return abs(number)  # of -0


def _heatmap_method(word: str) -> str | None:
    if word in FALSE_WORDS:
        return None
    if word in TRUE_WORDS:
        return METHODS[0]
    if word in METHODS:
        return word
    raise UploadError(
        words(
            "explain: expected 0, 1, {methods}. Send 1 for the map that the model "
            "gives anyway.",
            methods=either(METHODS),
        )
    )


def _max_faces(word: str) -> int:
    if word in ("", ALL_FACES):
        return MAX_FACES
    number = _WHOLE_NUMBER_PATTERN.fullmatch(word)
    if number and 1 <= int(number[1]) <= MAX_FACES:
        return int(number[1])
    raise UploadError(
        words(
            "faces: expected all, or how many of the largest faces to judge, 1 to "
            "{most}.",
            most=MAX_FACES,
        )
    )
