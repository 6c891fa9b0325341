"""The words for a score, and which class a percentage is of."""

import pytest

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.verdict import (
    JUDGED,
    LABELS,
    MIN_FACE_PX,
    SENTENCES,
    VIEW_WORDS,
    Verdict,
    class_named,
    class_share,
    evidence_words,
    flip_words,
    in_a_hundred,
    picture_verdict,
    rate_of_any,
    verdict_of,
)

FAKE, OPEN, REAL = Verdict.LIKELY_FAKE, Verdict.INCONCLUSIVE, Verdict.LIKELY_REAL
SMALL = Verdict.TOO_SMALL

#: Measured on 62 of 100 fakes; 0.8 % of the reals were met above it.
FITTED = CutOffs(0.2, 0.7, false_alarms=0.008, hits=0.62)


@pytest.mark.parametrize(
    "p_fake, likely_real, likely_fake, expected",
    [
        (0.0, 0.2, 0.7, REAL),
        (0.199, 0.2, 0.7, REAL),
        (0.2, 0.2, 0.7, OPEN),
        (0.699, 0.2, 0.7, OPEN),
        (0.7, 0.2, 0.7, FAKE),
        (1.0, 0.2, 0.7, FAKE),
        (0.5, 0.5, 0.5, FAKE),
        (0.499, 0.5, 0.5, REAL),
        (0.0, 0.0, 1.0, OPEN),
        (1.0, 0.0, 1.0, FAKE),
        (0.0, 0.0, 0.0, FAKE),
    ],
)
def test_two_cut_offs_make_three_answers(
    p_fake: float, likely_real: float, likely_fake: float, expected: Verdict
) -> None:
    assert verdict_of(p_fake, CutOffs(likely_real, likely_fake)) is expected


def test_no_number_is_no_answer() -> None:
    assert verdict_of(float("nan"), FITTED) is OPEN


@pytest.mark.parametrize(
    "faces, expected",
    [
        ([], Verdict.NO_FACE),
        ([SMALL], SMALL),
        ([SMALL, SMALL], SMALL),
        ([REAL], REAL),
        ([REAL, SMALL], REAL),
        ([REAL, OPEN], OPEN),
        ([OPEN, SMALL], OPEN),
        ([REAL, OPEN, FAKE, SMALL], FAKE),
        ([FAKE], FAKE),
    ],
)
def test_picture_is_real_only_if_every_judged_face_is(
    faces: list[Verdict], expected: Verdict
) -> None:
    assert picture_verdict(faces) is expected


@pytest.mark.parametrize("face, expected", [(REAL, OPEN), (OPEN, OPEN), (FAKE, FAKE)])
def test_picture_with_faces_left_unjudged_is_never_real(
    face: Verdict, expected: Verdict
) -> None:
    assert picture_verdict([face] * 20, all_judged=False) is expected


@pytest.mark.parametrize(
    "p_fake, verdict, name, share",
    [
        (0.931, FAKE, "Fake", 0.931),
        (0.120, REAL, "Real", 0.880),
        (0.600, OPEN, "Fake", 0.600),
        (0.500, OPEN, "Fake", 0.500),
        (0.400, OPEN, "Real", 0.600),
        (0.400, FAKE, "Fake", 0.400),
        (0.600, REAL, "Real", 0.400),
    ],
)
def test_share_is_of_the_class_that_is_named(
    p_fake: float, verdict: Verdict, name: str, share: float
) -> None:
    assert class_named(p_fake, verdict) == name
    assert class_share(p_fake, verdict) == pytest.approx(share)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_one_plain_sentence_and_a_name(verdict: Verdict) -> None:
    assert SENTENCES[verdict].count(".") == 1
    assert SENTENCES[verdict].endswith(".")
    assert LABELS[verdict]


def test_sentence_of_a_small_face_names_the_limit() -> None:
    assert str(MIN_FACE_PX) in SENTENCES[SMALL]


def test_verdicts_are_the_words_of_the_interface() -> None:
    assert [str(v) for v in Verdict] == [
        "likely_fake",
        "inconclusive",
        "likely_real",
        "too_small",
        "no_face",
    ]


