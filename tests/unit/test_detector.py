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
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.detector import (
    MAX_FACES,
    Analysis,
    Detector,
    FaceAnalysis,
    _deciding_score,
)
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    CorruptImageError,
    ImageTooLargeError,
    UnknownNameError,
)
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.stability import CHECKS, PLAIN
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
    assert [face.verdict for face in analysis.faces] == [
        Verdict.LIKELY_REAL,
        Verdict.LIKELY_FAKE,
    ]
    assert analysis.p_fake == analysis.faces[1].p_fake
    assert analysis.verdict is Verdict.LIKELY_FAKE


def face_of(verdict: Verdict, p_fake: float | None) -> FaceAnalysis:
    return FaceAnalysis(LARGE, verdict, p_fake)


@pytest.mark.parametrize(
    ("faces", "verdict", "expected"),
    [
        # A score that was withdrawn does not stand for the picture.
        (
            [(Verdict.INCONCLUSIVE, 0.998), (Verdict.LIKELY_FAKE, 0.982)],
            Verdict.LIKELY_FAKE,
            0.982,
        ),
        (
            [(Verdict.LIKELY_REAL, 0.1), (Verdict.INCONCLUSIVE, 0.05)],
            Verdict.INCONCLUSIVE,
            0.05,
        ),
        # More faces than were judged: all that were are likely real.
        ([(Verdict.LIKELY_REAL, 0.1)], Verdict.INCONCLUSIVE, 0.1),
        ([(Verdict.TOO_SMALL, None)], Verdict.TOO_SMALL, None),
        ([], Verdict.NO_FACE, None),
    ],
)
def test_score_of_the_picture_is_of_a_face_that_decides_it(
    faces: list[tuple[Verdict, float | None]],
    verdict: Verdict,
    expected: float | None,
) -> None:
    assert _deciding_score([face_of(*face) for face in faces], verdict) == expected


def test_bright_face_that_is_too_small_does_not_count() -> None:
    analysis = analyse(picture((LARGE, 0), (SMALL, 255)), [LARGE, SMALL])
    assert analysis.faces[1].verdict is Verdict.TOO_SMALL
    assert analysis.faces[1].p_fake is None
    assert analysis.verdict is Verdict.LIKELY_REAL


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
    assert analysis.verdict is Verdict.LIKELY_FAKE
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
    # Two faces that are large enough, as they are and in three views.
    assert [len(batch) for batch in backend.batches] == [4 * 2]
    assert backend.batches[0].dtype == np.uint8


def test_no_more_faces_than_the_limit_are_scored() -> None:
    analysis = analyse(picture(), [LARGE] * (MAX_FACES + 5))
    assert len(analysis.faces) == MAX_FACES
    assert analysis.faces_found == MAX_FACES + 5


def test_calibration_and_cut_offs_of_the_card_are_used() -> None:
    cut_offs = CutOffs(0.05, 0.1)
    fields = {"calibration": Calibration(bias=-2.0), "cut_offs": cut_offs}
    analysis = analyse(picture(), [LARGE], **fields)
    assert analysis.p_fake == pytest.approx(1 / (1 + np.exp(2.0)), rel=1e-5)
    assert analysis.verdict is Verdict.LIKELY_FAKE
    assert analysis.cut_offs == analysis.model_cut_offs == cut_offs


def test_score_between_the_cut_offs_is_inconclusive() -> None:
    analysis = analyse(picture(), [LARGE], cut_offs=CutOffs(0.3, 0.8))
    assert analysis.p_fake == pytest.approx(0.5)
    assert analysis.verdict is Verdict.INCONCLUSIVE


def test_one_inconclusive_face_keeps_the_picture_from_being_real() -> None:
    image = picture((LARGE, 0), (MEDIUM, 128))
    analysis = analyse(image, [LARGE, MEDIUM], cut_offs=CutOffs(0.3, 0.8))
    assert [face.verdict for face in analysis.faces] == [
        Verdict.LIKELY_REAL,
        Verdict.INCONCLUSIVE,
    ]
    assert analysis.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "last, expected",
    [(LARGE, Verdict.INCONCLUSIVE), (SMALL, Verdict.LIKELY_REAL)],
    ids=["could be judged", "too small"],
)
def test_face_beyond_the_limit_keeps_the_picture_from_being_real(
    last: FaceBox, expected: Verdict
) -> None:
    boxes = [LARGE] * MAX_FACES + [last]
    assert analyse(picture((LARGE, 0)), boxes).verdict is expected


