"""Where a model comes from, without a path of the machine."""

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector import provenance
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import DatasetError

pytestmark = pytest.mark.tf

DATA = {"folder": {"sha256": "ab"}}


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_outside_a_checkout_there_is_no_commit(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    assert provenance.git_commit() is None


def test_package_that_is_not_installed_has_no_version() -> None:
    assert provenance.package_version("package-that-is-not-installed") is None


def test_session_is_added_to_those_before() -> None:
    first = provenance.provenance_of(TrainConfig(), DATA, {}, 0)
    second = provenance.provenance_of(TrainConfig(), DATA, first, 3)
    assert [session["epochs_before"] for session in second["sessions"]] == [0, 3]
    assert second["sessions"][0] == first["sessions"][0]
    assert second["data"] == DATA


def test_other_pictures_are_refused() -> None:
    first = provenance.provenance_of(TrainConfig(), DATA, {}, 0)
    with pytest.raises(DatasetError, match="other than those the run began with"):
        provenance.provenance_of(TrainConfig(), {"folder": {"sha256": "cd"}}, first, 1)


def test_no_folder_of_this_machine_is_told(tmp_path: Path) -> None:
    config = dataclasses.replace(
        TrainConfig(),
        dataset=("folder",),
        data_dir=(tmp_path / "mine",),
        backbone_weights=str(tmp_path / "body.weights.h5"),
        cache_dir=tmp_path,
    )
    told: dict[str, Any] = provenance.provenance_of(config, DATA, {}, 0)["config"]
    assert str(tmp_path.parent) not in str(told)
    assert told["backbone_weights"] == "body.weights.h5"
    assert told["data_dir"] == ["mine"]


def test_clock_counts_the_work_and_names_the_machine() -> None:
    clock = provenance.SessionClock(graphics_cards=2)
    first = clock.read()
    assert sum(number**0.5 for number in range(300_000)) > 0
    second = clock.read()
    assert 0 <= first["minutes"] <= second["minutes"]
    assert 0 <= first["cpu_minutes"] < second["cpu_minutes"]
    assert second["cores"] >= 1
    assert second["graphics_cards"] == 2
    assert second["processor"] == provenance.processor_name() != ""


def test_processor_is_named_where_the_system_keeps_no_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_text(self: Path, encoding: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", read_text)
    assert provenance.processor_name()
