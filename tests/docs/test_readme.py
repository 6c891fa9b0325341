"""The README says what the card and the repository say."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from deepfake_detector.cli import main
from deepfake_detector.config import REPOSITORY
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.stability import CHECKS, PLAIN

VIEWS = (PLAIN, *CHECKS)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def pages() -> list[Path]:
    return [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]


def test_figures_are_the_cards() -> None:
    table = CliRunner().invoke(main, ["card", "--table"]).stdout.strip()
    assert f"card --table -->\n{table}\n\n" in README


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_command_is_named() -> None:
    for command in main.commands:
        assert f"python -m deepfake_detector {command}" in README


def test_every_make_target_it_names_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", README, re.MULTILINE))
    names = {first or second for first, second in targets}
    assert names
    assert [name for name in names if f"\n{name}:" not in makefile] == []


@pytest.fixture
def drawn_portrait(tmp_path: Path) -> Path:
    """The portrait that the README shows, as its screenshots draw it."""
    path = tmp_path / "portrait.png"
    Image.fromarray(draw_face(5, 512)).save(path)
    return path


def test_the_answer_it_shows_is_the_models(drawn_portrait: Path) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    printed = CliRunner().invoke(main, ["predict", str(drawn_portrait)]).stdout
    answer = json.loads(printed)
    del answer["file"]
    # Another processor may round otherwise, another zlib may pack otherwise.
    for facts in (answer["facts"], shown["facts"]):
        assert facts.pop("file_bytes") > 0
        assert re.fullmatch("[0-9a-f]{64}", facts.pop("sha256"))
    for one, other in zip(_scores(answer), _scores(shown), strict=True):
        assert one == pytest.approx(other, abs=1e-3)
    assert answer == shown


def _scores(answer: dict[str, Any]) -> list[float]:
    """Take every score out of an answer."""
    face = answer["faces"][0]
    views = face["stability"].pop("p_fake")
    return [answer.pop("p_fake"), face.pop("p_fake"), *(views[v] for v in VIEWS)]


def test_the_python_example_runs(drawn_portrait: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    answer = subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=drawn_portrait.parent,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0 <= float(answer.stdout) <= 1
