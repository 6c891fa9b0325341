"""The same picture twice: file for file, or to the eye.

Two files are exact duplicates where their bytes are equal. Two pictures are near
duplicates where their difference hashes are at most :data:`NEAR_DISTANCE` of
:data:`HASH_BITS` bits apart: each is laid out as 16 rows of 17 grey fields, and a bit
says whether a field is brighter than the one to its left. Sizes, encodings and a
change of brightness hardly move these bits.

The distance was chosen on the three research archives, 16 700 face crops. Copies saved
again as JPEG of quality 50 or 90, at half the size, or a fifth brighter, lie within 21
bits (99 of 100 of them within 18, but for the brightened) and at a third of the size
within 29. The nearest pictures that are not copies lie 43 bits apart in 140k Real and
Fake Faces, whose faces are all aligned alike. The usual 64 bits do not do there: for
every third picture some other face lies within 10 of them.
"""

import hashlib
import io
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from deepfake_detector import images
from deepfake_detector.exceptions import ImageError

#: Rows of the grid, and bits of a row.
_SIDE: Final = 16

#: Length of a difference hash.
HASH_BITS: Final = _SIDE * _SIDE

#: Bits in which two hashes may differ for the pictures to count as one.
NEAR_DISTANCE: Final = 24

#: A JPEG may be decoded at an eighth of its size, but no smaller than this, pixels.
_DRAFT_SIDE: Final = 4 * _SIDE

#: Hashes compared at a time, squared: the distances fit into a processor's cache.
_TILE: Final = 512

#: What Pillow's JPEG decoder is known to raise on damaged bytes.
_DAMAGED: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    struct.error,
    Image.DecompressionBombError,
)

_WORD_ROWS: Final = HASH_BITS // 64

#: Indices of pictures that belong together, rising.
Group = tuple[int, ...]


@dataclass(frozen=True)
class Duplicates:
    """Which pictures of a list are the same.

    Every group holds at least two indices, rising, and groups are ordered by their
    first; no index is in two groups of one list.

    Parameters
    ----------
    exact : tuple of tuple of int
        Files of equal bytes.
    near : tuple of tuple of int
        Pictures of unlike bytes that look alike, directly or through others between
        them; equal files stand here by the first of them.
    groups : tuple of tuple of int
        Both together: pictures that must not be parted.
    unreadable : tuple of int
        Pictures that could not be decoded; they are in no group.
    """

    exact: tuple[Group, ...]
    near: tuple[Group, ...]
    groups: tuple[Group, ...]
    unreadable: tuple[int, ...]


