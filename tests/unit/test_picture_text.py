"""Words on pictures break between words, and stay within their width."""

import pytest
from PIL import Image, ImageDraw

from deepfake_detector.picture_text import font, line_height, wrapped

TEXT = "likely fake: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"


@pytest.mark.parametrize("width", [60, 100, 250, 10_000])
def test_lines_are_no_wider_than_asked_and_lose_no_word(width: int) -> None:
    written = font(14)
    lines = wrapped(TEXT, width, written)
    assert " ".join(lines) == TEXT
    assert all(written.getlength(line) <= width for line in lines)
    assert (len(lines) == 1) == (written.getlength(TEXT) <= width)


def test_word_wider_than_the_line_stands_alone() -> None:
    assert wrapped("a incomprehensible b", 20, font(14)) == [
        "a",
        "incomprehensible",
        "b",
    ]


def test_no_words_are_one_empty_line() -> None:
    assert wrapped("", 20, font(14)) == [""]


@pytest.mark.parametrize("size", [8, 14, 40])
def test_letters_fit_into_the_height_of_a_line(size: int) -> None:
    written = font(size)
    height = line_height(written)
    picture = Image.new("L", (20 * size, 3 * height))
    middle = (0, 1.5 * height)
    ImageDraw.Draw(picture).text(middle, "Agjpy|019", 255, written, anchor="lm")
    box = picture.getbbox()
    assert box is not None
    assert height <= box[1] < box[3] <= 2 * height
