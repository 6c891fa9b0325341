import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepfake_detector import inspection
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.datasets import BOXES_FILE
from deepfake_detector.exceptions import ConfigError, DatasetError, UnknownNameError
from deepfake_detector.face_crops import crop_rule
from deepfake_detector.inspection import (
    Inspection,
    dataset_to_inspect,
    inspect_dataset,
)
from deepfake_detector.leak_report import CLEAR, TOO_FEW, UNKNOWN
from deepfake_detector.thumbnail_baseline import ThumbnailBaseline, thumbnails
from tests.drawn_sets import draw_picture, write_drawn_set


def handler(folder: Path) -> DatasetHandler:
    return dataset_to_inspect(str(folder), {}, cache_dir=folder.parent / "cache")


def row(found: Inspection, name: str, of: str = "picture") -> dict[str, Any]:
    (found_row,) = [
        row
        for row in found.report["leak_report"]
        if (row["name"], row["of"]) == (name, of)
    ]
    return found_row


def header_only_png(side: int) -> bytes:
    """A PNG that announces a square of that many pixels and holds none of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


#: Files that are listed, and what is said of each.
BAD_FILES = {
    "text.jpg": (b"not a picture", "not a JPEG, PNG or WebP"),
    "empty.png": (b"", "empty"),
    "huge.png": (header_only_png(20_000), "megapixels"),
    "cut.png": (header_only_png(20), "damaged"),
    "<script>alert(1)</script>.jpg".replace("/", "_"): (b"GIF89a", "GIF"),
}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """Drawn squares without faces, with bad files and copies between them."""
    folder = write_drawn_set(tmp_path_factory.mktemp("damaged") / "set")
    for name, (data, _) in BAD_FILES.items():
        (folder / "Train" / "Real" / name).write_bytes(data)
    real, fake = folder / "Train" / "Real", folder / "Train" / "Fake"
    copy = (real / "000.png").read_bytes()
    (folder / "Test" / "Real" / "copy.png").write_bytes(copy)
    (fake / "wrong.png").write_bytes((real / "001.png").read_bytes())
    return inspect_dataset(handler(folder))


@pytest.fixture(scope="module")
def page(damaged: Inspection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on it, in a folder that was not there before."""
    return damaged.write(tmp_path_factory.mktemp("report") / "new")


def test_pictures_are_counted_by_split_and_class(damaged: Inspection) -> None:
    bad = len(BAD_FILES)
    assert damaged.report["pictures"] == {
        "train": {"Real": 8 + bad, "Fake": 9},
        "val": {"Real": 4, "Fake": 4},
        "test": {"Real": 5, "Fake": 4},
    }
    assert damaged.report["sizes"] == {"40x40": {"Real": 17, "Fake": 17}}
    assert damaged.report["encodings"] == {"PNG RGB": {"Real": 17, "Fake": 17}}
    assert damaged.report["jpeg_qualities"] == {}


@pytest.mark.parametrize("name", BAD_FILES)
def test_unreadable_file_is_listed_with_its_reason(
    damaged: Inspection, name: str
) -> None:
    reasons = {bad["name"]: bad["reason"] for bad in damaged.report["unreadable"]}
    assert len(reasons) == len(BAD_FILES)
    assert BAD_FILES[name][1] in reasons[f"Train/Real/{name}"]


def test_copies_say_what_they_cross(damaged: Inspection) -> None:
    crossing = {
        tuple(group["pictures"]): (group["crosses_split"], group["crosses_class"])
        for group in damaged.report["duplicates"]["exact"]
    }
    assert crossing == {
        ("Train/Real/000.png", "Test/Real/copy.png"): (True, False),
        ("Train/Real/001.png", "Train/Fake/wrong.png"): (False, True),
    }


def test_set_without_a_face_says_so(damaged: Inspection, page: Path) -> None:
    assert damaged.report["face_found"] == {"Real": 0.0, "Fake": 0.0}
    assert row(damaged, "face_width")["verdict"] == UNKNOWN
    assert row(damaged, "face_px", "face crop")["auc"] is None
    assert "No face was found" in page.read_text(encoding="utf-8")


