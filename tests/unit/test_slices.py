"""Which picture is in which part, and what is said of a part."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepfake_detector.slices import (
    by_face_size,
    by_label,
    by_quarter,
    by_source,
    slice_report,
)


def members(masks: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {name: np.flatnonzero(mask).tolist() for name, mask in masks.items()}


def test_face_sizes_are_parted_at_their_edges() -> None:
    sizes = np.array([63.9, 64.0, 127.5, 128.0, 5000.0, np.nan, 512.0])
    assert members(by_face_size(sizes)) == {
        "under 64 px": [0],
        "64 to 127 px": [1, 2],
        "128 to 191 px": [3],
        "512 px and more": [4, 6],
        "no face found": [5],
    }


def test_quarters_are_of_equal_size_and_in_order() -> None:
    values = np.random.default_rng(0).permutation(40).astype(float)
    quarters = by_quarter(values)
    assert [int(mask.sum()) for mask in quarters.values()] == [10, 10, 10, 10]
    means = [values[mask].mean() for mask in quarters.values()]
    assert means == sorted(means)


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0, 2.0, 2.0, 2.0], [0.0, 1.0]])
def test_every_picture_is_in_one_quarter(values: list[float]) -> None:
    masks = by_quarter(np.array(values))
    assert sum(mask.astype(int) for mask in masks.values()).tolist() == [1] * len(
        values
    )


def test_equal_values_stay_together() -> None:
    assert members(by_quarter(np.array([3.0, 3.0, 3.0, 3.0]))) == {
        "lowest quarter": [0, 1, 2, 3]
    }


def test_source_is_the_folder_below_the_class() -> None:
    names = ["Test/Fake/faceswap/a.jpg", "Test/real/web/2019/b.jpg", "real/c.jpg"]
    assert members(by_source(names, ("Real", "Fake"))) == {
        "faceswap": [0],
        "web/2019": [1],
    }


def test_pictures_right_in_their_class_folder_have_no_source() -> None:
    assert by_source(["Real/a.jpg", "Fake/b.jpg", "c.jpg"], ("real", "fake")) == {}


def test_pictures_without_a_label_are_in_no_part() -> None:
    assert members(by_label(["b", None, "a", "b", ""])) == {"a": [2], "b": [0, 3]}


def test_parts_are_reported_like_sets_with_their_baseline() -> None:
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 80)
    p_fake, baseline = rng.random((2, 80))
    left = np.arange(80) < 50
    report = slice_report({"left": left}, y_true, p_fake, 0.3, baseline)["left"]
    assert (report["pictures"], report["real"] + report["fake"]) == (50, 50)
    assert report["accuracy"] == np.mean((p_fake >= 0.3)[left] == y_true[left])
    low, high = report["accuracy_interval"]
    assert low < report["accuracy"] < high
    assert report["auc"] == pytest.approx(roc_auc_score(y_true[left], p_fake[left]))
    assert report["thumbnail_baseline_auc"] == pytest.approx(
        roc_auc_score(y_true[left], baseline[left])
    )
    low, high = report["auc_interval"]
    assert low < report["auc"] < high


@pytest.mark.parametrize("label", [0, 1])
def test_part_of_one_class_has_an_accuracy_but_no_auc(label: int) -> None:
    every = np.ones(4, dtype=bool)
    scores = np.array([0.1, 0.2, 0.3, 0.9])
    report = slice_report({"all": every}, np.full(4, label), scores, 0.5, scores)
    assert report["all"]["accuracy"] == (0.75, 0.25)[label]
    assert (report["all"]["auc"], report["all"]["auc_interval"]) == (None, None)
    assert report["all"]["thumbnail_baseline_auc"] is None
