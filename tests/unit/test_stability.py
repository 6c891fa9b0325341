"""Views of a face that a re-encoding leaves, and which of them overturn a verdict."""

import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_crops
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.face_crops import CROP_RULES, CropRule, FaceBox
from deepfake_detector.stability import (
    CHECKS,
    JPEG_QUALITY,
    PLAIN,
    SHIFT,
    Stability,
    check_crops,
)
from deepfake_detector.verdict import VIEW_WORDS

FACE, WHOLE = CROP_RULES["face"], CROP_RULES["whole"]
SIZE = (64, 64)
CUT_OFFS = CutOffs(0.2, 0.7)  # its middle is 0.45


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """Noise on a slope: (200, 300, 3); every re-encoding changes it."""
    rng = np.random.default_rng(0)
    slope = np.linspace(20, 200, 300)[None, :, None] + np.zeros((200, 300, 3))
    return (slope + rng.normal(0, 20, slope.shape)).clip(0, 255).astype(np.uint8)


def as_jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize(
    "box",
    [
        FaceBox(100, 60, 70, 70),
        FaceBox(101.3, 61.7, 66.6, 70.1),
        FaceBox(-10, -15, 70, 70),
        FaceBox(245, 145, 70, 70),
    ],
    ids=["inside", "between pixels", "top left", "bottom right"],
)
def test_jpeg_view_is_that_of_the_whole_picture_saved_as_jpeg(
    image: NDArray[np.uint8], box: FaceBox
) -> None:
    jpeg = check_crops(image, box, FACE, SIZE)[0]
    expected = face_crops.crop(as_jpeg(image), box, FACE, SIZE)
    np.testing.assert_array_equal(jpeg, expected)


def test_half_view_is_that_of_the_whole_picture_halved(
    image: NDArray[np.uint8],
) -> None:
    box = FaceBox(100, 60, 70, 70)
    half = check_crops(image, box, FACE, SIZE)[1]
    small = np.asarray(Image.fromarray(image).resize((150, 100), Image.Resampling.BOX))
    expected = face_crops.crop(small, FaceBox(50, 30, 35, 35), FACE, SIZE)
    # Half a pixel's rounding of the region apart.
    assert np.abs(half.astype(float) - expected).mean() < 12
    assert half.std() < face_crops.crop(image, box, FACE, SIZE).std()


def test_shifted_view_is_cut_beside_by_the_stated_share(
    image: NDArray[np.uint8],
) -> None:
    shifted = check_crops(image, FaceBox(50, 40, 90, 80), FACE, SIZE)[2]
    beside = FaceBox(50 + 90 * SHIFT, 40 + 90 * SHIFT, 90, 80)
    expected = face_crops.crop(image, beside, FACE, SIZE)
    np.testing.assert_array_equal(shifted, expected)


def test_every_view_differs_from_the_plain_crop(image: NDArray[np.uint8]) -> None:
    box = FaceBox(100, 60, 70, 70)
    plain = face_crops.crop(image, box, FACE, SIZE).astype(float)
    for view in check_crops(image, box, FACE, SIZE):
        assert (view.shape, view.dtype) == ((*SIZE, 3), np.uint8)
        assert 0.5 < np.abs(view - plain).mean() < 30


def test_a_large_face_is_re_encoded_from_a_small_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded = []
    save = Image.Image.save

    def watch(self: Image.Image, *args: object, **options: object) -> None:
        encoded.append(self.size)
        save(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "save", watch)
    large = np.full((3000, 3000, 3), 90, dtype=np.uint8)
    check_crops(large, FaceBox(500, 500, 2000, 2000), FACE, SIZE)
    assert len(encoded) == 1
    assert max(encoded[0]) < 2.2 * SIZE[0]


def test_views_of_a_large_face_are_of_the_same_place() -> None:
    rows, columns = np.mgrid[0:1200, 0:1600]
    slopes = np.stack([rows / 5, columns / 7, rows / 9 + columns / 11], axis=-1)
    large, box = slopes.clip(0, 255).astype(np.uint8), FaceBox(300, 200, 700, 700)
    plain = face_crops.crop(large, box, FACE, SIZE).astype(float)
    jpeg, half, shifted = check_crops(large, box, FACE, SIZE)
    assert np.abs(jpeg - plain).mean() < 3
    assert np.abs(half - plain).mean() < 1.5
    # 3 % of 700 pixels, of which a level of the first channel takes 5.
    step = (shifted - plain)[..., 0].mean()
    assert step == pytest.approx(700 * SHIFT / 5, abs=1.0)


