"""Every module has its tests where a reader looks for them."""

from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY

PACKAGE = REPOSITORY / "deepfake_detector"
TESTS = REPOSITORY / "tests"

#: Modules without tests of their own, each with the reason.
EXCUSED = {
    "__main__.py": "calls cli and holds nothing else",
}


def modules() -> list[str]:
    """Every module but those that only open a folder, as paths in the package."""
    files = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    return sorted(str(file) for file in files if file.name != "__init__.py")


def places(module: str) -> list[Path]:
    """Where the tests of a module may be."""
    file = Path(module)
    found = list(TESTS.glob(f"*/test_{file.stem}.py"))
    if file.parent.name:
        # A table's test checks all its entries; a folder may have tests of its own.
        found += TESTS.glob(f"contract/test_{file.parent.name}.py")
        found += TESTS.glob(f"{file.parent.name}/test_*.py")
    return found


@pytest.mark.parametrize("module", [m for m in modules() if m not in EXCUSED])
def test_module_has_tests(module: str) -> None:
    assert places(module), f"write tests/unit/test_{Path(module).stem}.py"


@pytest.mark.parametrize("module", EXCUSED)
def test_excused_module_exists_and_still_has_no_tests(module: str) -> None:
    assert module in modules()
    assert not places(module), f"{module} has tests: take its excuse away"
