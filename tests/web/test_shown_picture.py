"""What the page carries of a picture, and how large."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.web.shown_picture import (
    SEVERAL_SIDE_PX,
    THUMBNAIL_SIDE_PX,
)

Start = Callable[..., Any]

FACE = FaceBox(20, 20, 70, 70)


@pytest.fixture
def large_png(as_png: Callable[..., bytes]) -> bytes:
    """2000 x 1000 pixels."""
    return as_png(Image.new("RGB", (2000, 1000), "grey"))


def sizes_of(page: str) -> list[tuple[int, int]]:
    """Width and height that each picture's tag gives."""
    tags = re.findall(r"<img [^>]*>", page)
    pairs = [re.search(r'width="(\d+)" height="(\d+)"', tag) for tag in tags]
    assert all(pairs), "a picture without its size moves the page when it comes"
    return [(int(pair[1]), int(pair[2])) for pair in pairs if pair]


def test_every_picture_says_its_size(start: Start, large_png: bytes) -> None:
    server = start(boxes=[FACE, FACE])
    assert (16, 16) in sizes_of(server.send(("file", "a.png", large_png)).text)


def test_pictures_of_several_are_smaller(start: Start, large_png: bytes) -> None:
    server = start(boxes=[FACE])
    part = ("file", "a.png", large_png)
    alone, several = server.send(part).text, server.send(part, part).text
    thumbnail = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX // 2)
    assert thumbnail not in sizes_of(alone)
    assert sizes_of(several).count(thumbnail) == 2
    assert SEVERAL_SIDE_PX < 1280
    # The boxes stay in the original's pixels, whatever the copy's.
    assert several.count('viewBox="0 0 2000 1000"') == 2
