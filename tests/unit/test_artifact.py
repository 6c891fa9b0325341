"""A model folder is loaded whole and unaltered, or refused with the fix in words."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.artifact import (
    MAX_CARD_BYTES,
    Artifact,
    ModelCard,
    write_artifact,
)
from deepfake_detector.calibration import Calibration
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import CROP_RULES

CARD = ModelCard(
    name="test",
    architecture="compact",
    input_shape=(128, 96, 3),
    crop=CROP_RULES["face"],
    calibration=Calibration(temperature=1.5, bias=-0.25),
    threshold=0.4,
    cut_offs=CutOffs(0.2, 0.7, false_alarms=0.009, hits=0.8),
    metrics={"synthetic": {"test": {"auc": 0.9}}},
    provenance={"seed": 42},
    licence_note="synthetic pictures",
)


def write_model(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"network")
    (folder / "model.keras").write_bytes(b"the same network")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "model", CARD, write_model).directory


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the fields of a card on disk."""
    card = folder / "card.json"
    fields = json.loads(card.read_text())
    change(fields)
    card.write_text(json.dumps(fields))


def test_folder_that_was_written_loads(folder: Path) -> None:
    artifact = Artifact.load(folder)
    assert artifact.card == replace(CARD, files=artifact.card.files)
    assert artifact.read("model.tflite") == b"network"
    assert sorted(artifact.card.files) == ["model.keras", "model.tflite"]


def test_card_survives_json() -> None:
    assert ModelCard.from_dict(json.loads(json.dumps(CARD.to_dict()))) == CARD


def test_older_card_is_read_with_a_band_around_its_threshold() -> None:
    fields = CARD.to_dict()
    del fields["cut_offs"]
    assert ModelCard.from_dict(fields).cut_offs == CutOffs.around(0.4)


def test_folder_can_be_read_by_another_user(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


BAD_FIELDS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "other format": (lambda card: card.update(format=2), "expected format 1, got 2"),
    "no format": (lambda card: card.pop("format"), "missing"),
    "classes turned round": (
        lambda card: card.update(classes=["Fake", "Real"]),
        "expected classes",
    ),
    "no crop rule": (lambda card: card.pop("crop"), "missing"),
    "unknown field": (lambda card: card.update(colour="red"), "wrong type"),
    "margin too wide": (lambda card: card["crop"].update(margin=9), "margin"),
    "threshold above one": (lambda card: card.update(threshold=1.2), "threshold"),
    "threshold NaN": (lambda card: card.update(threshold=float("nan")), "threshold"),
    "threshold a word": (lambda card: card.update(threshold="high"), "wrong type"),
    "unknown score": (lambda card: card.update(score="p_other"), "p_fake, p_real"),
    "flat shape": (lambda card: card.update(input_shape=[128, 128]), "input_shape"),
    "empty shape": (lambda card: card.update(input_shape=[0, 128, 3]), "input_shape"),
    "shape of words": (lambda card: card.update(input_shape=["a", 1, 3]), "wrong type"),
    "endless shape": (
        lambda card: card.update(input_shape=[float("inf"), 1, 3]),
        "wrong type",
    ),
    "temperature NaN": (
        lambda card: card["calibration"].update(temperature=float("nan")),
        "positive temperature",
    ),
    "temperature zero": (
        lambda card: card["calibration"].update(temperature=0),
        "positive temperature",
    ),
    "bias endless": (
        lambda card: card["calibration"].update(bias=float("inf")),
        "finite bias",
    ),
    "temperature a word": (
        lambda card: card["calibration"].update(temperature="warm"),
        "wrong type",
    ),
    "cut-offs the wrong way round": (
        lambda card: card["cut_offs"].update(likely_real=0.9),
        "likely_real at or below likely_fake",
    ),
    "cut-off NaN": (
        lambda card: card["cut_offs"].update(likely_fake=float("nan")),
        "likely_fake in",
    ),
    "cut-off a word": (
        lambda card: card["cut_offs"].update(likely_fake="high"),
        "wrong type",
    ),
    "one cut-off": (lambda card: card["cut_offs"].pop("likely_real"), "wrong type"),
    "cut-offs in a list": (lambda card: card.update(cut_offs=[0.2, 0.7]), "wrong type"),
    "cut-offs nothing": (lambda card: card.update(cut_offs=None), "wrong type"),
    "files in a list": (lambda card: card.update(files=["model.tflite"]), "SHA-256"),
    "file outside the folder": (
        lambda card: card["files"].update({"../card.json": "0" * 64}),
        "lists no file",
    ),
    "file at the root": (
        lambda card: card["files"].update({"/etc/hostname": "0" * 64}),
        "lists no file",
    ),
    "file that is not there": (
        lambda card: card["files"].update({"more.tflite": "0" * 64}),
        "more.tflite: listed in the card but missing",
    ),
    "file whose name has a zero byte": (
        lambda card: card["files"].update({"a\0b": "0" * 64}),
        "ab: listed in the card but missing",
    ),
    "file whose name is no text": (
        lambda card: card["files"].update({"\ud800": "0" * 64}),
        "listed in the card but missing",
    ),
    "name a number": (lambda card: card.update(name=5), "expected name to be a str"),
    "architecture nothing": (
        lambda card: card.update(architecture=None),
        "expected architecture to be a str",
    ),
    "metrics in a list": (lambda card: card.update(metrics=[]), "metrics to be a dict"),
    "detector in a list": (
        lambda card: card["crop"].update(detector=["dlib_hog"]),
        "crop's detector",
    ),
    "square a word": (lambda card: card["crop"].update(square="no"), "crop's square"),
    "field of two lines": (
        lambda card: card.update({"a\nb": 1}),
        "unexpected keyword argument 'a b'",
    ),
    "other checksum": (
        lambda card: card["files"].update({"model.tflite": "0" * 64}),
        "model.tflite: its SHA-256 is not the card's",
    ),
    "file with a zero in its name": (
        lambda card: card["files"].update({"a\0b": "0" * 64}),
        "listed in the card but missing",
    ),
    "file with half a character in its name": (
        lambda card: card["files"].update({"\ud800": "0" * 64}),
        "listed in the card but missing",
    ),
    "the folder above": (
        lambda card: card["files"].update({"..": "0" * 64}),
        "listed in the card but missing",
    ),
    "file with a name without end": (
        lambda card: card["files"].update({"a" * 100_000: "0" * 64}),
        "listed in the card but missing",
    ),
    "checksum a number": (
        lambda card: card["files"].update({"model.tflite": 7}),
        "SHA-256",
    ),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_bad_card_is_refused(folder: Path, name: str) -> None:
    change, words = BAD_FIELDS[name]
    rewrite(folder, change)
    with pytest.raises(ArtifactError, match=words):
        Artifact.load(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '"card"', "\xff", "[" * 100_000]
)
def test_card_that_is_no_card_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text, encoding="latin-1")
    with pytest.raises(ArtifactError, match=r"card\.json"):
        Artifact.load(folder)


