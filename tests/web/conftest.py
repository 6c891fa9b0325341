"""An application around a network and a face detector whose answers are known."""

import io
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from deepfake_detector.artifact import ModelCard
from deepfake_detector.config import ServeConfig
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.detector import Detector
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.face_detectors import FACE_DETECTORS
from deepfake_detector.web import create_app

INPUT_SHAPE = (16, 16, 3)


class BrightSkyBackend:
    """A network that takes a picture whose upper half is brighter for a fake."""

    input_shape = INPUT_SHAPE

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        top, bottom = batch[:, :8], batch[:, 8:]
        brighter = top.mean(axis=(1, 2, 3)) - bottom.mean(axis=(1, 2, 3))
        return {"logit": (brighter / 20).astype(np.float32)}


class ListedLogits:
    """A network that answers the given logits, one for each crop in turn."""

    input_shape = INPUT_SHAPE

    def __init__(self, logits: Sequence[float]) -> None:
        self.logits = logits

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        logits = np.resize(np.asarray(self.logits, dtype=np.float32), len(batch))
        return {"logit": logits}


class PlantedFaces:
    """A face detector that answers what it was told."""

    def __init__(self, *boxes: FaceBox) -> None:
        self.boxes = list(boxes)

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        return self.boxes


@dataclass
class Server:
    """A client of the application, and the folder that its uploads lie in."""

    client: FlaskClient
    upload_dir: Path
    detector: Detector

    def send(
        self,
        *parts: tuple[str, str | None, bytes],
        path: str = "/",
        **fields: str,
    ) -> TestResponse:
        """POST parts of (field, file name or None, content), as a browser does."""
        boundary = secrets.token_hex(8)
        body = io.BytesIO()
        for name, value in fields.items():
            parts = (*parts, (name, None, value.encode()))
        for name, filename, content in parts:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
            if filename is not None:
                head += f'; filename="{filename}"'
            body.write(head.encode() + b"\r\n\r\n" + content + b"\r\n")
        body.write(f"--{boundary}--\r\n".encode())
        return self.client.post(
            path,
            data=body.getvalue(),
            content_type=f"multipart/form-data; boundary={boundary}",
        )

    def left_over(self) -> list[str]:
        """Names of the files in the upload folder."""
        return [file.name for file in self.upload_dir.iterdir()]


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Server]:
    """Make a server; the logits, boxes and settings are the test's."""
    upload_dir = tmp_path / "uploads"
    upload_dir.mkdir()

    def make(
        logits: Sequence[float] = (0.0,),
        boxes: Sequence[FaceBox] | None = None,
        rule: str = "face",
        cut_offs: CutOffs | None = None,
        **settings: Any,
    ) -> Server:
        config = ServeConfig(upload_dir=upload_dir, **settings)
        crop = CROP_RULES[rule]
        faces = (
            FACE_DETECTORS.get(crop.detector)()
            if boxes is None
            else PlantedFaces(*boxes)
        )
        cut_offs = cut_offs or CutOffs.around(0.5)
        card = ModelCard("test model", "none", INPUT_SHAPE, crop, cut_offs=cut_offs)
        detector = Detector(ListedLogits(logits), faces, card, config.max_pixels)
        app = create_app(detector, config)
        app.testing = True
        return Server(app.test_client(), upload_dir, detector)

    return make


@pytest.fixture
def sky_server(start: Callable[..., Server]) -> Server:
    """A server whose model sees the whole picture and knows top from bottom."""
    server = start(rule="whole")
    server.detector.backend = BrightSkyBackend()
    return server


@pytest.fixture(scope="session")
def drawing() -> Image.Image:
    """A 120x90 RGB picture with a bright sky and a dark, coloured ground."""
    picture = Image.new("RGB", (120, 90), (225, 215, 205))
    ImageDraw.Draw(picture).rectangle((0, 45, 120, 90), fill=(90, 120, 60))
    return picture


@pytest.fixture(scope="session")
def as_png() -> Callable[..., bytes]:
    """Encode a picture losslessly."""

    def encode(picture: Image.Image, **options: object) -> bytes:
        file = io.BytesIO()
        picture.save(file, "PNG", **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def drawing_png(drawing: Image.Image, as_png: Callable[..., bytes]) -> bytes:
    """The drawing as a PNG file."""
    return as_png(drawing)


@pytest.fixture
def warnings_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Messages of at least warning level that the package has logged so far."""

    def messages() -> list[str]:
        return [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING
            and record.name.startswith("deepfake_detector")
        ]

    return messages
