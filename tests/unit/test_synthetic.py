"""The drawn data set: its layout, and that nothing but the patch tells the label."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from deepfake_detector.datasets import BOXES_FILE, DATASETS, synthetic
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

FloatArray = NDArray[np.float64]

FACES = {"Train": 320, "Validation": 3, "Test": 160}

#: How far from 0.5 the AUC of a trivial signal may lie.
MAX_LEAK = 0.08


@dataclass(frozen=True)
class Drawn:
    """One picture of the set, read once."""

    split: str
    label: int
    image: NDArray[np.uint8]
    file_bytes: int
    box: tuple[float, float, float, float]

    @property
    def grey(self) -> FloatArray:
        return np.asarray(Image.fromarray(self.image).convert("L"), dtype=np.float64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("synthetic")
    synthetic.generate(directory, 0, FACES)
    return directory


@pytest.fixture(scope="module")
def pictures(folder: Path) -> list[Drawn]:
    boxes = json.loads((folder / BOXES_FILE).read_text(encoding="utf-8"))
    return [read(folder, path, tuple(boxes[path])) for path in sorted(boxes)]


def read(folder: Path, path: str, box: tuple[float, float, float, float]) -> Drawn:
    split, class_name, _ = path.split("/")
    with Image.open(folder / path) as picture:
        image = np.array(picture)
    size = (folder / path).stat().st_size
    return Drawn(split, CLASS_NAMES.index(class_name), image, size, box)


def sharpness(picture: Drawn) -> float:
    """Variance of the Laplacian."""
    grey = picture.grey
    down = grey[2:, 1:-1] + grey[:-2, 1:-1]
    across = grey[1:-1, 2:] + grey[1:-1, :-2]
    return float((down + across - 4 * grey[1:-1, 1:-1]).var())


SIGNALS: dict[str, Callable[[Drawn], float]] = {
    "height": lambda picture: picture.image.shape[0],
    "width": lambda picture: picture.image.shape[1],
    "file size": lambda picture: picture.file_bytes,
    "bytes a pixel": lambda picture: picture.file_bytes / picture.image[..., 0].size,
    "brightness": lambda picture: picture.grey.mean(),
    "contrast": lambda picture: picture.grey.std(),
    "red": lambda picture: picture.image[..., 0].mean(),
    "green": lambda picture: picture.image[..., 1].mean(),
    "blue": lambda picture: picture.image[..., 2].mean(),
    "sharpness": sharpness,
    "box width": lambda picture: picture.box[2],
    "box place": lambda picture: picture.box[0] / picture.image.shape[1],
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_trivial_signal_does_not_tell_the_label(
    pictures: list[Drawn], signal: str
) -> None:
    y_true = [picture.label for picture in pictures]
    y_score = [SIGNALS[signal](picture) for picture in pictures]
    assert roc_auc_score(y_true, y_score) == pytest.approx(0.5, abs=MAX_LEAK)


@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
def test_thumbnail_does_not_tell_the_label(
    pictures: list[Drawn], strength: float
) -> None:
    train, y_train = thumbnails(pictures, "Train")
    test, y_test = thumbnails(pictures, "Test")
    y_score = Ridge(alpha=strength).fit(train, y_train).predict(test)
    assert roc_auc_score(y_test, y_score) == pytest.approx(0.5, abs=MAX_LEAK)


def thumbnails(pictures: list[Drawn], split: str) -> tuple[FloatArray, FloatArray]:
    """Grey 16x16 copies as rows of numbers in [0, 1], and their labels."""
    chosen = [picture for picture in pictures if picture.split == split]
    small = [
        Image.fromarray(picture.image)
        .convert("L")
        .resize((16, 16), Image.Resampling.BOX)
        for picture in chosen
    ]
    rows = np.array([np.asarray(copy).ravel() for copy in small]) / 255
    return rows, np.array([picture.label for picture in chosen])


def test_patch_shows_in_the_colours_of_the_face(pictures: list[Drawn]) -> None:
    y_true = [picture.label for picture in pictures]
    y_score = [mottling(picture) for picture in pictures]
    assert roc_auc_score(y_true, y_score) > 0.95


def mottling(picture: Drawn) -> float:
    """How much the hue of skin varies over a few pixels in the middle of the face."""
    left, top, width, height = picture.box
    rows = slice(round(top + 0.3 * height), round(top + 0.7 * height))
    columns = slice(round(left + 0.3 * width), round(left + 0.7 * width))
    face = picture.image[rows, columns].astype(np.float64)
    hue = face[..., 0] - face[..., 1]
    return float(np.abs(hue[5:] - hue[:-5]).mean())


def test_forgery_stays_inside_the_face(pictures: list[Drawn]) -> None:
    pairs = zip(
        [picture for picture in pictures if picture.label == REAL],
        [picture for picture in pictures if picture.label == FAKE],
        strict=True,
    )
    for real, fake in pairs:
        # Away from the face the two differ by the camera's noise alone.
        left, top, width, height = (round(length) for length in real.box)
        change = np.abs(fake.image.astype(np.float64) - real.image)
        outside = np.ones(change.shape[:2], dtype=bool)
        outside[max(0, top) : top + height, max(0, left) : left + width] = False
        assert change[outside].mean() < 10


@pytest.mark.parametrize("class_name", CLASS_NAMES)
@pytest.mark.parametrize("split", FACES)
def test_every_face_is_in_both_folders(
    folder: Path, split: str, class_name: str
) -> None:
    names = {path.name for path in (folder / split / class_name).iterdir()}
    assert names == {f"{number:05}.png" for number in range(FACES[split])}


def test_every_picture_has_a_box_inside(pictures: list[Drawn]) -> None:
    assert len(pictures) == 2 * sum(FACES.values())
    for picture in pictures:
        left, top, width, height = picture.box
        assert left >= 0 and left + width <= picture.image.shape[1]
        assert top >= 0 and top + height <= picture.image.shape[0]
        assert width > 64


def test_sizes_vary(pictures: list[Drawn]) -> None:
    heights, widths, _ = zip(
        *(picture.image.shape for picture in pictures), strict=True
    )
    assert len(set(heights)) > 20
    assert len(set(widths)) > 20


def test_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    for directory, seed in ((first, 5), (again, 5), (other, 6)):
        synthetic.generate(directory, seed, {"Train": 3, "Test": 2})
    assert contents(again) == contents(first)
    assert contents(other).keys() == contents(first).keys()
    assert not set(contents(other).values()) & set(contents(first).values())


def test_no_face_is_in_two_splits(pictures: list[Drawn]) -> None:
    assert len({picture.image.tobytes() for picture in pictures}) == len(pictures)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file's bytes by its path in the folder."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_table_draws_it_in_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(synthetic, "FACES", {"Train": 2, "Validation": 1, "Test": 1})
    spec = DATASETS.get("synthetic")
    spec.generate(tmp_path, 0)
    assert len(contents(tmp_path)) == 2 * 4 + 1
