"""docs/api.md: its snippets run against a real server; its tables are the code's."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from werkzeug.serving import make_server

from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.detector import MAX_FACES, Detector
from deepfake_detector.heatmap import METHODS
from deepfake_detector.verdict import Verdict
from deepfake_detector.web import create_app
from deepfake_detector.web.judging_options import FIELDS
from deepfake_detector.web.openapi import REFUSALS
from deepfake_detector.web.reference import SNIPPET_ADDRESS

PAGE = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
SNIPPETS = {"sh": "curl", "python": "python", "js": "javascript"}
TIMEOUT_S = 60


def block(language: str) -> str:
    """The one fenced block of a language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the shipped model is served."""
    config = ServeConfig(upload_dir=tmp_path_factory.mktemp("uploads"), rate_limit="")
    app = create_app(Detector.load(config), config)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the picture that the snippets send."""
    folder = tmp_path_factory.mktemp("snippets")
    file = io.BytesIO()
    Image.fromarray(draw_face(5, 512)).save(file, "JPEG", quality=95)
    (folder / "portrait.jpg").write_bytes(file.getvalue())
    return folder


def program(name: str) -> str:
    """Where a program is; skips where there is none."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"CI needs {name}")
        pytest.skip(f"needs {name}")
    return path


def output(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def expected(folder: Path) -> tuple[str, float]:
    """Verdict and P(fake) that the library gives the picture."""
    answer = Detector.load(ServeConfig()).analyse(folder / "portrait.jpg")
    assert answer.p_fake is not None
    return str(answer.verdict), answer.p_fake


@pytest.mark.slow
def test_curl_line_gets_the_answer(address: str, folder: Path) -> None:
    program("curl")
    line = block("sh").replace(SNIPPET_ADDRESS, address)
    answer = json.loads(output(["sh", "-c", line], folder))
    assert (answer["verdict"], answer["p_fake"]) == expected(folder)


@pytest.mark.slow
def test_python_snippet_gets_the_answer(address: str, folder: Path) -> None:
    code = block("python").replace(SNIPPET_ADDRESS, address)
    check_printed(output([sys.executable, "-W", "error", "-c", code], folder), folder)


@pytest.mark.slow
def test_javascript_snippet_gets_the_answer(address: str, folder: Path) -> None:
    node = program("node")
    code = block("js").replace(SNIPPET_ADDRESS, address)
    check_printed(output([node, "--input-type=module", "-e", code], folder), folder)


def check_printed(text: str, folder: Path) -> None:
    """The first line is the picture's answer, the next one its only face's."""
    picture, face = text.splitlines()
    verdict, p_fake = picture.split()
    assert (verdict, float(p_fake)) == expected(folder)
    assert face.startswith(f"{verdict} {p_fake} {{")


@pytest.mark.parametrize("language", SNIPPETS)
def test_the_reference_page_shows_the_same_snippets(language: str) -> None:
    name = SNIPPETS[language]
    shown = REPOSITORY / "templates" / "snippets" / f"{name}.txt"
    assert block(language) == shown.read_text(encoding="utf-8")
    assert SNIPPET_ADDRESS in block(language)


def first_cells(heading: str) -> list[str]:
    """The first column of the table under a heading, without its code marks."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip(" `") for row in rows[1:]]


def test_tables_are_the_codes() -> None:
    assert set(first_cells("One picture")) == set(Verdict)
    assert first_cells("Options") == list(FIELDS)
    assert first_cells("Errors, and when to try again") == list(REFUSALS)


def test_figures_are_the_settings() -> None:
    config = ServeConfig()
    megabytes = config.max_request_bytes / 1e6
    assert f"up to {config.max_files} times and {megabytes:g} MB" in PAGE
    assert f"| `faces` | 1 to {MAX_FACES}, or `all`" in PAGE
    assert all(f"`{method}`" in PAGE for method in METHODS)
