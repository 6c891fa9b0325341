"""From p_fake to a verdict, and every word that is said about it."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

#: A face whose longer side is shorter than this holds too little to judge, pixels.
MIN_FACE_PX: Final = 64


class Verdict(StrEnum):
    """What is said of a face or of a picture."""

    LIKELY_FAKE = "likely_fake"
    INCONCLUSIVE = "inconclusive"
    LIKELY_REAL = "likely_real"
    TOO_SMALL = "too_small"
    NO_FACE = "no_face"


#: The verdicts that come with a probability.
JUDGED: Final = (Verdict.LIKELY_FAKE, Verdict.INCONCLUSIVE, Verdict.LIKELY_REAL)

#: What each verdict is called.
LABELS: Final = {
    Verdict.LIKELY_FAKE: "Likely fake",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.LIKELY_REAL: "Likely real",
    Verdict.TOO_SMALL: "Too small to judge",
    Verdict.NO_FACE: "No face found",
}

#: One plain sentence for each verdict; none claims more than the evidence.
SENTENCES: Final = {
    Verdict.LIKELY_FAKE: "This looks more like the fakes the model has seen than like "
    "real faces.",
    Verdict.INCONCLUSIVE: "The model cannot tell whether this is real or fake.",
    Verdict.LIKELY_REAL: "This looks more like the real faces the model has seen than "
    "like fakes.",
    Verdict.TOO_SMALL: f"The face is smaller than {MIN_FACE_PX} pixels: too small to "
    "judge.",
    Verdict.NO_FACE: "No face was found in this picture, so there is nothing to judge.",
}

#: What was done to a face before it was scored again, by the view's name.
VIEW_WORDS: Final = {
    "jpeg": "saved once more as JPEG",
    "half": "halved in size",
    "shift": "cut out slightly beside",
}

#: The example that says what an answer means where fakes are rare.
_FACES, _FAKES = 10_000, 100


def verdict_of(p_fake: float, cut_offs: CutOffs) -> Verdict:
    """Read a score by the two cut-offs.

    Parameters
    ----------
    p_fake : float
        Calibrated P(fake) in [0, 1].
    cut_offs : CutOffs
        Where likely real ends and likely fake begins.

    Returns
    -------
    Verdict
        One of `JUDGED`.
    """
    if p_fake >= cut_offs.likely_fake:
        return Verdict.LIKELY_FAKE
    return (
        Verdict.LIKELY_REAL if p_fake < cut_offs.likely_real else (Verdict.INCONCLUSIVE)
    )


def picture_verdict(faces: Collection[Verdict], all_judged: bool = True) -> Verdict:
    """Sum up the verdicts of a picture's faces.

    Parameters
    ----------
    faces : collection of Verdict
        The verdict of each face, those that are too small among them.
    all_judged : bool, default True
        Whether each face that is large enough was judged; of very many some are not.

    Returns
    -------
    Verdict
        Likely fake if any judged face is, likely real only if every face that is large
        enough is, else inconclusive; too small if none could be judged.
    """
    if not faces:
        return Verdict.NO_FACE
    judged = {verdict for verdict in faces if verdict in JUDGED}
    if not judged:
        return Verdict.TOO_SMALL
    if Verdict.LIKELY_FAKE in judged:
        return Verdict.LIKELY_FAKE
    if judged == {Verdict.LIKELY_REAL} and all_judged:
        return Verdict.LIKELY_REAL
    return Verdict.INCONCLUSIVE


def class_named(p_fake: float, verdict: Verdict) -> str:
    """Return the class whose probability is shown with a verdict.

    Parameters
    ----------
    p_fake : float
        Calibrated P(fake) in [0, 1].
    verdict : Verdict
        One of `JUDGED`.

    Returns
    -------
    {'Real', 'Fake'}
        That of a likely verdict; of an inconclusive one the more probable.
    """
    if verdict is Verdict.INCONCLUSIVE:
        return CLASS_NAMES[FAKE if p_fake >= 0.5 else REAL]
    return CLASS_NAMES[FAKE if verdict is Verdict.LIKELY_FAKE else REAL]


def class_share(p_fake: float, verdict: Verdict) -> float:
    """Return the probability of the class that :func:`class_named` names.

    Parameters
    ----------
    p_fake : float
        Calibrated P(fake) in [0, 1].
    verdict : Verdict
        One of `JUDGED`.

    Returns
    -------
    float
        P(fake) for Fake and P(real) = 1 - P(fake) for Real, in [0, 1].
    """
    named_fake = class_named(p_fake, verdict) == CLASS_NAMES[FAKE]
    return p_fake if named_fake else 1.0 - p_fake


def rate_of_any(rate: float, faces: int) -> float:
    """Return how often at least one of several real faces is called fake.

    Parameters
    ----------
    rate : float
        How often one is, in [0, 1].
    faces : int
        How many faces there are, judged each by itself.

    Returns
    -------
    float
        1 - (1 - rate)^faces, in [0, 1].
    """
    return float(1.0 - (1.0 - rate) ** faces)


def evidence_words(
    verdict: Verdict, cut_offs: CutOffs, models_own: CutOffs, faces: int
) -> tuple[str, ...]:
    """Say how far a verdict can be trusted, from what validation measured.

    Parameters
    ----------
    verdict : Verdict
        That of the picture; one that is not in `JUDGED` needs no such words.
    cut_offs : CutOffs
        What it was read by.
    models_own : CutOffs
        What the model's card holds; another where a user set a threshold.
    faces : int
        How many faces were judged.

    Returns
    -------
    tuple of str
        Sentences: how often real faces are called fake, what that becomes of several
        faces, and what the verdict means where fakes are rare.
    """
    if verdict not in JUDGED:
        return ()
    words = _false_alarm_words(cut_offs, models_own, faces)
    if verdict is Verdict.LIKELY_FAKE:
        words.append(_base_rate_words(cut_offs))
    if verdict is Verdict.LIKELY_REAL and models_own.hits is not None:
        words.append(
            "Of the fakes it was checked on, at most "
            f"{in_a_hundred(cut_offs.miss_rate)} got this answer; of new kinds it may "
            "be many more."
        )
    return tuple(words)


def flip_words(views: Iterable[str]) -> str:
    """Say which re-encodings overturned the verdict of a face.

    Parameters
    ----------
    views : iterable of str
        Names in `VIEW_WORDS`.

    Returns
    -------
    str
        One sentence.
    """
    how = " or ".join(VIEW_WORDS[view] for view in views)
    return f"The answer does not hold when the face is {how}, so it is not relied on."


def in_a_hundred(rate: float) -> str:
    """Put a rate in words.

    Parameters
    ----------
    rate : float
        In [0, 1].

    Returns
    -------
    str
        Such as "about 1 in 100"; of rates below one half percent, in 10,000.
    """
    if rate == 0.0 or rate >= 0.005:
        return f"about {round(100 * rate)} in 100"
    return f"about {max(1, round(10_000 * rate))} in 10,000"


def _false_alarm_words(cut_offs: CutOffs, own: CutOffs, faces: int) -> list[str]:
    """How often real faces are called fake, of one face and of several."""
    rate = own.measured_false_alarm_rate
    if rate is None:
        return ["How often a real face is called fake here was not measured."]
    share = f"{in_a_hundred(rate)} real faces"
    if cut_offs.likely_fake < own.likely_fake:
        return [
            "You set a lower threshold than the model's own, so it calls more than "
            f"{share} fake; how many more was not measured."
        ]
    words = [
        f"In its checks, at most {share} were called fake, all kinds together; of one "
        "kind, or of a new one, it may be more."
    ]
    if faces > 1:
        words.append(
            f"With {faces} faces judged, that becomes "
            f"{in_a_hundred(rate_of_any(rate, faces))} pictures of real faces alone "
            "with such a false alarm."
        )
    return words


def _base_rate_words(cut_offs: CutOffs) -> str:
    """What "likely fake" means where fakes are rare."""
    rate = cut_offs.measured_false_alarm_rate
    if rate is None or cut_offs.hits is None:
        return "Where fakes are rare, most faces called fake may be real."
    hits = round(_FAKES * cut_offs.hits)
    alarms = round((_FACES - _FAKES) * rate)
    if not hits:
        return "It finds so few fakes that, where they are rare, most alarms are false."
    return (
        f"Where fakes are rare, that matters: of {_FACES:,} faces with {_FAKES} fakes "
        f"among them, it would call about {_counted(hits, 'fake')} and "
        f"{_counted(alarms, 'real face')} likely fake, so "
        f"{in_a_hundred(hits / (hits + alarms))} such answers would be right."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
