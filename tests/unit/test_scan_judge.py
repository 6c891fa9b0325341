import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import CorruptImageError
from deepfake_detector.found_picture import FoundPicture, held
from deepfake_detector.scan_judge import ScanJudge, ScanSettings, lost_line
from deepfake_detector.scan_row import JSON_LINES
from tests.picture_files import drawn

CONFIG = ServeConfig()


def found(data: bytes) -> FoundPicture:
    return FoundPicture("a.jpg", False, partial(held, data))


def fails(most_bytes: int) -> bytes:
    raise ZeroDivisionError(f"in /a/path of {most_bytes}")


def rows(pictures: list[FoundPicture], **options: Any) -> list[dict[str, Any]]:
    judge = ScanJudge(ScanSettings(CONFIG.to_dict(), JSON_LINES, **options))
    return [json.loads(line) for line in judge.lines(pictures)]


def test_a_row_is_what_predict_says(portrait_jpeg: bytes) -> None:
    (row,) = rows([found(portrait_jpeg)])
    expected = Detector.load(CONFIG).analyse(portrait_jpeg).to_dict()
    assert json.loads(row["faces"]) == expected["faces"]
    for name in ("verdict", "p_fake", "faces_found", "width", "height", "model"):
        assert row[name] == expected[name]
    assert (row["error"], row["message"]) == (None, None)


def test_whole_picture_is_scored_where_asked(portrait_jpeg: bytes) -> None:
    flat = drawn("JPEG")
    (plain,), (whole,) = rows([found(flat)]), rows([found(flat)], whole_picture=True)
    assert (plain["verdict"], plain["whole_picture"]) == ("no_face", False)
    assert whole["whole_picture"]


BAD = {
    "empty": found(b""),
    "text": found(b"no picture"),
    "cut short": found(drawn("PNG")[:-30]),
    "gif": found(b"GIF89a" + bytes(20)),
    "missing": FoundPicture.file("/nowhere/missing.jpg"),
    "a folder": FoundPicture.file("/"),
    "unreadable": FoundPicture.unreadable("a", CorruptImageError("It is so.")),
    "a bug": FoundPicture("a", False, fails),
}


@pytest.mark.parametrize("crops", [False, True])
def test_no_bad_picture_stops_the_others(portrait_jpeg: bytes, crops: bool) -> None:
    good = found(portrait_jpeg)
    first, *bad, last = rows([good, *BAD.values(), good], crops=crops)
    assert first == last
    assert first["p_fake"] is not None
    assert len(bad) == len(BAD)
    for row in bad:
        assert row["error"].isidentifier()
        assert row["p_fake"] is None
        assert "path" not in row["message"]


def test_bad_pictures_alone_are_no_crops() -> None:
    assert [row["error"] for row in rows([BAD["empty"]], crops=True)] == [
        "CorruptImageError"
    ]


def png(image: NDArray[np.uint8], path: Path) -> FoundPicture:
    Image.fromarray(image).save(path)
    return FoundPicture.file(str(path))


def test_ready_crops_are_scored_as_they_are(tmp_path: Path) -> None:
    detector = Detector.load(CONFIG)
    height, width, _ = detector.card.input_shape
    exact = draw_face(1, height)
    # Twice as large, each pixel four times: averaged down it is the same again.
    doubled = np.repeat(np.repeat(draw_face(2, height), 2, 0), 2, 1)
    pictures = [png(exact, tmp_path / "1.png"), png(doubled, tmp_path / "2.png")]
    answers = rows(pictures, crops=True)
    expected = detector.score_crops(np.stack([exact, draw_face(2, height)]))
    assert [row["p_fake"] for row in answers] == expected.tolist()
    assert [row["width"] for row in answers] == [width, 2 * width]
    assert all(row["verdict"] for row in answers)


def test_a_lost_picture_says_what_ended_it() -> None:
    row = json.loads(lost_line(found(b""), JSON_LINES, "m"))
    assert (row["error"], row["model"]) == ("WorkerDiedError", "m")
    assert "out of memory" in row["message"]
