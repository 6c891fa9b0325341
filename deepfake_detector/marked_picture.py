"""The picture with its faces marked: numbered boxes, and a legend in words under them.

No answer is told by colour alone: each verdict has a line pattern of its own, and the
legend names the faces that it was given to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from deepfake_detector.detector import Analysis, FaceAnalysis
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.picture_text import Font, font, line_height, wrapped
from deepfake_detector.verdict import LABELS, Verdict

Colour = tuple[int, int, int]
#: Left, top, right and bottom pixel, all inside.
Pixels = tuple[int, int, int, int]

#: Longest side of a marked picture without its legend, pixels.
MAX_SIDE_PX: Final = 1280

#: Least width of the legend, pixels.
_MIN_WIDTH_PX: Final = 320

_WHITE: Final = (255, 255, 255)
_INK: Final = (23, 33, 43)


@dataclass(frozen=True)
class Style:
    """How a verdict is drawn.

    Parameters
    ----------
    colour : (int, int, int)
        RGB of its frames; white text on it is readable.
    weight : int, default 1
        Width of a frame, in line widths.
    dash, gap : int
        Length of a frame's dashes and of the gaps between, in line widths; no gaps
        where 0.
    """

    colour: Colour
    weight: int = 1
    dash: int = 1
    gap: int = 0


#: The look of each verdict that a face can have.
STYLES: Final = {
    Verdict.LIKELY_FAKE: Style((163, 48, 31), weight=2),
    Verdict.INCONCLUSIVE: Style((92, 74, 140), dash=4, gap=3),
    Verdict.LIKELY_REAL: Style((28, 100, 73)),
    Verdict.TOO_SMALL: Style((75, 87, 99), dash=1, gap=2),
}


def marked_picture(
    image: NDArray[np.uint8], analysis: Analysis, max_side_px: int = MAX_SIDE_PX
) -> NDArray[np.uint8]:
    """Draw the faces of an analysis on a copy of its picture.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        The picture, upright as `images.decode` gives it: boxes are in its pixels.
    analysis : Analysis
        What was found in it.
    max_side_px : int, default 1280
        Longest side of the copy, pixels.

    Returns
    -------
    ndarray of shape (h + legend, w, 3), uint8
        The copy, no larger than the picture, in the upper left; below it the legend,
        which is at least 320 pixels wide.
    """
    copy = Image.fromarray(image)
    copy.thumbnail((max_side_px, max_side_px), reducing_gap=2.0)
    pen = _Pen(copy, analysis)
    # The largest comes first and is drawn first, so that it hides no smaller one.
    if not analysis.whole_picture:
        for number, face in enumerate(analysis.faces, start=1):
            pen.mark(number, face)
    return _with_legend(copy, pen, analysis)


class _Pen:
    """Draws on a scaled copy in pixels of the original."""

    def __init__(self, copy: Image.Image, analysis: Analysis) -> None:
        self._draw = ImageDraw.Draw(copy)
        self._size = copy.size
        self._scales = copy.width / analysis.width, copy.height / analysis.height
        self.line = max(2, round(max(copy.size) / 320))
        self.font = font(max(13, round(max(copy.size) / 70)))

    def mark(self, number: int, face: FaceAnalysis) -> None:
        """Draw one face's frame and number."""
        style = STYLES[face.verdict]
        pixels = self._pixels(face.box)
        draw_frame(self._draw, pixels, style, self.line)
        self._label(f"{number} {_words(face.verdict)}", pixels, style.colour)

    def _pixels(self, box: FaceBox) -> Pixels:
        """The box on the copy; a face cut by the border keeps a frame inside it."""
        across, down = self._scales
        width, height = self._size
        left = min(max(0, round(box.left * across)), width - 1)
        top = min(max(0, round(box.top * down)), height - 1)
        right = min(max(left, round((box.left + box.width) * across) - 1), width - 1)
        bottom = min(max(top, round((box.top + box.height) * down) - 1), height - 1)
        return left, top, right, bottom

    def _label(self, text: str, pixels: Pixels, colour: Colour) -> None:
        """Number and verdict above the box, or in it at the picture's upper edge.

        On a box too narrow for the words the number stands alone.
        """
        left, top, right, _ = pixels
        pad = 2 * self.line
        if self.font.getlength(text) + 2 * pad > right - left + 1:
            text = text.split()[0]
        width = round(self.font.getlength(text)) + 2 * pad
        height = line_height(self.font)
        left = max(0, min(left, self._size[0] - width))
        top = top - height if top >= height else top
        tag = (left, top, left + width - 1, top + height - 1)
        self._draw.rectangle(tag, fill=colour)
        middle = (left + width / 2, top + height / 2)
        self._draw.text(middle, text, fill=_WHITE, font=self.font, anchor="mm")


