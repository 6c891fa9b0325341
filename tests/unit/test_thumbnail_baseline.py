"""The thumbnail baseline against scikit-learn's own cross-validation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepfake_detector.thumbnail_baseline import (
    THUMBNAIL_PX,
    ThumbnailBaseline,
    thumbnails,
)

LABELS = np.tile([0, 1], 40)


def crops_of(leak: int, seed: int) -> NDArray[np.uint8]:
    """Noise; what leaks is a fake's brighter left half."""
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 200, (len(LABELS), 32, 32, 3))
    crops[LABELS == 1, :, :16] += leak
    return crops.astype(np.uint8)


def test_thumbnail_is_grey_and_averaged_over_areas() -> None:
    crop = np.zeros((32, 64, 3), dtype=np.uint8)
    crop[:, :4] = 200
    (row,) = thumbnails([crop])
    assert row.shape == (THUMBNAIL_PX**2,)
    assert row.reshape(16, 16)[5].tolist() == [200, *[0] * 15]


def test_held_out_scores_are_scikit_learns() -> None:
    rows = thumbnails(crops_of(3, 0))
    baseline = ThumbnailBaseline.cross_fitted(rows, LABELS)
    assert baseline is not None
    answers = cross_val_predict(
        make_pipeline(StandardScaler(), Ridge(alpha=100.0)),
        rows.astype(float),
        LABELS,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )
    expected = 1 / (1 + np.exp(-4 * (answers - 0.5)))
    np.testing.assert_allclose(baseline.p_fake(rows), expected, atol=1e-9)


def test_perturbed_pictures_are_scored_by_the_fit_on_clean_ones() -> None:
    rows = thumbnails(crops_of(50, 0))
    baseline = ThumbnailBaseline.cross_fitted(rows, LABELS)
    assert baseline is not None
    clean, inverted = baseline.p_fake(rows), baseline.p_fake(255 - rows)
    assert clean[LABELS == 1].min() > clean[LABELS == 0].max()
    assert inverted[LABELS == 1].max() < inverted[LABELS == 0].min()


def test_fit_on_other_pictures_scores_any_number() -> None:
    baseline = ThumbnailBaseline.fitted(thumbnails(crops_of(50, 1)), LABELS, 7)
    scores = baseline.p_fake(thumbnails(crops_of(50, 2)[:7]))
    assert (scores > 0.5).tolist() == (LABELS[:7] == 1).tolist()


def test_twins_of_opposite_label_do_not_turn_the_baseline_round() -> None:
    rng = np.random.default_rng(0)
    # Each video gives a real and a fake that look the same.
    rows = np.repeat(rng.integers(0, 255, (40, 256)), 2, axis=0).astype(np.uint8)
    videos = [str(index // 2) for index in range(80)]
    apart, together = (
        ThumbnailBaseline.cross_fitted(rows, LABELS, groups)
        for groups in (None, videos)
    )
    assert apart is not None
    assert together is not None
    aucs = [roc_auc_score(LABELS, b.p_fake(rows)) for b in (apart, together)]
    assert aucs[0] < 0.35
    assert aucs[1] == pytest.approx(0.5, abs=0.05)


def test_too_few_groups_have_no_baseline() -> None:
    groups = [str(index % 4) for index in range(80)]
    rows = thumbnails(crops_of(0, 0))
    assert ThumbnailBaseline.cross_fitted(rows, LABELS, groups) is None


@pytest.mark.parametrize("count", [2, 8, 9])
def test_too_few_pictures_have_no_baseline(count: int) -> None:
    rows = thumbnails(crops_of(0, 0)[:count])
    assert ThumbnailBaseline.cross_fitted(rows, LABELS[:count]) is None
