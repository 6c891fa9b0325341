"""Write the corpus into a folder, each file named ``.jpg`` as a liar would."""

import json
import sys
from pathlib import Path

from tests.hostile_pictures import CORPUS


def main(folder: Path) -> None:
    """Make the folder, its files, and ``outcomes.json`` that says what is expected."""
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = {}
    for name, picture in CORPUS.items():
        (folder / f"{name}.jpg").write_bytes(picture.make())
        outcomes[f"{name}.jpg"] = picture.outcome
    text = json.dumps(outcomes, indent=2) + "\n"
    (folder / "outcomes.json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(outcomes)} files in {folder.name}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one folder: python -m tests.hostile_pictures DIR")
    main(Path(sys.argv[1]))
