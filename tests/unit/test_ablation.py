"""Run folders as a table of changes, read and written again."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.ablation import ablation_rows, ablation_table
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError


def run_folder(place: Path, name: str, auc: float, **settings: Any) -> Path:
    folder = place / name
    folder.mkdir()
    config = TrainConfig(epochs=5, output=place, **settings).to_dict()
    figures = {"auc": auc, "auc_interval": [auc - 0.05, auc + 0.05]}
    metrics = {
        "val": {
            "drawn": figures | {"thumbnail_baseline_auc": 0.612, "accuracy": 0.5},
            "pooled": figures,
        }
    }
    sessions = [
        {"minutes": 2.0, "images_per_second": 300.0},
        {"minutes": 1.5, "images_per_second": 400.0},
    ]
    for file, content in {
        "config": config,
        "metrics": metrics,
        "provenance": {"sessions": sessions},
    }.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [
        run_folder(tmp_path, "first", 0.7),
        run_folder(tmp_path, "second", 0.8, self_blended=0.25, mixed_precision=True),
        run_folder(tmp_path, "again", 0.71, cache_dir=tmp_path / "elsewhere"),
    ]


def cells(table: str) -> list[list[str]]:
    lines = table.splitlines()
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines]


def test_each_run_tells_what_it_changed_and_what_came_of_it(runs: list[Path]) -> None:
    table = cells(ablation_table(ablation_rows(runs)))
    assert table[0][4:] == ["drawn", "pooled"]
    assert table[2] == [
        "first row",
        "5",
        "4",
        "400",
        *["0.700 [0.650, 0.750]"] * 2,
    ]
    assert table[3][0] == "`--mixed-precision --self-blended 0.25`"
    assert table[3][4] == "0.800 [0.750, 0.850]"


def test_places_are_no_change(runs: list[Path]) -> None:
    assert cells(ablation_table(ablation_rows(runs)))[4][0] == "nothing"


def test_baseline_comes_last_and_only_where_there_is_one(runs: list[Path]) -> None:
    last = cells(ablation_table(ablation_rows(runs)))[-1]
    assert last == ["16x16 thumbnails", "", "", "", "0.612", ""]


def test_switched_off_and_listed_settings_read_as_typed(tmp_path: Path) -> None:
    runs = [
        run_folder(tmp_path, "a", 0.7),
        run_folder(
            tmp_path,
            "b",
            0.7,
            duplicate_control=False,
            dataset=("folder", "synthetic"),
            teacher=Path("runs/large/model"),
        ),
    ]
    changed = cells(ablation_table(ablation_rows(runs)))[3][0]
    assert changed == (
        "`--dataset folder --dataset synthetic --no-duplicate-control "
        "--teacher large/model`"
    )


def test_setting_that_an_old_run_lacks_has_its_default(runs: list[Path]) -> None:
    config = json.loads((runs[0] / "config.json").read_text())
    del config["self_blended"], config["focal_gamma"]
    (runs[0] / "config.json").write_text(json.dumps(config))
    changed = cells(ablation_table(ablation_rows(runs)))[3][0]
    assert changed == "`--mixed-precision --self-blended 0.25`"


def test_session_that_was_killed_counts_with_its_minutes(runs: list[Path]) -> None:
    provenance = json.loads((runs[0] / "provenance.json").read_text())
    del provenance["sessions"][0]["images_per_second"]
    (runs[0] / "provenance.json").write_text(json.dumps(provenance))
    (row,) = ablation_rows(runs[:1])
    assert row["cost"] == {"epochs": 5, "minutes": 3.5, "images_per_second": 400.0}


def test_written_rows_give_the_same_table(runs: list[Path], tmp_path: Path) -> None:
    rows = ablation_rows(runs)
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert ablation_rows([tmp_path / "rows.json"]) == rows
    joined = ablation_rows([tmp_path / "rows.json", runs[1]])
    assert len(joined) == len(rows) + 1


def test_no_place_of_the_machine_is_kept(runs: list[Path], tmp_path: Path) -> None:
    folders = {"teacher": tmp_path / "a" / "model", "member": (tmp_path / "b" / "m",)}
    runs = [*runs, run_folder(tmp_path, "taught", 0.7, **folders)]
    assert str(tmp_path) not in json.dumps(ablation_rows(runs))


@pytest.mark.parametrize(
    "spoil",
    ["missing", "no metrics", "not json", "list", "empty", "other json", "no sessions"]
    + ["no rows"],
)
def test_what_is_no_run_is_refused_in_one_line(
    runs: list[Path], tmp_path: Path, spoil: str
) -> None:
    path = runs[0]
    if spoil == "missing":
        path = tmp_path / "nowhere"
    elif spoil == "no metrics":
        (path / "metrics.json").unlink()
    elif spoil == "no sessions":
        (path / "provenance.json").write_text('{"sessions": []}')
    elif spoil in ("not json", "list", "empty"):
        text = {"not json": "{", "list": "[]", "empty": ""}[spoil]
        (path / "config.json").write_text(text)
    else:
        path = tmp_path / "other.json"
        path.write_text("[]" if spoil == "no rows" else '[{"settings": 1}]')
    with pytest.raises(ConfigError, match="expected the folder of a finished training"):
        ablation_rows([path])
