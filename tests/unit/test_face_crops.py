"""The one crop rule, by its properties and against NumPy's own padding."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_crops
from deepfake_detector.exceptions import ConfigError, UnknownNameError
from deepfake_detector.face_crops import CROP_RULES, CropRule, FaceBox

TIGHT = CropRule(detector="dlib_hog", margin=1.0, square=True)
FACE, WHOLE = CROP_RULES["face"], CROP_RULES["whole"]


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return values.astype(np.uint8)


BOXES = {
    "inside": FaceBox(20, 10, 30, 30),
    "tall": FaceBox(20, 5, 10, 40),
    "over the corner": FaceBox(-10, -10, 30, 30),
    "over the far corner": FaceBox(70, 45, 30, 30),
    "larger than the picture": FaceBox(-50, -50, 300, 300),
    "wholly outside": FaceBox(500, 400, 30, 30),
    "far outside": FaceBox(-10_000, -10_000, 50, 50),
    "between pixels": FaceBox(20.4, 10.6, 29.7, 30.2),
    "smaller than a pixel": FaceBox(20.4, 10.6, 0.1, 0.1),
}


@pytest.mark.parametrize("rule", [FACE, WHOLE, TIGHT], ids=["face", "whole", "tight"])
@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_any_box_gives_a_crop_of_the_asked_shape(box: FaceBox, rule: CropRule) -> None:
    crop = face_crops.crop(noise(60, 80), box, rule, (24, 32))
    assert crop.shape == (24, 32, 3)
    assert crop.dtype == np.uint8
    assert crop.flags.c_contiguous


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_same_input_gives_the_same_bytes(box: FaceBox) -> None:
    crops = [face_crops.crop(noise(60, 80), box, FACE, (24, 24)) for _ in range(2)]
    assert crops[0].tobytes() == crops[1].tobytes()


def test_box_inside_equals_a_plain_slice() -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(20, 10, 30, 30), TIGHT, (30, 30))
    np.testing.assert_array_equal(crop, image[10:40, 20:50])


def test_box_inside_is_averaged_over_areas() -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(20, 10, 32, 32), TIGHT, (8, 8))
    blocks = image[10:42, 20:52].reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    # Pillow rounds once for rows and once for columns.
    np.testing.assert_allclose(crop, blocks, atol=1.01)


def test_small_box_is_enlarged_linearly() -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(20, 10, 8, 8), TIGHT, (32, 32))
    part = Image.fromarray(image[10:18, 20:28])
    expected = part.resize((32, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(crop, np.asarray(expected))


@pytest.mark.parametrize("left, top", [(-15, -20), (65, 50), (-15, 50), (65, -20)])
def test_border_is_reflected_as_numpy_pads(left: int, top: int) -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(left, top, 30, 30), TIGHT, (30, 30))
    padded = np.pad(image, ((40, 40), (40, 40), (0, 0)), mode="symmetric")
    expected = padded[top + 40 : top + 70, left + 40 : left + 70]
    np.testing.assert_array_equal(crop, expected)


def test_reflection_repeats_where_the_picture_is_much_smaller() -> None:
    image = noise(3, 5)
    crop = face_crops.crop(image, FaceBox(-20, -20, 40, 40), TIGHT, (40, 40))
    padded = np.pad(image, ((20, 17), (20, 15), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(crop, padded)


def test_one_pixel_fills_the_crop() -> None:
    image = np.full((1, 1, 3), (9, 8, 7), dtype=np.uint8)
    crop = face_crops.crop(image, FaceBox(0, 0, 1, 1), FACE, (16, 16))
    assert (crop == (9, 8, 7)).all()


def test_margin_widens_about_the_centre() -> None:
    image = noise(100, 100)
    wide = CropRule(detector="dlib_hog", margin=2.0, square=True)
    crop = face_crops.crop(image, FaceBox(40, 30, 20, 20), wide, (40, 40))
    np.testing.assert_array_equal(crop, image[20:60, 30:70])


def test_square_rule_takes_the_longer_side() -> None:
    image = noise(100, 100)
    crop = face_crops.crop(image, FaceBox(45, 30, 10, 40), TIGHT, (40, 40))
    np.testing.assert_array_equal(crop, image[30:70, 30:70])


def test_whole_rule_squeezes_the_picture() -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(0, 0, 80, 60), WHOLE, (30, 20))
    expected = Image.fromarray(image).resize((20, 30), Image.Resampling.BOX)
    np.testing.assert_array_equal(crop, np.asarray(expected))


def test_crop_does_not_share_memory_with_the_picture() -> None:
    image = noise(60, 80)
    crop = face_crops.crop(image, FaceBox(20, 10, 30, 30), TIGHT, (30, 30))
    assert not np.shares_memory(crop, image)


@pytest.mark.parametrize("margin", [1.0, 1.3, 4.0])
def test_margin_between_one_and_four_is_accepted(margin: float) -> None:
    assert CropRule("dlib_hog", margin, square=True).margin == margin


@pytest.mark.parametrize("margin", [0.99, 4.01, -1.3, float("nan"), float("inf")])
def test_margin_out_of_bounds_is_refused(margin: float) -> None:
    with pytest.raises(ConfigError, match="between 1 and 4"):
        CropRule("dlib_hog", margin, square=True)


@pytest.mark.parametrize("rule", [FACE, TIGHT], ids=["face", "tight"])
@pytest.mark.parametrize("size", [(60, 80), (80, 60), (61, 80), (7, 4), (50, 50)])
def test_centre_box_crops_the_largest_square(
    size: tuple[int, int], rule: CropRule
) -> None:
    image, side = noise(*size), min(size)
    box = face_crops.centre_box(image, rule)
    crop = face_crops.crop(image, box, rule, (side, side))
    views = np.lib.stride_tricks.sliding_window_view(image, (side, side, 3))
    assert any((view == crop).all() for view in views.reshape(-1, side, side, 3))
    assert box.centre == pytest.approx((size[1] / 2, size[0] / 2))


def test_nearest_centre_is_the_box_a_label_is_of() -> None:
    boxes = [FaceBox(0, 0, 60, 60), FaceBox(45, 45, 12, 12), FaceBox(90, 90, 9, 9)]
    assert face_crops.nearest_centre(boxes, noise(100, 100)) is boxes[1]


def test_equally_near_boxes_give_the_first() -> None:
    boxes = [FaceBox(10, 40, 20, 20), FaceBox(70, 40, 20, 20)]
    assert face_crops.nearest_centre(boxes, noise(100, 100)) is boxes[0]


def test_rule_survives_the_card() -> None:
    assert CropRule(**FACE.to_dict()) == FACE


@pytest.mark.parametrize("name", CROP_RULES)
def test_rule_is_found_by_its_name(name: str) -> None:
    assert face_crops.crop_rule(name) is CROP_RULES[name]


def test_unknown_rule_lists_choices() -> None:
    with pytest.raises(UnknownNameError, match="'ears'; choose from: face, whole"):
        face_crops.crop_rule("ears")


@pytest.mark.parametrize("rule", [FACE, WHOLE, TIGHT], ids=["face", "whole", "tight"])
@pytest.mark.parametrize("name", ["inside", "tall", "between pixels"])
def test_region_is_the_part_that_is_cut_out(rule: CropRule, name: str) -> None:
    image, region = noise(90, 120), face_crops.region(BOXES[name], rule)
    left, top, width, height = map(
        int, (region.left, region.top, region.width, region.height)
    )
    crop = face_crops.crop(image, BOXES[name], rule, (height, width))
    rows, columns = np.arange(top, top + height), np.arange(left, left + width)
    rows = np.where(rows < 0, -1 - rows, rows)
    columns = np.where(columns < 0, -1 - columns, columns)
    np.testing.assert_array_equal(crop, image[np.ix_(rows, columns)])


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_region_lies_round_its_boxs_centre(box: FaceBox) -> None:
    region = face_crops.region(box, FACE)
    assert region.width == region.height >= 1
    assert region.centre == pytest.approx(box.centre, abs=1)
