"""A model's card and `.keras` file: refused in words, or what they say they are."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake_detector.artifact import CARD_FILE, Artifact, ModelCard
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.keras_file import check_keras_file

MAX_LEN = 8_192

CARD: dict[str, Any] = ModelCard("a", "b", (8, 8, 3), CROP_RULES["face"]).to_dict()

_LAYER = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}}
_NETWORK = {
    "class_name": "Sequential",
    "module": "keras",
    "registered_name": None,
    "config": {"layers": [_LAYER]},
}


def seeds() -> Iterator[bytes]:
    """A card, the card without each of its fields, and networks."""
    yield json.dumps(CARD).encode()
    for name in CARD:
        yield json.dumps({k: v for k, v in CARD.items() if k != name}).encode()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        yield keras_file(_NETWORK, method)
    yield keras_file({"class_name": "Lambda", "config": {}}, zipfile.ZIP_STORED)


def keras_file(config: Any, method: int) -> bytes:
    """A `.keras` file with this network in it, and no weights."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
    return file.getvalue()


def check(data: bytes) -> None:
    """Take the bytes for a card, and for a `.keras` file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / CARD_FILE).write_bytes(data)
        check_card_file(folder)
        check_keras(folder / "model.keras", data)


def check_card_file(folder: Path) -> None:
    """Hold what becomes of a card against what is promised."""
    try:
        card = Artifact.load(folder).card
    except ArtifactError as error:
        check_words(error, folder)
        return
    assert isinstance(card.name, str) and isinstance(card.architecture, str)
    assert isinstance(card.crop.detector, str)
    assert isinstance(card.metrics, dict) and isinstance(card.provenance, dict)
    assert all(isinstance(side, int) for side in card.input_shape)
    assert 0.0 <= card.cut_offs.likely_real <= card.cut_offs.likely_fake <= 1.0


def check_keras(path: Path, data: bytes) -> None:
    """Hold what becomes of a `.keras` file against what is promised."""
    path.write_bytes(data)
    try:
        check_keras_file(path)
    except ArtifactError as error:
        check_words(error, path.parent)
        return
    with zipfile.ZipFile(path) as archive:
        assert b"Lambda" not in archive.read("config.json")


def check_words(error: ArtifactError, folder: Path) -> None:
    """One line without a path of the machine."""
    assert "\n" not in str(error) and "\x1b" not in str(error)
    assert str(folder) not in str(error)
