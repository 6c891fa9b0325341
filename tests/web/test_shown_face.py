"""What a face's card says in words."""

from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.detector import FaceAnalysis
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.stability import CHECKS, PLAIN, Stability
from deepfake_detector.verdict import Verdict
from deepfake_detector.web.shown_face import ShownFace, position_in_words

BOX = FaceBox(10, 10, 80, 80)
PICTURE: Any = SimpleNamespace(width=300, height=300)


def shown(verdict: Verdict, stability: Stability | None) -> ShownFace:
    face = FaceAnalysis(BOX, verdict, 0.9, stability)
    return ShownFace.of(1, face, None, PICTURE, 128)


def scores(plain: float, others: float) -> Stability:
    by_view = {PLAIN: plain} | dict.fromkeys(CHECKS, others)
    return Stability.of(by_view, CutOffs(0.2, 0.8))


def test_answer_that_holds_is_called_stable() -> None:
    said = shown(Verdict.LIKELY_FAKE, scores(0.9, 0.85)).stability
    assert said == "Stable: none of 3 re-encoded copies overturned it."


def test_answer_that_does_not_hold_is_given_its_reason() -> None:
    overturned = scores(0.9, 0.1)
    assert shown(Verdict.INCONCLUSIVE, overturned).stability == overturned.reason
    assert overturned.reason


@pytest.mark.parametrize(
    ("verdict", "stability"),
    [
        (Verdict.INCONCLUSIVE, scores(0.5, 0.5)),
        (Verdict.LIKELY_FAKE, None),
        (Verdict.TOO_SMALL, None),
    ],
)
def test_nothing_is_said_where_nothing_could_be_overturned(
    verdict: Verdict, stability: Stability | None
) -> None:
    assert shown(verdict, stability).stability is None


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (10, 10, "top left"),
        (50, 10, "top"),
        (90, 50, "right"),
        (50, 50, "centre"),
        (50, 95, "bottom"),
        (-5, 105, "bottom left"),
    ],
)
def test_position_is_that_of_the_boxs_centre(x: int, y: int, expected: str) -> None:
    assert position_in_words(FaceBox(x - 4, y - 4, 8, 8), 100, 100) == expected
