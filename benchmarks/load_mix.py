"""What the clients of the load test send: pictures of several sizes, and no picture."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.planted_scenes import drawn_heads, plant_faces

_BOUNDARY: Final = "benchmark-boundary-7d1f"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY}"

_PORTRAITS: Final = 8
_PORTRAIT_PX: Final = 256
_HEADS: Final = 6
_GROUP_MEGAPIXELS: Final = 1.5
_PHOTO_MEGAPIXELS: Final = 12.0
_SEED: Final = 5


@dataclass(frozen=True)
class Sending:
    """One body that a client may send.

    Parameters
    ----------
    name : str
        What it is, for the report.
    share : float
        How often it is sent, of all.
    body : bytes
        A multipart form of type `CONTENT_TYPE`.
    """

    name: str
    share: float
    body: bytes


def picture_mix() -> list[Sending]:
    """Draw what is sent: portraits, groups, a text named .jpg, a large photo.

    Returns
    -------
    list of Sending
        The same at every call; shares add up to 1.
    """
    heads = drawn_heads(_HEADS)
    portraits = [
        _jpeg(draw_face(seed, _PORTRAIT_PX)) for seed in range(1, _PORTRAITS + 1)
    ]
    rng = np.random.default_rng(_SEED)
    group = _jpeg(plant_faces(heads, _GROUP_MEGAPIXELS, rng).image)
    photo = _jpeg(plant_faces(heads, _PHOTO_MEGAPIXELS, rng).image)
    text = b"This is a text whose name ends in .jpg.\n" * 50
    return [
        *(Sending("portrait", 0.7 / _PORTRAITS, _form(jpeg)) for jpeg in portraits),
        Sending("group", 0.18, _form(group)),
        Sending("text", 0.1, _form(text)),
        Sending("12 megapixels", 0.02, _form(photo)),
    ]


def _jpeg(picture: np.typing.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _form(content: bytes) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="picture.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