def draw_frame(
    draw: ImageDraw.ImageDraw, pixels: Pixels, style: Style, line: int
) -> None:
    """Draw a frame just inside a rectangle, on a white ground that shows its pattern.

    Parameters
    ----------
    draw : ImageDraw
        Draws on an RGB picture.
    pixels : (int, int, int, int)
        Left, top, right and bottom pixel of the frame, all inside it.
    style : Style
        Colour and pattern.
    line : int
        Width of the line in pixels.
    """
    left, top, right, bottom = pixels
    width = style.weight * line
    draw.rectangle(pixels, outline=_WHITE, width=width)
    inner = width - 1
    for start, end in _dashes(right - left + 1, style, line):
        for y in (top, max(top, bottom - inner)):
            dash = (left + start, y, left + end, min(bottom, y + inner))
            draw.rectangle(dash, fill=style.colour)
    for start, end in _dashes(bottom - top + 1, style, line):
        for x in (left, max(left, right - inner)):
            dash = (x, top + start, min(right, x + inner), top + end)
            draw.rectangle(dash, fill=style.colour)


def _dashes(length: int, style: Style, line: int) -> Iterator[tuple[int, int]]:
    """First and last pixel of each dash of a side; a gap never ends it."""
    if not style.gap:
        yield 0, length - 1
        return
    dash, gap = style.dash * line, style.gap * line
    for start in range(0, length, dash + gap):
        yield start, min(start + dash, length) - 1


def _with_legend(copy: Image.Image, pen: _Pen, analysis: Analysis) -> NDArray[np.uint8]:
    """The copy above its legend, on one white sheet."""
    width = max(copy.width, _MIN_WIDTH_PX)
    margin, height = 4 * pen.line, line_height(pen.font)
    sample = 12 * pen.line
    rows = list(_legend_rows(analysis, width - 3 * margin - sample, pen.font))
    sheet_size = (width, copy.height + 2 * margin + height * len(rows))
    sheet = Image.new("RGB", sheet_size, _WHITE)
    sheet.paste(copy, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for index, (style, text) in enumerate(rows):
        top = copy.height + margin + index * height
        middle = top + height // 2
        if style is not None:
            thick = style.weight * pen.line
            upper = middle - thick // 2
            pixels = (margin, upper, margin + sample - 1, upper + thick - 1)
            draw_frame(draw, pixels, style, pen.line)
        left = margin if style is None and index == 0 else 2 * margin + sample
        draw.text((left, middle), text, fill=_INK, font=pen.font, anchor="lm")
    return np.array(sheet, dtype=np.uint8)


def _legend_rows(
    analysis: Analysis, width: int, of: Font
) -> Iterator[tuple[Style | None, str]]:
    """How many faces there are, then each verdict with the faces that have it."""
    yield None, _headline(analysis)
    for verdict, style in STYLES.items():
        numbers = [
            str(number)
            for number, face in enumerate(analysis.faces, start=1)
            if face.verdict is verdict
        ]
        if numbers and not analysis.whole_picture:
            first, *more = wrapped(
                f"{_words(verdict)}: {', '.join(numbers)}", width, of
            )
            yield style, first
            yield from ((None, text) for text in more)


def _headline(analysis: Analysis) -> str:
    found, shown = analysis.faces_found, len(analysis.faces)
    if analysis.whole_picture:
        return f"scored as a whole: {_words(analysis.verdict)}"
    if not found:
        return "no face found"
    if found > shown:
        return f"{found} faces found, the {shown} largest marked"
    return f"{found} face{'s' if found > 1 else ''} found"


def _words(verdict: Verdict) -> str:
    return LABELS[verdict].lower()
