"""Figures of commands in a card, and what is not let into it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepfake_detector.artifact import Artifact, ModelCard, write_artifact
from deepfake_detector.card_figures import (
    export_differences,
    read_comparison,
    rewrite_card,
    with_export_check,
    with_figures,
    with_leave_one_out,
)
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import CROP_RULES


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        "mine",
        "compact",
        (32, 32, 3),
        CROP_RULES["face"],
        metrics={"val": {"old": {"auc": 0.5}}, "test": {"old": {"auc": 0.5}}},
        provenance={"seed": 1},
    )


def evaluation(split: str = "test", **other: Any) -> dict[str, Any]:
    report = {
        "model": "mine",
        "split": split,
        "auc": 0.123456789,
        "auc_interval": [0.1, 0.23456789],
        "pictures": 20,
        "slices": {"source": {"a": {"auc": None, "accuracy": 1 / 3}}},
        "worst": {"misses": [{"file": "someone.png", "index": 0, "p_fake": 0.1}]},
    }
    return {
        "model": "mine",
        "threshold": 0.5,
        "sets": {"faces": report},
        "pooled": None,
    } | other


def test_figures_replace_those_of_their_split_alone(card: ModelCard) -> None:
    filled = with_figures(card, evaluation())
    assert filled.metrics["val"] == card.metrics["val"]
    assert filled.metrics["test"] == {
        "faces": {
            "split": "test",
            "auc": 0.123457,
            "auc_interval": [0.1, 0.234568],
            "pictures": 20,
            "slices": {"source": {"a": {"auc": None, "accuracy": 0.333333}}},
        }
    }
    assert card.metrics["test"] == {"old": {"auc": 0.5}}


def test_card_names_no_single_picture(card: ModelCard) -> None:
    assert "someone" not in json.dumps(with_figures(card, evaluation()).to_dict())


def test_card_says_what_scored_each_split(card: ModelCard) -> None:
    filled = with_figures(with_figures(card, evaluation()), evaluation("val"))
    assert set(filled.provenance["evaluations"]) == {"val", "test"}
    assert "numpy" in filled.provenance["evaluations"]["val"]["versions"]
    assert filled.provenance["seed"] == 1


def test_all_sets_together_stand_beside_each(card: ModelCard) -> None:
    pooled = {"auc": 0.7, "ece_sources_equal": 0.01}
    filled = with_figures(card, evaluation(pooled=pooled))
    assert list(filled.metrics["test"]) == ["faces", "pooled"]
    assert filled.metrics["test"]["pooled"] == pooled


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"model": "another"}, "expected an evaluation of 'mine'"),
        (
            {"sets": {"a": {"split": "val"}, "b": {"split": "all"}}},
            "expected sets of one split, got all, val",
        ),
        ({"sets": {}}, "expected sets of one split"),
    ],
)
def test_figures_of_something_else_are_refused(
    card: ModelCard, other: dict[str, Any], told: str
) -> None:
    with pytest.raises(ArtifactError, match=told):
        with_figures(card, evaluation(**other))


def test_rewritten_card_is_read_back_and_its_files_still_fit(
    card: ModelCard, tmp_path: Path
) -> None:
    def write(folder: Path) -> None:
        (folder / "model.tflite").write_bytes(b"weights")

    written = write_artifact(tmp_path / "model", card, write)
    filled = with_figures(written.card, evaluation())
    rewrite_card(tmp_path / "model", filled)
    again = Artifact.load(tmp_path / "model")
    assert again.card == filled
    assert again.read("model.tflite") == b"weights"


def test_export_differences_are_the_largest_and_of_the_auc() -> None:
    y_true = np.array([0, 0, 1, 1])
    network = np.array([0.1, 0.4, 0.35, 0.8])
    shipped = np.array([0.1, 0.34, 0.35, 0.81])
    found = export_differences(y_true, shipped, network)
    assert found == {
        "pictures": 4,
        "p_fake_difference": pytest.approx(0.06),
        "auc_difference": pytest.approx(0.25),
    }
    same = export_differences(y_true, network, network)
    assert (same["p_fake_difference"], same["auc_difference"]) == (0.0, 0.0)


def test_export_check_stands_under_its_split(card: ModelCard) -> None:
    once = with_export_check(card, "val", {"a": {"pictures": 1}})
    twice = with_export_check(once, "test", {"a": {"pictures": 2}})
    assert twice.export_check == {
        "val": {"a": {"pictures": 1}},
        "test": {"a": {"pictures": 2}},
    }
    assert ModelCard.from_dict(twice.to_dict()) == twice


def row(held_out: str | None, architecture: str = "compact") -> dict[str, Any]:
    auc = {"mean": 0.7512345678, "spread": None, "interval": [0.7, 0.8]}
    of_set = {"auc": auc, "thumbnail_baseline_auc": {"mean": 0.55, "spread": None}}
    return {
        "architecture": architecture,
        "held_out": held_out,
        "epochs": 8,
        "seeds": 1,
        "train_pictures": None,
        "metrics": {"test": {held_out: of_set, "other": of_set}},
    }


def test_leave_one_out_keeps_the_rows_of_this_network(card: ModelCard) -> None:
    rows = [row("a"), row("b"), row(None), row("a", "resnet50")]
    filled = with_leave_one_out(card, rows)
    assert [kept["held_out"] for kept in filled.leave_one_out] == ["a", "b"]
    assert filled.leave_one_out[0] == {
        "held_out": "a",
        "seeds": 1,
        "train_pictures": None,
        "epochs": 8,
        "augmentation": None,
        "auc": {"mean": 0.751235, "spread": None, "interval": [0.7, 0.8]},
        "thumbnail_baseline_auc": 0.55,
    }


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(None)],
        [row("a", "resnet50")],
        [row("a") | {"metrics": {}}],
        [row("a") | {"metrics": {"test": {"b": {}}}}],
    ],
)
def test_comparison_without_such_rows_is_refused(
    card: ModelCard, rows: list[dict[str, Any]]
) -> None:
    with pytest.raises(ArtifactError, match="with a set left out, found none"):
        with_leave_one_out(card, rows)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{", b"\xff\xfe", b"{}", b"[1]", b'[{"architecture": "compact"}]']
    + [b"[" * 100_000],
)
def test_file_that_is_no_comparison_is_refused(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "comparison.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"^comparison\.json: expected the"):
        read_comparison(path)


def test_published_comparison_is_read(card: ModelCard) -> None:
    folder = Path(__file__).parents[2] / "docs" / "comparison"
    filled = with_leave_one_out(card, read_comparison(folder / "leave-one-out.json"))
    assert len(filled.leave_one_out) == 3
