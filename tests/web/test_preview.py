"""The copy of the picture that the page carries."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from deepfake_detector.web.preview import Preview


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 60), (100, 60)), ((2560, 640), (1280, 320)), ((1, 1), (1, 1))],
)
def test_copy_is_a_jpeg_of_at_most_1280_pixels(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = np.full((size[1], size[0], 3), (200, 100, 50), dtype=np.uint8)
    preview = Preview.of(image)
    head, _, content = preview.uri.partition(",")
    copy = Image.open(io.BytesIO(base64.b64decode(content)))
    assert head == "data:image/jpeg;base64"
    assert copy.size == (preview.width, preview.height) == expected
    np.testing.assert_allclose(np.asarray(copy)[0, 0], (200, 100, 50), atol=3)


@pytest.mark.parametrize(("side", "expected"), [(64, (64, 32)), (500, (200, 100))])
def test_copy_is_as_small_as_asked_for_and_never_larger(
    side: int, expected: tuple[int, int]
) -> None:
    preview = Preview.of(np.zeros((100, 200, 3), dtype=np.uint8), side)
    assert (preview.width, preview.height) == expected