def test_threshold_of_the_setting_and_of_one_picture_are_used() -> None:
    asked = card(cut_offs=CutOffs(0.3, 0.8, false_alarms=0.01, hits=0.5))
    detector = Detector(BrightnessBackend(), PlantedFaces(LARGE), asked, threshold=0.45)
    analysis = detector.analyse(picture())
    assert analysis.verdict is Verdict.LIKELY_FAKE
    assert (analysis.cut_offs.likely_real, analysis.cut_offs.likely_fake) == (0.3, 0.45)
    assert analysis.model_cut_offs == asked.cut_offs
    # That of one picture is put in the card's cut-offs, not in those of the setting.
    other = detector.analyse(picture(), threshold=0.2)
    assert (other.cut_offs.likely_real, other.cut_offs.likely_fake) == (0.2, 0.2)
    again = detector.analyse(picture(), threshold=0.9)
    assert (again.cut_offs.likely_real, again.cut_offs.likely_fake) == (0.3, 0.9)
    assert again.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf")])
def test_threshold_that_cannot_be_is_refused(threshold: float) -> None:
    faces = PlantedFaces(LARGE)
    with pytest.raises(ConfigError, match="threshold: expected a number from 0 to 1"):
        Detector(BrightnessBackend(), faces, card(), threshold=threshold)
    with pytest.raises(ConfigError, match="threshold: expected a number from 0 to 1"):
        Detector(BrightnessBackend(), faces, card()).analyse(
            picture(), threshold=threshold
        )


def test_verdict_that_holds_in_every_view_stands() -> None:
    analysis = analyse(picture((LARGE, 255)), [LARGE])
    (face,) = analysis.faces
    assert face.stability is not None
    assert (face.stability.stable, face.reason) == (True, None)
    assert face.stability.p_fake[PLAIN] == face.p_fake == analysis.p_fake
    assert list(face.stability.p_fake) == [PLAIN, *CHECKS]


