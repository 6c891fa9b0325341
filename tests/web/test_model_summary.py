"""The model's card as JSON: what was measured and of what, no folder, no machine."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.artifact import Artifact
from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.images import FORMATS
from deepfake_detector.web.model_summary import limits, model_summary
from tests.web.test_openapi import faults_of_answer

Start = Callable[..., Any]

MODEL = "/api/v1/model"


@pytest.fixture
def shipped(start: Start) -> Any:
    """A server whose card is the shipped model's."""
    server = start()
    server.detector.card = Artifact.load(REPOSITORY / "models" / "default").card
    return server


def test_card_of_the_shipped_model_is_as_described(shipped: Any) -> None:
    answer = shipped.client.get(MODEL)
    assert answer.status_code == 200
    assert faults_of_answer(shipped, MODEL, "get", answer) == []
    assert len(answer.data) < 30_000


def test_card_that_says_little_is_as_described(start: Start) -> None:
    server = start()
    answer = server.client.get(MODEL)
    assert (answer.json["metrics"], answer.json["provenance"]["data"]) == ({}, {})
    assert faults_of_answer(server, MODEL, "get", answer) == []


def test_figures_are_the_cards(shipped: Any) -> None:
    card = shipped.detector.card
    told = shipped.client.get(MODEL).json
    assert told["name"] == card.name
    assert told["calibration"] == card.calibration.to_dict()
    assert told["cut_offs"] == card.cut_offs.to_dict()
    assert told["files"] == card.files
    for split, sets in card.metrics.items():
        assert set(told["metrics"][split]) == set(sets)
        for name, report in sets.items():
            measured = told["metrics"][split][name]
            assert measured["auc"] == report["auc"]
            assert measured["auc_interval"] == report["auc_interval"]
            baseline = report["thumbnail_baseline_auc"]
            assert measured["thumbnail_baseline_auc"] == baseline


def test_threshold_of_the_server_is_what_scores_are_read_by(shipped: Any) -> None:
    shipped.detector.threshold = 0.3
    told = shipped.client.get(MODEL).json["cut_offs"]
    assert told["likely_fake"] == 0.3


def test_no_place_of_the_trainer_is_told(detector_of: Callable[..., Any]) -> None:
    secret = "/home/trainer/secret"
    provenance = {
        "sessions": [{"started": "2026-01-01", "processor": secret, "cwd": secret}],
        "config": {
            "dataset": ["openforensics"],
            "dataset_url": f"file://{secret}",
            "epochs": 3,
            "made_up": secret,
        }
        | dict.fromkeys(("archive", "data_dir", "member"), [secret])
        | dict.fromkeys(("cache_dir", "output", "resume", "teacher"), secret)
        | {"backbone_weights": secret},
        "data": {"openforensics": {"licence": "research", "folder": secret}},
        "folder": secret,
    }
    told = model_summary(detector_of(provenance), ServeConfig())
    assert "secret" not in json.dumps(told)
    assert told["provenance"]["config"] == {"dataset": ["openforensics"], "epochs": 3}
    assert told["provenance"]["started"] == "2026-01-01"
    assert told["provenance"]["data"]["openforensics"]["licence"] == "research"


@pytest.fixture
def detector_of(start: Start) -> Callable[..., Detector]:
    """A detector whose card has the given provenance."""

    def make(provenance: dict[str, Any]) -> Detector:
        detector: Detector = start().detector
        detector.card = replace(detector.card, provenance=provenance)
        return detector

    return make


def test_limits_are_the_settings() -> None:
    config = ServeConfig(max_files=3, max_pixels=4, rate_limit="", request_seconds=5)
    told = limits(config)
    assert told["formats"] == list(FORMATS)
    assert (told["max_files"], told["max_pixels"]) == (3, 4)
    assert (told["rate_limit"], told["request_seconds"]) == (None, 5)


def test_card_is_sent_again_only_when_it_changed(shipped: Any) -> None:
    first = shipped.client.get(MODEL)
    assert first.headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": first.headers["ETag"]}
    again = shipped.client.get(MODEL, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert faults_of_answer(shipped, MODEL, "get", again) == []
    shipped.detector.threshold = 0.3
    assert shipped.client.get(MODEL, headers=known).status_code == 200


def test_no_path_of_the_server_is_told(shipped: Any) -> None:
    text = shipped.client.get(MODEL).text
    assert str(Path.home()) not in text
    assert str(REPOSITORY) not in text
