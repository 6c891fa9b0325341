"""From a folder to crops: the bytes that serving sees, once, and never half."""

import hashlib
import json
import logging
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import dataset_handler, face_crops, images
from deepfake_detector.artifact import ModelCard
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import BOXES_FILE, DATASETS, DatasetSpec
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    DatasetError,
    DatasetLayoutError,
    DownloadError,
    UnknownNameError,
)
from deepfake_detector.face_crops import CROP_RULES, CropRule, FaceBox
from deepfake_detector.face_detectors import FACE_DETECTORS
from deepfake_detector.face_detectors.dlib_hog import DlibHog
from deepfake_detector.face_detectors.whole_picture import WholePicture
from deepfake_detector.labels import FAKE, REAL
from tests.drawn_sets import draw_picture, write_drawn_set

FOLDER: DatasetSpec = DATASETS.get("folder")
FACE, WHOLE = CROP_RULES["face"], CROP_RULES["whole"]
SIZE = (48, 48)


def handler_of(
    data_dir: Path | None,
    cache_dir: Path,
    rule: CropRule = WHOLE,
    size: tuple[int, int] = SIZE,
    spec: DatasetSpec = FOLDER,
) -> DatasetHandler:
    source = DatasetSource(data_dir, archive=None, url=None, cache_dir=cache_dir)
    return DatasetHandler(spec, source, rule, size)


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return write_drawn_set(tmp_path / "drawn")