def find_duplicates(paths: Sequence[Path]) -> Duplicates:
    """Find exact and near duplicates in a list of picture files.

    Reading 8,000 small JPEGs and comparing them takes some three seconds on two cores;
    comparing alone grows with the square of the list and takes a minute or two for
    140,000.

    Parameters
    ----------
    paths : sequence of Path
        Picture files; one that cannot be read is left alone.

    Returns
    -------
    Duplicates
        Groups of indices into `paths`; the same for the same files, whatever the
        number of cores.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        prints = list(pool.map(_fingerprint, paths))
    first_of: dict[bytes, int] = {}
    twins, hashes = [], {}
    for index, found in enumerate(prints):
        if found is None:
            continue
        digest, bits = found
        first = first_of.setdefault(digest, index)
        if first == index:
            hashes[index] = bits
        else:
            twins.append((first, index))
    alike = _alike(hashes)
    return Duplicates(
        exact=join(twins),
        near=join(alike),
        groups=join([*twins, *alike]),
        unreadable=tuple(i for i, found in enumerate(prints) if found is None),
    )


def join(ties: Iterable[Sequence[int]]) -> tuple[Group, ...]:
    """Join what is tied together, directly or through others.

    Parameters
    ----------
    ties : iterable of sequence of int
        Indices that belong together, at least one in each.

    Returns
    -------
    tuple of tuple of int
        Groups of two and more, each rising, ordered by their first index.
    """
    pairs = [(tie[0], other) for tie in ties for other in tie[1:]]
    if not pairs:
        return ()
    indices, edges = np.unique(np.array(pairs), return_inverse=True)
    rows, columns = edges.reshape(-1, 2).T
    shape = (len(indices), len(indices))
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)
    _, group_of = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = {}
    for index, group in zip(indices.tolist(), group_of.tolist(), strict=True):
        groups.setdefault(group, []).append(index)
    return tuple(sorted(tuple(g) for g in groups.values() if len(g) > 1))


def difference_hash(data: bytes) -> NDArray[np.uint64]:
    """Return the difference hash of an encoded picture.

    Parameters
    ----------
    data : bytes
        JPEG, PNG or WebP.

    Returns
    -------
    ndarray of shape (4,), uint64
        The 256 bits.

    Raises
    ------
    ImageError
        If the picture cannot be decoded.
    """
    grey = _grey_jpeg(data) or Image.fromarray(images.decode(data)).convert("L")
    small = grey.resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    fields = np.asarray(small)  # (16, 17)
    brighter = fields[:, 1:] > fields[:, :-1]  # (16, 16)
    return np.packbits(brighter).view(np.uint64)


def _fingerprint(path: Path) -> tuple[bytes, NDArray[np.uint64]] | None:
    """SHA-256 and difference hash of a file, or None if it is no picture."""
    try:
        data = path.read_bytes()
        return hashlib.sha256(data).digest(), difference_hash(data)
    except (ImageError, OSError):
        return None


def _grey_jpeg(data: bytes) -> Image.Image | None:
    """A JPEG at the smallest scale that serves; None for other formats.

    The decoder leaves out the fine detail that a hash has no use for, which makes it
    about five times as fast. Whatever is odd is left to the house's decoder.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG",))
        if picture.width * picture.height > images.DEFAULT_MAX_PIXELS:
            return None
        picture.draft("L", (_DRAFT_SIDE, _DRAFT_SIDE))
        return ImageOps.exif_transpose(picture).convert("L")
    except _DAMAGED:
        return None


def _alike(hashes: dict[int, NDArray[np.uint64]]) -> list[tuple[int, int]]:
    """Pairs of indices whose hashes are near; equal hashes as a chain of pairs."""
    if not hashes:
        return []
    indices = np.array(list(hashes))
    words = np.stack(list(hashes.values()))  # (n, 4)
    # A thousand copies are a thousand ties and not half a million: compare them once.
    distinct, inverse = np.unique(words, axis=0, return_inverse=True)
    first = np.full(len(distinct), len(indices))
    np.minimum.at(first, inverse.ravel(), np.arange(len(indices)))
    same = [(first[k], i) for i, k in enumerate(inverse.ravel()) if first[k] != i]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(lambda tile: _near_in_tile(distinct, *tile), _tiles(distinct))
        near = [(first[a], first[b]) for pairs in found for a, b in pairs]
    return [(int(indices[a]), int(indices[b])) for a, b in (*same, *near)]


def _tiles(words: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """First row and column of every tile on and above the diagonal."""
    starts = range(0, len(words), _TILE)
    return ((row, column) for row in starts for column in starts if column >= row)


def _near_in_tile(
    words: NDArray[np.uint64], row: int, column: int
) -> NDArray[np.int64]:
    """Pairs of rows of `words` that are near, (n, 2), the lower first."""
    ours, theirs = words[row : row + _TILE], words[column : column + _TILE]
    distance = np.zeros((len(ours), len(theirs)), dtype=np.uint16)
    for word in range(_WORD_ROWS):
        distance += np.bitwise_count(ours[:, word, None] ^ theirs[None, :, word])
    pairs = np.argwhere(distance <= NEAR_DISTANCE) + (row, column)
    return pairs[pairs[:, 0] < pairs[:, 1]]
