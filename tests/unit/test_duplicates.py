"""Copies are found however they were saved; other faces are not taken for copies."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import duplicates
from deepfake_detector.duplicates import (
    HASH_BITS,
    NEAR_DISTANCE,
    Duplicates,
    difference_hash,
    find_duplicates,
    join,
)
from deepfake_detector.exceptions import ImageError

Array = NDArray[np.uint8]


def scene(seed: int, side: int = 160) -> Array:
    """Soft random shapes, as distinct from one another as photographs are."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


def encoded(image: Array, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def plant(root: Path, files: list[bytes]) -> list[Path]:
    paths = [root / f"{number:03}" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


def shrunk(image: Array) -> Array:
    return np.asarray(Image.fromarray(image).resize((80, 80)))


def brighter(image: Array) -> Array:
    return np.clip(image * 1.15, 0, 255).astype(np.uint8)


def turned(image: Array) -> bytes:
    """The picture lying on its side, and a note to show it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(np.rot90(image), quality=90, exif=exif)


COPIES: dict[str, Callable[[Array], bytes]] = {
    "poorer JPEG": lambda image: encoded(image, quality=50),
    "PNG": lambda image: encoded(image, "PNG"),
    "WebP": lambda image: encoded(image, "WEBP", quality=80),
    "half the size": lambda image: encoded(shrunk(image), quality=85),
    "brighter": lambda image: encoded(brighter(image), quality=85),
    "turned and noted so": turned,
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_copy_saved_otherwise_is_near_and_not_exact(
    copy: Callable[[Array], bytes], tmp_path: Path
) -> None:
    image = scene(1)
    paths = plant(tmp_path, [encoded(scene(2)), encoded(image), copy(image)])
    found = find_duplicates(paths)
    assert found == Duplicates((), ((1, 2),), ((1, 2),), ())


def test_equal_files_are_exact_whatever_their_names(tmp_path: Path) -> None:
    one, other = encoded(scene(1)), encoded(scene(2))
    found = find_duplicates(plant(tmp_path, [one, other, one, other, one]))
    assert found.exact == found.groups == ((0, 2, 4), (1, 3))
    assert found.near == ()


def test_near_copy_of_equal_files_joins_them(tmp_path: Path) -> None:
    one, poorer = encoded(scene(1)), encoded(scene(1), quality=40)
    found = find_duplicates(plant(tmp_path, [poorer, one, one]))
    assert found.exact == ((1, 2),)
    assert found.near == ((0, 1),)
    assert found.groups == ((0, 1, 2),)


def test_other_pictures_are_no_copies(tmp_path: Path) -> None:
    paths = plant(tmp_path, [encoded(scene(seed)) for seed in range(60)])
    assert find_duplicates(paths) == Duplicates((), (), (), ())


UNREADABLE = {
    "empty": b"",
    "no picture": b"a table, of which there are two",
    "cut short": encoded(scene(3))[:900],
    "another format": b"GIF89a" + bytes(40),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_files_are_left_alone_even_when_equal(
    data: bytes, tmp_path: Path
) -> None:
    twin = encoded(scene(1))
    found = find_duplicates(plant(tmp_path, [data, twin, data, twin]))
    assert found == Duplicates(((1, 3),), (), ((1, 3),), (0, 2))


def test_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    found = find_duplicates([tmp_path / "gone.jpg"])
    assert found == Duplicates((), (), (), (0,))


def test_empty_list_has_no_duplicates() -> None:
    assert find_duplicates([]) == Duplicates((), (), (), ())


def test_answer_is_the_same_for_any_number_of_cores_and_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [encoded(scene(s % 7), quality=50 + s) for s in range(21)]
    paths = plant(tmp_path, files)
    expected = find_duplicates(paths)
    assert len(expected.near) == 7
    monkeypatch.setattr(duplicates.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(duplicates, "_TILE", 4)
    assert find_duplicates(paths) == expected


def bits(*changed: int) -> NDArray[np.uint64]:
    """A hash that differs from nought in these bits."""
    flags = np.zeros(HASH_BITS, dtype=bool)
    flags[list(changed)] = True
    return np.packbits(flags).view(np.uint64)


@pytest.mark.parametrize("offset", [0, 50, 200])
@pytest.mark.parametrize(("apart", "near"), [(0, True), (24, True), (25, False)])
def test_distance_is_counted_over_the_whole_hash(
    apart: int, near: bool, offset: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hashes = {b"a": bits(), b"b": bits(*range(offset, offset + apart))}
    monkeypatch.setattr(duplicates, "difference_hash", hashes.__getitem__)
    found = find_duplicates(plant(tmp_path, list(hashes)))
    assert found.near == (((0, 1),) if near else ())
    assert NEAR_DISTANCE == 24


def test_hash_of_no_picture_is_refused() -> None:
    with pytest.raises(ImageError):
        difference_hash(b"no picture")


@pytest.mark.parametrize(
    ("ties", "groups"),
    [
        ([], ()),
        ([(7,)], ()),
        ([(5, 3)], ((3, 5),)),
        ([(9, 8), (1, 2), (2, 9)], ((1, 2, 8, 9),)),
        ([(1, 2), (1, 2), (30, 20, 10)], ((1, 2), (10, 20, 30))),
    ],
)
def test_ties_join_directly_and_through_others(
    ties: list[tuple[int, ...]], groups: tuple[tuple[int, ...], ...]
) -> None:
    assert join(ties) == groups
