"""docs/operating.md says what the log and the numbers hold."""

import json
import re

import pytest
import yaml

from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig
from deepfake_detector.stage_times import STAGES
from deepfake_detector.web.log_lines import FIELDS
from deepfake_detector.web.prometheus import Metrics
from deepfake_detector.web.refusals import REASONS

PAGE = (REPOSITORY / "docs" / "operating.md").read_text(encoding="utf-8")
NUMBERS = Metrics().text().decode()


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for name, text in fenced if name == language]


@pytest.mark.parametrize("word", [*FIELDS, *REASONS, *STAGES])
def test_every_field_reason_and_stage_is_told(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_number_has_its_row() -> None:
    rows = re.findall(r"^\| `(deepfake_\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    assert rows == re.findall(r"^# TYPE (deepfake_\w+) (\w+)$", NUMBERS, re.MULTILINE)


def test_line_that_it_shows_has_all_fields_but_two() -> None:
    (line,) = blocks("json")
    assert [*json.loads(line)] == [
        f for f in FIELDS if f not in ("address", "exception")
    ]


def test_examples_ask_for_numbers_that_exist() -> None:
    scrape, alerts = map(yaml.safe_load, blocks("yaml"))
    assert scrape["scrape_configs"][0]["static_configs"]
    rules = alerts["groups"][0]["rules"]
    asked = " ".join([rule["expr"] for rule in rules] + blocks(""))
    assert len(rules) == 2
    names = re.findall(r"\bdeepfake_\w+", asked)
    assert len(names) == 4
    families = [name.removesuffix("_bucket") for name in names]
    assert all(f"# TYPE {name} " in NUMBERS for name in families)
    reasons = re.findall(r'reason=~"([^"]+)"', asked)
    assert set("|".join(reasons).split("|")) <= set(REASONS)


def test_settings_that_it_names_exist() -> None:
    names = re.findall(rf"{ENV_PREFIX}([A-Z_]+)", PAGE)
    assert {name.lower() for name in names} <= set(ServeConfig().to_dict())