@pytest.mark.parametrize(
    "rule, shape, box",
    [
        (WHOLE, (1, 1), FaceBox(0, 0, 1, 1)),
        (WHOLE, (2, 3), FaceBox(0, 0, 3, 2)),
        (WHOLE, (5, 70_000), FaceBox(0, 0, 70_000, 5)),
        (WHOLE, (70_000, 5), FaceBox(0, 0, 5, 70_000)),
        (FACE, (1, 1), FaceBox(0, 0, 1, 1)),
        (FACE, (200, 20_000), FaceBox(10_000, 0, 200, 200)),
        (FACE, (100, 100), FaceBox(-500, -500, 64, 64)),
        (FACE, (100, 100), FaceBox(500, 500, 64, 64)),
        (FACE, (100, 100), FaceBox(-40, 20, 64, 64)),
        (FACE, (100, 100), FaceBox(-300, -300, 700, 700)),
        (FACE, (33, 17), FaceBox(16.9, 32.9, 0.2, 0.2)),
        (CropRule("dlib_hog", 4.0, True), (100, 100), FaceBox(20, 20, 60, 60)),
    ],
)
def test_odd_boxes_and_pictures_have_views_too(
    rule: CropRule, shape: tuple[int, int], box: FaceBox
) -> None:
    picture = np.full((*shape, 3), 77, dtype=np.uint8)
    for view in check_crops(picture, box, rule, SIZE):
        assert view.shape == (*SIZE, 3)
        assert np.abs(view.astype(int) - 77).max() <= 2


def test_picture_is_left_as_it_was(image: NDArray[np.uint8]) -> None:
    before = image.copy()
    check_crops(image, FaceBox(100, 60, 70, 70), FACE, SIZE)
    np.testing.assert_array_equal(image, before)


def views(plain: float, *checks: float) -> dict[str, float]:
    return dict(zip((PLAIN, *CHECKS), (plain, *checks), strict=True))


@pytest.mark.parametrize(
    "scores, overturned_by",
    [
        ((0.9, 0.9, 0.8, 0.95), ()),
        ((0.7, 0.69, 0.6, 0.5), ()),
        ((0.9, 0.9, 0.44, 0.9), ("half",)),
        ((0.9, 0.1, 0.2, 0.3), ("jpeg", "half", "shift")),
        ((0.9, 0.45, 0.9, 0.9), ()),
        ((0.1, 0.1, 0.2, 0.44), ()),
        ((0.1, 0.45, 0.1, 0.9), ("jpeg", "shift")),
        ((0.3, 0.9, 0.1, 0.5), ()),
        ((0.69, 0.1, 0.1, 0.1), ()),
    ],
)
def test_verdict_is_overturned_beyond_the_middle_of_the_band(
    scores: tuple[float, ...], overturned_by: tuple[str, ...]
) -> None:
    stability = Stability.of(views(*scores), CUT_OFFS)
    assert stability.overturned_by == overturned_by
    assert stability.stable == (not overturned_by)
    assert (stability.reason is None) == stability.stable


def test_without_a_band_crossing_the_threshold_overturns() -> None:
    one = CutOffs(0.5, 0.5)
    assert Stability.of(views(0.5, 0.49, 0.5, 0.6), one).overturned_by == ("jpeg",)
    assert Stability.of(views(0.49, 0.49, 0.5, 0.4), one).overturned_by == ("half",)


def test_every_check_has_its_words() -> None:
    assert set(CHECKS) == set(VIEW_WORDS)


def test_stability_becomes_json() -> None:
    fields = Stability.of(views(0.9, 0.9, 0.3, 0.9), CUT_OFFS).to_dict()
    assert json.loads(json.dumps(fields)) == {
        "stable": False,
        "p_fake": {"plain": 0.9, "jpeg": 0.9, "half": 0.3, "shift": 0.9},
        "overturned_by": ["half"],
    }
