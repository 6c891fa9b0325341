"""InferenceModel, with a stand-in network."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_detector import inference_model
from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    UnsupportedImageError,
)
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors.whole_picture import WholePicture
from deepfake_detector.inference_model import InferenceModel, check_host, local_url

CARD = ModelCard("stand-in", "none", (16, 16, 3), CROP_RULES["whole"])


@pytest.fixture
def config(tmp_path: Path) -> ServeConfig:
    model_dir = write_artifact(tmp_path / "model", CARD, lambda folder: None).directory
    (tmp_path / "uploads").mkdir()
    return ServeConfig(
        model_dir=model_dir, backend="constant", upload_dir=tmp_path / "uploads", port=0
    )


@pytest.mark.parametrize(
    ("filename", "allowed"),
    [
        ("portrait.jpg", True),
        ("PORTRAIT.JPEG", True),
        ("a.b.png", True),
        ("a.webp", True),
        ("a.gif", False),
        ("jpg", False),
        ("a.jpg.exe", False),
        ("", False),
    ],
)
def test_names_of_pictures_are_allowed(
    config: ServeConfig, filename: str, allowed: bool
) -> None:
    assert InferenceModel(config).allowed_file(filename) is allowed


def test_model_is_loaded_as_the_settings_say(config: ServeConfig) -> None:
    model = InferenceModel(config)
    assert model.detector.card == CARD
    assert model.app.test_client().get("/readyz").json["model"] == "stand-in"


def test_ready_detector_is_taken_as_it_is(config: ServeConfig) -> None:
    backend = ConstantBackend(input_shape=(16, 16, 3))
    detector = Detector(backend, WholePicture(), CARD)
    assert InferenceModel(config, detector).detector is detector


def test_bytes_path_and_name_give_the_same_answer(
    config: ServeConfig, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "portrait.jpg"
    file.write_bytes(portrait_jpeg)
    model = InferenceModel(config)
    answers = [model.predict_image(s) for s in (portrait_jpeg, file, str(file))]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].p_fake == 0.5


def test_file_that_is_no_picture_is_refused(config: ServeConfig) -> None:
    with pytest.raises(UnsupportedImageError):
        InferenceModel(config).predict_image(b"hello")


def test_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="python train.py"):
        InferenceModel(ServeConfig(model_dir=tmp_path / "none"))


def test_run_sweeps_serves_and_stops_on_ctrl_c(
    config: ServeConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[Any] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    server = SimpleNamespace(
        server_port=8123,
        serve_forever=interrupted,
        server_close=lambda: calls.append("closed"),
    )
    monkeypatch.setattr(inference_model, "prepare_folder", calls.append)
    monkeypatch.setattr(inference_model, "make_server", lambda *_, **__: server)
    with caplog.at_level(logging.INFO, "deepfake_detector"):
        InferenceModel(config).run()
    assert calls == [config.upload_dir, "closed"]
    assert "ready at http://127.0.0.1:8123/" in caplog.text
    assert caplog.messages[-1] == "stopped"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://127.0.0.1:80/"),  # noqa: S104
        ("::", "http://[::1]:80/"),
        ("box.lan", "http://box.lan:80/"),
    ],
)
def test_address_can_be_opened_in_a_browser(host: str, url: str) -> None:
    assert local_url(host, 80) == url


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost", "0.0.0.0"])  # noqa: S104
def test_host_of_this_computer_is_taken(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "host",
    ["no-such-host.invalid", "999.1.1.1", "192.0.2.1", "a b", "x" * 300, "a..b", "\0"],
)
def test_host_of_none_names_the_variable(host: str) -> None:
    with pytest.raises(ConfigError, match=r"DEEPFAKE_HOST.*127\.0\.0\.1.*\(.+\)"):
        check_host(host)
