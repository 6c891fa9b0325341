"""Caches of crops that were damaged, cut or written by an older version."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfake_detector import dataset_handler
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import DATASETS
from deepfake_detector.exceptions import DatasetError
from deepfake_detector.face_crops import CROP_RULES
from tests.drawn_sets import write_drawn_set
from tests.faults.fault_table import fault

Observed = Callable[[str], None]


@pytest.fixture
def handler(tmp_path: Path) -> DatasetHandler:
    data = write_drawn_set(tmp_path / "drawn")
    source = DatasetSource(data, archive=None, url=None, cache_dir=tmp_path / "cache")
    return DatasetHandler(DATASETS.get("folder"), source, CROP_RULES["whole"], (24, 24))


def crops_of(handler: DatasetHandler) -> bytes:
    return handler.get_image_dataset_from_directory("train").crops.tobytes()


def cached(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "crops").iterdir())


@fault(
    "a cache of crops that older versions of Pillow or of this program wrote",
    "not used and not touched; the pictures are cropped again",
)
def test_older_version(
    handler: DatasetHandler,
    tmp_path: Path,
    observed: Observed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as older:
        older.setattr(dataset_handler, "version", lambda package: "1.0")
        crops_of(handler)
    (old,) = cached(tmp_path)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    crops_of(handler)
    assert len(cached(tmp_path)) == 2
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    observed("a second cache beside the old one, which stayed as it was")


@fault(
    "a cache of crops whose files were cut short, or lack what this version reads",
    "one line that says which folder to delete; never half a set",
)
@pytest.mark.parametrize("damage", ["crops cut", "index cut", "index without labels"])
def test_damaged(
    handler: DatasetHandler, tmp_path: Path, observed: Observed, damage: str
) -> None:
    crops_of(handler)
    (folder,) = cached(tmp_path)
    name = "crops.npy" if damage == "crops cut" else "index.json"
    content = (folder / name).read_bytes()
    if damage == "index without labels":
        index = json.loads(content)
        del index["y_true"]
        (folder / name).write_text(json.dumps(index))
    else:
        (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=f"{folder.name} are damaged; delete that"):
        crops_of(handler)
    observed("one line that names the folder")


@fault(
    "a cache of crops that was written before sets had origins",
    "read as it is",
)
def test_index_of_before(
    handler: DatasetHandler, tmp_path: Path, observed: Observed
) -> None:
    crops = crops_of(handler)
    (folder,) = cached(tmp_path)
    index = json.loads((folder / "index.json").read_text())
    del index["origins"]
    (folder / "index.json").write_text(json.dumps(index))
    assert crops_of(handler) == crops
    assert cached(tmp_path) == [folder]
    observed("the same crops, not cropped again")
