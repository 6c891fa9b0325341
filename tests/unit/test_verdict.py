"""The words for a score, and which class a percentage is of."""

import pytest

from deepfake_detector.verdict import (
    MIN_FACE_PX,
    SENTENCES,
    Verdict,
    class_share,
    verdict_of,
)


@pytest.mark.parametrize(
    "p_fake, threshold, expected",
    [
        (0.0, 0.5, Verdict.REAL),
        (0.499, 0.5, Verdict.REAL),
        (0.5, 0.5, Verdict.FAKE),
        (1.0, 0.5, Verdict.FAKE),
        (0.7, 0.8, Verdict.REAL),
        (1.0, 1.0, Verdict.FAKE),
        (0.0, 0.0, Verdict.FAKE),
    ],
)
def test_fake_is_said_from_the_threshold_on(
    p_fake: float, threshold: float, expected: Verdict
) -> None:
    assert verdict_of(p_fake, threshold) is expected


@pytest.mark.parametrize(
    "p_fake, verdict, share",
    [(0.931, Verdict.FAKE, 0.931), (0.120, Verdict.REAL, 0.880)],
)
def test_share_is_of_the_class_that_is_named(
    p_fake: float, verdict: Verdict, share: float
) -> None:
    assert class_share(p_fake, verdict) == pytest.approx(share)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_one_plain_sentence(verdict: Verdict) -> None:
    assert SENTENCES[verdict].count(".") == 1
    assert SENTENCES[verdict].endswith(".")


def test_sentence_of_a_small_face_names_the_limit() -> None:
    assert str(MIN_FACE_PX) in SENTENCES[Verdict.TOO_SMALL]


def test_verdicts_are_the_words_of_the_interface() -> None:
    assert [str(v) for v in Verdict] == ["fake", "real", "too_small", "no_face"]
