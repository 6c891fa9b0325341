"""The face crop and the stability views, for boxes anywhere."""

import struct
from collections.abc import Iterator

import numpy as np

from deepfake_detector import face_crops
from deepfake_detector.face_crops import CropRule, FaceBox
from deepfake_detector.stability import CHECKS, check_crops

MAX_LEN = 64

#: Height, width, crop height, crop width, margin, square; left, top, width, height.
_LAYOUT = struct.Struct("<BBBBBBffff")


def seeds() -> Iterator[bytes]:
    """Boxes inside, across the border, far away, tiny and huge."""
    for box in ((4, 4, 20, 20), (-9, 30, 40, 8), (1e6, -1e6, 5, 5), (0, 0, 0.1, 90)):
        for square in (0, 1):
            yield _LAYOUT.pack(40, 30, 16, 16, 30, square, *box)


def check(data: bytes) -> None:
    """Read picture, rule and box from the bytes, and cut."""
    height, width, *size, margin, square, left, top, across, down = _LAYOUT.unpack(
        data[: _LAYOUT.size].ljust(_LAYOUT.size, b"\0")
    )
    numbers = np.nan_to_num(np.array([left, top, across, down]), posinf=9, neginf=-9)
    left, top = np.clip(numbers[:2], -1e7, 1e7).tolist()
    across, down = np.clip(np.abs(numbers[2:]), 0.01, 100).tolist()
    grid = np.arange((height + 1) * (width + 1) * 3) % 251
    image = grid.astype(np.uint8).reshape(height + 1, width + 1, 3)
    rule = CropRule("any", 1 + 3 * margin / 255, bool(square % 2))
    check_crop(
        image, FaceBox(left, top, across, down), rule, (size[0] + 1, size[1] + 1)
    )


def check_crop(
    image: face_crops.UInt8Array, box: FaceBox, rule: CropRule, size: tuple[int, int]
) -> None:
    """Hold a crop and its views against what they promise."""
    before = image.copy()
    crop = face_crops.crop(image, box, rule, size)
    views = check_crops(image, box, rule, size)
    assert len(views) == len(CHECKS)
    for cut in (crop, *views):
        assert (cut.shape, cut.dtype) == ((*size, 3), np.uint8)
        assert cut.flags.c_contiguous
    assert not np.shares_memory(crop, image)
    assert np.array_equal(image, before)
    assert np.array_equal(crop, face_crops.crop(image, box, rule, size))
