"""The front door, with a network and a face detector whose answers are known."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import images
from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.calibration import Calibration
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import MAX_FACES, Analysis, Detector
from deepfake_detector.exceptions import (
    ArtifactError,
    CorruptImageError,
    ImageTooLargeError,
    UnknownNameError,
)
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.verdict import MIN_FACE_PX, Verdict

INPUT_SHAPE = (16, 16, 3)
LARGE = FaceBox(10, 10, 100, 100)
MEDIUM = FaceBox(200, 10, 80, 80)
SMALL = FaceBox(10, 200, MIN_FACE_PX - 1, 40)


class BrightnessBackend:
    """A network that takes bright crops for fakes: logit = mean / 32 - 4."""

    input_shape = INPUT_SHAPE

    def __init__(self) -> None:
        self.batches: list[NDArray[np.uint8]] = []

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.batches.append(batch)
        return {"logit": batch.mean(axis=(1, 2, 3), dtype=np.float32) / 32 - 4}


class PlantedFaces:
    """A face detector that answers what it was told."""

    def __init__(self, *boxes: FaceBox) -> None:
        self.boxes = list(boxes)

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        return self.boxes


def card(rule: str = "face", **fields: Any) -> ModelCard:
    return ModelCard("test", "none", INPUT_SHAPE, CROP_RULES[rule], **fields)


def picture(*spots: tuple[FaceBox, int]) -> NDArray[np.uint8]:
    """A grey picture in which the surroundings of some boxes are of one level."""
    image = np.full((300, 400, 3), 128, dtype=np.uint8)
    for box, level in spots:
        rows = slice(int(max(0, box.top - 20)), int(box.top + box.height + 20))
        columns = slice(int(max(0, box.left - 20)), int(box.left + box.width + 20))
        image[rows, columns] = level
    return image


def analyse(
    image: NDArray[np.uint8],
    boxes: Sequence[FaceBox],
    whole_picture_if_no_face: bool = False,
    **fields: Any,
) -> Analysis:
    detector = Detector(BrightnessBackend(), PlantedFaces(*boxes), card(**fields))
    return detector.analyse(image, whole_picture_if_no_face)


def test_picture_gets_the_score_of_its_highest_scoring_face() -> None:
    analysis = analyse(picture((LARGE, 0), (MEDIUM, 255)), [LARGE, MEDIUM])
    assert [face.verdict for face in analysis.faces] == [Verdict.REAL, Verdict.FAKE]
    assert analysis.p_fake == analysis.faces[1].p_fake
    assert analysis.verdict is Verdict.FAKE


def test_bright_face_that_is_too_small_does_not_count() -> None:
    analysis = analyse(picture((LARGE, 0), (SMALL, 255)), [LARGE, SMALL])
    assert analysis.faces[1].verdict is Verdict.TOO_SMALL
    assert analysis.faces[1].p_fake is None
    assert analysis.verdict is Verdict.REAL


def test_only_small_faces_cannot_be_judged() -> None:
    analysis = analyse(picture(), [SMALL])
    assert analysis.verdict is Verdict.TOO_SMALL
    assert analysis.p_fake is None


def test_face_of_the_smallest_size_is_judged() -> None:
    box = FaceBox(10, 10, MIN_FACE_PX, 10)
    assert analyse(picture(), [box]).p_fake is not None


def test_picture_without_a_face_is_not_judged() -> None:
    analysis = analyse(picture(), [])
    assert analysis.verdict is Verdict.NO_FACE
    assert (analysis.p_fake, analysis.faces) == (None, ())
    assert not analysis.whole_picture


def test_whole_picture_is_judged_where_asked_for() -> None:
    image = np.full((MIN_FACE_PX, 90, 3), 255, dtype=np.uint8)
    analysis = analyse(image, [], whole_picture_if_no_face=True)
    assert analysis.whole_picture
    assert analysis.verdict is Verdict.FAKE
    assert len(analysis.faces) == 1


def test_whole_picture_smaller_than_a_face_may_be_is_not_judged() -> None:
    image = np.full((MIN_FACE_PX - 1, 90, 3), 255, dtype=np.uint8)
    analysis = analyse(image, [], whole_picture_if_no_face=True)
    assert (analysis.verdict, analysis.p_fake) == (Verdict.NO_FACE, None)
    assert not analysis.whole_picture


def test_whole_picture_is_not_judged_where_a_face_was_found() -> None:
    analysis = analyse(picture(), [LARGE], whole_picture_if_no_face=True)
    assert not analysis.whole_picture


def test_small_faces_do_not_make_the_whole_picture_be_judged() -> None:
    analysis = analyse(picture(), [SMALL], whole_picture_if_no_face=True)
    assert analysis.verdict is Verdict.TOO_SMALL


def test_whole_rule_says_that_it_judges_the_whole_picture() -> None:
    box = FaceBox(0, 0, 400, 300)
    assert analyse(picture(), [box], rule="whole").whole_picture


def test_all_faces_are_scored_in_one_batch() -> None:
    backend = BrightnessBackend()
    Detector(backend, PlantedFaces(LARGE, MEDIUM, SMALL), card()).analyse(picture())
    assert [len(batch) for batch in backend.batches] == [2]
    assert backend.batches[0].dtype == np.uint8


def test_no_more_faces_than_the_limit_are_scored() -> None:
    analysis = analyse(picture(), [LARGE] * (MAX_FACES + 5))
    assert len(analysis.faces) == MAX_FACES
    assert analysis.faces_found == MAX_FACES + 5


def test_calibration_and_threshold_of_the_card_are_used() -> None:
    fields = {"calibration": Calibration(bias=-2.0), "threshold": 0.1}
    analysis = analyse(picture(), [LARGE], **fields)
    assert analysis.p_fake == pytest.approx(1 / (1 + np.exp(2.0)), rel=1e-5)
    assert analysis.verdict is Verdict.FAKE
    assert analysis.threshold == 0.1


def test_bytes_file_and_pixels_give_the_same_answer(
    portrait_jpeg: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "portrait"
    file.write_bytes(portrait_jpeg)
    sources = [portrait_jpeg, file, images.decode(portrait_jpeg)]
    detector = Detector(BrightnessBackend(), PlantedFaces(LARGE), card())
    answers = [detector.analyse(source) for source in sources]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0].width, answers[0].height) == (512, 512)


def test_bad_picture_is_refused(portrait_jpeg: bytes) -> None:
    detector = Detector(BrightnessBackend(), PlantedFaces(), card(), max_pixels=1000)
    with pytest.raises(CorruptImageError):
        detector.analyse(b"")
    with pytest.raises(ImageTooLargeError):
        detector.analyse(portrait_jpeg)


def test_network_of_another_size_than_the_cards_is_refused() -> None:
    backend = ConstantBackend(input_shape=(32, 32, 3))
    with pytest.raises(ArtifactError, match=r"\(16, 16, 3\) but .* \(32, 32, 3\)"):
        Detector(backend, PlantedFaces(), card())


def test_analysis_becomes_json() -> None:
    analysis = analyse(picture((LARGE, 255)), [LARGE, SMALL])
    fields = json.loads(json.dumps(analysis.to_dict()))
    assert fields["verdict"] == "fake"
    assert fields["faces"][0]["box"] == {
        "left": 10,
        "top": 10,
        "width": 100,
        "height": 100,
    }
    assert fields["faces"][1]["p_fake"] is None


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "model", card(), lambda folder: None).directory


def test_model_folder_is_loaded_with_its_face_detector(
    model_dir: Path, portrait_jpeg: bytes
) -> None:
    detector = Detector.load(ServeConfig(model_dir=model_dir, backend="constant"))
    analysis = detector.analyse(portrait_jpeg)
    assert (analysis.p_fake, analysis.model) == (0.5, "test")


def test_limit_of_the_settings_is_used(model_dir: Path, portrait_jpeg: bytes) -> None:
    config = ServeConfig(model_dir=model_dir, backend="constant", max_pixels=1000)
    with pytest.raises(ImageTooLargeError):
        Detector.load(config).analyse(portrait_jpeg)


def test_loading_runs_the_network_once(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = BrightnessBackend()
    monkeypatch.setattr(ConstantBackend, "load", lambda artifact: backend)
    Detector.load(ServeConfig(model_dir=model_dir, backend="constant"))
    assert [len(batch) for batch in backend.batches] == [1]


def test_unknown_backend_lists_choices(model_dir: Path) -> None:
    with pytest.raises(UnknownNameError, match="choose from: constant, keras, litert"):
        Detector.load(ServeConfig(model_dir=model_dir, backend="abacus"))


def test_missing_model_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"expected a folder with card\.json"):
        Detector.load(ServeConfig(model_dir=tmp_path / "none", backend="constant"))