class PlainOnlyBackend(BrightnessBackend):
    """A network that takes a face for a fake unless it was re-encoded."""

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        logit = np.full(len(batch), -3, dtype=np.float32)
        logit[: len(batch) // 4] = 3
        return {"logit": logit}


def test_verdict_that_flips_becomes_inconclusive_and_says_why() -> None:
    detector = Detector(PlainOnlyBackend(), PlantedFaces(LARGE, MEDIUM), card())
    analysis = detector.analyse(picture())
    assert analysis.verdict is Verdict.INCONCLUSIVE
    assert [face.verdict for face in analysis.faces] == [Verdict.INCONCLUSIVE] * 2
    assert analysis.p_fake == pytest.approx(1 / (1 + np.exp(-3)))
    for face in analysis.faces:
        assert face.stability is not None
        assert face.stability.overturned_by == CHECKS
        assert "saved once more as JPEG" in (face.reason or "")


def test_without_the_check_a_face_is_scored_once() -> None:
    backend = BrightnessBackend()
    faces = PlantedFaces(LARGE, MEDIUM, SMALL)
    detector = Detector(backend, faces, card(), check_stability=False)
    analysis = detector.analyse(picture())
    assert [len(batch) for batch in backend.batches] == [2]
    assert [face.stability for face in analysis.faces] == [None] * 3


def test_check_leaves_the_scores_as_they_are() -> None:
    image = picture((LARGE, 40), (MEDIUM, 200))
    answers = [
        Detector(
            BrightnessBackend(),
            PlantedFaces(LARGE, MEDIUM),
            card(),
            check_stability=check,
        ).analyse(image)
        for check in (True, False)
    ]
    scores = [[face.p_fake for face in answer.faces] for answer in answers]
    assert scores[0] == scores[1]


def test_words_count_the_faces_that_were_judged() -> None:
    cut_offs = CutOffs(0.3, 0.8, false_alarms=0.01, hits=0.5)
    analysis = analyse(picture(), [LARGE, MEDIUM, SMALL], cut_offs=cut_offs)
    assert "With 2 faces judged" in " ".join(analysis.words)


def test_what_was_measured_on_faces_is_not_said_of_a_whole_picture() -> None:
    cut_offs = CutOffs(0.3, 0.8, false_alarms=0.01, hits=0.5)
    for level, verdict in ((128, Verdict.INCONCLUSIVE), (255, Verdict.LIKELY_FAKE)):
        image = np.full((300, 400, 3), level, dtype=np.uint8)
        analysis = analyse(image, [], whole_picture_if_no_face=True, cut_offs=cut_offs)
        assert analysis.verdict is verdict
        assert "was not measured" in analysis.words[0]
        assert not any(character.isdigit() for character in " ".join(analysis.words))


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
    assert fields["verdict"] == "likely_fake"
    assert fields["cut_offs"] == {"likely_real": 0.475, "likely_fake": 0.525}
    assert fields["faces"][0]["stability"]["stable"] is True
    assert fields["faces"][1]["stability"] is None
    assert fields["words"]
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


def test_settings_of_answers_are_used(model_dir: Path, portrait_jpeg: bytes) -> None:
    config = ServeConfig(
        model_dir=model_dir, backend="constant", threshold=0.4, stability=False
    )
    analysis = Detector.load(config).analyse(portrait_jpeg)
    assert analysis.verdict is Verdict.LIKELY_FAKE
    assert analysis.faces[0].stability is None


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
    assert [len(batch) for batch in backend.batches] == [4]


def test_setting_names_another_face_detector(model_dir: Path) -> None:
    # A model of face crops; YuNet says what it lacks, so it was the one asked for.
    config = ServeConfig(
        model_dir=model_dir,
        backend="constant",
        face_detector="yunet",
        face_model=model_dir / "none.onnx",
    )
    with pytest.raises(ArtifactError, match="face model cannot be read"):
        Detector.load(config)


@pytest.mark.parametrize("name", [None, "dlib_hog", "yunet"])
def test_what_was_measured_with_one_face_detector_is_not_said_with_another(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = PlantedFaces(LARGE)
    monkeypatch.setattr(
        "deepfake_detector.detector.load_face_detector", lambda *_: found
    )
    fitted = card(cut_offs=CutOffs(0.1, 0.3, false_alarms=0.01, hits=0.5))
    write_artifact(tmp_path / "fitted", fitted, lambda staging: None)
    config = ServeConfig(
        model_dir=tmp_path / "fitted", backend="constant", face_detector=name
    )
    analysis = Detector.load(config).analyse(picture())
    assert (analysis.cut_offs.likely_real, analysis.cut_offs.likely_fake) == (0.1, 0.3)
    words = " ".join(analysis.words)
    assert ("was not measured" in words) == (name == "yunet")
    assert ("99 real faces" in words) == (name != "yunet")


@pytest.mark.parametrize(
    ("name", "error"), [("whole_picture", ConfigError), ("eyes", UnknownNameError)]
)
def test_face_detector_that_does_not_fit_is_refused(
    model_dir: Path, name: str, error: type[Exception]
) -> None:
    config = ServeConfig(model_dir=model_dir, backend="constant", face_detector=name)
    with pytest.raises(error, match=name):
        Detector.load(config)


def test_unknown_backend_lists_choices(model_dir: Path) -> None:
    with pytest.raises(UnknownNameError, match="choose from: constant, keras, li"):
        Detector.load(ServeConfig(model_dir=model_dir, backend="abacus"))


def test_missing_model_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"expected a folder with card\.json"):
        Detector.load(ServeConfig(model_dir=tmp_path / "none", backend="constant"))


class MappedBackend(BrightnessBackend):
    """Brightness, and a map of it in four quarters."""

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        grey = batch.astype(np.float32).mean(axis=3) / 32 - 4
        cam = grey.reshape(len(batch), 2, 8, 2, 8).mean(axis=(2, 4))
        return {"logit": cam.mean(axis=(1, 2)), "cam": cam}


@pytest.mark.parametrize("check_stability", [True, False])
def test_judged_faces_come_with_the_map_of_their_own_crop(
    check_stability: bool,
) -> None:
    image = picture((LARGE, 0), (MEDIUM, 255))
    detector = Detector(
        MappedBackend(),
        PlantedFaces(LARGE, MEDIUM, SMALL),
        card(),
        check_stability=check_stability,
    )
    large, medium, small = detector.analyse(image).faces
    assert small.heatmap is None
    for face, level in ((large, 0), (medium, 255)):
        assert face.heatmap is not None
        np.testing.assert_allclose(face.heatmap, np.full((2, 2), level / 32 - 4))


def test_network_without_a_map_gives_faces_without_one() -> None:
    assert analyse(picture(), [LARGE]).faces[0].heatmap is None
