"""The copy of the picture that the page carries."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from deepfake_detector.web.preview import data_uri


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 60), (100, 60)), ((2560, 640), (1280, 320)), ((1, 1), (1, 1))],
)
def test_copy_is_a_jpeg_of_at_most_1280_pixels(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = np.full((size[1], size[0], 3), (200, 100, 50), dtype=np.uint8)
    head, _, content = data_uri(image).partition(",")
    copy = Image.open(io.BytesIO(base64.b64decode(content)))
    assert head == "data:image/jpeg;base64"
    assert copy.size == expected
    np.testing.assert_allclose(np.asarray(copy)[0, 0], (200, 100, 50), atol=3)
