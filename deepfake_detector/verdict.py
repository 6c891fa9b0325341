"""From p_fake to a verdict, and every word that is said about it."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL
from deepfake_detector.wording import Words, either, plural_words, words

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
    Verdict.LIKELY_FAKE: words("Likely fake"),
    Verdict.INCONCLUSIVE: words("Inconclusive"),
    Verdict.LIKELY_REAL: words("Likely real"),
    Verdict.TOO_SMALL: words("Too small to judge"),
    Verdict.NO_FACE: words("No face found"),
}

#: One plain sentence for each verdict; none claims more than the evidence.
SENTENCES: Final = {
    Verdict.LIKELY_FAKE: words(
        "This looks more like the fakes the model has seen than like real faces."
    ),
    Verdict.INCONCLUSIVE: words("The model cannot tell whether this is real or fake."),
    Verdict.LIKELY_REAL: words(
        "This looks more like the real faces the model has seen than like fakes."
    ),
    Verdict.TOO_SMALL: words(
        "The face is smaller than {pixels} pixels: too small to judge.",
        pixels=MIN_FACE_PX,
    ),
    Verdict.NO_FACE: words(
        "No face was found in this picture, so there is nothing to judge."
    ),
}

#: What was done to a face before it was scored again, by the view's name.
VIEW_WORDS: Final = {
    "jpeg": words("saved once more as JPEG"),
    "half": words("halved in size"),
    "shift": words("cut out a little to the side"),
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
) -> tuple[Words, ...]:
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
    tuple of Words
        Sentences: how often real faces are called fake, what that becomes of several
        faces, and what the verdict means where fakes are rare.
    """
    if verdict not in JUDGED:
        return ()
    sentences = _false_alarm_words(cut_offs, models_own, faces)
    if verdict is Verdict.LIKELY_FAKE:
        sentences.append(_base_rate_words(cut_offs))
    if verdict is Verdict.LIKELY_REAL and models_own.hits is not None:
        sentences.append(
            words(
                "Of the fakes it was checked on, at most {share} got this answer; of "
                "new kinds it may be many more.",
                share=in_a_hundred(cut_offs.miss_rate),
            )
        )
    return tuple(sentences)


def flip_words(views: Iterable[str]) -> Words:
    """Say which re-encodings overturned the verdict of a face.

    Parameters
    ----------
    views : iterable of str
        Names in `VIEW_WORDS`.

    Returns
    -------
    Words
        One sentence.
    """
    return words(
        "The answer does not hold when the face is {how}, so it is not relied on.",
        how=either(VIEW_WORDS[view] for view in views),
    )


def in_a_hundred(rate: float) -> Words:
    """Put a rate in words.

    Parameters
    ----------
    rate : float
        In [0, 1].

    Returns
    -------
    Words
        Such as "about 1 in 100"; of rates below one half percent, in 10,000.
    """
    if rate == 0.0 or rate >= 0.005:
        return words("about {number} in 100", number=round(100 * rate))
    number = max(1, round(10_000 * rate))
    return words("about {number} in 10,000", number=number)


def _false_alarm_words(cut_offs: CutOffs, own: CutOffs, faces: int) -> list[Words]:
    """How often real faces are called fake, of one face and of several."""
    rate = own.measured_false_alarm_rate
    if rate is None:
        return [words("How often a real face is called fake here was not measured.")]
    share = in_a_hundred(rate)
    if cut_offs.likely_fake < own.likely_fake:
        return [
            words(
                "You set a lower threshold than the model's own, so it calls more than "
                "{share} real faces fake; how many more was not measured.",
                share=share,
            )
        ]
    sentences = [
        words(
            "In its checks, at most {share} real faces were called fake, all kinds "
            "together; of one kind, or of a new one, it may be more.",
            share=share,
        )
    ]
    if faces > 1:
        sentences.append(
            plural_words(
                "With {number} face judged, that becomes {share} pictures of real "
                "faces alone with such a false alarm.",
                "With {number} faces judged, that becomes {share} pictures of real "
                "faces alone with such a false alarm.",
                faces,
                share=in_a_hundred(rate_of_any(rate, faces)),
            )
        )
    return sentences


def _base_rate_words(cut_offs: CutOffs) -> Words:
    """What "likely fake" means where fakes are rare."""
    rate = cut_offs.measured_false_alarm_rate
    if rate is None or cut_offs.hits is None:
        return words("Where fakes are rare, most faces called fake may be real.")
    hits = round(_FAKES * cut_offs.hits)
    alarms = round((_FACES - _FAKES) * rate)
    if not hits:
        return words(
            "It finds so few fakes that, where they are rare, most alarms are false."
        )
    return words(
        "Where fakes are rare, that matters: of {faces:,} faces with {fakes} fakes "
        "among them, it would call about {fakes_found} and {false_alarms} likely fake, "
        "so {share} such answers would be right.",
        faces=_FACES,
        fakes=_FAKES,
        fakes_found=plural_words("{number} fake", "{number} fakes", hits),
        false_alarms=plural_words("{number} real face", "{number} real faces", alarms),
        share=in_a_hundred(hits / (hits + alarms)),
    )