def test_missing_folder_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"python train\.py") as caught:
        Artifact.load(tmp_path / "nowhere")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", ["empty", "file", "card is a folder"])
def test_folder_without_a_card_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "model"
    if kind == "file":
        folder.write_bytes(b"")
    else:
        (folder / ("card.json" if kind != "empty" else "")).mkdir(parents=True)
    with pytest.raises(ArtifactError, match=r"expected a folder with card\.json"):
        Artifact.load(folder)


def test_altered_file_is_refused(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"Network")
    with pytest.raises(ArtifactError, match="altered"):
        Artifact.load(folder)


def test_missing_file_is_refused(folder: Path) -> None:
    (folder / "model.keras").unlink()
    with pytest.raises(ArtifactError, match=r"model\.keras: .* missing"):
        Artifact.load(folder)


def test_file_altered_after_loading_is_refused(folder: Path) -> None:
    artifact = Artifact.load(folder)
    (folder / "model.tflite").write_bytes(b"another")
    with pytest.raises(ArtifactError, match="altered"):
        artifact.read("model.tflite")


def test_link_to_the_same_content_is_read(folder: Path, tmp_path: Path) -> None:
    # As Kubernetes lays out what it mounts.
    (folder / "model.tflite").rename(tmp_path / "elsewhere")
    (folder / "model.tflite").symlink_to(tmp_path / "elsewhere")
    assert Artifact.load(folder).read("model.tflite") == b"network"


@pytest.mark.parametrize("name", ["model.tflite", "card.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "dangling link"])
def test_what_is_no_plain_file_is_refused(folder: Path, name: str, kind: str) -> None:
    # A pipe would be waited for, and a device read, without end.
    path = folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        Artifact.load(folder)


def test_endless_card_is_refused(folder: Path) -> None:
    with (folder / "card.json").open("r+b") as card:
        card.truncate(MAX_CARD_BYTES + 1)
    with pytest.raises(ArtifactError, match=f"at most {MAX_CARD_BYTES} bytes"):
        Artifact.load(folder)


def test_card_without_files_lets_none_be_read(folder: Path) -> None:
    rewrite(folder, lambda card: card.update(files={}))
    with pytest.raises(ArtifactError, match="lists no file 'model.tflite'"):
        Artifact.load(folder).read("model.tflite")


def test_file_that_is_replaced_after_its_check_does_no_harm(folder: Path) -> None:
    artifact = Artifact.load(folder)
    with artifact.verified_file("model.keras") as path:
        (folder / "model.keras").write_bytes(b"another")
        assert (path.name, path.read_bytes()) == ("model.keras", b"the same network")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()
    with (
        pytest.raises(ArtifactError, match="altered"),
        artifact.verified_file("model.keras"),
    ):
        pass


def test_file_that_the_card_does_not_list_is_not_read(folder: Path) -> None:
    (folder / "extra.bin").write_bytes(b"extra")
    with pytest.raises(ArtifactError, match="lists no file 'extra.bin'"):
        Artifact.load(folder).read("extra.bin")


def write_half(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"half")
    raise RuntimeError("no space left")


def test_failed_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no space"):
        write_artifact(tmp_path / "models" / "new", CARD, write_half)
    assert list((tmp_path / "models").iterdir()) == []


def test_failed_writing_keeps_the_old_folder(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="no space"):
        write_artifact(folder, CARD, write_half)
    assert Artifact.load(folder).read("model.tflite") == b"network"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_failed_renaming_keeps_the_old_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_path = Path.replace

    def refuse_staging(self: Path, target: Path) -> Path:
        if target == folder and (self / "new").exists():
            raise OSError("busy")
        return replace_path(self, target)

    monkeypatch.setattr(Path, "replace", refuse_staging)
    with pytest.raises(OSError, match="busy"):
        write_artifact(folder, CARD, lambda staging: (staging / "new").touch())
    assert Artifact.load(folder).read("model.tflite") == b"network"


def test_existing_folder_is_replaced_whole(folder: Path) -> None:
    def write_other(staging: Path) -> None:
        (staging / "model.tflite").write_bytes(b"newer")

    artifact = write_artifact(folder, replace(CARD, name="newer"), write_other)
    assert artifact.card.name == "newer"
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.json",
        "model.tflite",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
