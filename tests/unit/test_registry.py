"""Tables: lazy, free of duplicates, and helpful on a miss."""

import sys

import pytest

from deepfake_detector.exceptions import ConfigError, UnknownNameError
from deepfake_detector.registry import Registry

TABLE = Registry(
    "shape",
    [
        ("square", "deepfake_detector.labels:CLASS_NAMES"),
        ("circle", "deepfake_detector.labels:FAKE"),
        ("broken", "package_that_is_not_installed.module:Thing"),
    ],
)


def test_name_gives_the_object_itself() -> None:
    from deepfake_detector.labels import CLASS_NAMES

    assert TABLE.get("square") is CLASS_NAMES


def test_unknown_name_lists_choices() -> None:
    words = "unknown shape 'oval'; choose from: broken, circle, square"
    with pytest.raises(UnknownNameError, match=words):
        TABLE.get("oval")
    with pytest.raises(UnknownNameError, match=words):
        TABLE.summary("oval")


def test_names_come_sorted() -> None:
    assert list(TABLE) == ["broken", "circle", "square"]
    assert len(TABLE) == 3


def test_table_knows_its_names() -> None:
    assert "square" in TABLE
    assert "oval" not in TABLE


def test_name_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="shape 'square' is registered twice"):
        Registry("shape", [("square", "a:b"), ("square", "c:d")])


@pytest.mark.parametrize("path", ["module", "module.attribute", "a:b:c", ""])
def test_path_without_an_attribute_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="is not module:attribute"):
        Registry("shape", [("square", path)])


def test_nothing_is_imported_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    table = Registry("thing", [("colours", "colorsys:rgb_to_hsv")])
    assert list(table) == ["colours"]
    assert table.summary("colours")
    assert "colorsys" not in sys.modules
    table.get("colours")
    assert "colorsys" in sys.modules


def test_missing_package_breaks_its_own_entry_only() -> None:
    with pytest.raises(ModuleNotFoundError):
        TABLE.get("broken")
    assert TABLE.get("circle") == 1


def test_summary_is_the_first_line_of_the_module() -> None:
    assert TABLE.summary("circle").startswith("The only place where polarity is said")


def test_summary_of_a_module_that_is_not_there_is_empty() -> None:
    table = Registry("thing", [("one", "deepfake_detector.no_such_module:x")])
    assert table.summary("one") == ""


FAMILY = Registry(
    "form",
    [
        ("Fake", "tests.unit.test_registry:FORMS", "One form of two."),
        ("Real", "tests.unit.test_registry:FORMS"),
    ],
)

FORMS = {"Fake": 1, "Real": 0}


def test_member_of_a_family_is_found_by_its_own_name() -> None:
    assert (FAMILY.get("Fake"), FAMILY.get("Real")) == (1, 0)


def test_line_of_the_table_comes_before_the_modules() -> None:
    assert FAMILY.summary("Fake") == "One form of two."
    assert FAMILY.summary("Real").startswith("Tables: lazy")


def test_paths_come_by_name() -> None:
    assert [name for name, path in TABLE.paths()] == list(TABLE)
    assert dict(TABLE.paths())["circle"] == "deepfake_detector.labels:FAKE"