@pytest.fixture
def no_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test as soon as a face is searched for."""

    def detect(self: Any, image: NDArray[np.uint8]) -> list[FaceBox]:
        pytest.fail("a face was searched for")

    monkeypatch.setattr(DlibHog, "detect", detect)
    monkeypatch.setattr(WholePicture, "detect", detect)


def find(monkeypatch: pytest.MonkeyPatch, boxes: list[FaceBox]) -> None:
    """Let the face detector find these boxes in every picture."""
    monkeypatch.setattr(DlibHog, "detect", lambda self, image: boxes)


class RecordingBackend:
    """Keeps the crops that serving feeds a network."""

    def __init__(self) -> None:
        self.input_shape = (*SIZE, 3)
        self.batches: list[NDArray[np.uint8]] = []

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.batches.append(batch)
        return {"logit": np.zeros(len(batch), dtype=np.float32)}


def write_odd_pictures(root: Path, portrait: NDArray[np.uint8]) -> Path:
    """Pictures that must be decoded and searched alike in training and serving."""
    picture = Image.fromarray(portrait)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held sideways
    clear = picture.copy()
    clear.putalpha(200)
    for folder in (root / "Real", root / "Fake"):
        folder.mkdir(parents=True)
    picture.save(root / "Real" / "plain.jpg", quality=90)
    picture.rotate(90).save(root / "Real" / "turned.jpg", exif=turned)
    clear.save(root / "Real" / "clear.png")
    picture.crop((100, 0, 400, 350)).save(root / "Fake" / "part.webp")
    # The face reaches over the border, so the crop is filled by reflection.
    picture.crop((170, 60, 330, 190)).save(root / "Fake" / "border.png")
    picture.crop((0, 300, 90, 512)).save(root / "Fake" / "no face.png")
    return root


@pytest.mark.parametrize("rule", [FACE, WHOLE], ids=["face", "whole"])
def test_training_and_serving_see_the_same_bytes(
    rule: CropRule, portrait: NDArray[np.uint8], tmp_path: Path
) -> None:
    root = write_odd_pictures(tmp_path / "set", portrait)
    trained = handler_of(root, tmp_path, rule).get_image_dataset_from_directory("all")
    backend = RecordingBackend()
    face_detector = FACE_DETECTORS.get(rule.detector)()
    card = ModelCard("m", "four_conv", (*SIZE, 3), crop=rule)
    detector = Detector(backend, face_detector, card)
    assert len(trained) == 6
    for name, crop in zip(trained.names, trained.crops, strict=True):
        image = images.decode(root / name)
        analysis = detector.analyse(root / name, whole_picture_if_no_face=True)
        boxes = [face.box for face in analysis.faces]
        labelled = boxes.index(face_crops.nearest_centre(boxes, image))
        assert crop.tobytes() == backend.batches[-1][labelled].tobytes()


def test_share_of_found_faces_is_reported_by_class(
    portrait: NDArray[np.uint8], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    root = write_odd_pictures(tmp_path / "set", portrait)
    crops = handler_of(root, tmp_path, FACE).get_image_dataset_from_directory("all")
    assert crops.face_found_share() == {"Real": 1.0, "Fake": pytest.approx(2 / 3)}
    assert "share with a found face: Real 1.000, Fake 0.667" in caplog.text


def test_picture_without_a_face_gives_its_centre(
    monkeypatch: pytest.MonkeyPatch, drawn: Path, tmp_path: Path
) -> None:
    find(monkeypatch, [])
    crops = handler_of(drawn, tmp_path, FACE).get_image_dataset_from_directory("test")
    image = images.decode(drawn / crops.names[0])
    box = face_crops.centre_box(image, FACE)
    np.testing.assert_array_equal(
        crops.crops[0], face_crops.crop(image, box, FACE, SIZE)
    )
    assert not crops.face_found.any()


@pytest.mark.parametrize("turned", [False, True])
def test_face_nearest_the_centre_is_taken(
    turned: bool, monkeypatch: pytest.MonkeyPatch, drawn: Path, tmp_path: Path
) -> None:
    boxes = [FaceBox(0, 0, 15, 15), FaceBox(17, 15, 8, 9), FaceBox(28, 28, 10, 10)]
    find(monkeypatch, boxes[::-1] if turned else boxes)
    crops = handler_of(drawn, tmp_path, FACE).get_image_dataset_from_directory("test")
    image = images.decode(drawn / crops.names[-1])
    expected = face_crops.crop(image, boxes[1], FACE, SIZE)
    np.testing.assert_array_equal(crops.crops[-1], expected)
    assert crops.face_found.all()


@pytest.mark.parametrize("boxes", [[], [FaceBox(2, 3, 20, 20)]])
def test_picture_and_box_of_a_crop_can_be_had_again(
    boxes: list[FaceBox],
    monkeypatch: pytest.MonkeyPatch,
    drawn: Path,
    tmp_path: Path,
) -> None:
    find(monkeypatch, boxes)
    handler = handler_of(drawn, tmp_path, FACE)
    crops = handler.get_image_dataset_from_directory("test")
    for picture, crop in zip(handler.pictures("test"), crops.crops, strict=True):
        opened, box, found = handler.locate(picture, DlibHog())
        assert found == bool(boxes)
        image = opened.all_pixels
        np.testing.assert_array_equal(crop, face_crops.crop(image, box, FACE, SIZE))


def test_labels_are_of_the_folders(drawn: Path, tmp_path: Path) -> None:
    crops = handler_of(drawn, tmp_path).get_image_dataset_from_directory("train")
    assert set(crops.y_true.tolist()) == {REAL, FAKE}
    for name, label, crop in zip(crops.names, crops.y_true, crops.crops, strict=True):
        assert name.startswith("Train/Fake/" if label == FAKE else "Train/Real/")
        picture = draw_picture(label, int(Path(name).stem), 40)
        expected = face_crops.crop(picture, FaceBox(0, 0, 40, 40), WHOLE, SIZE)
        np.testing.assert_array_equal(crop, expected)


def test_splits_come_as_train_val_test(drawn: Path, tmp_path: Path) -> None:
    loaded = handler_of(drawn, tmp_path).load_split_data()
    assert [crops.split for crops in loaded] == ["train", "val", "test"]
    assert [len(crops) for crops in loaded] == [16, 8, 8]
    assert {crops.source for crops in loaded} == {"folder"}


def test_second_load_searches_no_face(
    monkeypatch: pytest.MonkeyPatch, drawn: Path, tmp_path: Path
) -> None:
    with monkeypatch.context() as first_time:
        find(first_time, [FaceBox(5, 5, 20, 20)])
        first = handler_of(drawn, tmp_path, FACE).load_split_data()
    monkeypatch.setattr(DlibHog, "detect", None)
    monkeypatch.setattr(images, "EncodedPicture", None)
    second = handler_of(drawn, tmp_path, FACE).load_split_data()
    for one, other in zip(first, second, strict=True):
        assert one.crops.tobytes() == other.crops.tobytes()
        assert one.names == other.names


def change_rule(handler: DatasetHandler) -> None:
    handler.rule = replace(handler.rule, margin=1.5)


def change_size(handler: DatasetHandler) -> None:
    handler.image_size = (48, 47)


def change_pixels(handler: DatasetHandler) -> None:
    path = handler.source.data_dir / "Test" / "Real" / "000.png"
    Image.fromarray(draw_picture(REAL, seed=99)).save(path)


def change_boxes(handler: DatasetHandler) -> None:
    boxes = {"Test/Real/000.png": [1, 2, 10, 10]}
    (handler.source.data_dir / BOXES_FILE).write_text(json.dumps(boxes))


def swap_classes(handler: DatasetHandler) -> None:
    handler.spec = replace(handler.spec, real_folder="fake", fake_folder="real")


@pytest.mark.parametrize(
    "change", [change_rule, change_size, change_pixels, change_boxes, swap_classes]
)
def test_cache_is_not_used_for_what_changed(
    change: Callable[[DatasetHandler], None],
    monkeypatch: pytest.MonkeyPatch,
    drawn: Path,
    tmp_path: Path,
) -> None:
    find(monkeypatch, [])
    before = handler_of(drawn, tmp_path, FACE)
    before.get_image_dataset_from_directory("test")
    after = handler_of(drawn, tmp_path, FACE)
    change(after)
    after.get_image_dataset_from_directory("test")
    assert len(list((tmp_path / "crops").iterdir())) == 2


def test_folder_that_was_only_moved_is_not_cropped_again(
    drawn: Path, tmp_path: Path
) -> None:
    handler_of(drawn, tmp_path).get_image_dataset_from_directory("test")
    moved = drawn.rename(tmp_path / "moved")
    handler_of(moved, tmp_path).get_image_dataset_from_directory("test")
    assert len(list((tmp_path / "crops").iterdir())) == 1


def test_unreadable_picture_is_named_in_the_log_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_drawn_set(tmp_path / "set", {"train": 50, "val": 1, "test": 1})
    (root / "train" / "Fake" / "017.png").write_bytes(b"not a picture")
    train = handler_of(root, tmp_path).get_image_dataset_from_directory("train")
    assert "train/Fake/017.png: skipped" in caplog.text
    assert len(train) == 99
    assert train.unreadable == ("train/Fake/017.png",)
    assert train.y_true.sum() == 49


def test_more_than_one_percent_unreadable_is_fatal_also_from_the_cache(
    tmp_path: Path,
) -> None:
    root = write_drawn_set(tmp_path / "set", {"train": 50, "val": 1, "test": 1})
    for number in ("003", "004"):
        (root / "train" / "Real" / f"{number}.png").write_bytes(b"")
    words = (
        r"2 of 100 pictures of the train split cannot be read, "
        r"first train/Real/003.png, train/Real/004.png; unpack or download it again"
    )
    for _ in range(2):
        with pytest.raises(DatasetError, match=words):
            handler_of(root, tmp_path).get_image_dataset_from_directory("train")


def test_stated_boxes_are_used_instead_of_a_search(
    no_detection: None, drawn: Path, tmp_path: Path
) -> None:
    names = [path.relative_to(drawn).as_posix() for path in drawn.rglob("*.png")]
    boxes = {name: [3.0, number % 9, 18.5, 20.0] for number, name in enumerate(names)}
    (drawn / BOXES_FILE).write_text(json.dumps(boxes))
    crops = handler_of(drawn, tmp_path, FACE).get_image_dataset_from_directory("test")
    for name, crop in zip(crops.names, crops.crops, strict=True):
        image = images.decode(drawn / name)
        box = FaceBox(*boxes[name])
        np.testing.assert_array_equal(crop, face_crops.crop(image, box, FACE, SIZE))
    assert crops.face_found.all()


def test_picture_without_a_stated_box_is_searched(
    monkeypatch: pytest.MonkeyPatch, drawn: Path, tmp_path: Path
) -> None:
    find(monkeypatch, [])
    (drawn / BOXES_FILE).write_text(json.dumps({"Test/Real/000.png": [3, 3, 20, 20]}))
    crops = handler_of(drawn, tmp_path, FACE).get_image_dataset_from_directory("test")
    assert crops.face_found.tolist() == [True] + 7 * [False]


def test_stated_boxes_do_not_matter_for_whole_pictures(
    drawn: Path, tmp_path: Path
) -> None:
    plain = handler_of(drawn, tmp_path).get_image_dataset_from_directory("test")
    (drawn / BOXES_FILE).write_text(json.dumps({"Test/Real/000.png": [3, 3, 20, 20]}))
    boxed = handler_of(drawn, tmp_path).get_image_dataset_from_directory("test")
    assert plain.crops.tobytes() == boxed.crops.tobytes()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"Test/Real/000.png": null}',
        '{"Test/Real/000.png": 7}',
        '{"Test/Real/000.png": [1, 2, 3]}',
        '{"Test/Real/000.png": [1, 2, 3, "wide"]}',
    ],
)
def test_bad_box_file_is_refused(text: str, drawn: Path, tmp_path: Path) -> None:
    (drawn / BOXES_FILE).write_text(text)
    handler = handler_of(drawn, tmp_path, FACE)
    with pytest.raises(DatasetLayoutError, match=r"expected a picture's path and \[le"):
        handler.get_image_dataset_from_directory("test")


def test_cut_crop_run_is_done_again_from_the_start(
    monkeypatch: pytest.MonkeyPatch, drawn: Path, tmp_path: Path
) -> None:
    decoded: list[int] = []

    def cut(_: images.EncodedPicture, factor: int) -> NDArray[np.uint8]:
        decoded.append(factor)
        if len(decoded) == 3:
            raise KeyboardInterrupt
        return draw_picture(REAL, 0)

    with monkeypatch.context() as first_time:
        first_time.setattr(images.EncodedPicture, "decode", cut)
        with pytest.raises(KeyboardInterrupt):
            handler_of(drawn, tmp_path).get_image_dataset_from_directory("test")
    assert list((tmp_path / "crops").iterdir()) == []
    whole = handler_of(drawn, tmp_path).get_image_dataset_from_directory("test")
    assert len(whole) == 8


def test_set_with_too_few_pictures_to_split_says_so(
    drawn: Path, tmp_path: Path
) -> None:
    handler = handler_of(drawn / "Train", tmp_path)
    assert not handler.is_split
    assert len(handler.get_image_dataset_from_directory("all")) == 16
    with pytest.raises(DatasetLayoutError, match="at least 10 of each class"):
        handler.load_split_data()


def test_unknown_split_lists_choices(drawn: Path, tmp_path: Path) -> None:
    handler = handler_of(drawn, tmp_path)
    assert handler.is_split
    with pytest.raises(DatasetLayoutError, match="choose from: train, val, test"):
        handler.get_image_dataset_from_directory("all")


def test_folder_that_is_not_there_is_named_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(DatasetLayoutError, match="data-dir nowhere") as raised:
        handler_of(tmp_path / "nowhere", tmp_path).load_split_data()
    assert str(tmp_path) not in str(raised.value)


def test_archive_that_is_not_there_is_named_without_its_path(tmp_path: Path) -> None:
    source = DatasetSource(None, tmp_path / "nowhere.zip", None, tmp_path)
    with pytest.raises(DatasetError, match=r"--archive nowhere\.zip") as raised:
        DatasetHandler(FOLDER, source, WHOLE, SIZE).load_split_data()
    assert str(tmp_path) not in str(raised.value)


def test_set_without_an_address_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="give --archive FILE or --data-dir DIR"):
        handler_of(None, tmp_path).load_split_data()


def zip_of(drawn: Path, folder: Path) -> Path:
    """Pack the drawn set one level deep."""
    archive = folder / "drawn.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in drawn.rglob("*.png"):
            file.write(path, Path("Dataset") / path.relative_to(drawn))
    return archive


def test_archive_gives_the_crops_of_its_folder(drawn: Path, tmp_path: Path) -> None:
    archive = zip_of(drawn, tmp_path)
    source = DatasetSource(None, archive, None, tmp_path)
    zipped = DatasetHandler(FOLDER, source, WHOLE, SIZE)
    from_zip = zipped.get_image_dataset_from_directory("val")
    from_folder = handler_of(drawn, tmp_path).get_image_dataset_from_directory("val")
    assert from_zip.crops.tobytes() == from_folder.crops.tobytes()
    assert from_zip.names == from_folder.names
    assert zipped.data_hash == hashlib.sha256(archive.read_bytes()).hexdigest()


def test_archive_is_unpacked_once(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DatasetSource(None, zip_of(drawn, tmp_path), None, tmp_path)
    first = DatasetHandler(FOLDER, source, WHOLE, SIZE).unzip_dataset()
    monkeypatch.setattr(dataset_handler, "extract_archive", None)
    assert DatasetHandler(FOLDER, source, WHOLE, SIZE).unzip_dataset() == first


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that would have been downloaded; an empty file stands for each."""
    urls: list[str] = []

    def download(url: str, destination: Path, **options: Any) -> None:
        urls.append(url)
        destination.touch()

    monkeypatch.setattr(dataset_handler, "download_archive", download)
    return urls


