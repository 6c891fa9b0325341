"""The crop rule for any picture and box: shape, sameness, and what moves with it."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from deepfake_detector.face_crops import CropRule, FaceBox, centre_box, crop, region
from tests.fuzz.face_crop import check_crop

Pixels = NDArray[Any]

pictures = arrays(
    np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3))
)
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))
rules = st.builds(CropRule, st.just("any"), st.floats(1.0, 4.0), st.booleans())
exact = st.builds(CropRule, st.just("any"), st.just(1.0), st.just(False))
places = st.floats(-1e6, 1e6)
lengths = st.floats(0.01, 200)
boxes = st.builds(FaceBox, places, places, lengths, lengths)
whole_boxes = st.builds(
    FaceBox,
    st.integers(-30, 40),
    st.integers(-30, 40),
    st.integers(1, 40),
    st.integers(1, 40),
)


@given(pictures, boxes, rules, sizes)
def test_any_box_gives_a_crop_of_the_size(
    image: Pixels, box: FaceBox, rule: CropRule, size: tuple[int, int]
) -> None:
    check_crop(image, box, rule, size)


@given(pictures, boxes, rules)
def test_region_is_of_whole_pixels_around_the_centre(
    image: Pixels, box: FaceBox, rule: CropRule
) -> None:
    part = region(box, rule)
    assert all(float(x).is_integer() for x in (part.left, part.top))
    assert part.width >= 1 and part.height >= 1
    assert part.width == part.height or not rule.square
    for got, wanted in zip(part.centre, box.centre, strict=True):
        assert abs(got - wanted) <= 1.0


@given(pictures, whole_boxes, exact)
def test_crop_of_the_regions_own_size_shows_the_pixels(
    image: Pixels, box: FaceBox, rule: CropRule
) -> None:
    cut = crop(image, box, rule, (int(box.height), int(box.width)))
    rows = _mirrored(int(box.top), int(box.height), image.shape[0])
    columns = _mirrored(int(box.left), int(box.width), image.shape[1])
    assert np.array_equal(cut, image[np.ix_(rows, columns)])


def _mirrored(start: int, extent: int, length: int) -> list[int]:
    """Pixels in the order of a walk that turns round at either edge."""
    there_and_back = [*range(length), *reversed(range(length))]
    return [there_and_back[at % (2 * length)] for at in range(start, start + extent)]


@given(pictures, whole_boxes, exact, st.integers(1, 4), st.booleans())
def test_mirrored_picture_gives_the_mirrored_crop(
    image: Pixels, box: FaceBox, rule: CropRule, factor: int, grows: bool
) -> None:
    """Where sizes do not divide, Pillow's box filter gives a pixel between two of the
    crop to the left one alone; it is only then that sides differ."""
    height, width = image.shape[:2]
    size = (int(box.height), int(box.width))
    if grows:
        size = (size[0] * factor, size[1] * factor)
    else:
        box = FaceBox(box.left, box.top, box.width * factor, box.height * factor)
    plain = crop(image, box, rule, size).astype(int)
    beside = FaceBox(width - box.left - box.width, box.top, box.width, box.height)
    below = FaceBox(box.left, height - box.top - box.height, box.width, box.height)
    mirrored = crop(np.ascontiguousarray(image[:, ::-1]), beside, rule, size)
    upside_down = crop(np.ascontiguousarray(image[::-1]), below, rule, size)
    assert np.abs(mirrored[:, ::-1] - plain).max() <= 1
    assert np.abs(upside_down[::-1] - plain).max() <= 1


@given(pictures, whole_boxes, rules, sizes, st.integers(1, 3))
def test_crop_moves_with_the_picture(
    image: Pixels, box: FaceBox, rule: CropRule, size: tuple[int, int], steps: int
) -> None:
    """A picture and its reflections repeat every two lengths, so boxes do too."""
    height, width = image.shape[:2]
    moved = FaceBox(
        box.left + 2 * width * steps, box.top - 2 * height, box.width, box.height
    )
    assert np.array_equal(crop(image, box, rule, size), crop(image, moved, rule, size))


@given(pictures, rules, sizes)
def test_centre_box_stays_inside(
    image: Pixels, rule: CropRule, size: tuple[int, int]
) -> None:
    square = CropRule(rule.detector, rule.margin, True)
    part = region(centre_box(image, square), square)
    height, width = image.shape[:2]
    assert part.width == max(1, min(height, width))
    assert -1 <= part.left and part.left + part.width <= width + 1
    assert -1 <= part.top and part.top + part.height <= height + 1


@given(st.integers(0, 255), boxes, rules, sizes)
def test_flat_picture_gives_a_flat_crop(
    grey: int, box: FaceBox, rule: CropRule, size: tuple[int, int]
) -> None:
    image = np.full((9, 13, 3), grey, dtype=np.uint8)
    assert (crop(image, box, rule, size) == grey).all()
