"""The whole corpus through decoder, facts, detector and HTTP: each as it should be.

What takes too long or too much memory is stopped by limits of a process of its own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import ImageError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors import FACE_DETECTORS
from deepfake_detector.image_metadata import read_metadata
from deepfake_detector.verdict import JUDGED, Verdict
from deepfake_detector.web import create_app
from tests.conftest import REPOSITORY
from tests.hostile_pictures import CORPUS
from tests.property.bounded import is_bounded
from tests.web.conftest import Server

INPUT_SHAPE = (16, 16, 3)

every_picture = pytest.mark.parametrize("name", list(CORPUS))

#: Decodes and reads every file of a folder within 1 GB of its own and 2 minutes.
_WITHIN_LIMITS = """
import resource, sys
from pathlib import Path
from deepfake_detector import images
from deepfake_detector.exceptions import ImageError
from deepfake_detector.image_metadata import read_metadata

resource.setrlimit(resource.RLIMIT_DATA, (10**9, 10**9))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
read = 0
for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
    data = path.read_bytes()
    try:
        images.decode(data)
    except ImageError as error:
        assert not isinstance(error.__cause__, MemoryError), path.name
    read_metadata(data)
    read += 1
print(read)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real face search before a stand-in network, behind HTTP."""
    folder: Path = tmp_path_factory.mktemp("uploads")
    rule = CROP_RULES["face"]
    card = ModelCard("stand-in", "none", INPUT_SHAPE, rule)
    faces = FACE_DETECTORS.get(rule.detector)()
    detector = Detector(ConstantBackend(-6.0, INPUT_SHAPE), faces, card)
    config = ServeConfig(upload_dir=folder, rate_limit="")
    client = create_app(detector, config).test_client()
    yield Server(client, folder, detector)
    assert list(folder.iterdir()) == []


def outcome(name: str, server: Server) -> tuple[str, Verdict | None]:
    """What the detector makes of a file: the word for it, and the verdict."""
    try:
        return "judged", server.detector.analyse(CORPUS[name].make()).verdict
    except ImageError as error:
        assert str(error).endswith(".")
        return type(error).__name__, None


@every_picture
def test_detector_judges_or_refuses_in_words(server: Server, name: str) -> None:
    word, verdict = outcome(name, server)
    assert word == CORPUS[name].outcome
    assert verdict in (*JUDGED, Verdict.NO_FACE, Verdict.TOO_SMALL, None)


@pytest.mark.slow
@every_picture
def test_http_answers_in_kind(server: Server, name: str) -> None:
    expected = CORPUS[name].refused_with
    data = CORPUS[name].make()
    answer = server.send(("file", "a.jpg", data), path="/api/v1/predict")
    assert answer.status_code == (expected.http_status if expected else 200)
    kind = "application/problem+json" if expected else "application/json"
    assert answer.content_type == kind
    page = server.send(("file", "a.jpg", data))
    assert page.status_code == answer.status_code
    assert "\x1b" not in page.text and "<script>alert" not in page.text
    assert server.left_over() == []


@pytest.mark.parametrize("name", CORPUS)
def test_facts_are_short_and_readable(name: str) -> None:
    assert is_bounded(read_metadata(CORPUS[name].make()).to_dict())


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPUS)
def test_each_file_is_the_same_when_it_is_made_again(name: str) -> None:
    assert CORPUS[name].make() == CORPUS[name].make()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, written by its command."""
    folder: Path = tmp_path_factory.mktemp("corpus") / "made"
    subprocess.run(
        [sys.executable, "-m", "tests.hostile_pictures", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.slow
def test_command_writes_files_and_outcomes(folder: Path) -> None:
    outcomes = json.loads((folder / "outcomes.json").read_text())
    files = {path.name for path in folder.glob("*.jpg")}
    assert set(outcomes) == files == {f"{name}.jpg" for name in CORPUS}
    assert outcomes["jpeg-ycck.jpg"] == "judged"
    assert outcomes["png-9000x9000-of-1-bit.jpg"] == "ImageTooLargeError"


@pytest.mark.slow
def test_corpus_is_read_within_limits_of_memory_and_processor(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _WITHIN_LIMITS, str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert int(run.stdout) == len(CORPUS)