def test_archive_is_downloaded_once_for_each_address(
    downloads: list[str], tmp_path: Path
) -> None:
    spec: DatasetSpec = DATASETS.get("openforensics")
    files = [
        DatasetHandler(
            spec, DatasetSource(None, None, url, tmp_path), WHOLE, SIZE
        ).download_dataset()
        for url in (None, "http://localhost/a.zip", None, "http://localhost/a.zip")
    ]
    assert downloads == [spec.url, "http://localhost/a.zip"]
    assert files[0] == files[2] != files[1] == files[3]
    assert all(file.parent == tmp_path for file in files)


class Drawing:
    """Draws a set as a dataset of the table would, and counts how often."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.cut = False

    def spec(self) -> DatasetSpec:
        def generate(directory: Path, seed: int) -> None:
            self.calls.append(seed)
            write_drawn_set(directory, {"Train": 3 + seed % 2})
            if self.cut:
                raise KeyboardInterrupt
            write_drawn_set(directory, {"Validation": 1, "Test": 1})

        return replace(FOLDER, name="drawn", has_splits=True, generate=generate)


def load_train(drawing: Drawing, cache_dir: Path, seed: int) -> CropSet:
    handler = handler_of(None, cache_dir, spec=drawing.spec())
    handler.seed = seed
    return handler.get_image_dataset_from_directory("train")


def test_drawn_set_is_drawn_once_for_each_seed(tmp_path: Path) -> None:
    drawing = Drawing()
    sizes = [len(load_train(drawing, tmp_path, seed)) for seed in (1, 1, 2, 1)]
    assert sizes == [8, 8, 6, 8]
    assert drawing.calls == [1, 2]


def test_half_drawn_set_is_never_used(tmp_path: Path) -> None:
    drawing = Drawing()
    drawing.cut = True
    with pytest.raises(KeyboardInterrupt):
        load_train(drawing, tmp_path, 1)
    assert list(tmp_path.iterdir()) == []
    drawing.cut = False
    assert len(load_train(drawing, tmp_path, 1)) == 8


def test_configuration_gives_one_handler_for_each_dataset(tmp_path: Path) -> None:
    config = TrainConfig(
        dataset=("openforensics", "folder"),
        archive=(tmp_path / "a.zip", tmp_path / "b.zip"),
        cache_dir=tmp_path,
        crop="face",
        image_size=96,
        seed=7,
    )
    handlers = DatasetHandler.for_config(config)
    assert [handler.spec.name for handler in handlers] == list(config.dataset)
    assert [handler.source.archive for handler in handlers] == list(config.archive)
    assert {handler.rule for handler in handlers} == {FACE}
    assert {(*handler.image_size, handler.seed) for handler in handlers} == {
        (96, 96, 7)
    }


def handlers_for(root: Path, cache_dir: Path, **settings: Any) -> list[DatasetHandler]:
    return DatasetHandler.for_config(
        TrainConfig(
            dataset=("folder",), data_dir=(root,), cache_dir=cache_dir, **settings
        )
    )


def test_copies_are_moved_for_training_and_left_for_scoring(
    drawn: Path, tmp_path: Path
) -> None:
    shutil.copy(drawn / "Train/Real/000.png", drawn / "Test/Real/same.png")
    (trained,) = handlers_for(drawn, tmp_path)
    (as_given,) = handlers_for(drawn, tmp_path, duplicate_control=False)
    scored = handler_of(drawn, tmp_path)
    assert [len(trained.pictures(s)) for s in ("train", "val", "test")] == [17, 8, 8]
    for handler in (as_given, scored):
        assert len(handler.pictures("test")) == 9
        assert handler.duplicate_facts() is None
    assert trained.duplicate_facts() == {
        "exact": 2,
        "near": 0,
        "groups_parted": 0,
        "moved": 1,
    }
    crops = trained.get_image_dataset_from_directory("train")
    assert "Test/Real/same.png" in crops.names


def test_split_that_copies_empty_of_a_class_says_so(
    drawn: Path, tmp_path: Path
) -> None:
    for path in (drawn / "Validation" / "Fake").iterdir():
        shutil.copy(drawn / "Train" / "Fake" / path.name, path)
    (handler,) = handlers_for(drawn, tmp_path)
    words = "too few pictures for a val split; 4 that have a copy elsewhere were moved"
    with pytest.raises(DatasetLayoutError, match=words):
        handler.load_split_data()


def test_unsplit_set_keeps_copies_in_one_split_for_any_seed(tmp_path: Path) -> None:
    root = write_drawn_set(tmp_path / "set", {"": 50})
    for number in range(10):
        shutil.copy(root / f"Real/{number:03}.png", root / f"Real/copy-{number}.png")
    for seed in range(3):
        (handler,) = handlers_for(root, tmp_path, seed=seed)
        split_of = {
            picture.name: split
            for split in ("train", "val", "test")
            for picture in handler.pictures(split)
        }
        assert len(split_of) == 110
        counts = Counter(split_of.values())
        assert counts["val"] >= 6
        assert counts["test"] >= 6
        for number in range(10):
            first, second = f"Real/{number:03}.png", f"Real/copy-{number}.png"
            assert split_of[first] == split_of[second]


@pytest.fixture
def merged(drawn: Path, tmp_path: Path) -> DatasetHandler:
    """Two drawn sets as one, the second with boxes of its own."""
    root = tmp_path / "merged"
    write_drawn_set(root / "other" / "Dataset", side=44)
    drawn.rename(root / "synthetic")
    boxes = {"Test/Real/000.png": [3, 3, 20, 20]}
    (root / "other" / "Dataset" / BOXES_FILE).write_text(json.dumps(boxes))
    return handler_of(root, tmp_path, FACE, spec=DATASETS.get("merged"))


def test_merged_set_gives_the_crops_of_its_parts_by_origin(
    merged: DatasetHandler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find(monkeypatch, [])
    crops = merged.get_image_dataset_from_directory("test")
    assert (crops.source, len(crops), merged.is_split) == ("merged", 16, True)
    root = tmp_path / "merged"
    for part, folder in zip(
        crops.by_origin(), ("other/Dataset", "synthetic"), strict=True
    ):
        handler = handler_of(root / folder, tmp_path, FACE)
        alone = handler.get_image_dataset_from_directory("test")
        assert part.source == folder.partition("/")[0]
        assert part.names == tuple(f"{folder}/{name}" for name in alone.names)
        assert part.crops.tobytes() == alone.crops.tobytes()
        assert part.face_found.tolist() == alone.face_found.tolist()
    assert crops.face_found.sum() == 1
    assert {name: spec.name for name, spec in merged.specs.items()} == {
        "other": "folder",
        "synthetic": "synthetic",
    }


def test_part_of_a_merged_set_that_is_too_small_is_named(
    drawn: Path, tmp_path: Path
) -> None:
    root = tmp_path / "merged"
    write_drawn_set(root / "few", {"": 4})
    drawn.rename(root / "whole")
    handler = handler_of(root, tmp_path, spec=DATASETS.get("merged"))
    with pytest.raises(DatasetLayoutError, match="dataset 'few': too few pictures"):
        handler.pictures("val")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"dataset": ("faces",)}, "unknown dataset 'faces'; choose from: dfdc_faces, "),
        ({"crop": "half"}, "unknown crop 'half'; choose from: face, whole"),
    ],
)
def test_unknown_name_lists_choices(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        DatasetHandler.for_config(TrainConfig(**setting))


def test_path_that_is_nothing_is_said_without_an_option_it_does_not_have(
    tmp_path: Path,
) -> None:
    with pytest.raises(DatasetLayoutError, match="nowhere: there is no such folder"):
        DatasetHandler.for_path(tmp_path / "nowhere", WHOLE, SIZE, tmp_path)


@pytest.mark.parametrize(
    ("place", "name", "spec"),
    [
        ("drawn", None, "folder"),
        ("drawn", "openforensics", "openforensics"),
        ("drawn", "my own", "folder"),
    ],
)
def test_name_says_how_a_path_is_laid_out(
    drawn: Path, tmp_path: Path, place: str, name: str | None, spec: str
) -> None:
    found = DatasetHandler.for_path(tmp_path / place, WHOLE, SIZE, tmp_path, name)
    assert (found.spec.name, found.source.data_dir) == (spec, drawn)


def test_split_made_here_is_scored_as_training_left_it(tmp_path: Path) -> None:
    """Every picture has a copy, so without the guard some would be scored unfairly."""
    for folder in ("Real", "Fake"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for number in range(40):
            data = draw_picture(int(folder == "Fake"), number)
            for copy in "ab":
                path = tmp_path / "set" / folder / f"{number}-{copy}.png"
                Image.fromarray(data).save(path)
    config = TrainConfig(
        dataset=("folder",),
        data_dir=(tmp_path / "set",),
        cache_dir=tmp_path / "cache",
        crop="whole",
        image_size=SIZE[0],
    )
    (trained,) = DatasetHandler.for_config(config)
    scored = DatasetHandler.for_path(tmp_path / "set", WHOLE, SIZE, tmp_path / "cache")
    assert scored.split_to_score("test") == "test"
    held_out = {picture.name for picture in scored.pictures("test")}
    assert held_out == {picture.name for picture in trained.pictures("test")}
    assert held_out != {picture.name for picture in scored.listed["test"]}


def test_given_split_is_scored_as_it_comes(drawn: Path, tmp_path: Path) -> None:
    scored = DatasetHandler.for_path(drawn, WHOLE, SIZE, tmp_path)
    assert scored.split_to_score(None) == "test"
    assert scored.guard is None
