"""The tree in the module docstring is the tree in the code, statuses and all."""

import inspect
import re

import pytest

from deepfake_detector import exceptions

CLASSES = {
    name: value
    for name, value in vars(exceptions).items()
    if inspect.isclass(value) and value.__module__ == exceptions.__name__
}


def drawn_tree() -> dict[str, tuple[str | None, int]]:
    """Name -> (parent, status), read from the drawing."""
    tree: dict[str, tuple[str | None, int]] = {}
    parents: list[str] = []
    pattern = re.compile(r"^ {4}([│├└─ ]*)(\w+Error) +(\d{3})", re.MULTILINE)
    for branch, name, status in pattern.findall(exceptions.__doc__ or ""):
        depth = len(branch) // 4
        parents[depth:] = [name]
        tree[name] = (parents[depth - 1] if depth else None, int(status))
    return tree


def test_every_class_is_drawn_and_every_drawn_one_exists() -> None:
    assert drawn_tree().keys() == CLASSES.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_the_drawn_parent(name: str) -> None:
    parent, _ = drawn_tree()[name]
    expected = CLASSES[parent] if parent else Exception
    assert CLASSES[name].__bases__ == (expected,)


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_the_drawn_status(name: str) -> None:
    _, status = drawn_tree()[name]
    assert CLASSES[name].http_status == status


@pytest.mark.parametrize("name", CLASSES)
def test_class_says_what_it_is_for(name: str) -> None:
    assert inspect.getdoc(CLASSES[name]) != inspect.getdoc(Exception)
    assert CLASSES[name].__doc__
