"""The boundaries that are fuzzed: a module each with `seeds`, `check`, `MAX_LEN`."""

from pathlib import Path
from typing import Final

# Nothing of what is watched may be imported before `one.py` watches, conftest.py's
# Pillow neither.
REPOSITORY: Final = Path(__file__).resolve().parents[2]

TARGETS: Final = (
    "decoder",
    "metadata",
    "face_crop",
    "archive",
    "archive_pictures",
    "settings",
    "model_files",
    "api_form",
)

#: Packages whose branches are watched; what is written in C is not.
WATCHED: Final = ["deepfake_detector", "PIL", "zipfile", "tarfile", "werkzeug"]

#: Below this folder, which git ignores, lie inputs that were kept and those that broke.
FOLDER: Final = REPOSITORY / "out" / "fuzz"

NEEDS_ATHERIS: Final = (
    "fuzzing needs atheris, which has wheels for Linux on x86-64 alone: run "
    "`make fuzz` on such a machine; the property tests run anywhere"
)


def corpus_folder(target: str) -> Path:
    """Where inputs that reached something new are kept from run to run."""
    return FOLDER / "corpus" / target


def crash_prefix(target: str) -> str:
    """What the paths of inputs that broke something begin with."""
    return f"{FOLDER / 'crashes' / target}-"
