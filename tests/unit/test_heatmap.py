"""Heatmaps of an analysis: read off it, or by covering; as numbers and as pictures."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import face_crops
from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.heatmap import (
    MAX_OCCLUDED_FACES,
    MAX_SIDE_PX,
    MEANING,
    TITLE,
    Heatmap,
    colours,
    heatmaps_of,
    scale_bar,
)

CARD = ModelCard("stand-in", "test", (32, 32, 3), CROP_RULES["face"])
LARGE, MEDIUM = FaceBox(40, 40, 120, 120), FaceBox(220, 60, 100, 100)
SMALL = FaceBox(10, 10, 30, 30)


class Brightness:
    """Scores by brightness, and has an activation map of it."""

    input_shape = CARD.input_shape

    def __init__(self) -> None:
        self.crops_scored = 0

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.crops_scored += len(batch)
        grey = batch.astype(np.float32).mean(axis=3) / 32 - 4
        cam = grey.reshape(len(batch), 4, 8, 4, 8).mean(axis=(2, 4))
        return {"logit": cam.mean(axis=(1, 2)), "cam": cam}


class PlantedFaces:
    """Finds the faces that it was told of."""

    def __init__(self, boxes: list[FaceBox]) -> None:
        self.boxes = boxes

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        return self.boxes


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """Dark on the left, bright on the right; (240, 360, 3)."""
    row = np.linspace(0, 255, 360).astype(np.uint8)
    return np.broadcast_to(row[:, None], (240, 360, 3)).copy()


def analysed(
    image: NDArray[np.uint8], boxes: list[FaceBox], backend: Any = None
) -> tuple[Detector, Analysis]:
    detector = Detector(backend or Brightness(), PlantedFaces(boxes), CARD)
    return detector, detector.analyse(image)


def heatmap(evidence: Any, towards_fake: bool = True, size: int = 32) -> Heatmap:
    values = np.array(evidence, dtype=np.float32)
    crop = np.full((size, size, 3), 128, dtype=np.uint8)
    return Heatmap("cam", values, crop, FaceBox(0, 0, size, size), towards_fake)


def test_map_of_the_scoring_pass_is_that_of_the_faces_crop(
    image: NDArray[np.uint8],
) -> None:
    backend = Brightness()
    detector, analysis = analysed(image, [LARGE, MEDIUM, SMALL], backend)
    before = backend.crops_scored
    first, second, third = heatmaps_of(detector, analysis)
    assert backend.crops_scored == before  # no second pass
    assert third is None  # too small to judge
    for found, box in ((first, LARGE), (second, MEDIUM)):
        assert found is not None
        crop = face_crops.crop(image, box, CARD.crop, (32, 32))
        np.testing.assert_array_equal(found.crop, crop)
        (cam,) = backend.run(crop[None])["cam"]
        np.testing.assert_allclose(found.evidence, cam, atol=1e-5)
    assert first is not None and second is not None
    assert (first.towards_fake, second.towards_fake) == (False, True)
    assert first.weights[0, 0] == 1  # the darkest column speaks most for Real
    assert second.weights[0, 3] == 1  # the brightest most for Fake


def test_region_is_where_the_crop_was_cut(image: NDArray[np.uint8]) -> None:
    detector, analysis = analysed(image, [LARGE])
    (found,) = heatmaps_of(detector, analysis)
    assert found is not None
    # 120 pixels and the margin of 1.3 round the centre (100, 100).
    assert found.region == FaceBox(22, 22, 156, 156)


def test_network_without_a_map_has_no_heatmaps(image: NDArray[np.uint8]) -> None:
    backend = ConstantBackend(input_shape=CARD.input_shape)
    detector, analysis = analysed(image, [LARGE, SMALL], backend)
    assert heatmaps_of(detector, analysis) == (None, None)


def test_picture_without_a_face_has_no_heatmaps(image: NDArray[np.uint8]) -> None:
    detector, analysis = analysed(image, [])
    assert heatmaps_of(detector, analysis) == ()
    assert heatmaps_of(detector, analysis, "occlusion") == ()


def test_occlusion_explains_the_largest_judged_faces_at_a_known_cost(
    image: NDArray[np.uint8],
) -> None:
    backend = Brightness()
    boxes = [LARGE, MEDIUM, LARGE, LARGE, MEDIUM, SMALL]
    detector, analysis = analysed(image, boxes, backend)
    before = backend.crops_scored
    found = heatmaps_of(detector, analysis, "occlusion")
    assert [h is not None for h in found] == [True] * MAX_OCCLUDED_FACES + [False] * 3
    assert backend.crops_scored - before == MAX_OCCLUDED_FACES * (1 + 49)
    assert all(h.method == "occlusion" for h in found if h)


def test_occlusion_needs_no_map_and_sees_what_a_constant_sees(
    image: NDArray[np.uint8],
) -> None:
    backend = ConstantBackend(2.0, input_shape=CARD.input_shape)
    detector, analysis = analysed(image, [LARGE], backend)
    (found,) = heatmaps_of(detector, analysis, "occlusion")
    assert found is not None
    assert found.evidence.shape == (32, 32)
    assert not found.weights.any()


def test_unknown_method_is_refused(image: NDArray[np.uint8]) -> None:
    detector, analysis = analysed(image, [])
    with pytest.raises(ValueError, match="cam, occlusion, not 'lime'"):
        heatmaps_of(detector, analysis, "lime")


@pytest.mark.parametrize(
    ("evidence", "towards_fake", "expected"),
    [
        ([[-1, 2], [4, 0]], True, [[0, 0.5], [1, 0]]),
        ([[-1, 2], [-4, 0]], False, [[0.25, 0], [1, 0]]),
        ([[-1, -2], [-4, 0]], True, [[0, 0], [0, 0]]),
        ([[0, 0], [0, 0]], False, [[0, 0], [0, 0]]),
    ],
)
def test_weights_are_those_of_the_side_that_the_score_is_on(
    evidence: Any, towards_fake: bool, expected: Any
) -> None:
    np.testing.assert_allclose(heatmap(evidence, towards_fake).weights, expected)


def test_fields_are_json_and_say_what_they_show() -> None:
    fields = heatmap([[1.23456, -2], [0, 0.5]]).to_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert fields["evidence"] == [[1.2346, -2], [0, 0.5]]
    assert fields["shows"] == "where the model looked"
    assert fields["region"] == {"left": 0, "top": 0, "width": 32, "height": 32}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((8, 8), (8, 8)), ((128, 100), (16, 16)), ((1, 40), (1, 16))],
)
def test_fields_hold_a_small_grid_with_the_maps_mean(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    evidence = np.linspace(-1, 3, shape[0] * shape[1]).reshape(shape)
    grid = np.array(heatmap(evidence).to_dict()["evidence"])
    assert grid.shape == expected
    assert grid.mean() == pytest.approx(evidence.mean(), abs=0.1)


def test_picture_is_brightest_where_most_counted() -> None:
    evidence = np.zeros((4, 4))
    evidence[1, 2] = 3
    drawn = heatmap(evidence).picture()
    assert drawn.shape == (MAX_SIDE_PX, MAX_SIDE_PX, 3)
    assert drawn.dtype == np.uint8
    # The middle of that cell: row 1 of 4 is 96 of 256 pixels down.
    strongest, elsewhere = drawn[96, 160].astype(int), drawn[220, 30].astype(int)
    grey = 0.4 * 128
    np.testing.assert_allclose(
        strongest, 0.6 * np.array((253, 231, 37)) + grey, atol=12
    )
    np.testing.assert_allclose(elsewhere, 0.6 * np.array((68, 1, 84)) + grey, atol=2)


def test_a_line_encloses_what_counted_half_as_much() -> None:
    evidence = np.zeros((4, 4))
    evidence[1, 2] = 3
    drawn = heatmap(evidence).picture()
    rows, columns = np.nonzero((drawn == 255).all(axis=2))
    assert 64 - 16 <= rows.min() < 96 < rows.max() <= 128 + 16
    assert 128 - 16 <= columns.min() < 160 < columns.max() <= 192 + 16


def test_nothing_that_counts_draws_no_line() -> None:
    assert not (heatmap(np.zeros((4, 4))).picture() == 255).all(axis=2).any()


def test_crop_that_is_not_square_keeps_its_shape() -> None:
    values = np.ones((2, 4), dtype=np.float32)
    crop = np.zeros((20, 40, 3), dtype=np.uint8)
    found = Heatmap("cam", values, crop, FaceBox(0, 0, 40, 20), True)
    assert found.picture().shape == (128, 256, 3)


def lightness(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L* of sRGB colours."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return 116 * np.cbrt(luminance) - 16


def test_scale_reads_without_colour_vision() -> None:
    """Its lightness rises, by about as much with every step."""
    steps = np.diff(lightness(colours(np.linspace(0, 1, 17))))
    assert steps.min() > 0.6 * steps.mean() > 0
    assert steps.max() < 1.4 * steps.mean()


def test_scale_bar_runs_from_the_least_to_the_most() -> None:
    bar = scale_bar(64, 5)
    assert bar.shape == (5, 64, 3)
    np.testing.assert_array_equal(bar[0], bar[4])
    np.testing.assert_array_equal(bar[2, [0, 63]], [(68, 1, 84), (253, 231, 37)])


def test_words_never_say_where_a_fake_is() -> None:
    words = f"{TITLE} {MEANING}".lower()
    assert "where the model looked" in words
    assert "not which part was changed" in words
    assert "fake" not in words
