"""Crops on disk: lossless, whole or not there, each beside its own label."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.crop_cache import (
    Cropped,
    CropSet,
    LabelledPicture,
    cache_key,
    write_crop_set,
)
from deepfake_detector.exceptions import DatasetError

SIZE = (6, 5)
PICTURES = [LabelledPicture(f"{i}.png", i % 2) for i in range(7)]

#: These cannot be read; a face is found in every third of the others.
UNREADABLE = ("2.png", "3.png")


def crop_of(name: str) -> NDArray[np.uint8]:
    """A crop that its picture's name decides."""
    rng = np.random.default_rng(int(name.partition(".")[0]))
    return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def crop_all(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
    for number, picture in enumerate(pictures):
        readable = picture.name not in UNREADABLE
        yield (crop_of(picture.name), number % 3 == 0) if readable else None


def write(directory: Path) -> CropSet:
    return write_crop_set(directory, ("drawn", "val"), PICTURES, crop_all, SIZE)


def test_written_set_is_read_again_bit_for_bit(tmp_path: Path) -> None:
    written, again = write(tmp_path / "set"), CropSet.read(tmp_path / "set")
    np.testing.assert_array_equal(written.crops, again.crops)
    np.testing.assert_array_equal(written.y_true, again.y_true)
    np.testing.assert_array_equal(written.face_found, again.face_found)
    assert (again.source, again.split) == ("drawn", "val")
    assert (written.names, written.unreadable) == (again.names, again.unreadable)


def test_crops_keep_their_names_and_labels_past_an_unreadable_one(
    tmp_path: Path,
) -> None:
    crop_set = write(tmp_path / "set")
    assert crop_set.names == ("0.png", "1.png", "4.png", "5.png", "6.png")
    assert crop_set.y_true.tolist() == [0, 1, 0, 1, 0]
    assert crop_set.face_found.tolist() == [True, False, False, False, True]
    assert crop_set.unreadable == UNREADABLE
    for name, crop in zip(crop_set.names, crop_set.crops, strict=True):
        np.testing.assert_array_equal(crop, crop_of(name))


def test_types_are_those_that_are_stated(tmp_path: Path) -> None:
    crop_set = write(tmp_path / "set")
    assert crop_set.crops.dtype == np.uint8
    assert crop_set.crops.shape == (len(crop_set), *SIZE, 3)
    assert crop_set.y_true.dtype == np.int64
    assert crop_set.face_found.dtype == bool


def test_crops_are_mapped_and_not_read_into_memory(tmp_path: Path) -> None:
    crops = write(tmp_path / "set").crops
    assert isinstance(crops, np.memmap)
    assert not crops.flags.writeable


def test_share_of_found_faces_is_that_of_each_class(tmp_path: Path) -> None:
    shares = write(tmp_path / "set").face_found_share()
    assert shares == {"Real": pytest.approx(2 / 3), "Fake": 0.0}


def merged_set(directory: Path) -> CropSet:
    """Seven pictures of two sets, of which each lacks one that cannot be read."""
    pictures = [
        LabelledPicture(f"{origin}/{i}.png", i % 2, origin=origin)
        for origin, rows in (("one", (0, 1, 2)), ("two", (3, 4, 5, 6)))
        for i in rows
    ]

    def crops(wanted: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        for picture in wanted:
            file = picture.name.rpartition("/")[2]
            yield None if file in UNREADABLE else (crop_of(file), True)

    return write_crop_set(directory, ("merged", "val"), pictures, crops, SIZE)


def test_merged_set_keeps_origins_on_disk_and_past_unreadable_ones(
    tmp_path: Path,
) -> None:
    written, again = merged_set(tmp_path / "set"), CropSet.read(tmp_path / "set")
    assert written.origins == again.origins == ("one", "one", "two", "two", "two")


def test_merged_set_comes_apart_by_origin_without_a_copy(tmp_path: Path) -> None:
    merged = merged_set(tmp_path / "set")
    one, two = merged.by_origin()
    assert (one.source, one.split, one.names) == (
        "one",
        "val",
        ("one/0.png", "one/1.png"),
    )
    assert (two.source, two.unreadable) == ("two", ("two/3.png",))
    assert two.y_true.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(two.crops, merged.crops[2:])
    assert np.shares_memory(two.crops, merged.crops)
    assert one.by_origin() == (one,)


def test_drawn_part_of_a_merged_set_keeps_its_origins(tmp_path: Path) -> None:
    drawn = merged_set(tmp_path / "set").drawn(2, seed=0)
    assert drawn.origins == tuple(name.partition("/")[0] for name in drawn.names)


def test_set_of_one_origin_is_its_own_only_part(tmp_path: Path) -> None:
    crop_set = write(tmp_path / "set")
    assert crop_set.origins is None
    assert crop_set.by_origin() == (crop_set,)


def test_set_cached_before_there_were_origins_is_read(tmp_path: Path) -> None:
    write(tmp_path / "set")
    path = tmp_path / "set" / "index.json"
    index = json.loads(path.read_text())
    del index["origins"]
    path.write_text(json.dumps(index))
    assert CropSet.read(tmp_path / "set").origins is None


def test_class_without_pictures_has_no_share() -> None:
    one_class = CropSet(
        source="drawn",
        split="val",
        crops=np.zeros((1, *SIZE, 3), dtype=np.uint8),
        y_true=np.array([1]),
        names=("a.png",),
        face_found=np.array([True]),
    )
    assert one_class.face_found_share() == {"Fake": 1.0}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_cut_run_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def cut(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        yield from crop_all(pictures[:3])
        raise error

    with pytest.raises(error):
        write_crop_set(tmp_path / "set", ("drawn", "val"), PICTURES, cut, SIZE)
    assert list(tmp_path.iterdir()) == []


def test_results_must_be_as_many_as_pictures(tmp_path: Path) -> None:
    def too_few(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        yield from crop_all(pictures[:-1])

    with pytest.raises(ValueError, match="shorter"):
        write_crop_set(tmp_path / "set", ("drawn", "val"), PICTURES, too_few, SIZE)
    assert not (tmp_path / "set").exists()


def test_killed_run_leaves_no_folder_of_that_name(tmp_path: Path) -> None:
    seen: list[Path] = []

    def look(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        for result in crop_all(pictures):
            seen.extend(tmp_path.iterdir())
            yield result

    write_crop_set(tmp_path / "set", ("drawn", "val"), PICTURES, look, SIZE)
    assert seen
    assert all(path.name.startswith(".set-") for path in seen)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_set_that_another_run_finished_first_is_taken(tmp_path: Path) -> None:
    def overtaken(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        write(tmp_path / "set")
        yield from crop_all(pictures)

    late = write_crop_set(tmp_path / "set", ("drawn", "val"), PICTURES, overtaken, SIZE)
    assert late.names == CropSet.read(tmp_path / "set").names
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_set_that_cannot_be_put_in_its_place_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PermissionError):
        write(tmp_path / "set")


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xff" * path.stat().st_size)


@pytest.mark.parametrize("name", ["crops.npy", "index.json"])
@pytest.mark.parametrize("damage", [remove, empty, halve, overwrite])
def test_damaged_cache_is_refused_with_the_fix(
    damage: Any, name: str, tmp_path: Path
) -> None:
    write(tmp_path / "set")
    damage(tmp_path / "set" / name)
    with pytest.raises(DatasetError, match="cached crops in set are damaged; delete"):
        CropSet.read(tmp_path / "set")


@pytest.mark.parametrize("field", ["source", "names", "y_true", "face_found"])
def test_cache_without_a_field_is_refused(field: str, tmp_path: Path) -> None:
    write(tmp_path / "set")
    index = tmp_path / "set" / "index.json"
    fields = json.loads(index.read_text())
    del fields[field]
    index.write_text(json.dumps(fields))
    with pytest.raises(DatasetError, match="damaged"):
        CropSet.read(tmp_path / "set")


def test_too_little_disk_space_is_said_before_cropping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        pytest.fail("cropped without space for it")

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(DatasetError, match="make room, or use another --cache-dir"):
        write_crop_set(tmp_path / "set", ("drawn", "val"), PICTURES, never, SIZE)


def test_key_is_of_the_facts_and_not_of_their_order() -> None:
    assert cache_key({"a": 1, "b": [2]}) == cache_key({"b": [2], "a": 1})


@pytest.mark.parametrize(
    "other", [{"a": 2, "b": [2]}, {"a": 1}, {"a": 1, "b": [2, 3]}, {"a": "1", "b": [2]}]
)
def test_other_facts_have_another_key(other: dict[str, Any]) -> None:
    assert cache_key(other) != cache_key({"a": 1, "b": [2]})
