"""Metrics against scikit-learn or a slow second path, and by their properties."""

import doctest
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn import metrics as sklearn_metrics

from deepfake_detector import metrics

Metric = Callable[..., float]

#: Metrics of predicted labels and metrics of scores, by name.
OF_LABELS: dict[str, Metric] = {
    "accuracy_score": metrics.accuracy_score,
    "balanced_accuracy_score": metrics.balanced_accuracy_score,
    "precision_score": metrics.precision_score,
    "recall_score": metrics.recall_score,
    "f1_score": metrics.f1_score,
}
OF_SCORES: dict[str, Metric] = {
    "roc_auc_score": metrics.roc_auc_score,
    "average_precision_score": metrics.average_precision_score,
    "true_positive_rate_at": partial(
        metrics.true_positive_rate_at, max_false_positive_rate=0.05
    ),
    "equal_error_rate": metrics.equal_error_rate,
    "expected_calibration_error": metrics.expected_calibration_error,
    "brier_score_loss": metrics.brier_score_loss,
    "log_loss": metrics.log_loss,
}
EVERY = OF_LABELS | OF_SCORES

#: Those that compare reals with fakes, and so need both.
OF_BOTH_CLASSES = (
    "average_precision_score",
    "balanced_accuracy_score",
    "equal_error_rate",
    "roc_auc_score",
    "true_positive_rate_at",
)

#: Those that depend on the order of the scores alone.
OF_RANKS = (
    "average_precision_score",
    "equal_error_rate",
    "roc_auc_score",
    "true_positive_rate_at",
)

#: Those that are better when larger.
GAINS = {name for name in EVERY if name.endswith("_score")} | {"true_positive_rate_at"}


def sample(seed: int, n: int = 203) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and scores, coarse enough that many scores tie."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random(n) < rng.uniform(0.1, 0.9)).astype(np.int64)
    y_true[:2] = 0, 1
    y_score = np.round((0.6 * rng.random(n) + 0.4 * rng.random(n) * y_true), 2)
    return y_true, y_score


