"""Liveness and readiness."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.exceptions import ArtifactError

Start = Callable[..., Any]


def test_live_and_ready(start: Start) -> None:
    server = start()
    live, ready = server.client.get("/livez"), server.client.get("/readyz")
    assert (live.status_code, live.json) == (200, {"status": "alive"})
    assert ready.status_code == 200
    assert ready.json == {"status": "ready", "model": "test model"}
    assert server.left_over() == []


def test_missing_upload_folder_is_not_ready_but_alive(start: Start) -> None:
    server = start()
    server.upload_dir.rmdir()
    answer = server.client.get("/readyz")
    assert answer.status_code == 503
    assert "folder for uploads (DEEPFAKE_UPLOAD_DIR)" in answer.json["reason"]
    assert str(server.upload_dir) not in answer.text
    assert server.client.get("/livez").status_code == 200


def test_model_that_does_not_answer_is_not_ready(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise ArtifactError("model.tflite: cannot run")

    server = start()
    monkeypatch.setattr(server.detector, "score_crops", fail)
    answer = server.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["reason"].endswith("model.tflite: cannot run")
    assert "not ready" in caplog.text