def test_page_and_facts_are_written_whole(damaged: Inspection, page: Path) -> None:
    names = {file.name for file in page.parent.iterdir()}
    assert names == {"inspection.html", "inspection.json"}
    facts = page.with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(facts) == damaged.report
    html = page.read_text(encoding="utf-8")
    assert "Do not publish it" in html
    assert "<script" not in html and "&lt;script&gt;" in html


def test_thumbnail_is_that_of_the_crops_that_training_makes(tmp_path: Path) -> None:
    source = handler(write_drawn_set(tmp_path / "set"))
    found = inspect_dataset(source)
    for name, of in (("whole", "picture"), ("face", "face crop")):
        cropped = DatasetHandler(
            source.spec, source.source, crop_rule(name), source.image_size
        )
        train, val, test = cropped.load_split_data()
        baseline = ThumbnailBaseline.fitted(
            thumbnails(train.crops), train.y_true, len(val)
        )
        scores = baseline.p_fake(thumbnails(val.crops))
        fakes, reals = scores[val.y_true == 1], scores[val.y_true == 0]
        auc = np.mean(fakes[:, None] > reals)
        assert row(found, "thumbnail", of)["auc_by_split"]["val"] == auc


def test_chequered_fakes_are_sharper(tmp_path: Path) -> None:
    found = inspect_dataset(handler(write_drawn_set(tmp_path / "set")), ["whole"])
    sharpness = row(found, "sharpness")
    assert (sharpness["auc"], sharpness["verdict"]) == (1.0, TOO_FEW)
    assert sharpness["direction"] == "larger in fakes"
    assert row(found, "source_size")["verdict"] == CLEAR
    assert {row["of"] for row in found.report["leak_report"]} == {"picture"}


def test_stated_boxes_are_the_faces(tmp_path: Path) -> None:
    folder = write_drawn_set(tmp_path / "set", {s: 6 for s in SPLITS})
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.png")]
    boxes = {n: [4, 4, 30, 30] if "Fake" in n else [4, 4, 10, 12] for n in names}
    (folder / BOXES_FILE).write_text(json.dumps(boxes), encoding="utf-8")
    found = inspect_dataset(handler(folder))
    width = row(found, "face_width")
    assert (width["auc"], width["verdict"]) == (1.0, TOO_FEW)
    assert (width["median_real"], width["median_fake"]) == (0.25, 0.75)
    assert row(found, "face_px", "face crop")["median_real"] == 12


def write_classes(folder: Path, count: int, **options: Any) -> Path:
    for label, name in enumerate(("Real", "Fake")):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            picture = Image.fromarray(draw_picture(0, 100 * label + index))
            suffix = options.get(name, "png")
            picture.save(folder / name / f"{index}.{suffix}")
    return folder


def test_set_too_small_to_split_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    found = inspect_dataset(handler(write_classes(tmp_path / "set", 4)))
    assert found.report["pictures"] == {"all": {"Real": 4, "Fake": 4}}
    assert row(found, "thumbnail")["verdict"] == UNKNOWN
    assert row(found, "brightness")["auc_by_split"].keys() == {"all"}


def test_encodings_that_go_with_the_class_are_a_leak(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", 10, Real="jpg", Fake="webp")
    found = inspect_dataset(handler(folder))
    assert found.report["pictures"].keys() == set(SPLITS)
    assert not found.report["comes_split"]
    assert found.report["encodings"] == {
        "JPEG RGB 4:2:0": {"Real": 10, "Fake": 0},
        "WEBP RGB": {"Real": 0, "Fake": 10},
    }
    assert (row(found, "encoding")["auc"], row(found, "encoding")["verdict"]) == (
        1.0,
        TOO_FEW,
    )
    assert found.report["jpeg_qualities"] == {"75": {"Real": 10, "Fake": 0}}
    # Fakes have no JPEG quality to compare with.
    assert row(found, "jpeg_quality")["verdict"] == UNKNOWN


@pytest.mark.parametrize("name", ["Real", "Fake"])
def test_set_without_a_readable_picture_of_a_class_is_refused(
    tmp_path: Path, name: str
) -> None:
    folder = write_classes(tmp_path / "set", 4)
    for file in (folder / name).iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=f"no readable picture of class {name}"):
        inspect_dataset(handler(folder))


