"""Where in a large picture faces may be, by a network too small to be sure [1]_.

It sees a reduced copy, in which the smallest faces are a dozen pixels wide, and smaller
copies of that for larger faces. What it proposes is for a face detector to verify.

References
----------
.. [1] The first of three in Zhang, Zhang, Li and Qiao, "Joint Face Detection and
   Alignment Using Multitask Cascaded Convolutional Networks", IEEE Signal Processing
   Letters 23(10), 2016, is as small.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.config import REPOSITORY
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_search import Candidate
from deepfake_detector.openvino_runtime import compiled
from deepfake_detector.picture import Picture, PictureCopy

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

#: The network's folder and what is in it.
FOLDER: Final = REPOSITORY / "models" / "face_proposals"
NETWORK_FILE: Final = "proposals.tflite"
CARD_FILE: Final = "card.json"

#: Pixels of a copy between two neighbouring answers.
STRIDE: Final = 4

#: Side of a face in a copy whose logarithm the network calls 0, pixels: the middle of
#: the octave from 12 to 24 that it was trained to propose.
MIDDLE_PX: Final = 17.0

#: How much smaller the largest copy is than the picture: faces of 48 pixels and more.
REDUCTION: Final = 4

#: Side of what the network sees at a time, and how much of it two neighbours share.
TILE_PX: Final = 272
_SHARED_PX: Final = 24

#: What lies around a copy: the grey that the network takes for 0.
_GREY: Final = 128

#: Longer side of copies that share one tile: 120, 60, 30 and 15 fit into it in a row.
_SMALL_COPY_PX: Final = 120

#: A copy with a shorter side than this holds no whole face that is left to propose.
_LEAST_COPY_PX: Final = 12

#: Proposals of one face: their centres are this near, in sides of the surer one, and
#: their sides within this factor.
_SAME_PLACE: Final = 0.5
_SAME_SIZE: Final = 1.8


@dataclass(frozen=True)
class _Piece:
    """A part of a copy, and where in a tile it lies; `scale` leads to the picture."""

    pixels: UInt8Array
    left: int
    top: int
    scale: float
    at: int = 0


class FaceProposer:
    """Proposes faces of 48 pixels and more; one inference request a thread.

    Compiled before a fork it serves after it.

    Parameters
    ----------
    folder : Path, optional
        Where the network and its card lie; by default the one that ships.

    Raises
    ------
    ArtifactError
        If a file is missing or not what the card says.
    MissingPackageError
        If openvino is not installed.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._network, self._least = _loaded(folder)
        self._local = threading.local()

    def propose(self, image: UInt8Array | Picture, most: int) -> list[Candidate]:
        """Say where faces may be.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8, or Picture
            RGB picture.
        most : int
            Most proposals that are wanted.

        Returns
        -------
        list of Candidate
            Squares in pixels of `image`, which may leave it, and the network's logits;
            the surest first, each place once.
        """
        source = Picture.of(image).copy_for(1.0, 1 / REDUCTION)
        tiles = _tiles(_copies(source))
        found = [self._answers(tile, pieces) for tile, pieces in tiles]
        rows = np.concatenate([np.zeros((0, 4), np.float32), *found])  # (n, 4)
        return [
            Candidate(FaceBox(x - side / 2, y - side / 2, side, side), logit)
            for logit, x, y, side in _distinct(rows, most).tolist()
        ]

    def _answers(self, tile: UInt8Array, pieces: Sequence[_Piece]) -> Float32Array:
        """Rows of logit, x, y and side, in pixels of the picture."""
        pixels = tile[np.newaxis].astype(np.float32)
        answers = self._request().infer(pixels, share_inputs=True)
        grid = next(iter(answers.values()))[0]  # (TILE_PX / 4, TILE_PX / 4, 2)
        found = []
        for piece in pieces:
            height, width = (-(-n // STRIDE) for n in piece.pixels.shape[:2])
            first = piece.at // STRIDE
            own = grid[:height, first : first + width]
            rows = self._rows(own, piece.scale)
            rows[:, 1:3] += piece.scale * np.array([piece.left, piece.top])
            found.append(rows)
        return np.concatenate(found)

    def _rows(self, grid: Float32Array, scale: float) -> Float32Array:
        """Rows of logit, x, y and side of the cells that are sure enough."""
        rows, columns = np.nonzero(grid[..., 0] >= self._least)
        logit, log_side = grid[rows, columns].T
        x, y = ((cells + 0.5) * STRIDE * scale for cells in (columns, rows))
        side = MIDDLE_PX * scale * np.exp2(np.clip(log_side, -1, 1))
        return np.stack([logit, x, y, side], axis=1).astype(np.float32)

    def _request(self) -> Any:
        """Return this thread's inference request, made on first use."""
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        return self._local.request


def thinned(image: UInt8Array, factor: int) -> UInt8Array:
    """Reduce a picture in a millisecond where Pillow takes thirty.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    factor : int
        How much smaller it becomes.

    Returns
    -------
    ndarray of shape (H // factor, W // factor, 3), uint8
        Each pixel the mean of two of its block's, on the diagonal; empty where a side
        is shorter than `factor`.
    """
    if factor == 1:
        return image
    first = _picked(image, factor, factor // 4)
    second = _picked(image, factor, factor - 1 - factor // 4)
    halves = (first >> 1) + (second >> 1)
    halves += first & second & 1
    return halves


def _picked(image: UInt8Array, factor: int, at: int) -> UInt8Array:
    """One pixel of each block; by `take`, which is twice as fast as slices."""
    height, width = (length // factor for length in image.shape[:2])
    rows = image[at : height * factor : factor].reshape(height, 3 * image.shape[1])
    pixels = np.arange(width) * factor + at
    values = 3 * pixels[:, np.newaxis] + np.arange(3)
    return np.take(rows, values.ravel(), axis=1).reshape(height, width, 3)


def _copies(source: PictureCopy) -> Iterator[tuple[UInt8Array, float]]:
    """Copies of a picture, each half as large as the last, and how much smaller."""
    factor = max(1, round(REDUCTION * source.across))
    copy, scale = thinned(source.image, factor), factor / source.across
    while min(copy.shape[:2]) >= _LEAST_COPY_PX:
        yield copy, scale
        copy, scale = thinned(copy, 2), scale * 2


def _tiles(
    copies: Iterator[tuple[UInt8Array, float]],
) -> Iterator[tuple[UInt8Array, list[_Piece]]]:
    """What the network sees at a time; the smallest copies share a tile."""
    small: list[_Piece] = []
    for copy, scale in copies:
        if max(copy.shape[:2]) <= _SMALL_COPY_PX:
            at = sum(piece.pixels.shape[1] + STRIDE for piece in small)
            at += -at % STRIDE
            small.append(_Piece(copy, 0, 0, scale, at))
            continue
        for top in _starts(copy.shape[0]):
            for left in _starts(copy.shape[1]):
                part = copy[top : top + TILE_PX, left : left + TILE_PX]
                piece = _Piece(part, left, top, scale)
                yield _laid([piece]), [piece]
    if small:
        yield _laid(small), small


def _laid(pieces: Sequence[_Piece]) -> UInt8Array:
    tile = np.full((TILE_PX, TILE_PX, 3), _GREY, np.uint8)
    for piece in pieces:
        height, width = piece.pixels.shape[:2]
        tile[:height, piece.at : piece.at + width] = piece.pixels
    return tile


def _starts(length: int) -> list[int]:
    """Where tiles begin along a side of a copy, evenly spread."""
    beyond = max(0, length - TILE_PX)
    count = -(-beyond // (TILE_PX - _SHARED_PX))
    return [round(beyond * i / count) for i in range(count + 1)] if count else [0]


def _distinct(rows: Float32Array, most: int) -> Float32Array:
    """The surest rows, each place once."""
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    kept: list[Float32Array] = []
    while len(rows) and len(kept) < most:
        best = rows[0]
        kept.append(best)
        away = np.abs(rows[:, 1:3] - best[1:3]).max(axis=1) > _SAME_PLACE * best[3]
        ratio = rows[:, 3] / best[3]
        rows = rows[away | (ratio > _SAME_SIZE) | (ratio < 1 / _SAME_SIZE)]
    return np.array(kept, np.float32).reshape(-1, 4)


@cache
def _loaded(folder: Path) -> tuple[Any, float]:
    """The compiled network, and the logit from which it proposes."""
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        network = (folder / NETWORK_FILE).read_bytes()
        least, digest = float(card["least_logit"]), card["files"][NETWORK_FILE]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ArtifactError(
            f"face proposals: expected {CARD_FILE} and {NETWORK_FILE} in the folder "
            f"{folder.name!r} ({error.__class__.__name__}); copy models/ again"
        ) from error
    if hashlib.sha256(network).hexdigest() != digest:
        raise ArtifactError(
            f"{NETWORK_FILE}: its SHA-256 is not the card's; the file was altered or "
            "is incomplete, so copy models/ again"
        )
    return compiled(network), least
