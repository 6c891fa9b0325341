"""Perturbations of the source picture, and what they cost."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from deepfake_detector import face_crops, robustness
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.robustness import (
    DESCRIPTIONS,
    PERTURBATIONS,
    perturbed_crops,
    robustness_report,
)

FACE, WHOLE = CROP_RULES["face"], CROP_RULES["whole"]
SIZE = (48, 48)

#: Where a face can lie in a picture of 512 pixels.
BOXES = {
    "inside": FaceBox(179, 83, 87, 87),
    "over the corner": FaceBox(-20, -10, 90, 90),
    "over the far corner": FaceBox(450, 460, 80, 70),
    "larger than the picture": FaceBox(-100, -100, 700, 700),
    "outside": FaceBox(600, 20, 50, 50),
}


def changed(name: str, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    picture = PERTURBATIONS[name](Image.fromarray(image), np.random.default_rng(0))
    return np.asarray(picture, dtype=np.float64)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_is_described_and_changes_the_picture(
    name: str, portrait: NDArray[np.uint8]
) -> None:
    assert name.split("_")[0] in DESCRIPTIONS
    picture = changed(name, portrait)
    assert picture.shape[2] == 3
    assert picture.shape != portrait.shape or (picture != portrait).any()
    np.testing.assert_array_equal(changed(name, portrait), picture)


@pytest.mark.parametrize("side", [1, 2, 17])
@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_takes_tiny_pictures(name: str, side: int) -> None:
    assert changed(name, np.zeros((side, 1, 3), dtype=np.uint8)).min() >= 0


@pytest.mark.parametrize(
    ("milder", "stronger"),
    [
        ("jpeg_90", "jpeg_70"),
        ("jpeg_70", "jpeg_50"),
        ("jpeg_50", "jpeg_30"),
        ("blur_1", "blur_2"),
    ],
)
def test_stronger_perturbation_moves_pixels_farther(
    milder: str, stronger: str, portrait: NDArray[np.uint8]
) -> None:
    near, far = (np.abs(changed(n, portrait) - portrait) for n in (milder, stronger))
    assert near.mean() < far.mean()


def test_shrunk_picture_stays_small(portrait: NDArray[np.uint8]) -> None:
    assert changed("resize_0.5", portrait).shape == (256, 256, 3)
    assert changed("resize_0.25", portrait).shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "brightness_0.7": (70, 105, 0),
        "brightness_1.3": (130, 195, 0),
        "contrast_0.7": (108, 143, 38),
        "contrast_1.3": (92, 157, 0),
        "tint_warm": (115, 150, 0),
        "tint_cool": (85, 150, 0),
    }.items(),
)
def test_levels_are_moved_as_told(name: str, expected: tuple[int, int, int]) -> None:
    levels = np.full((4, 4, 3), (100, 150, 0), dtype=np.uint8)
    np.testing.assert_allclose(changed(name, levels)[0, 0], expected, atol=1)


def test_noise_has_its_strength_and_no_offset() -> None:
    noise = changed("noise_10", np.full((200, 200, 3), 128, dtype=np.uint8)) - 128
    assert noise.std() == pytest.approx(10, rel=0.05)
    assert abs(noise.mean()) < 0.2


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("rule", [FACE, WHOLE], ids=["face", "whole"])
def test_only_the_surroundings_need_be_perturbed(
    rule: face_crops.CropRule,
    box: FaceBox,
    portrait: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Noise is drawn anew for each size of the surroundings.
    exact = [i for i, name in enumerate(PERTURBATIONS) if name != "noise_10"]
    near = perturbed_crops(portrait, box, rule, SIZE, seed=0)[exact]
    monkeypatch.setattr(robustness, "_surroundings", lambda *given: (0, 0, 512, 512))
    whole = perturbed_crops(portrait, box, rule, SIZE, seed=0)[exact]
    np.testing.assert_array_equal(near, whole)


def test_surroundings_of_a_small_face_are_small() -> None:
    image = np.zeros((3000, 4000, 3), dtype=np.uint8)
    left, top, right, bottom = robustness._surroundings(image, BOXES["inside"], FACE)
    assert (right - left) * (bottom - top) < 250**2
    assert (left % 16, top % 16) == (0, 0)


def test_crops_are_in_the_order_of_the_table(portrait: NDArray[np.uint8]) -> None:
    box = BOXES["inside"]
    crops = perturbed_crops(portrait, box, FACE, SIZE, seed=0)
    assert (crops.shape, crops.dtype) == ((len(PERTURBATIONS), *SIZE, 3), np.uint8)
    clean = face_crops.crop(portrait, box, FACE, SIZE).mean()
    means = dict(zip(PERTURBATIONS, crops.mean(axis=(1, 2, 3)), strict=True))
    assert means["brightness_0.7"] == pytest.approx(0.7 * clean, rel=0.02)
    assert means["resize_0.25"] == pytest.approx(clean, rel=0.05)


def test_noise_differs_from_picture_to_picture(portrait: NDArray[np.uint8]) -> None:
    at = list(PERTURBATIONS).index("noise_10")
    one, other, again = (
        perturbed_crops(portrait, BOXES["inside"], FACE, SIZE, seed)[at]
        for seed in (0, 1, 0)
    )
    assert (one != other).any()
    np.testing.assert_array_equal(one, again)


@pytest.fixture
def scores() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    y_true = np.repeat([0, 1], 60)
    clean = np.clip(0.4 * y_true + 0.6 * rng.random(120), 0, 1)
    return y_true, clean, rng.random(120)


def test_report_tells_the_drop_from_clean(
    scores: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    y_true, clean, noise = scores
    baseline = {"clean": noise, "same": clean, "lost": noise}
    report = robustness_report(
        y_true, clean, {"same": clean, "lost": noise}, 0.5, baseline
    )
    assert list(report) == ["clean", "same", "lost"]
    assert report["same"]["auc_drop"] == 0.0
    assert report["same"]["auc_drop_interval"] == [0.0, 0.0]
    lost = roc_auc_score(y_true, clean) - roc_auc_score(y_true, noise)
    assert report["lost"]["auc_drop"] == pytest.approx(lost)
    low, high = report["lost"]["auc_drop_interval"]
    assert 0 < low < lost < high
    assert report["same"]["thumbnail_baseline_auc"] == report["clean"]["auc"]


def test_report_goes_without_a_baseline(
    scores: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    y_true, clean, _ = scores
    report = robustness_report(y_true, clean, {}, 0.5)
    assert report["clean"]["thumbnail_baseline_auc"] is None
