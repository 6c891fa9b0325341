"""Two cut-offs keep their promises on what they were fitted on, whatever that is."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.cut_offs import (
    FALSE_ALARM_RATE,
    LEAST_BAND,
    MISS_RATE,
    CutOffs,
    equal_source_weights,
)
from deepfake_detector.exceptions import ArtifactError

Sample = tuple[NDArray[np.float64], NDArray[np.int64], list[str]]


def beta_sample(seed: int, shape: float, n: int = 4000) -> Sample:
    """Reals near 0 and fakes near 1, the more so the larger the shape."""
    rng = np.random.default_rng(seed)
    p_fake = np.concatenate([rng.beta(1, shape, n), rng.beta(shape, 1, n)])
    return p_fake, np.repeat([0, 1], n), ["one"] * (2 * n)


def share(rows: NDArray[np.bool_], sources: list[str]) -> float:
    """Mean over sources of the share of true rows."""
    names = np.array(sources)
    return float(np.mean([rows[names == name].mean() for name in set(sources)]))


def assert_promises(cut_offs: CutOffs, sample: Sample) -> None:
    p_fake, y_true, sources = sample
    real = [s for s, y in zip(sources, y_true, strict=True) if y == 0]
    fake = [s for s, y in zip(sources, y_true, strict=True) if y == 1]
    false_alarms = share(p_fake[y_true == 0] >= cut_offs.likely_fake, real)
    assert false_alarms <= FALSE_ALARM_RATE + 1e-9
    assert share(p_fake[y_true == 1] < cut_offs.likely_real, fake) <= MISS_RATE + 1e-9
    assert 0.0 <= cut_offs.likely_real
    assert cut_offs.likely_fake <= 1.0
    assert cut_offs.likely_fake - cut_offs.likely_real >= LEAST_BAND - 1e-12
    assert cut_offs.false_alarms == pytest.approx(false_alarms)
    hits = share(p_fake[y_true == 1] >= cut_offs.likely_fake, fake)
    assert cut_offs.hits == pytest.approx(hits)


@pytest.mark.parametrize("shape", [1.0, 1.5, 3.0, 10.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_both_promises_hold_from_a_coin_toss_to_near_perfection(
    shape: float, seed: int
) -> None:
    sample = beta_sample(seed, shape)
    assert_promises(CutOffs.fit(*sample), sample)


def test_cut_offs_use_what_they_may() -> None:
    p_fake, y_true, sources = beta_sample(0, 3.0)
    cut_offs = CutOffs.fit(p_fake, y_true, sources)
    real, fake = p_fake[y_true == 0], p_fake[y_true == 1]
    assert (real >= cut_offs.likely_fake).mean() == pytest.approx(FALSE_ALARM_RATE)
    assert (fake < cut_offs.likely_real).mean() == pytest.approx(MISS_RATE)


@pytest.mark.parametrize("shape", [1.0, 1.5, 3.0, 10.0, 100.0])
@pytest.mark.parametrize("exponent", [0.25, 1.0, 4.0])
def test_no_answer_goes_against_its_own_percentage(
    shape: float, exponent: float
) -> None:
    p_fake, y_true, sources = beta_sample(0, shape)
    cut_offs = CutOffs.fit(p_fake**exponent, y_true, sources)
    assert cut_offs.likely_real <= 0.5 <= cut_offs.likely_fake
    assert_promises(cut_offs, (p_fake**exponent, y_true, sources))


def test_coin_toss_is_nearly_always_inconclusive() -> None:
    cut_offs = CutOffs.fit(*beta_sample(1, 1.0))
    assert cut_offs.likely_fake == pytest.approx(0.99, abs=0.005)
    assert cut_offs.likely_real == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    "real, fake, expected",
    [
        (0.1, 0.9, (0.475, 0.525)),
        (0.0, 1.0, (0.475, 0.525)),
        # Neither goes against even odds, however well the scores part.
        (0.2, 0.4, (0.4, 0.5)),
        (0.0, 0.02, (0.02, 0.5)),
        (0.98, 1.0, (0.5, 0.98)),
        (0.5, 0.5, (0.475, 0.525)),
        (0.0, 0.0, (0.0, 0.5)),
    ],
)
def test_where_the_cut_offs_cross_a_band_around_the_middle_is_kept(
    real: float, fake: float, expected: tuple[float, float]
) -> None:
    sample = (
        np.repeat([real, fake], 200),
        np.repeat([0, 1], 200),
        ["one"] * 400,
    )
    cut_offs = CutOffs.fit(*sample)
    assert (cut_offs.likely_real, cut_offs.likely_fake) == pytest.approx(expected)
    assert_promises(cut_offs, sample)


def test_cut_offs_that_nearly_meet_are_moved_apart() -> None:
    p_fake = np.concatenate([np.linspace(0, 0.5, 101), np.linspace(0.5, 1, 101)])
    sample = (p_fake, np.repeat([0, 1], 101), ["one"] * 202)
    assert_promises(CutOffs.fit(*sample), sample)


def test_perfect_scorer_finds_every_fake() -> None:
    y_true = np.repeat([0, 1], 50)
    cut_offs = CutOffs.fit(y_true.astype(float), y_true, ["one"] * 100)
    assert (cut_offs.false_alarms, cut_offs.hits) == pytest.approx((0.0, 1.0))


def test_without_fakes_nothing_is_likely_real() -> None:
    cut_offs = CutOffs.fit(np.linspace(0, 0.6, 500), np.zeros(500, int), ["one"] * 500)
    assert cut_offs.likely_real == 0.0
    assert cut_offs.likely_fake == pytest.approx(0.594, abs=0.002)
    assert cut_offs.hits is None


def test_without_reals_only_a_score_of_one_is_likely_fake() -> None:
    cut_offs = CutOffs.fit(np.linspace(0.4, 1, 500), np.ones(500, int), ["one"] * 500)
    assert cut_offs.likely_fake == 1.0
    assert cut_offs.likely_real == pytest.approx(0.43, abs=0.002)
    assert cut_offs.false_alarms is None


def test_nothing_at_all_leaves_everything_inconclusive() -> None:
    cut_offs = CutOffs.fit(np.zeros(0), np.zeros(0, int), [])
    assert (cut_offs.likely_real, cut_offs.likely_fake) == (0.0, 1.0)


def test_reals_that_score_one_are_counted_where_no_cut_off_helps() -> None:
    y_true = np.repeat([0, 1], 100)
    cut_offs = CutOffs.fit(np.ones(200), y_true, ["one"] * 200)
    assert cut_offs.likely_fake == 1.0
    assert cut_offs.false_alarms == pytest.approx(1.0)


def sized_sample(small: int) -> Sample:
    """A large source of easy faces and a small one whose reals look fake."""
    rng = np.random.default_rng(5)
    parts = [
        (rng.uniform(0.0, 0.3, 5000), 0, "large"),
        (rng.uniform(0.7, 1.0, 5000), 1, "large"),
        (rng.uniform(0.2, 0.8, small), 0, "small"),
        (rng.uniform(0.1, 0.9, small), 1, "small"),
    ]
    return (
        np.concatenate([scores for scores, _, _ in parts]),
        np.concatenate([np.full(len(scores), y) for scores, y, _ in parts]),
        [name for scores, _, name in parts for _ in scores],
    )


def test_a_small_source_weighs_as_much_as_a_large_one() -> None:
    sample = sized_sample(small=100)
    cut_offs = CutOffs.fit(*sample)
    assert_promises(cut_offs, sample)
    # 1 % of both together is 2 % of the small source, whose reals end at 0.8.
    assert cut_offs.likely_fake == pytest.approx(0.788, abs=0.03)
    unweighted = CutOffs.fit(sample[0], sample[1], ["one"] * len(sample[0]))
    assert unweighted.likely_fake < 0.7 < cut_offs.likely_fake
    assert unweighted.likely_real > cut_offs.likely_real


def test_a_source_of_one_class_weighs_in_that_class_alone() -> None:
    p_fake, y_true, sources = sized_sample(small=100)
    kept = (y_true == 0) | (np.array(sources) == "large")
    sample = (p_fake[kept], y_true[kept], [s for s, k in zip(sources, kept) if k])  # noqa: B905
    assert_promises(CutOffs.fit(*sample), sample)


def test_order_of_samples_does_not_matter() -> None:
    p_fake, y_true, sources = sized_sample(small=100)
    order = np.random.default_rng(1).permutation(len(p_fake))
    shuffled = (p_fake[order], y_true[order], [sources[i] for i in order])
    one, other = CutOffs.fit(p_fake, y_true, sources), CutOffs.fit(*shuffled)
    assert one.likely_fake == pytest.approx(other.likely_fake, abs=1e-12)
    assert one.likely_real == pytest.approx(other.likely_real, abs=1e-12)


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan, np.inf])
def test_what_is_no_probability_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="calibrate"):
        CutOffs.fit(np.array([0.1, score]), np.array([0, 1]), ["one", "one"])


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2, 1 and 2"):
        CutOffs.fit(np.array([0.1, 0.9]), np.array([0]), ["one", "one"])


@pytest.mark.parametrize(
    "likely_real, likely_fake, more",
    [
        (0.6, 0.4, {}),
        (-0.1, 0.4, {}),
        (0.1, 1.4, {}),
        (np.nan, 0.5, {}),
        (0.1, np.nan, {}),
        (0.1, np.inf, {}),
        (0.1, 0.9, {"false_alarm_rate": 2.0}),
        (0.1, 0.9, {"hits": -1.0}),
    ],
)
def test_cut_offs_that_cannot_be_are_refused(
    likely_real: float, likely_fake: float, more: dict[str, float]
) -> None:
    with pytest.raises(ArtifactError, match="cut_offs: expected"):
        CutOffs(likely_real, likely_fake, **more)


@pytest.mark.parametrize(
    "threshold, expected",
    [(0.5, (0.475, 0.525)), (0.0, (0.0, 0.05)), (1.0, (0.95, 1.0)), (0.01, (0, 0.05))],
)
def test_a_bare_threshold_gets_a_band_of_which_nothing_is_measured(
    threshold: float, expected: tuple[float, float]
) -> None:
    cut_offs = CutOffs.around(threshold)
    assert (cut_offs.likely_real, cut_offs.likely_fake) == pytest.approx(expected)
    assert (cut_offs.false_alarms, cut_offs.hits) == (None, None)


@pytest.mark.parametrize(
    "threshold, expected",
    [(0.9, (0.2, 0.9)), (0.4, (0.2, 0.4)), (0.1, (0.1, 0.1)), (0.0, (0.0, 0.0))],
)
def test_a_users_threshold_takes_the_place_of_likely_fake(
    threshold: float, expected: tuple[float, float]
) -> None:
    fitted = CutOffs(0.2, 0.6, false_alarms=0.01, hits=0.8)
    asked = fitted.with_threshold(threshold)
    assert (asked.likely_real, asked.likely_fake) == expected
    assert (asked.false_alarms, asked.hits) == (None, None)


@pytest.mark.parametrize("threshold", [None, 0.6])
def test_no_other_threshold_changes_nothing(threshold: float | None) -> None:
    fitted = CutOffs(0.2, 0.6, false_alarms=0.01, hits=0.8)
    assert fitted.with_threshold(threshold) is fitted


def test_cut_offs_survive_the_card() -> None:
    fitted = CutOffs.fit(*beta_sample(0, 3.0))
    assert CutOffs.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_weights_of_every_source_sum_to_the_same() -> None:
    weights = equal_source_weights(["a", "b", "a", "a", "c", "a"])
    assert weights.mean() == pytest.approx(1.0)
    totals = [weights[[0, 2, 3, 5]].sum(), weights[1], weights[4]]
    assert totals == pytest.approx([2.0, 2.0, 2.0])


def test_no_samples_have_no_weights() -> None:
    assert equal_source_weights([]).shape == (0,)