@pytest.mark.parametrize("folders", [(), ("Real",), ("Fake",), ("Real", "Fake")])
def test_folder_without_pictures_of_both_classes_is_refused(
    tmp_path: Path, folders: tuple[str, ...]
) -> None:
    for name in ("set", *(f"set/{name}" for name in folders)):
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match=r"expected real/|no pictures of class Real"):
        inspect_dataset(handler(tmp_path / "set"))


def test_file_that_may_not_be_read_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locate(self: DatasetHandler, picture: Any, detector: Any) -> Any:
        if picture.name.endswith("Real/0.png"):
            raise PermissionError(13, "Permission denied", "/somewhere/secret")
        return locate_before(self, picture, detector)

    locate_before = DatasetHandler.locate
    monkeypatch.setattr(DatasetHandler, "locate", locate)
    found = inspect_dataset(handler(write_classes(tmp_path / "set", 4)))
    assert found.report["unreadable"] == [
        {"name": "Real/0.png", "reason": "The file cannot be read (PermissionError)."}
    ]


def test_merged_set_reports_where_pictures_came_from(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        folder = write_classes(tmp_path / "sets" / name, 20)
        # Reals of the one and fakes of the other are few: the source gives them away.
        few = folder / ("Real" if number else "Fake")
        for file in sorted(few.iterdir())[10:]:
            file.unlink()
    source = dataset_to_inspect(
        "merged", {}, data_dir=(tmp_path / "sets",), cache_dir=tmp_path
    )
    origin = row(inspect_dataset(source, ["face"]), "origin", "face crop")
    assert origin["signal"] == "set that it came from"
    assert (origin["auc"], origin["pictures"]) == (pytest.approx(2 / 3), 12)


def test_name_of_the_table_is_preferred_to_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openforensics").mkdir()
    monkeypatch.chdir(tmp_path)
    assert dataset_to_inspect("openforensics", {}).source.data_dir is None
    own = dataset_to_inspect("./openforensics", {})
    assert own.spec.name == "folder"
    assert own.source.data_dir == Path("openforensics")


def test_environment_says_where_a_set_lies() -> None:
    environ = {"DEEPFAKE_ARCHIVE": "my.zip", "DEEPFAKE_SEED": "7"}
    found = dataset_to_inspect("openforensics", environ)
    assert (found.source.archive, found.seed) == (Path("my.zip"), 7)


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UnknownNameError, match=r"'nowhere'; choose from: dfdc_faces"):
        dataset_to_inspect("some/where/nowhere", {})


@pytest.mark.parametrize(
    "option",
    [{"archive": (Path("a.zip"),)}, {"data_dir": (Path("a"),)}, {"dataset_url": "x"}],
)
def test_path_and_another_source_are_refused(
    tmp_path: Path, option: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="give no --archive"):
        dataset_to_inspect(str(tmp_path), {}, **option)


def test_full_disk_leaves_the_older_report(
    damaged: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inspection.html").write_text("older")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    monkeypatch.setattr(inspection, "inspection_page", lambda *_: inspection_stub())
    with pytest.raises(OSError, match="No space left"):
        damaged.write(tmp_path)
    assert (tmp_path / "inspection.html").read_text() == "older"


def inspection_stub() -> Any:
    from deepfake_detector.html_report import Page

    return Page("stub")


def test_set_in_the_current_folder_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_classes(tmp_path / "pictures", 2)
    monkeypatch.chdir(folder)
    assert inspect_dataset(handler(Path()), ["whole"]).report["data"] == "pictures"
