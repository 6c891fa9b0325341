import numpy as np
import pytest

from deepfake_detector import metrics
from deepfake_detector.leak_report import (
    CLEAR,
    FEWEST,
    LEAK,
    TOO_FEW,
    UNCLEAR,
    UNKNOWN,
    auc_text,
    category_row,
    measured_row,
    table_text,
    thumbnail_row,
)

N = 120
LABELS = np.arange(N) % 2
SPLITS = np.repeat(["train", "val", "test"], [80, 20, 20])
RNG = np.random.default_rng(3)
NOISE = RNG.normal(size=N)


def small(shift: float, seed: int = 0) -> np.ndarray:
    """Thumbnails of noise; a fake's upper half is brighter by `shift`."""
    rows = np.random.default_rng(seed).integers(60, 120, (N, 256))
    rows[LABELS == 1, :128] += int(shift)
    return rows.astype(np.uint8)


def test_signal_that_tells_everything_is_a_leak() -> None:
    row = measured_row(LABELS + NOISE / 100, LABELS, SPLITS)
    assert (row["auc"], row["auc_interval"]) == (1.0, [1.0, 1.0])
    assert row["verdict"] == LEAK
    assert row["auc_by_split"] == {"train": 1.0, "val": 1.0, "test": 1.0}
    assert row["median_fake"] - row["median_real"] == pytest.approx(1, abs=0.02)


def test_direction_is_said_and_the_auc_turned_round() -> None:
    up = measured_row(NOISE + LABELS, LABELS, SPLITS)
    down = measured_row(-NOISE - LABELS, LABELS, SPLITS)
    assert up["direction"] == "larger in fakes"
    assert down["direction"] == "smaller in fakes"
    for key in ("auc", "auc_interval", "auc_by_split", "verdict"):
        assert up[key] == down[key]
    assert up["auc"] == metrics.roc_auc_score(LABELS, NOISE + LABELS)


def test_noise_is_no_leak() -> None:
    row = measured_row(NOISE, LABELS, SPLITS)
    low, high = row["auc_interval"]
    assert low < 0.5 < row["auc"] < 0.6 < high + 0.1
    assert row["verdict"] == CLEAR


def test_constant_says_nothing_in_no_direction() -> None:
    row = measured_row(np.full(N, 75.0), LABELS, SPLITS)
    assert (row["auc"], row["direction"], row["verdict"]) == (0.5, None, CLEAR)


def test_few_pictures_may_be_luck() -> None:
    row = measured_row(
        np.array([1.0, 2, 4, 3, 5, 6]), np.array([0, 1, 0, 0, 1, 1]), SPLITS[:6]
    )
    assert row["auc"] > 0.6
    assert row["verdict"] == UNCLEAR


@pytest.mark.parametrize(
    ("reals", "fakes", "verdict"),
    [
        (FEWEST, FEWEST, LEAK),
        (FEWEST - 1, FEWEST, TOO_FEW),
        (FEWEST, FEWEST - 1, TOO_FEW),
        (2, 2, TOO_FEW),
    ],
)
def test_few_pictures_show_no_leak(reals: int, fakes: int, verdict: str) -> None:
    labels = np.repeat([0, 1], [reals, fakes])
    row = measured_row(1.0 * labels, labels, np.full(len(labels), "all"))
    assert (row["auc"], row["verdict"]) == (1.0, verdict)


def test_pictures_without_the_number_do_not_count() -> None:
    values = LABELS + NOISE
    some = values.copy()
    some[:40] = np.nan
    row = measured_row(some, LABELS, SPLITS)
    assert row["pictures"] == 80
    assert row["auc"] == metrics.roc_auc_score(LABELS[40:], values[40:])


@pytest.mark.parametrize("kept", [None, 0, 1])
def test_number_that_a_class_never_has_is_not_measured(kept: int | None) -> None:
    values = np.where(LABELS == kept, 1.0, np.nan)
    row = measured_row(values, LABELS, SPLITS)
    assert (row["auc"], row["auc_interval"], row["direction"]) == (None, None, None)
    assert row["verdict"] == UNKNOWN
    assert row["auc_by_split"] == {"train": None, "val": None, "test": None}
    assert auc_text(row) == UNKNOWN


def test_thumbnail_is_fitted_on_train_and_scored_on_the_rest() -> None:
    row = thumbnail_row(small(60), LABELS, SPLITS)
    assert row["auc"] == 1.0 and row["verdict"] == LEAK
    assert row["auc_by_split"] == {"train": None, "val": 1.0, "test": 1.0}
    assert row["pictures"] == 40


def test_thumbnail_of_noise_is_no_leak() -> None:
    row = thumbnail_row(small(0, seed=4), LABELS, SPLITS)
    assert 0.3 < row["auc"] < 0.6
    assert row["verdict"] == CLEAR


def test_thumbnail_of_a_set_without_splits_is_cross_validated() -> None:
    every = np.full(N, "all")
    assert thumbnail_row(small(60), LABELS, every)["auc"] == 1.0
    noise = thumbnail_row(small(0), LABELS, every)
    assert (noise["pictures"], noise["verdict"]) == (N, CLEAR)


@pytest.mark.parametrize(
    ("rows", "split"),
    [(slice(8), "all"), (slice(0, N, 2), "train"), (slice(N), "train")],
)
def test_thumbnail_needs_pictures_to_fit_and_to_score(rows: slice, split: str) -> None:
    labels = LABELS[rows]
    row = thumbnail_row(small(60)[rows], labels, np.full(len(labels), split))
    assert (row["auc"], row["verdict"]) == (None, UNKNOWN)


def test_category_that_goes_with_the_class_is_a_leak() -> None:
    names = ["PNG" if label else "JPEG" for label in LABELS]
    row = category_row(names, LABELS, SPLITS)
    assert (row["auc"], row["verdict"], row["pictures"]) == (1.0, LEAK, 40)


def test_category_unseen_in_train_says_nothing() -> None:
    names = np.where(SPLITS == "train", "JPEG", np.where(LABELS == 1, "PNG", "WEBP"))
    row = category_row(names.tolist(), LABELS, SPLITS)
    assert (row["auc"], row["verdict"]) == (0.5, CLEAR)


def test_categories_of_a_set_without_splits_are_scored_on_all() -> None:
    names = ["PNG" if label else "JPEG" for label in LABELS]
    row = category_row(names, LABELS, np.full(N, "all"))
    assert (row["auc"], row["pictures"]) == (1.0, N)


def test_table_has_a_line_for_each_signal() -> None:
    rows = [
        {"signal": "size", "of": "picture"}
        | measured_row(1.0 * LABELS, LABELS, SPLITS),
        {"signal": "none", "of": "face crop"}
        | measured_row(np.full(N, np.nan), LABELS, SPLITS),
    ]
    heading, first, second = table_text(rows).splitlines()
    assert heading.split() == [
        "signal",
        "of",
        "AUC",
        "[95",
        "%]",
        "direction",
        "verdict",
    ]
    assert first.split("  ")[0] == "size"
    assert "1.000 [1.000, 1.000]  larger in fakes  leak" in first
    assert second.split() == ["none", "face", "crop", *UNKNOWN.split() * 2]
