"""Measuring the face search: what is counted, on which pictures, and bad archives."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_measuring
from deepfake_detector.cli import main
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.exceptions import ArchiveError, DatasetLayoutError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_measuring import measure_faces, measure_search
from deepfake_detector.planted_scenes import Scene


def archive(path: Path, pictures: dict[str, NDArray[np.uint8]]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, image in pictures.items():
            data = io.BytesIO()
            Image.fromarray(image).save(data, "JPEG")
            file.writestr(name, data.getvalue())
    return path


@pytest.fixture
def one_small_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_measuring, "MEGAPIXELS", (0.3,))


def test_recall_and_false_boxes_are_counted() -> None:
    seen, missed = FaceBox(10, 10, 70, 70), FaceBox(300, 10, 120, 120)
    invented = FaceBox(500, 300, 50, 50)
    shifted = FaceBox(20, 10, 70, 70)
    scene = Scene(np.zeros((600, 800, 3), np.uint8), (seen, missed))
    row = measure_search([scene, scene], lambda image: [shifted, invented])
    assert row["recall"]["64"] == 1
    assert row["recall"]["100"] == 0
    assert row["recall"]["400"] is None
    assert row["faces"] == {"40": 0, "64": 2, "100": 2, "160": 0, "250": 0, "400": 0}
    assert row["false_boxes"] == 1
    assert list(row["search_ms"]) == ["0.48"]


def test_val_split_of_an_archive_is_searched(
    one_small_scene: None, tmp_path: Path
) -> None:
    flat = np.full((64, 64, 3), 90, dtype=np.uint8)
    path = archive(
        tmp_path / "set.zip",
        {
            "D/Validation/Real/a.jpg": draw_face(0),
            "D/Validation/Fake/b.jpg": flat,
            "D/Train/Real/c.jpg": flat,
        },
    )
    found = measure_faces([path], scenes=1)
    assert found["heads"] == "archives"
    row = found["archives"]["set"]
    assert (row["pictures"], row["found_share"], row["boxes"]) == (2, 0.5, 0.5)


def test_archive_of_no_face_still_has_scenes(
    one_small_scene: None, tmp_path: Path
) -> None:
    path = archive(tmp_path / "set.zip", {"a.jpg": np.zeros((64, 64, 3), np.uint8)})
    found = measure_faces([path], scenes=1)
    assert found["heads"] == "drawn"
    assert found["archives"]["set"]["found_share"] == 0


def test_command_prints_a_table_or_json(one_small_scene: None) -> None:
    arguments = ["measure-faces", "--scenes", "1"]
    table = CliRunner().invoke(main, arguments)
    assert table.exit_code == 0, table.output
    assert "| shipped |" in table.stdout
    answer = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    names = [row["name"] for row in answer["searches"]]
    assert names == ["shipped", "all of it by dlib"]


def test_archive_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetLayoutError, match=r"set\.zip: expected"):
        measure_faces([archive(tmp_path / "set.zip", {})])


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 cut", b"<html>"])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "set.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"^set\.zip: expected a zip file"):
        measure_faces([path])
