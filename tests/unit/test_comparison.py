"""Comparison: one budget for all, resumed where it was cut, one table in the end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepfake_detector import architectures, comparison
from deepfake_detector.comparison import Comparison, Trial, summary, trials_of
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import (
    ConfigError,
    DivergenceError,
    TrainingError,
    UnknownNameError,
)
from deepfake_detector.train_model import TrainModel
from deepfake_detector.training_checkpoint import TrainingCheckpoint
from tests.drawn_sets import write_drawn_set
from tests.tiny_network import TINY_ARCHITECTURES, train_step_by_step

pytestmark = [pytest.mark.tf, pytest.mark.slow]

COST = {
    "parameters": 1,
    "flops": 2,
    "train_images_per_second": 3.0,
    "serve_ms": 4.0,
    "file_bytes": 5,
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Networks of a few weights, run step by step; nothing drawn, no cost measured."""
    with pytest.MonkeyPatch.context() as patch:
        train_step_by_step(patch)
        patch.setattr(TrainModel, "_draw", lambda *args: None)
        patch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
        patch.setattr(comparison, "ARCHITECTURES", TINY_ARCHITECTURES)
        patch.setattr(comparison, "network_cost", lambda config, artifact: COST)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    write_drawn_set(place / "drawn")
    return place


def settings(place: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(
        **{
            "dataset": ("folder",),
            "data_dir": (place / "drawn",),
            "cache_dir": place / "cache",
            "output": place / "compared",
            "batch_size": 4,
            "train_pictures": 8,
            "epochs": 1,
        }
        | changes
    )


def plan(place: Path) -> Comparison:
    """One network answers NaN, one is made of two others."""
    trials = trials_of(["tiny", "mean", "flat", "broken"], ["whole"], [1, 2])
    return Comparison(settings(place), trials, ["tiny", "flat"])


@pytest.fixture(scope="module")
def compared(place: Path) -> list[dict[str, Any]]:
    return plan(place).run()


def test_ensembles_come_after_their_members(place: Path) -> None:
    order = [(trial.architecture, trial.seed) for trial in plan(place).trials]
    names = ("tiny", "flat", "broken", "mean")
    assert order == [(name, seed) for seed in (1, 2) for name in names]


def test_unknown_network_is_said_before_anything_is_trained() -> None:
    with pytest.raises(UnknownNameError, match="unknown architecture 'vit'"):
        trials_of(["vit"], ["face"], [1])


def test_every_network_has_one_row_over_its_seeds(
    compared: list[dict[str, Any]],
) -> None:
    assert [(row["architecture"], row["seeds"]) for row in compared] == [
        ("tiny", 2),
        ("flat", 2),
        ("broken", 0),
        ("mean", 2),
    ]
    row = compared[0]
    assert (row["epochs"], row["train_pictures"], row["crop"]) == (1, 8, "whole")
    assert row["cost"] == COST


def test_figures_are_mean_and_spread_of_the_runs(
    place: Path, compared: list[dict[str, Any]]
) -> None:
    aucs = [
        json.loads(
            (place / "compared" / f"tiny-whole-seed{n}" / "metrics.json").read_text()
        )["test"]["folder"]["auc"]
        for n in (1, 2)
    ]
    figure = compared[0]["metrics"]["test"]["folder"]["auc"]
    assert figure["mean"] == pytest.approx(np.mean(aucs))
    assert figure["spread"] == pytest.approx(np.std(aucs, ddof=1))
    assert len(figure["interval"]) == 2


def test_network_that_cannot_be_trained_says_why(
    compared: list[dict[str, Any]],
) -> None:
    broken = next(row for row in compared if row["architecture"] == "broken")
    assert len(broken["failed"]) == 2
    assert broken["metrics"] == {}


def test_tables_and_plot_are_written(
    place: Path, compared: list[dict[str, Any]]
) -> None:
    folder = place / "compared"
    assert json.loads((folder / "comparison.json").read_text()) == compared
    assert "| tiny | whole |" in (folder / "comparison.md").read_text()
    assert "tiny,whole,,2,test,folder,auc," in (folder / "comparison.csv").read_text()
    assert (folder / "quality_against_cost.png").read_bytes().startswith(b"\x89PNG")


def test_checkpoints_of_finished_runs_are_not_kept(
    place: Path, compared: list[dict[str, Any]]
) -> None:
    assert not list((place / "compared").glob("tiny-*/checkpoint"))
    assert (place / "compared" / "tiny-whole-seed1" / "model" / "card.json").is_file()


def test_what_is_finished_is_not_trained_again(
    place: Path, compared: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: TrainModel) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(TrainModel, "run_training", refuse)
    assert plan(place).run() == compared


def test_cut_comparison_goes_on_where_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after the first epoch of the second network."""
    comparing = Comparison(
        settings(place, epochs=2, output=place / "cut"),
        trials_of(["tiny", "flat"], ["whole"], [1]),
    )
    save = TrainingCheckpoint.save

    def cut(self: TrainingCheckpoint) -> None:
        save(self)
        if "flat" in self.directory.parent.name:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingCheckpoint, "save", cut)
        with pytest.raises(KeyboardInterrupt):
            comparing.run()
    assert len(comparing.rows()) == 1
    assert [row["seeds"] for row in comparing.run()] == [1, 1]
    history = (place / "cut" / "flat-whole-seed1" / "history.csv").read_text()
    assert len(history.splitlines()) == 3  # a heading, and an epoch of each start


def test_other_settings_are_not_mixed_into_one_table(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: TrainModel) -> None:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.config.to_dict())
        (self.run_dir / "config.json").write_text(text)
        raise KeyboardInterrupt

    trials = trials_of(["tiny"], ["whole"], [1])
    output = place / "mixed"
    with monkeypatch.context() as patch:
        patch.setattr(TrainModel, "run_training", fail)
        with pytest.raises(KeyboardInterrupt):
            Comparison(settings(place, output=output), trials).run()
    with pytest.raises(ConfigError, match="was begun with another epochs"):
        Comparison(settings(place, output=output, epochs=7), trials).run()


def test_left_out_set_is_scored_but_not_trained_on(place: Path, tmp_path: Path) -> None:
    write_drawn_set(tmp_path / "other")
    config = settings(
        place,
        dataset=("folder", "openforensics"),
        data_dir=(place / "drawn", tmp_path / "other"),
        output=tmp_path / "left-out",
    )
    trials = trials_of(["tiny"], ["whole"], [1], ["openforensics"])
    (row,) = Comparison(config, trials).run()
    assert row["held_out"] == "openforensics"
    assert row["dataset"] == ["folder"]
    test = row["metrics"]["test"]
    assert set(test) == {"folder", "openforensics"}
    assert 0 <= test["openforensics"]["thumbnail_baseline_auc"]["mean"] <= 1
    matrix = (tmp_path / "left-out" / "comparison.md").read_text()
    assert "| tiny | whole | openforensics |" in matrix


BAD_PLANS = {
    "nothing": ([], [], "expected at least one name"),
    "no members": ([Trial("mean", "whole", 1)], [], "got none"),
    "member that is not trained": (
        [Trial("tiny", "whole", 1), Trial("mean", "whole", 1)],
        ["tiny", "flat"],
        "got flat",
    ),
    "member of another crop": (
        [Trial("tiny", "face", 1), Trial("mean", "whole", 1)],
        ["tiny"],
        "got tiny",
    ),
}


@pytest.mark.parametrize(
    ("trials", "members", "words"), BAD_PLANS.values(), ids=list(BAD_PLANS)
)
def test_bad_plan_is_refused_before_anything_is_trained(
    trials: list[Trial], members: list[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        Comparison(settings(tmp_path), trials, members)


def test_only_set_cannot_be_left_out(place: Path) -> None:
    trials = trials_of(["tiny"], ["whole"], [1], ["folder"])
    with pytest.raises(ConfigError, match="'folder' cannot be left out of: folder"):
        Comparison(settings(place, output=place / "none"), trials)


def test_name_said_twice_is_one_trial() -> None:
    assert len(trials_of(["tiny", "tiny"], ["whole", "whole"], [1])) == 1


def test_failure_is_not_tried_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(self: TrainModel) -> None:
        tries.append(self.run_dir.name)
        raise DivergenceError("the loss is not a number")

    monkeypatch.setattr(TrainModel, "run_training", fail)
    comparing = Comparison(
        settings(place, output=place / "failed"), trials_of(["tiny"], ["whole"], [1])
    )
    assert comparing.run() == comparing.run()
    assert tries == ["tiny-whole-seed1"]
    assert comparing.rows()[0]["failed"] == ["the loss is not a number"]


def test_failure_that_may_pass_ends_the_comparison_and_is_tried_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(self: TrainModel) -> None:
        raise TrainingError("no space left")

    output = place / "full-disk"
    comparing = Comparison(
        settings(place, output=output), trials_of(["tiny"], ["whole"], [1])
    )
    with monkeypatch.context() as patch:
        patch.setattr(TrainModel, "run_training", fill)
        with pytest.raises(TrainingError, match="no space left"):
            comparing.run()
    assert [row["seeds"] for row in comparing.run()] == [1]


def test_weights_of_a_body_are_left_out_where_there_is_none(place: Path) -> None:
    config = settings(place, backbone_weights="imagenet", head_epochs=1)
    plan = Comparison(config, trials_of(["tiny"], ["whole"], [1]))
    trained = plan._config(plan.trials[0])
    assert (trained.backbone_weights, trained.head_epochs) == ("none", 0)


def test_summary_of_one_seed_has_no_spread() -> None:
    report = {"auc": 0.8, "auc_interval": [0.7, 0.9], "confusion": {}, "split": "val"}
    assert summary([report]) == {
        "auc": {"mean": 0.8, "spread": None, "interval": [0.7, 0.9]}
    }
