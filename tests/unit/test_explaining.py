"""Faces are explained as they were judged, and figures written whole or not at all."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_crops
from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    ConfigError,
    ExplanationError,
    ImageError,
    UnknownNameError,
    UnsupportedImageError,
)
from deepfake_detector.explaining import ExplainedFace, explain_face, write_figures
from deepfake_detector.face_crops import FaceBox

CARD = ModelCard("stand-in", "test", (32, 32, 3), face_crops.CROP_RULES["face"])

#: Largest first, as detectors give them; the last is too small to judge.
BOXES = [
    FaceBox(60, 40, 120, 120),
    FaceBox(220, 60, 100, 100),
    FaceBox(10, 10, 30, 30),
]


class Brightness:
    """Scores by brightness, and has an activation map of it."""

    input_shape = CARD.input_shape

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        grey = batch.astype(np.float32).mean(axis=3) / 64 - 2
        cam = grey.reshape(len(batch), 4, 8, 4, 8).mean(axis=(2, 4))
        return {"logit": cam.mean(axis=(1, 2)), "cam": cam}


class Faces:
    """Finds the faces that it was told of."""

    def __init__(self, boxes: list[FaceBox]) -> None:
        self.boxes = boxes

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        return self.boxes


def detector(boxes: list[FaceBox] | None = None, backend: Any = None) -> Detector:
    faces = Faces(BOXES if boxes is None else boxes)
    return Detector(backend or Brightness(), faces, CARD)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """Brighter to the right, so that the second face scores higher."""
    row = np.linspace(20, 240, 360).astype(np.uint8)
    return np.broadcast_to(row[:, None], (240, 360, 3)).copy()


@pytest.fixture(scope="module")
def picture(image: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_face_that_gave_the_answer_is_explained(picture: bytes) -> None:
    explained = explain_face(detector(), picture)
    analysis = detector().analyse(picture)
    assert explained.number == 2
    assert explained.face == analysis.faces[1]
    assert explained.to_dict() == {
        "face": 2,
        "verdict": str(analysis.verdict),
        "p_fake": analysis.p_fake,
        "method": "cam",
    }


@pytest.mark.parametrize("number", [1, 2])
def test_crop_is_the_one_that_was_scored(
    picture: bytes, image: NDArray[np.uint8], number: int
) -> None:
    explained = explain_face(detector(), picture, "occlusion", number)
    expected = face_crops.crop(image, BOXES[number - 1], CARD.crop, (32, 32))
    np.testing.assert_array_equal(explained.crop, expected)
    (p_fake,) = detector().score_crops(explained.crop[None])
    assert explained.face.p_fake == p_fake
    assert explained.method == "occlusion"
    assert explained.explanation.evidence.shape == (32, 32)


def test_network_without_a_map_is_explained_by_occlusion(picture: bytes) -> None:
    constant = ConstantBackend(input_shape=CARD.input_shape)
    assert explain_face(detector(backend=constant), picture).method == "occlusion"


def test_whole_picture_is_explained_only_when_asked(picture: bytes) -> None:
    explained = explain_face(detector(boxes=[]), picture, whole_picture_if_no_face=True)
    assert (explained.number, explained.face.box.width) == (1, 240 / 1.3)
    with pytest.raises(ImageError, match="No face was found"):
        explain_face(detector(boxes=[]), picture)


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"number": 0}, ConfigError, "expected 1 to 3"),
        ({"number": 4}, ConfigError, "expected 1 to 3"),
        ({"number": -1}, ConfigError, "expected 1 to 3"),
        ({"number": 3}, ImageError, "too small"),
        ({"method": "tea_leaves"}, UnknownNameError, "cam, grad_cam, lime, occlusion"),
        ({"method": "grad_cam"}, ExplanationError, "--backend keras"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    picture: bytes, arguments: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        explain_face(detector(), picture, **arguments)


def test_picture_of_small_faces_alone_is_refused(picture: bytes) -> None:
    with pytest.raises(ImageError, match="too small"):
        explain_face(detector(BOXES[2:]), picture)


def test_file_that_is_no_picture_is_refused() -> None:
    with pytest.raises(UnsupportedImageError):
        explain_face(detector(), b"words")


@pytest.fixture
def explained(picture: bytes) -> ExplainedFace:
    return explain_face(detector(), picture)


def test_figure_is_a_png_whatever_its_name(
    explained: ExplainedFace, tmp_path: Path
) -> None:
    (path,) = write_figures(explained, tmp_path / "figure.jpg")
    with Image.open(path) as figure:
        assert figure.format == "PNG"
        assert min(figure.size) > 300
    assert [file.name for file in tmp_path.iterdir()] == ["figure.jpg"]


def test_regions_are_drawn_beside_the_evidence(picture: bytes, tmp_path: Path) -> None:
    explained = explain_face(detector(), picture, "lime")
    files = write_figures(explained, tmp_path / "face.png")
    assert [file.name for file in files] == ["face.png", "face-regions.png"]
    assert all(file.stat().st_size > 1000 for file in files)


@pytest.mark.tf
def test_feature_maps_are_drawn_of_a_keras_network(
    picture: bytes, tmp_path: Path
) -> None:
    from deepfake_detector.backends.keras_backend import KerasBackend
    from tests.tiny_network import build

    tiny = detector(backend=KerasBackend(build(CARD.input_shape)))
    explained = explain_face(tiny, picture, "grad_cam")
    files = write_figures(explained, tmp_path / "face.png", feature_maps_of=tiny)
    assert [file.name for file in files] == ["face.png", "face-feature-maps.png"]


def test_feature_maps_of_another_backend_are_refused(
    explained: ExplainedFace, tmp_path: Path
) -> None:
    with pytest.raises(ExplanationError, match="--backend keras"):
        write_figures(explained, tmp_path / "face.png", feature_maps_of=detector())
    assert list(tmp_path.iterdir()) == []


def test_folder_in_the_figures_place_is_refused(
    explained: ExplainedFace, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="got the folder"):
        write_figures(explained, tmp_path)


def test_nothing_is_left_of_a_figure_that_cannot_be_written(
    explained: ExplainedFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    old = tmp_path / "face.png"
    old.write_bytes(b"the old one")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_figures(explained, old)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("face.png", b"the old one")
    ]