def arguments(name: str, seed: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """What the metric of that name takes."""
    y_true, y_score = sample(seed)
    return y_true, (y_score >= 0.4).astype(int) if name in OF_LABELS else y_score


def slow_equal_error_rate(
    y_true: NDArray[np.int64], y_score: NDArray[np.float64]
) -> float:
    """Where scikit-learn's curve, walked along its length, meets misses = alarms."""
    fpr, tpr, _ = sklearn_metrics.roc_curve(y_true, y_score, drop_intermediate=False)
    steps = np.arange(len(fpr))
    crossing = brentq(
        lambda t: np.interp(t, steps, fpr) + np.interp(t, steps, tpr) - 1, 0, steps[-1]
    )
    return float(np.interp(crossing, steps, fpr))


def slow_calibration_error(
    y_true: NDArray[np.int64], y_score: NDArray[np.float64], n_bins: int
) -> float:
    """Equation 3 of Guo et al., bin by bin as it is printed."""
    total = 0.0
    for b in range(n_bins):
        last = b == n_bins - 1
        inside = [
            i
            for i, score in enumerate(y_score)
            if int(score * n_bins) == b or (last and score == 1.0)
        ]
        if inside:
            gap = abs(np.mean(y_true[inside]) - np.mean(y_score[inside]))
            total += len(inside) / len(y_true) * gap
    return total


def slow_auc(y_true: NDArray[np.int64], y_score: NDArray[np.float64]) -> float:
    """Every fake against every real, a tie counting half."""
    fakes, reals = y_score[y_true == 1, None], y_score[None, y_true == 0]
    return float(np.mean((fakes > reals) + 0.5 * (fakes == reals)))


def slow_true_positive_rate(y_true: NDArray[np.int64], y_score: Any) -> float:
    """Every threshold of scikit-learn's curve that keeps to the limit, the best one."""
    fpr, tpr, _ = sklearn_metrics.roc_curve(y_true, y_score, drop_intermediate=False)
    return max(t for f, t in zip(fpr, tpr, strict=True) if f <= 0.05)


SECOND_PATHS: dict[str, Metric] = {
    "precision_score": sklearn_metrics.precision_score,
    "recall_score": sklearn_metrics.recall_score,
    "f1_score": sklearn_metrics.f1_score,
    "average_precision_score": sklearn_metrics.average_precision_score,
    "true_positive_rate_at": slow_true_positive_rate,
    "accuracy_score": sklearn_metrics.accuracy_score,
    "balanced_accuracy_score": sklearn_metrics.balanced_accuracy_score,
    "roc_auc_score": sklearn_metrics.roc_auc_score,
    "equal_error_rate": slow_equal_error_rate,
    "expected_calibration_error": lambda t, s: slow_calibration_error(t, s, 15),
    "brier_score_loss": sklearn_metrics.brier_score_loss,
    "log_loss": sklearn_metrics.log_loss,
}


def test_every_public_metric_is_tested_here() -> None:
    public = {
        name
        for name, function in inspect.getmembers(metrics, inspect.isfunction)
        if function.__module__ == metrics.__name__ and not name.startswith("_")
    }
    assert public == set(EVERY) == set(SECOND_PATHS)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", EVERY)
def test_metric_equals_its_second_path(name: str, seed: int) -> None:
    given = arguments(name, seed)
    assert EVERY[name](*given) == pytest.approx(SECOND_PATHS[name](*given), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_auc_counts_ties_half(seed: int) -> None:
    y_true, y_score = sample(seed)
    assert len(np.unique(y_score)) < len(y_score)
    assert metrics.roc_auc_score(y_true, y_score) == pytest.approx(
        slow_auc(y_true, y_score)
    )


@pytest.mark.parametrize("n_bins", [1, 2, 7, 15, 100])
def test_calibration_error_takes_any_number_of_bins(n_bins: int) -> None:
    y_true, y_score = sample(0)
    y_score[:2] = 0.0, 1.0
    assert metrics.expected_calibration_error(y_true, y_score, n_bins) == pytest.approx(
        slow_calibration_error(y_true, y_score, n_bins), abs=1e-12
    )


def test_calibration_error_weighs_samples() -> None:
    y_true, y_score = sample(0)
    weight = np.arange(len(y_true)) % 3
    repeated = [np.repeat(values, weight) for values in (y_true, y_score)]
    assert metrics.expected_calibration_error(
        y_true, y_score, 15, weight
    ) == pytest.approx(metrics.expected_calibration_error(*repeated))


@pytest.mark.parametrize("name", EVERY)
def test_order_of_samples_means_nothing(name: str) -> None:
    y_true, answer = arguments(name, 1)
    order = np.random.default_rng(0).permutation(len(y_true))
    assert EVERY[name](y_true[order], answer[order]) == pytest.approx(
        EVERY[name](y_true, answer), abs=1e-12
    )


@pytest.mark.parametrize("name", EVERY)
def test_perfect_answers_get_the_best_value(name: str) -> None:
    y_true = np.array([0, 1, 1, 0, 1])
    best = 1.0 if name in GAINS else 0.0
    assert EVERY[name](y_true, y_true.astype(float)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("name", [*OF_LABELS, *OF_RANKS])
def test_turned_round_answers_get_the_worst_value(name: str) -> None:
    y_true = np.array([0, 1, 1, 0, 1])
    # Average precision cannot fall to 0: calling everything fake finds every fake.
    worst = 0.6 if name.startswith("average_p") else 0.0 if name in GAINS else 1.0
    assert EVERY[name](y_true, 1.0 - y_true) == pytest.approx(worst, abs=1e-12)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.bool_])
def test_type_of_the_labels_means_nothing(name: str, kind: type) -> None:
    y_true, answer = arguments(name, 2)
    assert EVERY[name](y_true.astype(kind), answer) == EVERY[name](y_true, answer)


@pytest.mark.parametrize("name", EVERY)
def test_answer_is_a_plain_float(name: str) -> None:
    assert type(EVERY[name](*arguments(name, 3))) is float


@pytest.mark.parametrize("name", OF_SCORES)
def test_single_precision_scores_give_the_same_value(name: str) -> None:
    y_true, y_score = sample(4)
    y_score = y_score.astype(np.float32)
    assert EVERY[name](y_true, y_score) == pytest.approx(
        EVERY[name](y_true, y_score.astype(np.float64)), abs=1e-6
    )


@pytest.mark.parametrize("name", OF_RANKS)
def test_rank_metrics_take_any_monotone_score(name: str) -> None:
    y_true, y_score = sample(5)
    logit = 3 * y_score - 7
    assert EVERY[name](y_true, logit) == pytest.approx(EVERY[name](y_true, y_score))


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "roc_auc_score": 0.5,
        "average_precision_score": 0.6,
        "true_positive_rate_at": 0.0,
        "equal_error_rate": 0.5,
        "expected_calibration_error": 0.1,
        "brier_score_loss": 0.25,
        "log_loss": np.log(2),
    }.items(),
)
def test_one_half_for_everything_gets_the_value_of_chance(
    name: str, value: float
) -> None:
    y_true = np.array([0, 0, 1, 1, 1])
    assert EVERY[name](y_true, np.full(5, 0.5)) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["precision_score", "recall_score", "f1_score"])