@pytest.mark.parametrize(
    "rate, faces, expected",
    [(0.01, 0, 0.0), (0.01, 1, 0.01), (0.01, 5, 0.0490), (0.01, 20, 0.1821), (1, 3, 1)],
)
def test_rate_of_any_of_several_faces(rate: float, faces: int, expected: float) -> None:
    assert rate_of_any(rate, faces) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "rate, words",
    [
        (0.0, "about 0 in 100"),
        (0.00001, "about 1 in 10,000"),
        (0.002, "about 20 in 10,000"),
        (0.01, "about 1 in 100"),
        (0.182, "about 18 in 100"),
        (1.0, "about 100 in 100"),
    ],
)
def test_rates_in_words(rate: float, words: str) -> None:
    assert in_a_hundred(rate) == words


@pytest.mark.parametrize("verdict", JUDGED)
def test_false_alarm_rate_is_said_with_every_judgement(verdict: Verdict) -> None:
    words = " ".join(evidence_words(verdict, FITTED, FITTED, faces=1))
    # Fewer were met in the fit, which promises nothing.
    assert "at most about 1 in 100 real faces" in words
    assert "faces judged" not in words


def test_false_alarm_rate_of_several_faces_is_said() -> None:
    words = " ".join(evidence_words(REAL, FITTED, FITTED, faces=5))
    assert "With 5 faces judged, that becomes about 5 in 100 pictures" in words


def test_meaning_of_an_alarm_where_fakes_are_rare_is_computed_from_the_card() -> None:
    words = evidence_words(FAKE, FITTED, FITTED, faces=1)[-1]
    assert "of 10,000 faces with 100 fakes among them" in words
    # 62 fakes are found, and 1 % of 9,900 real faces is 99: 62 of 161.
    assert "about 62 fakes and 99 real faces" in words
    assert "about 39 in 100 such answers would be right" in words


@pytest.mark.parametrize("hits", [0.0, 0.004])
def test_model_that_finds_nothing_is_right_in_none_of_its_alarms(hits: float) -> None:
    useless = CutOffs(0.2, 0.7, false_alarm_rate=0.0, false_alarms=0.0, hits=hits)
    words = evidence_words(FAKE, useless, useless, faces=1)[-1]
    assert "finds so few fakes that" in words


def test_single_fake_is_counted_in_the_singular() -> None:
    weak = CutOffs(0.2, 0.7, false_alarms=0.01, hits=0.01)
    words = evidence_words(FAKE, weak, weak, faces=1)[-1]
    assert "about 1 fake and 99 real faces" in words


def test_real_does_not_promise_that_no_fake_gets_through() -> None:
    words = evidence_words(REAL, FITTED, FITTED, faces=1)[-1]
    assert words.startswith("Of the fakes it was checked on, at most about 5 in 100")
    assert "new kinds" in words


@pytest.mark.parametrize("verdict", JUDGED)
def test_what_was_not_measured_is_not_promised(verdict: Verdict) -> None:
    bare = CutOffs.around(0.5)
    words = " ".join(evidence_words(verdict, bare, bare, faces=3))
    assert "was not measured" in words
    assert not any(character.isdigit() for character in words)


@pytest.mark.parametrize("verdict", JUDGED)
def test_lower_threshold_of_the_users_own_promises_no_rate(verdict: Verdict) -> None:
    asked = FITTED.with_threshold(0.4)
    words = " ".join(evidence_words(verdict, asked, FITTED, faces=3))
    assert "more than about 1 in 100 real faces" in words
    assert "at most about 1 in" not in words
    assert "fakes and" not in words


def test_higher_threshold_of_the_users_own_keeps_the_promise() -> None:
    asked = FITTED.with_threshold(0.9)
    words = " ".join(evidence_words(FAKE, asked, FITTED, faces=1))
    assert "at most about 1 in 100 real faces" in words
    assert "fakes and" not in words


@pytest.mark.parametrize("verdict", [SMALL, Verdict.NO_FACE])
def test_nothing_is_said_of_the_rates_where_nothing_was_judged(
    verdict: Verdict,
) -> None:
    assert evidence_words(verdict, FITTED, FITTED, faces=0) == ()


def test_reason_names_what_overturned_the_answer() -> None:
    assert "saved once more as JPEG or halved in size" in flip_words(["jpeg", "half"])


@pytest.mark.parametrize("view", VIEW_WORDS)
def test_reason_is_one_sentence(view: str) -> None:
    assert flip_words([view]).count(".") == 1
