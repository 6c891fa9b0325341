"""The door of serving: what importing does and does not, and how it ends on errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import inference
from deepfake_detector.config import REPOSITORY
from deepfake_detector.inference_model import InferenceModel


def test_import_gives_the_class_and_loads_no_model() -> None:
    code = (
        "import sys; from inference import InferenceModel; import inference; "
        "heavy = {'tensorflow', 'keras', 'dlib', 'ai_edge_litert', 'openvino'}; "
        "heavy &= set(sys.modules); "
        "sys.exit(str(heavy) if heavy or 'app' in vars(inference) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
    assert inference.InferenceModel is InferenceModel


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'application'"):
        inference.application  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--port", "70000"], "Error: port (DEEPFAKE_PORT): expected a number"),
        (["--model-dir", "none"], "Error: model folder 'none': expected a folder"),
    ],
)
def test_bad_setting_ends_with_one_line_and_status_2(
    arguments: list[str], expected: str, kept_logging: None
) -> None:
    result = CliRunner().invoke(inference.main, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(expected)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    "name", ["DEEPFAKE_PORT", "DEEPFAKE_MODEL_DIR", "DEEPFAKE_METRICS_ADDRESSES"]
)
def test_gunicorn_ends_with_one_line_and_status_2(name: str, tmp_path: Path) -> None:
    environ = os.environ | {"DEEPFAKE_BACKEND": "constant", name: "none"}
    command = [sys.executable, "-m", "gunicorn", "inference:app"]
    result = subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
