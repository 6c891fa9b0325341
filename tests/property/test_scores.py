"""From logits to verdicts: scores in [0, 1], and more is never called less fake."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from deepfake_detector.calibration import Calibration
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.stability import CHECKS, PLAIN, Stability
from deepfake_detector.verdict import JUDGED, Verdict, picture_verdict, verdict_of

Scores = NDArray[np.float64]

#: Least to most fake.
ORDER = (Verdict.LIKELY_REAL, Verdict.INCONCLUSIVE, Verdict.LIKELY_FAKE)

finite = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
logits = arrays(
    np.float32, st.integers(1, 20), elements=st.floats(allow_nan=False, width=32)
)
calibrations = st.builds(
    Calibration, st.floats(min_value=0, exclude_min=True, allow_infinity=False), finite
)
cut_offs = st.tuples(shares, shares).map(lambda pair: CutOffs(*sorted(pair)))
verdicts = st.lists(st.sampled_from(list(Verdict)[:4]), max_size=8)


@given(logits, calibrations)
def test_scores_are_probabilities_and_keep_the_order(
    logit: NDArray[np.float32], calibration: Calibration
) -> None:
    p_fake = calibration.p_fake(np.sort(logit))
    assert p_fake.dtype == np.float64
    assert ((p_fake >= 0) & (p_fake <= 1)).all()
    assert (np.diff(p_fake) >= 0).all()


@given(st.floats(), st.floats())
def test_calibration_is_usable_or_refused(temperature: float, bias: float) -> None:
    try:
        calibration = Calibration(temperature, bias)
    except ArtifactError:
        return
    assert temperature > 0
    assert 0 <= calibration.p_fake(np.zeros(1))[0] <= 1


@given(shares, shares, cut_offs)
def test_more_is_never_called_less_fake(one: float, other: float, cut: CutOffs) -> None:
    low, high = sorted((one, other))
    found = [ORDER.index(verdict_of(p_fake, cut)) for p_fake in (low, high)]
    assert found[0] <= found[1]


@given(
    arrays(np.float64, st.integers(0, 60), elements=shares),
    st.data(),
)
def test_fitted_cut_offs_keep_their_promises(
    p_fake: Scores, data: st.DataObject
) -> None:
    size = len(p_fake)
    draw_labels = st.lists(st.integers(0, 1), min_size=size, max_size=size)
    y_true = np.array(data.draw(draw_labels), dtype=np.int64)
    cut = CutOffs.fit(p_fake, y_true, ["one"] * size)
    assert 0 <= cut.likely_real <= 0.5 <= cut.likely_fake <= 1
    real, fake = p_fake[y_true == 0], p_fake[y_true == 1]
    if len(real) and cut.likely_fake < 1:
        assert (real >= cut.likely_fake).mean() <= 0.01 + 1e-9
    if len(fake):
        assert (fake < cut.likely_real).mean() <= 0.05 + 1e-9
    again = CutOffs.fit(p_fake[::-1], y_true[::-1], ["one"] * size)
    assert again == cut


@given(st.floats(), st.floats())
def test_cut_offs_are_in_order_or_refused(low: float, high: float) -> None:
    if 0 <= low <= high <= 1:
        cut = CutOffs(low, high)
        assert CutOffs.from_dict(cut.to_dict()) == cut
    else:
        with pytest.raises(ArtifactError):
            CutOffs(low, high)


@given(verdicts, st.booleans(), st.randoms(use_true_random=False))
def test_verdict_of_a_picture_does_not_depend_on_the_order(
    faces: list[Verdict], all_judged: bool, rng: Any
) -> None:
    found = picture_verdict(faces, all_judged)
    mixed = faces.copy()
    rng.shuffle(mixed)
    assert picture_verdict(mixed, all_judged) == found
    # One more fake face makes it a fake picture, whatever the others are.
    assert picture_verdict([*faces, Verdict.LIKELY_FAKE], all_judged) is (
        Verdict.LIKELY_FAKE
    )
    assert (found in JUDGED) == any(face in JUDGED for face in faces)


@given(st.lists(shares, min_size=4, max_size=4), cut_offs)
def test_stability_only_ever_withdraws_an_answer(
    scores: list[float], cut: CutOffs
) -> None:
    views = dict(zip((PLAIN, *CHECKS), scores, strict=True))
    stability = Stability.of(views, cut)
    assert set(stability.overturned_by) <= set(CHECKS) | {PLAIN}
    if verdict_of(scores[0], cut) is Verdict.INCONCLUSIVE:
        assert stability.stable
    if len(set(scores)) == 1 and cut.likely_real < cut.likely_fake:
        assert stability.stable