def test_reals_are_asked_about_as_fakes_are(name: str, seed: int) -> None:
    y_true, y_pred = arguments(name, seed)
    expected = SECOND_PATHS[name](y_true, y_pred, pos_label=0)
    assert EVERY[name](y_true, y_pred, 0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["precision_score", "recall_score", "f1_score"])
def test_nothing_called_fake_gets_zero_and_no_warning(name: str) -> None:
    assert EVERY[name](np.array([0, 1, 1]), np.zeros(3, dtype=int)) == 0.0


@pytest.mark.parametrize(
    ("limit", "rate"), {0.0: 0.5, 0.24: 0.5, 0.25: 0.75, 0.99: 0.75, 1.0: 1.0}.items()
)
def test_true_positive_rate_is_of_a_threshold_that_exists(
    limit: float, rate: float
) -> None:
    y_true = np.array([1, 1, 0, 1, 0, 0, 0, 1])
    y_score = np.array([0.9, 0.8, 0.7, 0.7, 0.3, 0.2, 0.1, 0.05])
    assert metrics.true_positive_rate_at(y_true, y_score, limit) == rate


def test_certain_and_wrong_costs_much_but_not_infinity() -> None:
    loss = metrics.log_loss(np.array([0, 1]), np.array([1.0, 0.0]))
    assert 30 < loss < 40


@pytest.mark.parametrize("name", EVERY)
def test_no_samples_are_refused(name: str) -> None:
    nothing = np.zeros(0, dtype=int)
    with pytest.raises(ValueError, match="at least one sample"):
        EVERY[name](nothing, nothing.astype(float))


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], [0, 2], [0, 1, 2]])
@pytest.mark.parametrize("name", OF_BOTH_CLASSES)
def test_labels_other_than_both_classes_are_refused(
    name: str, labels: list[int]
) -> None:
    with pytest.raises(ValueError, match="both classes 0 and 1"):
        EVERY[name](np.array(labels), np.zeros(len(labels)))


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("name", sorted(set(EVERY) - set(OF_BOTH_CLASSES)))
def test_one_class_is_enough_for_the_others(name: str, label: int) -> None:
    given = np.full(4, label), np.array([0.0, 1.0, 1.0, 0.0])
    assert 0 <= EVERY[name](*given) < 20


@pytest.mark.parametrize("shape", [(3,), (4, 1), ()])
@pytest.mark.parametrize("name", EVERY)
def test_answers_that_do_not_line_up_are_refused(
    name: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="one answer for each of the 4 labels"):
        EVERY[name](np.array([0, 1, 0, 1]), np.zeros(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", OF_SCORES)
def test_scores_that_are_no_numbers_are_refused(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        EVERY[name](np.array([0, 1, 1]), np.array([0.1, bad, 0.9]))


def test_examples_in_the_docstrings_are_true() -> None:
    failed, attempted = doctest.testmod(metrics)
    assert attempted > 0
    assert failed == 0
