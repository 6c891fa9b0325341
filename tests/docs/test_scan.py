"""docs/scan.md says what the command and the code say."""

import re

from deepfake_detector.archive_pictures import (
    ARCHIVE_SUFFIXES,
    MOST_HELD_BYTES,
    MOST_ZIP_MEMBERS,
)
from deepfake_detector.bulk_scan import CHUNK_PICTURES, FORMS
from deepfake_detector.cli import main
from deepfake_detector.config import REPOSITORY
from deepfake_detector.images import DEFAULT_MAX_PIXELS
from deepfake_detector.picture_sources import PICTURE_SUFFIXES
from deepfake_detector.scan_row import COLUMNS

PAGE = (REPOSITORY / "docs" / "scan.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    section = PAGE.split(f"{heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line[:1] == "|"]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_column_is_told_in_words() -> None:
    assert sorted(first_cells("## A row")) == sorted(COLUMNS)


def test_every_option_of_its_own_is_told() -> None:
    options = {
        option for param in main.commands["scan"].params for option in param.opts
    }
    told = {name.split()[0] for name in first_cells("# Many pictures: `scan`")}
    assert told - {"--no-stability"} <= options
    own = {"--workers", "--whole-picture", "--crops", "--all-files", "--overwrite"}
    assert own | {"--engine"} <= told


def test_endings_and_limits_are_the_codes() -> None:
    words = set(re.findall(r"\.[a-z.]+", PAGE))
    assert {*PICTURE_SUFFIXES, *ARCHIVE_SUFFIXES, *FORMS} <= words
    assert f"may\n  have {MOST_HELD_BYTES // 10**6} MB" in PAGE
    assert f"may have {MOST_ZIP_MEMBERS // 10**6} million" in PAGE
    assert f"({8 * DEFAULT_MAX_PIXELS // 10**6} MB)" in PAGE
    assert f"{CHUNK_PICTURES} pictures a process" in PAGE
