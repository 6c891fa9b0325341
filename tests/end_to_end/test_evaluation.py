"""`evaluate` from the command line: the shipped model, drawn sets, bad input."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.cli import main
from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.robustness import PERTURBATIONS

CONSTANT = ("--backend", "constant")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepfake_detector.dataset_scoring.CACHE_DIR", tmp_path / "c")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn portraits; those called fakes are a little blue."""
    folder = tmp_path_factory.mktemp("sets") / "portraits"
    for number in range(12):
        picture = draw_face(number, 160)
        name = ("Real", "Fake")[number % 2]
        if name == "Fake":
            picture[..., 2] |= 15
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    card = ModelCard("stand-in", "compact", (32, 32, 3), CROP_RULES["face"])
    write_artifact(tmp_path / "model", card, lambda staging: None)
    return tmp_path / "model"


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


@pytest.mark.parametrize("way", [(), ("--picture",)], ids=["centre face", "picture"])
def test_report_of_the_shipped_model(
    portraits: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    report = tmp_path / "report"
    result = evaluate(portraits, "--report", report, "--json", *way)
    assert result.exit_code == 0, result.stderr
    numbers = json.loads(result.stdout)
    assert (numbers["real"], numbers["fake"]) == (6, 6)
    assert list(numbers["robustness"]) == ["clean", *PERTURBATIONS]
    assert numbers["robustness"]["clean"]["auc"] == numbers["auc"]
    assert 0 <= numbers["thumbnail_baseline_auc"] <= 1
    written = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    assert written["sets"]["portraits"] == numbers
    with (report / "scores.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 12
    assert "report.html" in result.stderr
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") >= 7
    assert str(portraits.parent) not in page


def test_several_sets_make_a_table_and_a_page(
    portraits: Path, model_dir: Path, tmp_path: Path
) -> None:
    sets = (portraits, f"again={portraits}")
    options = ("--model-dir", model_dir, *CONSTANT, "--no-robustness")
    result = evaluate(*sets, *options, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.stderr
    rows = [line.split()[:3] for line in result.stdout.splitlines()[1:4]]
    assert rows == [
        ["stand-in", "portraits", "12"],
        ["stand-in", "again", "12"],
        ["stand-in", "pooled", "24"],
    ]
    assert "Sets side by side" in (tmp_path / "report" / "report.html").read_text()


def test_models_are_laid_side_by_side(
    portraits: Path, model_dir: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(model_dir, other)
    options = ("--model-dir", model_dir, "--also-model", other, *CONSTANT, "--json")
    result = evaluate(portraits, *options)
    assert result.exit_code == 0, result.stderr
    matrix = json.loads(result.stdout)["matrix"]
    assert set(matrix) == {"stand-in", "stand-in-2"}
    assert matrix["stand-in"]["portraits"]["auc"] == 0.5


def test_threshold_is_the_one_given(portraits: Path, model_dir: Path) -> None:
    options = ("--model-dir", model_dir, *CONSTANT, "--json", "--threshold", "0.6")
    report = json.loads(evaluate(portraits, *options).stdout)
    assert report["confusion"]["fake_as_real"] == 6
    assert report["confusion_at_half"]["fake_as_fake"] == 6


def no_pictures(folder: Path) -> None:
    for name in ("Real", "Fake"):
        (folder / name).mkdir(parents=True)


def one_class(folder: Path) -> None:
    no_pictures(folder)
    Image.new("RGB", (80, 80)).save(folder / "Real" / "a.png")


def no_classes(folder: Path) -> None:
    (folder / "Cats").mkdir(parents=True)


def no_faces(folder: Path) -> None:
    no_pictures(folder)
    for name in ("Real", "Fake"):
        Image.new("RGB", (80, 80)).save(folder / name / "a.png")


def no_readable(folder: Path) -> None:
    no_pictures(folder)
    for name in ("Real", "Fake"):
        (folder / name / "a.jpg").write_bytes(b"not a picture")


def not_there(folder: Path) -> None:
    pass


def no_archive(folder: Path) -> None:
    folder.write_bytes(b"PK\x03\x04 and no more")


def empty_archive(folder: Path) -> None:
    ZipFile(folder, "w").close()


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (no_pictures, "no pictures of class Real"),
        (one_class, "no pictures of class Fake"),
        (no_classes, "found Cats"),
        (no_faces, "no face was found in any of the 2 pictures"),
        (no_readable, "cannot be read"),
        (not_there, "there is no such folder or zip"),
        (no_archive, "not a zip"),
        (empty_archive, "found none"),
    ],
)
@pytest.mark.parametrize("way", [(), ("--picture",)], ids=["centre face", "picture"])
def test_set_that_cannot_be_scored_is_told_in_a_line(
    write: Callable[[Path], None],
    told: str,
    way: tuple[str, ...],
    model_dir: Path,
    tmp_path: Path,
) -> None:
    write(tmp_path / "bad")
    options = ("--model-dir", model_dir, *CONSTANT)
    result = evaluate(tmp_path / "bad", *options, *way)
    assert result.exit_code == 2
    if way and write in (no_faces, no_readable):
        told = "0 of 2 pictures could be judged"
    assert told in result.stderr
    assert_one_line(result, tmp_path)


def assert_one_line(result: Result, folder: Path) -> None:
    """No traceback, no folder of this machine; warnings may stand above."""
    assert "Traceback" not in result.stderr
    assert str(folder) not in result.stderr
    assert len([li for li in result.stderr.splitlines() if li.startswith("Error")]) == 1


def damage_model(folder: Path) -> None:
    content = bytearray((folder / "model.tflite").read_bytes())
    content[len(content) // 2] ^= 255
    (folder / "model.tflite").write_bytes(content)


def cut_model(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"")


def remove_model(folder: Path) -> None:
    (folder / "model.tflite").unlink()


def break_card(folder: Path) -> None:
    (folder / "card.json").write_text("{")


def empty_card(folder: Path) -> None:
    (folder / "card.json").write_text("{}")


def remove_card(folder: Path) -> None:
    (folder / "card.json").unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (damage_model, "SHA-256"),
        (cut_model, "SHA-256"),
        (remove_model, "missing"),
        (break_card, "not valid JSON"),
        (empty_card, "a field is missing"),
        (remove_card, "found none"),
    ],
)
def test_damaged_model_is_told_in_a_line(
    damage: Callable[[Path], None], told: str, portraits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ServeConfig().model_dir, folder)
    damage(folder)
    result = evaluate(portraits, "--model-dir", folder)
    assert result.exit_code == 2
    assert told in result.stderr
    assert_one_line(result, tmp_path)


def test_model_that_answers_no_numbers_is_told_in_a_line(
    portraits: Path, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(
        self: ConstantBackend, batch: NDArray[np.uint8]
    ) -> dict[str, NDArray[np.float32]]:
        return {"logit": np.full(len(batch), np.nan, dtype=np.float32)}

    monkeypatch.setattr(ConstantBackend, "run", run)
    result = evaluate(portraits, "--model-dir", model_dir, *CONSTANT)
    assert result.exit_code == 2
    assert "12 of 12 pictures is not a number" in result.stderr
    assert_one_line(result, tmp_path)


def test_report_that_cannot_be_written_is_told_in_a_line(
    portraits: Path, model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    options = ("--model-dir", model_dir, *CONSTANT, "--no-robustness")
    result = evaluate(portraits, *options, "--report", tmp_path / "file" / "report")
    assert result.exit_code == 2
    assert_one_line(result, tmp_path)


@pytest.mark.parametrize(
    "options",
    [(), ("any", "--threshold", "2"), ("any", "--split", "dev"), ("--robustness",)],
)
def test_bad_option_ends_with_usage(options: tuple[str, ...]) -> None:
    result = evaluate(*options)
    assert result.exit_code == 2
    assert "Usage" in result.stderr
