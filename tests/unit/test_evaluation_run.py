"""Sets side by side: reports, all together, and the matrix."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepfake_detector import dataset_scoring
from deepfake_detector.dataset_scoring import score_dataset
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation_run import (
    Evaluation,
    EvaluationOptions,
    cross_dataset_matrix,
    evaluate_sets,
    set_argument,
)
from deepfake_detector.exceptions import DatasetError
from tests.bright_sets import Brightness, bright_detector, write_bright_set

EVERYTHING = EvaluationOptions(examine=True, robustness=True)


class Darkness(Brightness):
    """Takes dark pictures for fakes."""

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"logit": -super().run(batch)["logit"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def detector() -> Detector:
    return bright_detector()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_bright_set(tmp_path / "pictures")


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """A set whose fakes are dark."""
    folder = write_bright_set(tmp_path / "turned", count=6)
    (folder / "Real").rename(folder / "other")
    (folder / "FAKE").rename(folder / "Real")
    (folder / "other").rename(folder / "Fake")
    return folder


def test_one_set_is_reported_as_ever(detector: Detector, pictures: Path) -> None:
    evaluation = evaluate_sets(detector, [(None, pictures)])
    (one,) = evaluation.sets
    assert one.report == score_dataset(detector, pictures)
    assert evaluation.pooled is None


def test_second_look_adds_to_the_report(detector: Detector, pictures: Path) -> None:
    plain = score_dataset(detector, pictures)
    (one,) = evaluate_sets(detector, [(None, pictures)], EVERYTHING).sets
    added = {"slices", "robustness", "stability", "worst", "deletion_test"}
    assert set(one.report) == set(plain) | added
    assert {name: one.report[name] for name in plain} == plain
    assert one.report["robustness"]["clean"]["auc"] == 1.0
    assert one.report["worst"] == {"false_alarms": [], "misses": []}


def test_deletion_test_is_of_found_fakes(detector: Detector, pictures: Path) -> None:
    (one,) = evaluate_sets(detector, [(None, pictures)], EVERYTHING).sets
    test = one.report["deletion_test"]
    assert (test["method"], test["crops"]) == ("occlusion", 10)
    options = EvaluationOptions(examine=True, threshold=1.0)
    (none,) = evaluate_sets(detector, [(None, pictures)], options).sets
    assert none.report["deletion_test"] is None


def test_threshold_replaces_the_cards(detector: Detector, pictures: Path) -> None:
    options = EvaluationOptions(examine=True, threshold=1.0)
    evaluation = evaluate_sets(detector, [(None, pictures)], options)
    report = evaluation.sets[0].report
    assert (evaluation.threshold, report["threshold"]) == (1.0, 1.0)
    assert report["confusion"]["fake_as_real"] == 10
    assert report["confusion_at_half"]["fake_as_real"] == 0
    assert len(report["worst"]["misses"]) == 10


def test_several_sets_are_told_apart_and_together(
    detector: Detector, pictures: Path, turned: Path
) -> None:
    sets = [(None, pictures), ("dark", turned), (None, pictures)]
    evaluation = evaluate_sets(detector, sets, EVERYTHING)
    names = ["pictures", "dark", "pictures-2"]
    assert [one.scored.name for one in evaluation.sets] == names
    assert [one.report["auc"] for one in evaluation.sets] == [1.0, 0.0, 1.0]
    pooled = evaluation.pooled
    assert pooled is not None
    assert (pooled["pictures"], 0 < pooled["auc"] < 1) == (52, True)
    assert 0 < pooled["ece_sources_equal_chance_95"] < 1
    assert pooled["ece"] != pooled["ece_sources_equal"]
    of_sets = [one.report["cut_offs"]["reals_called_fake"] for one in evaluation.sets]
    reals = pooled["cut_offs"]["reals_called_fake"]
    assert (reals["count"], reals["of"]) == (6, 26)
    assert reals["count"] == sum(part["count"] for part in of_sets)
    parts = pooled["slices"]["source"]
    assert {name: part["pictures"] for name, part in parts.items()} == {
        "pictures": 20,
        "dark": 12,
        "pictures-2": 20,
    }
    assert pooled["robustness"]["clean"]["auc"] == pooled["auc"]
    overturned = [o.report["stability"]["overturned"]["of"] for o in evaluation.sets]
    assert pooled["stability"]["overturned"]["of"] == sum(overturned)
    assert json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))


def test_set_called_pooled_stands_beside_all_together(
    detector: Detector, pictures: Path, turned: Path
) -> None:
    evaluation = evaluate_sets(detector, [("pooled", pictures), (None, turned)])
    row = cross_dataset_matrix([evaluation])["brightness"]
    counts = {name: cell["pictures"] for name, cell in row.items()}
    assert counts == {"pooled-2": 20, "turned": 12, "pooled": 32}
    alone = evaluate_sets(detector, [("pooled", pictures)])
    assert [one.scored.name for one in alone.sets] == ["pooled"]


def test_matrix_has_every_model_on_every_set(pictures: Path, turned: Path) -> None:
    sets = [(None, pictures), (None, turned)]
    evaluations: list[Evaluation] = [
        evaluate_sets(bright_detector(backend), sets)
        for backend in (Brightness(), Darkness())
    ]
    matrix = cross_dataset_matrix(evaluations)
    aucs = {m: {s: cell["auc"] for s, cell in row.items()} for m, row in matrix.items()}
    assert aucs["brightness"]["pictures"] == aucs["brightness-2"]["turned"] == 1.0
    assert aucs["brightness"]["turned"] == aucs["brightness-2"]["pictures"] == 0.0
    assert set(matrix["brightness"]) == {"pictures", "turned", "pooled"}
    # What thumbnails give away is no matter of the model.
    baselines = {row["turned"]["thumbnail_baseline_auc"] for row in matrix.values()}
    assert len(baselines) == 1


def test_pictures_of_a_report_are_the_scored_crops(
    detector: Detector, pictures: Path
) -> None:
    (one,) = evaluate_sets(detector, [(None, pictures)], EVERYTHING).sets
    crops = one.crops_of(detector, [3, 19])
    np.testing.assert_allclose(detector.score_crops(crops), one.scored.p_fake[[3, 19]])


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("faces.zip", None, "faces.zip"),
        ("a=faces.zip", "a", "faces.zip"),
        ("a=b=c", "a", "b=c"),
        ("=x", None, "=x"),
        ("data/a=b.zip", None, "data/a=b.zip"),
        ("/", None, "/"),
    ],
)
def test_set_may_be_given_a_name(text: str, name: str | None, path: str) -> None:
    assert set_argument(text) == (name, Path(path))


def test_folder_with_a_sign_in_its_name_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q=90").mkdir()
    monkeypatch.chdir(tmp_path)
    assert set_argument("q=90") == (None, Path("q=90"))


def test_a_bad_set_among_good_ones_is_named(
    detector: Detector, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="nowhere"):
        evaluate_sets(detector, [(None, pictures), (None, tmp_path / "nowhere")])
