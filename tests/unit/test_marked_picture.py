"""Faces marked on the picture: at their own pixels, whichever way it was stored."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from deepfake_detector import images
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.detector import Analysis, FaceAnalysis
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.marked_picture import (
    MAX_SIDE_PX,
    STYLES,
    Style,
    draw_frame,
    marked_picture,
)
from deepfake_detector.verdict import Verdict

CUT_OFFS = CutOffs(0.4, 0.6)
GREY = (128, 128, 128)
FAKE_COLOUR = STYLES[Verdict.LIKELY_FAKE].colour

#: What undoes each EXIF orientation, as Pillow's `exif_transpose` does it.
STORED: dict[int, Image.Transpose | None] = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def grey(width: int = 400, height: int = 300) -> NDArray[np.uint8]:
    return np.full((height, width, 3), GREY, dtype=np.uint8)


def coloured(picture: NDArray[np.uint8], colour: Any) -> NDArray[np.bool_]:
    return (picture == np.array(colour)).all(axis=2)


def analysis(
    image: NDArray[np.uint8], *faces: tuple[FaceBox, Verdict], **other: Any
) -> Analysis:
    found = tuple(FaceAnalysis(box, verdict, 0.5) for box, verdict in faces)
    fields: dict[str, Any] = {
        "width": image.shape[1],
        "height": image.shape[0],
        "verdict": faces[0][1] if faces else Verdict.NO_FACE,
        "p_fake": 0.5 if faces else None,
        "faces": found,
        "faces_found": len(found),
        "whole_picture": False,
        "cut_offs": CUT_OFFS,
        "model_cut_offs": CUT_OFFS,
        "model": "test",
    }
    return Analysis(**fields | other)


@pytest.mark.parametrize("orientation", STORED)
def test_frame_lies_on_the_face_whichever_way_exif_turns_the_picture(
    orientation: int,
) -> None:
    # A white block stands for the face, found in the upright pixels as faces are.
    upright = Image.fromarray(grey(400, 300))
    ImageDraw.Draw(upright).rectangle((250, 60, 329, 159), fill="white")
    stored = upright
    if (turn := STORED[orientation]) is not None:
        stored = upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "PNG", exif=exif)

    image = images.decode(file.getvalue())
    rows, columns = np.nonzero((image == 255).all(axis=2))
    box = FaceBox(
        float(columns.min()), float(rows.min()), np.ptp(columns) + 1, np.ptp(rows) + 1
    )
    assert box == FaceBox(250, 60, 80, 100)
    marked = marked_picture(image, analysis(image, (box, Verdict.LIKELY_FAKE)))[:300]
    frame = coloured(marked, FAKE_COLOUR)
    frame[:60] = False  # the number stands above
    rows, columns = np.nonzero(frame)
    assert (columns.min(), columns.max()) == (250, 329)
    assert (rows.min(), rows.max()) == (60, 159)
    assert (marked[64:156, 254:326] == 255).all()  # the face itself is left alone


def test_all_but_frames_and_numbers_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (300, 400, 3), dtype=np.uint8)
    box = FaceBox(100, 80, 120, 90)
    before = image.copy()
    marked = marked_picture(image, analysis(image, (box, Verdict.LIKELY_REAL)))[:300]
    changed = (marked != image).any(axis=2)
    allowed = np.zeros_like(changed)
    allowed[80:170, 100:220] = True
    allowed[82:168, 102:218] = False
    allowed[55:80, 100:220] = True  # number and verdict
    assert changed.any()
    assert not (changed & ~allowed).any()
    np.testing.assert_array_equal(image, before)


def test_large_picture_is_made_smaller_and_its_boxes_with_it() -> None:
    image = grey(4 * MAX_SIDE_PX, 2000)
    box = FaceBox(2000, 800, 400, 600)
    marked = marked_picture(image, analysis(image, (box, Verdict.LIKELY_FAKE)))
    assert marked.shape[1] == MAX_SIDE_PX
    frame = coloured(marked[:500], FAKE_COLOUR)
    frame[:200] = False
    rows, columns = np.nonzero(frame)
    assert (columns.min(), columns.max()) == (500, 599)
    assert (rows.min(), rows.max()) == (200, 349)


@pytest.mark.parametrize(
    "box",
    [
        FaceBox(-50, -40, 100, 100),
        FaceBox(350, 250, 100, 100),
        FaceBox(-10, -10, 420, 320),
        FaceBox(399.6, 299.6, 3, 3),
        FaceBox(500, 500, 10, 10),
        FaceBox(100, 100, 0.1, 0.1),
        FaceBox(100.5, 100.5, 1, 1),
    ],
)
@pytest.mark.parametrize("verdict", STYLES)
def test_box_that_leaves_the_picture_or_is_tiny_is_drawn_inside(
    box: FaceBox, verdict: Verdict
) -> None:
    marked = marked_picture(grey(), analysis(grey(), (box, verdict)))
    assert coloured(marked[:300], STYLES[verdict].colour).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (20_000, 200), (2, 3000)])
def test_picture_of_any_shape_can_be_marked(size: tuple[int, int]) -> None:
    image = grey(*size)
    box = FaceBox(0, 0, *size)
    marked = marked_picture(image, analysis(image, (box, Verdict.LIKELY_FAKE)))
    assert marked.shape[1] == max(320, min(size[0], MAX_SIDE_PX))
    assert marked.dtype == np.uint8


def pattern(style: Style) -> tuple[str, int]:
    """The upper side of a frame of 200 pixels (# drawn, . not), and its thickness."""
    picture = Image.new("RGB", (200, 40), GREY)
    draw_frame(ImageDraw.Draw(picture), (0, 0, 199, 39), style, 2)
    drawn = coloured(np.asarray(picture), style.colour)
    line = "".join("#" if pixel else "." for pixel in drawn[0])
    return line, int(drawn[:20, 100].sum() or drawn[:20, 101:108].any(axis=1).sum())


def test_each_verdict_has_a_pattern_of_its_own() -> None:
    patterns = {verdict: pattern(style) for verdict, style in STYLES.items()}
    assert len(set(patterns.values())) == len(STYLES) == len(Verdict) - 1
    assert patterns[Verdict.LIKELY_FAKE] == (200 * "#", 4)
    assert patterns[Verdict.LIKELY_REAL] == (200 * "#", 2)
    assert patterns[Verdict.INCONCLUSIVE][0].startswith(8 * "#" + 6 * "." + 8 * "#")
    assert patterns[Verdict.TOO_SMALL][0].startswith("##....##....")


def test_gaps_are_white_so_that_the_pattern_shows_on_any_picture() -> None:
    style = STYLES[Verdict.INCONCLUSIVE]
    picture = Image.new("RGB", (200, 40), style.colour)
    draw_frame(ImageDraw.Draw(picture), (0, 0, 199, 39), style, 2)
    np.testing.assert_array_equal(np.asarray(picture)[0, 8], (255, 255, 255))


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_white_numbers_are_readable_on_the_colour(style: Style) -> None:
    """A contrast of at least 4.5, as WCAG 2.2 asks for (1.4.3)."""
    share = np.array(style.colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_number_stands_above_its_box_or_in_it_at_the_top_edge() -> None:
    low, high = FaceBox(100, 100, 80, 80), FaceBox(100, 3, 80, 80)
    for box, rows in ((low, slice(82, 100)), (high, slice(5, 20))):
        marked = marked_picture(grey(), analysis(grey(), (box, Verdict.LIKELY_FAKE)))
        tag = marked[rows, 103:108]
        assert coloured(tag, FAKE_COLOUR).mean() > 0.3
        assert (tag > 200).all(axis=2).any()  # the white number


def test_legend_has_a_line_for_each_verdict_that_was_given() -> None:
    image, box = grey(), FaceBox(100, 100, 80, 80)
    heights = [
        marked_picture(
            image, analysis(image, *((box, verdict) for verdict in given))
        ).shape[0]
        for given in (
            [],
            [Verdict.LIKELY_FAKE],
            [Verdict.LIKELY_FAKE] * 5,
            list(STYLES),
        )
    ]
    none, one, five_alike, four = heights
    assert 300 < none < one == five_alike < four
    assert four - none == len(STYLES) * (one - none)


def test_long_list_of_numbers_goes_on_in_the_next_line() -> None:
    image, box = grey(120, 120), FaceBox(10, 10, 70, 70)
    twenty = analysis(image, *[(box, Verdict.INCONCLUSIVE)] * 20)
    one = analysis(image, (box, Verdict.INCONCLUSIVE))
    assert marked_picture(image, twenty).shape[0] > marked_picture(image, one).shape[0]


def test_whole_picture_has_no_frame_but_a_legend() -> None:
    image = grey()
    face = (FaceBox(0, 0, 400, 300), Verdict.LIKELY_FAKE)
    marked = marked_picture(image, replace(analysis(image, face), whole_picture=True))
    np.testing.assert_array_equal(marked[:300], image)
    assert len(marked) > 300
