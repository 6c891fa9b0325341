"""The files of an evaluation, and what a terminal shows."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import dataset_scoring
from deepfake_detector.artifact import CARD_FILE, Artifact, write_artifact
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation_files import (
    METRICS_FILE,
    PAGE_FILE,
    SCORES_FILE,
    evaluate_and_write,
    figures,
    figures_text,
    scores_csv,
    write_evaluation,
)
from deepfake_detector.evaluation_run import (
    Evaluation,
    EvaluationOptions,
    evaluate_sets,
)
from deepfake_detector.exceptions import ConfigError
from tests.bright_sets import Brightness, bright_detector, write_bright_set

GIVEN = {"split": None, "by_picture": False, "threshold": None, "robustness": None}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Detector:
    """A detector, which every configuration then loads."""
    detector = bright_detector()
    monkeypatch.setattr(Detector, "load", lambda config: detector)
    return detector


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_bright_set(tmp_path / "pictures")


def evaluation_of(detector: Detector, *sets: Path, **options: Any) -> Evaluation:
    places = [(None, folder) for folder in sets]
    return evaluate_sets(detector, places, EvaluationOptions(**options))


def test_folder_holds_page_numbers_and_scores(
    detector: Detector, pictures: Path, tmp_path: Path
) -> None:
    evaluation = evaluation_of(detector, pictures, examine=True)
    folder = tmp_path / "new" / "report"
    assert write_evaluation(folder, detector, [evaluation]) == folder / PAGE_FILE
    files = {file.name for file in folder.iterdir()}
    assert files == {PAGE_FILE, METRICS_FILE, SCORES_FILE}
    written = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
    assert written["sets"]["pictures"] == evaluation.sets[0].report
    assert written["matrix"]["brightness"]["pictures"]["auc"] == 1.0


def test_older_files_are_replaced(
    detector: Detector, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / METRICS_FILE).write_text("old")
    write_evaluation(folder, detector, [evaluation_of(detector, pictures)])
    assert (folder / METRICS_FILE).read_text(encoding="utf-8").startswith("{")


def test_csv_has_a_row_for_each_picture(detector: Detector, pictures: Path) -> None:
    evaluation = evaluation_of(detector, pictures, examine=True)
    rows = list(csv.DictReader(io.StringIO(scores_csv(evaluation))))
    scored = evaluation.sets[0].scored
    assert [row["file"] for row in rows] == [p.name for p in scored.pictures]
    assert [float(row["p_fake"]) for row in rows] == scored.p_fake.tolist()
    assert [row["y_true"] for row in rows] == ["0"] * 10 + ["1"] * 10
    assert [row["answer"] for row in rows] == ["0"] * 10 + ["1"] * 10
    assert {row["face_px"] for row in rows} == {"80.0"}
    assert {row["set"] for row in rows} == {"pictures"}


def test_csv_leaves_empty_what_was_not_looked_for(
    detector: Detector, tmp_path: Path
) -> None:
    few = write_bright_set(tmp_path / 'a,"b"', 2)
    rows = list(csv.DictReader(io.StringIO(scores_csv(evaluation_of(detector, few)))))
    assert {row["set"] for row in rows} == {'a,"b"'}
    for column in ("thumbnail_baseline", "face_px", "sharpness"):
        assert {row[column] for row in rows} == {""}


def test_one_set_gives_its_report_and_several_a_table(
    detector: Detector, pictures: Path, tmp_path: Path
) -> None:
    one = evaluation_of(detector, pictures)
    assert figures([one]) == one.sets[0].report
    other = write_bright_set(tmp_path / "other", 6)
    several = figures([evaluation_of(detector, pictures, other)])
    assert set(several["sets"]) == {"pictures", "other"}
    assert several["pooled"]["pictures"] == 32
    assert set(several["matrix"]["brightness"]) == {"pictures", "other", "pooled"}


def test_terminal_shows_every_metric_with_interval_and_baseline(
    detector: Detector, pictures: Path
) -> None:
    text = figures_text([evaluation_of(detector, pictures, robustness=True)])
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert lines["auc"].split() == ["auc", "1.0000", "[1.0000,", "1.0000]", "1.0000"]
    assert lines["unreadable"].split() == ["unreadable", "0"]
    assert "AUC drop" in lines["jpeg_30"]
    assert "tpr_at_fpr_5" in lines


def test_terminal_shows_a_row_for_each_model_and_set(
    detector: Detector, pictures: Path, tmp_path: Path
) -> None:
    few = write_bright_set(tmp_path / "few", 2)
    evaluation = evaluation_of(detector, pictures, few)
    text = figures_text([evaluation] * 2)
    figures_part, answers_part = (part.splitlines() for part in text.split("\n\n"))
    rows = [line.split() for line in figures_part[1:]]
    assert [row[:3] for row in rows] == [
        [model, name, count]
        for model in ("brightness", "brightness-2")
        for name, count in (("pictures", "20"), ("few", "4"), ("pooled", "24"))
    ]
    assert [row[-1] for row in rows[:3]] == ["1.0000", "-", "-"]
    assert [line.split()[:2] for line in answers_part[1:]] == [row[:2] for row in rows]
    assert answers_part[1].count("(0 of 10)") == 1
    assert answers_part[1].count("(10 of 10)") == 1
    assert "100.0 % [69.2, 100.0] (10 of 10)" in answers_part[1]


def test_terminal_shows_answers_at_the_cut_offs_and_chance(
    detector: Detector, pictures: Path
) -> None:
    text = figures_text([evaluation_of(detector, pictures)])
    assert "likely real below 0.4750, likely fake from 0.5250 on" in text
    assert "reals_called_fake        0.0 % [0.0, 30.8] (0 of 10)" in text
    assert "inconclusive             0.0 % [0.0, 16.8] (0 of 20)" in text
    assert "ece_chance_95 " in text
    assert "{" not in text.partition("likely real below")[2]


def test_terminal_is_spared_the_answer_to_each_picture(
    detector: Detector, pictures: Path
) -> None:
    text = figures_text([evaluation_of(detector, pictures, by_picture=True)])
    assert "answers" not in text
    assert "not_judged" in text


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    ("robustness", "report", "expected"),
    [
        (None, False, None),
        (None, True, {"slices", "worst", "deletion_test", "robustness"}),
        (False, True, {"slices", "worst", "deletion_test", "robustness"}),
        (True, False, {"slices", "worst", "robustness"}),
    ],
)
def test_perturbed_copies_are_scored_when_asked_or_with_a_report(
    robustness: bool | None,
    report: bool,
    expected: set[str] | None,
    pictures: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "report" if report else None
    given = GIVEN | {"robustness": robustness}
    (found,) = evaluate_and_write({}, [f"mine={pictures}"], folder, [], given)
    numbers = found.sets[0].report
    looked = {"slices", "worst", "deletion_test", "robustness"} & set(numbers)
    assert looked == (expected or set())
    assert bool(numbers.get("robustness")) == (
        report if robustness is None else robustness
    )
    assert (tmp_path / "report" / PAGE_FILE).exists() == report
    assert numbers["data"] == "mine"


@pytest.mark.usefixtures("detector")
def test_further_models_are_scored_on_the_same_sets(pictures: Path) -> None:
    found = evaluate_and_write({}, [str(pictures)], None, [Path("m"), Path("n")], GIVEN)
    assert [evaluation.sets[0].report["auc"] for evaluation in found] == [1.0] * 3


@pytest.fixture
def model_dir(detector: Detector, tmp_path: Path) -> Path:
    write_artifact(tmp_path / "model", detector.card, lambda staging: None)
    return tmp_path / "model"


def test_figures_go_into_the_card(
    model_dir: Path, pictures: Path, tmp_path: Path
) -> None:
    other = write_bright_set(tmp_path / "other", 6)
    given = GIVEN | {"model_dir": model_dir, "into_card": True}
    sets = [f"mine={pictures}", str(other)]
    (found,) = evaluate_and_write({}, sets, None, [], given)
    card = Artifact.load(model_dir).card
    (split,) = card.metrics
    assert split == found.sets[0].scored.split
    assert list(card.metrics[split]) == ["mine", "other", "pooled"]
    report = card.metrics[split]["mine"]
    assert report["auc"] == 1.0
    looked = {"slices", "robustness", "stability", "cut_offs", "deletion_test"}
    assert looked <= set(report)
    assert "worst" not in report
    assert ".png" not in (model_dir / CARD_FILE).read_text(encoding="utf-8")
    assert "robustness" in card.metrics[split]["pooled"]


def test_network_is_laid_beside_the_served_file(
    model_dir: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rounded(Brightness):
        def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
            return {"logit": super().run(batch)["logit"] + np.float32(0.01)}

    backends = {ServeConfig().backend: Brightness, "keras": Rounded}
    monkeypatch.setattr(
        Detector, "load", lambda config: bright_detector(backends[config.backend]())
    )
    given = GIVEN | {"model_dir": model_dir, "check_export": True}
    evaluate_and_write({}, [f"mine={pictures}"], None, [], given)
    card = Artifact.load(model_dir).card
    assert card.metrics == {}
    ((_, sets),) = card.export_check.items()
    assert sets["mine"]["pictures"] == 20
    assert sets["mine"]["auc_difference"] == 0.0
    assert 0.0005 < sets["mine"]["p_fake_difference"] < 0.0025


@pytest.mark.parametrize(
    ("setting", "value", "option"),
    [
        ("by_picture", True, "--picture"),
        ("threshold", 0.7, "--threshold"),
        ("backend", "keras", "--backend"),
        ("keras_file", Path("a.keras"), "--keras-file"),
    ],
)
@pytest.mark.parametrize("what", ["into_card", "check_export"])
def test_card_takes_figures_of_its_own_file_alone(
    what: str, setting: str, value: Any, option: str, model_dir: Path, pictures: Path
) -> None:
    before = (model_dir / CARD_FILE).read_bytes()
    given = GIVEN | {"model_dir": model_dir, what: True, setting: value}
    with pytest.raises(ConfigError, match=f"leave out {option}"):
        evaluate_and_write({}, [str(pictures)], None, [], given)
    assert (model_dir / CARD_FILE).read_bytes() == before


@pytest.mark.parametrize("what", ["into_card", "check_export"])
def test_face_detector_that_would_not_be_asked_is_refused(
    what: str, model_dir: Path, pictures: Path
) -> None:
    before = (model_dir / CARD_FILE).read_bytes()
    given = GIVEN | {"model_dir": model_dir, "face_detector": "yunet"}
    with pytest.raises(ConfigError, match="leave out --face-detector yunet"):
        evaluate_and_write({}, [str(pictures)], None, [], given | {what: True})
    assert (model_dir / CARD_FILE).read_bytes() == before


def test_face_detector_that_is_asked_is_taken(model_dir: Path, pictures: Path) -> None:
    for asked in ({"face_detector": "whole_picture"}, {"by_picture": True}):
        given = GIVEN | {"model_dir": model_dir, "face_detector": "yunet"} | asked
        assert evaluate_and_write({}, [str(pictures)], None, [], given)


def test_bad_setting_is_named(pictures: Path) -> None:
    with pytest.raises(ConfigError, match="max_pixels"):
        evaluate_and_write({}, [str(pictures)], None, [], GIVEN | {"max_pixels": 0})
