"""What can be said of a picture without looking at what it shows.

None of these numbers should tell a real face from a fake one. Where one does, a network
will find it too, and will have learned nothing about faces.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from deepfake_detector.images import FORMATS

UInt8Array = NDArray[np.uint8]

#: Longer side of the copy whose sharpness is measured, pixels, so that pictures of
#: different size can be compared: a larger one has softer edges pixel by pixel.
SHARPNESS_PX: Final = 256

#: Luminance table of ITU-T T.81, Annex K, table K.1, row by row: quality 50.
_BASE_TABLE: Final = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)

#: What Pillow's numbers for chroma subsampling stand for.
_SUBSAMPLING: Final = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


@dataclass(frozen=True)
class FileFacts:
    """A picture's file, read as far as its header.

    Parameters
    ----------
    width, height : int
        Pixels, as stored.
    file_bytes : int
        Size of the file.
    encoding : str
        Format, mode and, of a JPEG, chroma subsampling and whether it is progressive:
        `JPEG RGB 4:2:0`.
    jpeg_quality : int or None
        Estimated quality, 1 to 100; None for other formats.
    """

    width: int
    height: int
    file_bytes: int
    encoding: str
    jpeg_quality: int | None

    @property
    def bytes_per_pixel(self) -> float:
        """Size of the file over the number of pixels."""
        return self.file_bytes / (self.width * self.height)


def read_file_facts(path: Path) -> FileFacts:
    """Read the header of a picture that is known to decode.

    Parameters
    ----------
    path : Path
        The file; `images.decode` has accepted it.

    Returns
    -------
    FileFacts
        What its header says.
    """
    with Image.open(path, formats=FORMATS) as picture:
        words = [str(picture.format), picture.mode]
        quality = None
        if isinstance(picture, JpegImageFile):
            words.append(_SUBSAMPLING.get(get_sampling(picture), ""))
            words.append("progressive" if picture.info.get("progressive") else "")
            quality = jpeg_quality(picture.quantization.get(0, ()))
        encoding = " ".join(filter(None, words))
        return FileFacts(*picture.size, path.stat().st_size, encoding, quality)


def jpeg_quality(table: Any) -> int | None:
    """Estimate the quality setting that a JPEG was saved with.

    The Independent JPEG Group's library [1]_ makes the table of quality q from the base
    table of [2]_: every entry is ``(base * s + 50) // 100``, at least 1 and at most
    255, with ``s = 5000 // q`` below quality 50 and ``s = 200 - 2 * q`` from there on.
    The estimate is the q whose table is nearest, by the sum of absolute differences. It
    is exact for files written with such tables (libjpeg, Pillow, OpenCV); other writers
    have tables of their own, for which it says what is about as coarse.

    Parameters
    ----------
    table : sequence of int
        Luminance quantisation table, 64 entries row by row, as Pillow gives it.

    Returns
    -------
    int or None
        Quality from 1 to 100; None if `table` has not 64 entries.

    References
    ----------
    .. [1] Independent JPEG Group, libjpeg, jcparam.c: jpeg_quality_scaling and
       jpeg_add_quant_table.
    .. [2] ITU-T Recommendation T.81 (ISO/IEC 10918-1), Annex K, table K.1.
    """
    entries = np.asarray(table, dtype=np.int64)
    if entries.shape != (64,):
        return None
    return int(np.abs(_tables() - entries).sum(axis=1).argmin()) + 1


def brightness(image: UInt8Array) -> float:
    """Return the mean grey level.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.

    Returns
    -------
    float
        In [0, 255].
    """
    return float(np.asarray(Image.fromarray(image).convert("L")).mean())


def sharpness(image: UInt8Array, side: int = SHARPNESS_PX) -> float:
    """Return the variance of the Laplacian of a grey copy of fixed size.

    The copy's longer side is `side` pixels: large pictures are averaged down over
    areas, small ones interpolated. The Laplacian [1]_ is the sum of the four
    neighbours less four times the pixel.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    side : int, default 256
        Longer side of the copy, pixels.

    Returns
    -------
    float
        At least 0; larger where edges are steeper and noise is stronger.

    References
    ----------
    .. [1] Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a
       comparative study", ICPR 2000.
    """
    grey = Image.fromarray(image).convert("L")
    longer = max(grey.size)
    size = tuple(max(3, round(length * side / longer)) for length in grey.size)
    resample = Image.Resampling.BOX if longer >= side else Image.Resampling.BILINEAR
    copy = np.asarray(grey.resize((size[0], size[1]), resample), dtype=np.float32)
    laplacian = (
        copy[:-2, 1:-1] + copy[2:, 1:-1] + copy[1:-1, :-2] + copy[1:-1, 2:]
    ) - 4 * copy[1:-1, 1:-1]
    return float(laplacian.var())


@cache
def _tables() -> NDArray[np.int64]:
    """The luminance tables of qualities 1 to 100, (100, 64)."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = (np.outer(scale, _BASE_TABLE) + 50) // 100
    tables: NDArray[np.int64] = np.clip(scaled, 1, 255)
    return tables
