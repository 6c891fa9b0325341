"""One picture, asked in every way: library, page's API, `predict` and `evaluate`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.cli import main
from deepfake_detector.config import ServeConfig
from deepfake_detector.image_metadata import read_metadata
from deepfake_detector.inference_model import InferenceModel

#: Settings that the environment and the command line may give.
SETTINGS = [
    {},
    {"threshold": "0.3"},
    {"stability": "0"},
]


@pytest.fixture(scope="module")
def group(portrait: NDArray[np.uint8]) -> Image.Image:
    """Three copies of the portrait of different size and light, and a tiny one."""
    picture = Image.new("RGB", (1400, 700), (120, 130, 140))
    copy = Image.fromarray(portrait)
    picture.paste(copy, (0, 50))
    picture.paste(copy.resize((640, 640)).point(lambda v: v * 0.7), (500, 30))
    picture.paste(copy.resize((256, 256)), (1142, 40))
    return picture


@pytest.fixture
def data_set(group: Image.Image, portrait: NDArray[np.uint8], tmp_path: Path) -> Path:
    """The group as a real picture and the portrait as a fake; only the names matter."""
    folder = tmp_path / "pictures"
    for name in ("Real", "Fake"):
        (folder / name).mkdir(parents=True)
    group.save(folder / "Real" / "group.png")
    # Turned by its EXIF tag: upright for every reader.
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(portrait)))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "Fake" / "turned.jpg", quality=95, exif=exif)
    return folder


def from_command_line(*arguments: object) -> str:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def from_api(client: FlaskClient, file: Path, **fields: str) -> dict[str, Any]:
    """POST a form whose body waits in memory: the client's own leaves a file open."""
    body = b""
    for name, value in fields.items():
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        body += head.encode() + value.encode() + b"\r\n"
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body += head.encode() + file.read_bytes() + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    answer = client.post("/api/v1/predict", data=body, content_type=kind)
    assert answer.status_code == 200, answer.text
    fields_of_answer: dict[str, Any] = answer.json or {}
    return fields_of_answer


@pytest.mark.parametrize(
    "settings", SETTINGS, ids=["as it comes", "own threshold", "unchecked"]
)
def test_library_http_and_command_line_say_the_same(
    settings: dict[str, str],
    data_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepfake_detector.dataset_scoring.CACHE_DIR", tmp_path / "c")
    for name, value in settings.items():
        monkeypatch.setenv(f"DEEPFAKE_{name.upper()}", value)
    (tmp_path / "uploads").mkdir()
    environ = {f"DEEPFAKE_{name.upper()}": text for name, text in settings.items()}
    config = ServeConfig.from_env(environ, upload_dir=tmp_path / "uploads")
    server = InferenceModel(config)
    client = server.app.test_client()
    files = sorted(data_set.glob("*/*"))

    library = [server.predict_image(file).to_dict() for file in files]
    http = [from_api(client, file) for file in files]
    predicted = [
        json.loads(line)
        for line in from_command_line("predict", "--json", *files).splitlines()
    ]
    report = json.loads(from_command_line("evaluate", data_set, "--json"))
    evaluated = {answer["file"]: answer for answer in report["answers"]}
    plain = json.loads(
        from_command_line("evaluate", data_set, "--json", "--no-answers")
    )
    assert "answers" not in plain
    by_picture = from_command_line("evaluate", data_set, "--json", "--picture")
    assert json.loads(by_picture)["answers"] == report["answers"]

    # As JSON has it: lists for tuples.
    library = json.loads(json.dumps(library))
    assert [without(answer, "facts") for answer in http] == library
    assert [without(answer, "file") for answer in predicted] == http
    facts = [read_metadata(file.read_bytes()).to_dict() for file in files]
    assert [answer["facts"] for answer in http] == facts
    for file, expected in zip(files, library, strict=True):
        answer = evaluated[file.relative_to(data_set).as_posix()]
        assert answer["label"] == file.parent.name
        assert without(answer, "file", "label") == expected
    assert_worth_comparing(library, settings)


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


def assert_worth_comparing(
    answers: list[dict[str, Any]], settings: dict[str, str]
) -> None:
    """Several faces with scores of their own, the views of each, and the words."""
    group = max(answers, key=lambda answer: len(answer["faces"]))
    scores = [face["p_fake"] for face in group["faces"] if face["p_fake"] is not None]
    assert len(scores) == len(set(scores)) >= 2
    deciding = [
        face["p_fake"]
        for face in group["faces"]
        if face["verdict"] == group["verdict"] and face["p_fake"] is not None
    ]
    assert group["p_fake"] == max(deciding or scores)
    assert all(answer["words"] for answer in answers)
    for face in group["faces"]:
        if settings.get("stability") == "0" or face["p_fake"] is None:
            assert face["stability"] is None
        else:
            assert face["stability"]["p_fake"]["plain"] == face["p_fake"]
    if "threshold" in settings:
        assert group["cut_offs"]["likely_fake"] == float(settings["threshold"])


def test_threshold_of_a_request_is_that_of_the_command_line(
    data_set: Path, tmp_path: Path
) -> None:
    (tmp_path / "uploads").mkdir()
    server = InferenceModel(ServeConfig(upload_dir=tmp_path / "uploads"))
    file = data_set / "Real" / "group.png"
    http = from_api(server.app.test_client(), file, threshold="0.05")
    predicted = from_command_line("predict", file, "--threshold", "0.05")
    assert without(json.loads(predicted), "file") == http
    assert http["cut_offs"] == {"likely_real": 0.05, "likely_fake": 0.05}


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "2", "abc", "0,5"])
def test_bad_threshold_is_one_line_on_the_command_line(
    data_set: Path, text: str
) -> None:
    file = data_set / "Real" / "group.png"
    result = CliRunner().invoke(main, ["predict", str(file), f"--threshold={text}"])
    assert result.exit_code == 2
    assert "threshold" in result.stderr
    assert "Traceback" not in result.stderr
