"""YuNet with a fake OpenCV: what it is given, what becomes of its rows, bad files."""

import hashlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors import load_face_detector, yunet
from deepfake_detector.face_detectors.yunet import YuNet

WEIGHTS = b"stand-in weights"


class FakeDetector:
    """Sees one white square; like OpenCV's, it refuses a picture of another size."""

    def __init__(self) -> None:
        self.size = (0, 0)

    def setInputSize(self, size: tuple[int, int]) -> None:
        self.size = size

    def detect(self, image: NDArray[np.uint8]) -> tuple[int, Any]:
        assert (image.shape[1], image.shape[0]) == self.size
        assert image.flags.c_contiguous
        rows, columns = np.nonzero(image[..., 0] > 200)  # blue comes first
        if not rows.size:
            return 1, None
        width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
        row = [columns.min(), rows.min(), width, height, *[0] * 10, 0.95]
        return 1, np.array([row], dtype=np.float32)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in weights file that passes the check, and an OpenCV that takes it."""
    path = tmp_path / "face.onnx"
    path.write_bytes(WEIGHTS)
    monkeypatch.setattr(yunet, "MODEL_BYTES", len(WEIGHTS))
    monkeypatch.setattr(yunet, "MODEL_SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    use_opencv(monkeypatch, lambda *_: FakeDetector())
    return path


def use_opencv(monkeypatch: pytest.MonkeyPatch, create: Callable[..., Any]) -> None:
    fake = SimpleNamespace(FaceDetectorYN=SimpleNamespace(create=create), error=OSError)
    monkeypatch.setitem(sys.modules, "cv2", fake)


def picture(height: int, width: int, face: FaceBox) -> NDArray[np.uint8]:
    """A black picture with a face: a rectangle that is blue and nothing else."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    left, top = int(face.left), int(face.top)
    image[top : top + int(face.height), left : left + int(face.width), 2] = 255
    return image


def test_lower_square_of_the_box_is_the_face(model: Path) -> None:
    image = picture(200, 300, FaceBox(50, 40, 60, 90))
    assert YuNet(model).detect(image) == [FaceBox(50, 70, 60, 60)]


@pytest.mark.parametrize("factor", [1, 2, 5, 13])
def test_boxes_map_back_to_the_picture(model: Path, factor: int) -> None:
    face = FaceBox(64 * factor, 32 * factor, 64 * factor, 64 * factor)
    (box,) = YuNet(model).detect(picture(240 * factor, 320 * factor, face))
    found = (box.left, box.top, box.width, box.height)
    expected = (face.left, face.top, face.width, face.height)
    assert found == pytest.approx(expected, abs=1.5 * factor)


def test_no_rows_is_no_face(model: Path) -> None:
    assert YuNet(model).detect(np.zeros((20, 3000, 3), np.uint8)) == []


def test_rows_that_are_no_numbers_are_left_out(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = FakeDetector()
    rows = np.full((2, 15), np.nan)
    rows[1] = [5, 5, 20, 20, *[0] * 10, 0.9]
    monkeypatch.setattr(detector, "detect", lambda image: (1, rows))
    use_opencv(monkeypatch, lambda *_: detector)
    found = YuNet(model).detect(np.zeros((100, 100, 3), np.uint8))
    assert found == [FaceBox(5, 5, 20, 20)]


def test_each_thread_has_its_own_detector(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[FakeDetector] = []

    def create(framework: str, weights: NDArray[np.uint8], *options: Any) -> Any:
        assert (framework, weights.tobytes()) == ("onnx", WEIGHTS)
        made.append(FakeDetector())
        return made[-1]

    use_opencv(monkeypatch, create)
    detector = YuNet(model)
    pictures = [picture(90 + k, 120, FaceBox(k, 9, 40, 40)) for k in range(40)]
    expected = [detector.detect(image) for image in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, pictures)) == expected
    assert 1 < len(made) <= 5


def test_environment_names_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFAKE_FACE_MODEL", str(model))
    assert isinstance(load_face_detector("yunet"), YuNet)


def test_given_model_wins_over_the_environment(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFAKE_FACE_MODEL", "nowhere.onnx")
    assert isinstance(load_face_detector("yunet", model), YuNet)


def test_detector_without_a_model_leaves_it_unread(tmp_path: Path) -> None:
    assert load_face_detector("whole_picture", tmp_path / "nothing")


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "cannot be read"),
    "directory": (Path.mkdir, "cannot be read|another file"),
    "empty": (lambda path: path.write_bytes(b""), "got 0 bytes"),
    "short": (lambda path: path.write_bytes(WEIGHTS[:-1]), "another file or damaged"),
    "long": (lambda path: path.write_bytes(WEIGHTS + b"x"), "another file or damaged"),
    "altered": (lambda path: path.write_bytes(WEIGHTS[::-1]), "SHA-256"),
    "page": (lambda path: path.write_bytes(b"<html>404"), "download"),
    "loop": (lambda path: path.symlink_to(path), "cannot be read"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_model_file_is_refused_without_its_path(model: Path, kind: str) -> None:
    make, message = BAD_FILES[kind]
    path = model.with_name("other.onnx")
    make(path)
    with pytest.raises(ArtifactError, match=message) as caught:
        YuNet(path)
    assert str(path.parent) not in str(caught.value)


def test_path_that_cannot_be_is_refused() -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        YuNet(Path("face\0.onnx"))


@pytest.mark.parametrize("named", [None, ""])
def test_no_model_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.delenv("DEEPFAKE_FACE_MODEL", raising=False)
    if named is not None:
        monkeypatch.setenv("DEEPFAKE_FACE_MODEL", named)
    with pytest.raises(ArtifactError, match="DEEPFAKE_FACE_MODEL"):
        YuNet()


def test_missing_opencv_names_the_install_line(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingPackageError, match="opencv-python-headless$"):
        YuNet(model)


def test_opencv_that_cannot_load_it_is_said_plainly(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("opencv.cpp:123 (-215)")

    use_opencv(monkeypatch, refuse)
    with pytest.raises(ArtifactError, match="update it"):
        YuNet(model).detect(np.zeros((50, 50, 3), np.uint8))
