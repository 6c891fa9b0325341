"""docs/settings.md says what config.py says."""

import dataclasses
from pathlib import Path

import pytest

from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig, TrainConfig

SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")


def default_text(value: object) -> str:
    values = value if isinstance(value, tuple) else (value,)
    shown = [
        v.relative_to(REPOSITORY).as_posix() if isinstance(v, Path) else str(v)
        for v in values
        if v is not None
    ]
    return f"`{', '.join(shown)}`" if shown else "none"


@pytest.mark.parametrize("config_type", [ServeConfig, TrainConfig])
def test_every_setting_has_its_row(config_type: type) -> None:
    for field in dataclasses.fields(config_type):
        variable = f"`{ENV_PREFIX}{field.name.upper()}`"
        option = f"`--{field.name.replace('_', '-')}`"
        default, text = default_text(field.default), field.metadata["help"]
        assert f"| {variable} | {option} | {default} | {text} |" in SETTINGS


def test_no_row_is_left_of_a_setting_that_is_gone() -> None:
    fields = [*dataclasses.fields(ServeConfig), *dataclasses.fields(TrainConfig)]
    known = {ENV_PREFIX + field.name.upper() for field in fields}
    rows = [line for line in SETTINGS.splitlines() if line.startswith("| `DEEPFAKE_")]
    assert {line.split("`")[1] for line in rows} == known
