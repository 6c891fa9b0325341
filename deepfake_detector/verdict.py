"""From p_fake to a verdict and the words for it."""

from enum import StrEnum
from typing import Final

from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

#: A face whose longer side is shorter than this holds too little to judge, pixels.
MIN_FACE_PX: Final = 64


class Verdict(StrEnum):
    """What is said of a face or of a picture."""

    FAKE = CLASS_NAMES[FAKE].lower()
    REAL = CLASS_NAMES[REAL].lower()
    TOO_SMALL = "too_small"
    NO_FACE = "no_face"


#: One plain sentence for each verdict; none claims more than the evidence.
SENTENCES: Final = {
    Verdict.FAKE: "This looks more like the fakes the model has seen than like real "
    "faces.",
    Verdict.REAL: "This looks more like the real faces the model has seen than like "
    "fakes.",
    Verdict.TOO_SMALL: f"The face is smaller than {MIN_FACE_PX} pixels: too small to "
    "judge.",
    Verdict.NO_FACE: "No face was found in this picture, so there is nothing to judge.",
}


def verdict_of(p_fake: float, threshold: float) -> Verdict:
    """Say Fake from the threshold on, Real below it.

    Parameters
    ----------
    p_fake : float
        Calibrated P(fake) in [0, 1].
    threshold : float
        Decision threshold in [0, 1].

    Returns
    -------
    Verdict
        `Verdict.FAKE` or `Verdict.REAL`.
    """
    return Verdict.FAKE if p_fake >= threshold else Verdict.REAL


def class_share(p_fake: float, verdict: Verdict) -> float:
    """Return the probability of the class that the verdict names.

    Parameters
    ----------
    p_fake : float
        Calibrated P(fake) in [0, 1].
    verdict : Verdict
        `Verdict.FAKE` or `Verdict.REAL`.

    Returns
    -------
    float
        P(fake) for Fake and P(real) = 1 - P(fake) for Real, in [0, 1].
    """
    return p_fake if verdict is Verdict.FAKE else 1.0 - p_fake
