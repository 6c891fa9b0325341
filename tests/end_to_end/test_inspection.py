"""A leak that was planted is found, and none is found where none is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from deepfake_detector.cli import main
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.labels import CLASS_NAMES, FAKE

#: Persons in each split; each is drawn once as real and once as fake.
PERSONS = {"Train": 24, "Validation": 10, "Test": 10}

SIDE = 192
SHAPE = (SIDE, SIDE, 3)


def write_faces(root: Path, zoom: float, quality: int) -> Path:
    """Drawn faces; a fake's is larger by `zoom` and its file of that JPEG quality.

    The same persons are real and fake, with other noise, so that nothing else differs.
    """
    for split, count in PERSONS.items():
        for label, name in enumerate(CLASS_NAMES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                person = 1000 * len(split) + number
                image = Image.fromarray(draw_face(person, SIDE))
                margin = (SIDE - SIDE / (zoom if label == FAKE else 1)) / 2
                box = (margin, margin, SIDE - margin, SIDE - margin)
                image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)
                noise = np.random.default_rng((label, person)).integers(-3, 4, SHAPE)
                noisy = np.clip(np.asarray(image, dtype=int) + noise, 0, 255)
                Image.fromarray(noisy.astype(np.uint8)).save(
                    folder / f"{number:03}.jpg",
                    quality=quality if label == FAKE else 75,
                )
    return root


def inspected(tmp_path: Path, zoom: float, quality: int) -> dict[str, Any]:
    """The command's report on such a set."""
    folder = write_faces(tmp_path / "set", zoom, quality)
    options = ("--json", "--output", tmp_path / "out", "--cache-dir", tmp_path / "c")
    result = CliRunner().invoke(main, ["inspect", str(folder), *map(str, options)])
    assert result.exit_code == 0
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def of(report: dict[str, Any], part: str, key: str) -> dict[str, Any]:
    """One field of each row of the leak report, by the signal's name."""
    return {row["name"]: row[key] for row in report["leak_report"] if row["of"] == part}


@pytest.mark.slow
def test_planted_framing_and_encoding_are_found(tmp_path: Path) -> None:
    report = inspected(tmp_path, zoom=1.4, quality=95)
    whole = of(report, "picture", "verdict")
    for name in ("face_width", "thumbnail", "jpeg_quality", "bytes_per_pixel"):
        assert whole[name] == "leak"
    for name in ("brightness", "source_size", "encoding", "face_found"):
        assert whole[name] == "no leak"
    # Cropping takes from the framing, but not from the resolution that faces came in.
    before, after = of(report, "picture", "auc"), of(report, "face crop", "auc")
    assert after["thumbnail"] < before["thumbnail"]
    assert of(report, "face crop", "verdict")["face_px"] == "leak"


@pytest.mark.slow
def test_nothing_is_found_in_an_even_set(tmp_path: Path) -> None:
    report = inspected(tmp_path, zoom=1.0, quality=75)
    for part in ("picture", "face crop"):
        assert set(of(report, part, "verdict").values()) == {"no leak"}
    # Every person stands in both classes, and is found to.
    near = report["duplicates"]["near"]
    assert len(near) >= sum(PERSONS.values()) / 2
    assert all(group["crosses_class"] for group in near)
