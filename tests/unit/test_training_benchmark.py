"""The training benchmark's arithmetic, and one trial of each way."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.training_page import page
from benchmarks.training_pictures import write_forgeries, write_portraits
from benchmarks.training_table import judged, rows
from benchmarks.training_trial import INPUT_ALONE, Trial
from benchmarks.training_turns import take_turns


def turn(speed: float, **changes: float) -> dict[str, float]:
    """What a trial returns, of a way that trains so many pictures a second."""
    return {
        "first": speed / 2,
        "later": speed,
        "seconds": 600 / speed,
        "auc": 0.9,
        "reached": True,
        "epochs": 2,
        "peak_mb": 900.0,
        "processor_s": 100 / speed,
    } | changes


SPEEDS = {
    "plain, float32": 50.0,
    "plain, bfloat16": 80.0,
    "plain, float32, cached": 60.0,
    "ours, float32": 75.0,
    "ours, bfloat16": 200.0,
    "ours, float32, cached": 90.0,
}
MEASURES = ("first epoch", "later epoch", "processor time of a later epoch")
RESULTS = {
    "four_conv, speed": [{w: turn(s) for w, s in SPEEDS.items()}] * 2,
    "four_conv, to an AUC": [{w: turn(s) for w, s in SPEEDS.items()}],
}


@pytest.mark.parametrize(
    ("with_bfloat16", "expected"),
    [
        (
            True,
            {"as it ships": 4.0, "both float32": 1.5, "both bfloat16": 2.5},
        ),
        (False, {"as it ships": 1.5, "both float32": 1.5}),
    ],
)
def test_more_is_better_in_every_ratio(
    with_bfloat16: bool, expected: dict[str, float]
) -> None:
    ratios = judged(RESULTS, ["four_conv"], with_bfloat16)["ratios"]
    for label, ratio in expected.items():
        for measure in (
            "first epoch",
            "later epoch",
            "processor time of a later epoch",
        ):
            assert ratios[f"four_conv, {measure}, {label}"]["median"] == ratio
    cached = ratios["four_conv, later epoch, both float32, both cached"]
    assert cached["median"] == 1.5
    to_auc = ratios["four_conv, time to the AUC, as it ships"]
    assert to_auc["median"] == expected["as it ships"]


def test_time_of_a_training_that_was_given_up_is_no_time_to_the_auc() -> None:
    ended, given_up = turn(75.0), turn(750.0, reached=False)
    plain = turn(50.0)
    races = [{"plain, float32": plain, "ours, float32": o} for o in (ended, given_up)]
    report = judged(RESULTS | {"four_conv, to an AUC": races}, ["four_conv"], False)
    ratio = report["ratios"]["four_conv, time to the AUC, both float32"]
    assert ratio["turns"] == [1.5]
    assert "| got there |" in page(report)
    assert "| 1 of 2 |" in page(report)


def test_there_is_no_time_to_an_auc_that_nobody_reached() -> None:
    race = {way: turn(50.0, reached=False) for way in SPEEDS}
    report = judged(RESULTS | {"four_conv, to an AUC": [race]}, ["four_conv"], True)
    assert not [name for name in report["ratios"] if "time to the AUC" in name]


def test_every_turn_has_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "run", lambda trial: turn(10.0, seed=trial.seed))
    ours = Trial("ours", INPUT_ALONE, "pictures", 2)
    taken = take_turns("x", {"one": [ours], "two": [ours, ours]}, turns=2)["x"]
    assert [t["one"]["seed"] for t in taken] == [0, 1]
    assert [t["two"]["seed"] for t in taken] == [0, 1]
    assert [t["two"]["later"] for t in taken] == [20.0, 20.0]


@pytest.mark.parametrize(("with_bfloat16", "held"), [(True, True), (False, False)])
def test_later_epoch_as_it_ships_is_what_is_aimed_at(
    with_bfloat16: bool, held: bool
) -> None:
    ratios = judged(RESULTS, ["four_conv"], with_bfloat16)["ratios"]
    aimed = {name: ratio for name, ratio in ratios.items() if "aim" in ratio}
    assert list(aimed) == ["four_conv, later epoch, as it ships"]
    assert next(iter(aimed.values()))["held"] is held


def test_every_figure_has_its_row() -> None:
    report = judged(RESULTS, ["four_conv"], True)
    lines = dict(rows(report))
    assert lines["four_conv, speed, ours, bfloat16, images/s, later epoch"] == (
        "200 (200 to 200)"
    )
    assert json.dumps(report)


@pytest.mark.slow
@pytest.mark.tf
@pytest.mark.parametrize("way", ["plain", "ours"])
def test_trial_is_run_in_a_process_of_its_own(tmp_path: Path, way: str) -> None:
    root = tmp_path / "pictures"
    write_portraits(root, 64)
    result: dict[str, Any] = Trial(way, INPUT_ALONE, str(root), 2).run()
    assert result["epochs"] == 2
    assert result["reached"]
    assert min(result[name] for name in ("first", "later", "seconds")) > 0
    assert result["peak_mb"] > 100


def test_forgeries_are_of_both_classes(tmp_path: Path) -> None:
    write_forgeries(tmp_path / "set", 4, 2)
    names = sorted(p.parent.name for p in (tmp_path / "set/Train").glob("*/*"))
    assert names == ["Fake", "Fake", "Real", "Real"]
