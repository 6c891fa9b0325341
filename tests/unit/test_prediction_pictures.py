"""Pictures of answers are written under names that tell them apart."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.heatmap import heatmaps_of
from deepfake_detector.image_metadata import read_metadata
from deepfake_detector.marked_picture import marked_picture
from deepfake_detector.prediction_pictures import PredictionPictures

CARD = ModelCard("stand-in", "test", (16, 16, 3), CROP_RULES["face"])


class TwoFaces:
    """Finds the same two faces in every picture, the second too small to judge."""

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        return [FaceBox(50, 50, 100, 100), FaceBox(200, 10, 30, 30)]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(ConstantBackend(1.0, CARD.input_shape), TwoFaces(), CARD)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return np.full((200, 300, 3), 120, dtype=np.uint8)


def test_each_picture_is_written_to_its_folder(
    detector: Detector, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    analysis = detector.analyse(image)
    maps = heatmaps_of(detector, analysis, "occlusion")
    marked, heatmaps = tmp_path / "a" / "marked", tmp_path / "maps"
    pictures = PredictionPictures(marked, heatmaps)
    wrote = pictures.write(Path("/some/where/us.at.sea.jpg"), image, analysis, maps)
    assert wrote == [marked / "us.at.sea-marked.png", heatmaps / "us.at.sea-face-1.png"]
    assert sorted(tmp_path.rglob("*.png")) == sorted(wrote)
    with Image.open(wrote[0]) as written:
        np.testing.assert_array_equal(written, marked_picture(image, analysis))
    with Image.open(wrote[1]) as written:
        assert written.width > 2 * 256 and written.height > 256


def test_nothing_is_written_unless_asked_for(
    detector: Detector, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    analysis = detector.analyse(image)
    maps = heatmaps_of(detector, analysis, "occlusion")
    assert PredictionPictures().write(tmp_path / "a.jpg", image, analysis, maps) == []
    assert list(tmp_path.iterdir()) == []


def test_files_of_one_name_do_not_overwrite_each_other(
    detector: Detector, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    pictures = PredictionPictures(tmp_path)
    analysis = detector.analyse(image)
    files = ["x/a.jpg", "y/a.png", "z/a-2.png", "w/a.jpg"]
    names = [
        path.name
        for file in files
        for path in pictures.write(Path(file), image, analysis)
    ]
    assert names == [f"{name}-marked.png" for name in ("a", "a-2", "a-2-2", "a-3")]


def test_no_judged_file_is_overwritten(
    detector: Detector, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    files = [tmp_path / f"{n}.png" for n in ("us", "us-marked", "us-2-face-1", "me")]
    for file in files:
        Image.fromarray(image).save(file)
    before = [file.read_bytes() for file in files]
    beside = tmp_path / "deeper" / ".."  # the same folder
    (tmp_path / "deeper").mkdir()
    pictures = PredictionPictures(beside, beside, inputs=files)
    wrote = [
        Path(path).name
        for file in (files[0], files[3])
        for path in pictures.answer(detector, file, explain="occlusion")["wrote"]
    ]
    assert [file.read_bytes() for file in files] == before
    assert wrote == [
        *("us-3-marked.png", "us-3-face-1.png"),
        *("me-marked.png", "me-face-1.png"),
    ]


def test_folder_that_is_a_file_is_an_os_error(
    detector: Detector, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    pictures = PredictionPictures(tmp_path / "taken")
    with pytest.raises(OSError, match="taken"):
        pictures.write(Path("a.jpg"), image, detector.analyse(image))


@pytest.fixture(scope="module")
def file(image: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("in") / "us.png"
    Image.fromarray(image).save(path)
    return path


def test_answer_is_that_of_the_detector(detector: Detector, file: Path) -> None:
    answer = PredictionPictures().answer(detector, file)
    facts = read_metadata(file.read_bytes()).to_dict()
    assert answer == detector.analyse(file).to_dict() | {"facts": facts}


def test_answer_holds_the_maps_that_are_asked_for(
    detector: Detector, file: Path, tmp_path: Path
) -> None:
    pictures = PredictionPictures(tmp_path, tmp_path)
    answer = pictures.answer(detector, file, explain="occlusion")
    judged, small = answer["faces"]
    assert judged["heatmap"]["method"] == "occlusion"
    assert small["heatmap"] is None
    expected = [str(tmp_path / name) for name in ("us-marked.png", "us-face-1.png")]
    assert answer["wrote"] == expected


def test_network_without_a_map_has_nothing_to_draw_unless_it_is_covered(
    detector: Detector, file: Path, tmp_path: Path
) -> None:
    answer = PredictionPictures(heatmap_dir=tmp_path).answer(detector, file)
    assert answer["wrote"] == []
    assert "heatmap" not in answer["faces"][0]


def test_folder_that_cannot_be_written_to_is_said(
    detector: Detector, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    pictures = PredictionPictures(tmp_path / "taken" / "deeper")
    with pytest.raises(ConfigError, match="--marked.*folders that can be written to"):
        pictures.answer(detector, file)
