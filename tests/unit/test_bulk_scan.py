import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deepfake_detector import bulk_scan
from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.bulk_scan import BulkScan, ScanOptions, ScanReport
from deepfake_detector.cli import main
from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    MissingPackageError,
    StorageError,
)
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.found_picture import FoundPicture, held
from deepfake_detector.ray_scan import RayScan
from deepfake_detector.scan_judge import ScanSettings
from deepfake_detector.scan_row import CSV, JSON_LINES, ScanRow
from tests.closed_folders import closed
from tests.picture_files import drawn

#: What serving does not need, and scanning into CSV or JSON lines must not either.
NOT_OF_SERVING = {
    *("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "requests", "pyarrow"),
    *("ray", "pandas", "skimage", "flask"),
}


@pytest.fixture
def config(tmp_path: Path) -> ServeConfig:
    card = ModelCard("stand-in", "compact", (32, 32, 3), CROP_RULES["whole"])
    write_artifact(tmp_path / "model", card, lambda staging: None)
    return ServeConfig(model_dir=tmp_path / "model", backend="constant")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(drawn("JPEG"))
    return folder


def test_nothing_that_serving_lacks_is_imported() -> None:
    code = (
        "import sys, deepfake_detector.bulk_scan, deepfake_detector.cli\n"
        f"print(sorted({NOT_OF_SERVING} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_report_says_what_came_of_it(
    config: ServeConfig, folder: Path, tmp_path: Path
) -> None:
    (folder / "bad.png").write_bytes(b"none")
    (folder / "notes.txt").touch()
    report = BulkScan([str(folder)], tmp_path / "rows.csv", config).run()
    assert (report.pictures, report.failed, report.resumed_at) == (4, 1, 0)
    assert report.passed_over == {"other kinds of file": 1}
    assert 0 < report.first_after_s <= report.seconds
    assert report.per_second == pytest.approx(4 / report.seconds)
    words = ScanReport(Path("a.csv"), 12345, 6, 2345, 100.0, 1.0, {"hidden": 2})
    assert str(words) == (
        "wrote 12,345 rows to a.csv, 6 of them of pictures that could not be judged; "
        "100 a second; passed over: 2 hidden"
    )


def test_rows_of_an_earlier_sitting_are_not_judged_again(
    config: ServeConfig, folder: Path
) -> None:
    """A row that a judge would not write stays as it is; a damaged one is made anew."""
    out = folder / "rows.jsonl"
    scan = BulkScan([str(folder)], out, config)
    journal = bulk_scan.ScanJournal(out, JSON_LINES, scan._settings())
    mine = ScanRow(f"{folder}/a.jpg", False, "mine").line(JSON_LINES)
    journal.append([mine, b"\0" * 40 + b"\n", mine[:20]], 0)
    journal.close()
    report = scan.run()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [Path(row["path"]).name for row in rows] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [row["verdict"] for row in rows][0] == "mine"
    assert (report.resumed_at, report.pictures) == (1, 3)


#: What `scan` takes that names a file, which is known again by its hash.
HASHED = {"model_dir": "model_sha256", "keras_file": "model_sha256"} | {
    "face_model": "face_model_sha256"
}

#: What it takes that no answer depends on.
OF_NO_ANSWER = {"paths", "out", "workers", "engine", "overwrite"}


def test_every_option_is_held_against_that_of_the_earlier_sitting(
    config: ServeConfig, folder: Path
) -> None:
    settings = BulkScan([str(folder)], folder / "rows.csv", config)._settings()
    options = {param.name for param in main.commands["scan"].params}
    assert options >= {"threshold", "face_model", "crops"}
    assert options - OF_NO_ANSWER - set(HASHED) <= set(settings)
    assert set(HASHED.values()) <= set(settings)


def journal_of(scan: BulkScan, **changed: object) -> None:
    """An unfinished scan of one row, with other settings; those of "" are left out."""
    settings = scan._settings() | changed
    settings = {key: value for key, value in settings.items() if value != ""}
    journal = bulk_scan.ScanJournal(scan.out, JSON_LINES, settings)
    row = ScanRow(f"{scan.paths[0]}/a.jpg", False, "mine")
    journal.append([row.line(JSON_LINES)], 0)
    journal.close()


def test_another_face_model_is_refused(
    config: ServeConfig, folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "face.onnx"
    model.write_bytes(b"one")
    yunet = dataclasses.replace(config, face_detector="yunet", face_model=model)
    out = folder / "rows.jsonl"
    journal_of(BulkScan([str(folder)], out, yunet))
    model.write_bytes(b"other")
    words = r"other settings \(face model sha256 \"\w+\.\.\., now \"\w+\.\.\.\);"
    with pytest.raises(ConfigError, match=words):
        BulkScan([str(folder)], out, yunet).run()


def test_a_face_model_that_nothing_reads_is_let_be(
    config: ServeConfig, folder: Path, tmp_path: Path
) -> None:
    unused = dataclasses.replace(config, face_model=tmp_path / "missing.onnx")
    settings = BulkScan([str(folder)], folder / "rows.csv", unused)._settings()
    assert settings["face_model_sha256"] is None


def test_a_face_model_that_is_missing_is_said(
    config: ServeConfig, folder: Path, tmp_path: Path
) -> None:
    missing = dataclasses.replace(
        config, face_detector="yunet", face_model=tmp_path / "missing.onnx"
    )
    with pytest.raises(ArtifactError, match="the yunet face detector expects a file"):
        BulkScan([str(folder)], folder / "rows.csv", missing)


def test_a_scan_from_before_face_models_were_kept_goes_on(
    config: ServeConfig, folder: Path, tmp_path: Path
) -> None:
    """Unless there is a face model now: whether it was that one then, nobody knows."""
    out = folder / "rows.jsonl"
    journal_of(BulkScan([str(folder)], out, config), face_model_sha256="")
    model = tmp_path / "face.onnx"
    model.write_bytes(b"one")
    yunet = dataclasses.replace(config, face_detector="yunet", face_model=model)
    with pytest.raises(ConfigError, match="face model sha256 null, now"):
        BulkScan([str(folder)], out, yunet).run()
    assert BulkScan([str(folder)], out, config).run().resumed_at == 1


def test_pictures_that_are_gone_are_said(config: ServeConfig, folder: Path) -> None:
    out = folder / "rows.jsonl"
    scan = BulkScan([str(folder)], out, config)
    journal = bulk_scan.ScanJournal(out, JSON_LINES, scan._settings())
    names = ("a", "b", "c", "d")
    rows = [ScanRow(f"{folder}/{name}.jpg", False, "x") for name in names]
    journal.append([row.line(JSON_LINES) for row in rows], 0)
    journal.close()
    with pytest.raises(ConfigError, match=r"row 4 .*d\.jpg', where there is now 'noth"):
        scan.run()
    BulkScan([str(folder)], out, config, ScanOptions(overwrite=True)).run()
    assert len(out.read_text().splitlines()) == 3


def test_chunks_are_bounded_in_number_and_in_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_scan, "CHUNK_HELD_BYTES", 10)
    sizes = [0] * 5 + [6] * 4 + [30] + [0]
    found = [
        FoundPicture(str(n), True, partial(held, b""), size)
        for n, size in enumerate(sizes)
    ]
    chunks = list(bulk_scan._chunks(iter(found), 3))
    assert [[p.held_bytes for p in chunk] for chunk in chunks] == [
        *([0, 0, 0], [0, 0, 6], [6, 6], [6, 30], [0]),
    ]


def test_ray_is_named_where_it_is_missing(
    config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'ray\[data\]'"):
        RayScan(ScanSettings(config.to_dict(), JSON_LINES), "m")


def test_an_output_that_cannot_be_is_said_by_its_name(
    config: ServeConfig, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = r"^rows\.csv: its folder does not exist or may not be written to"
    for parent in (folder / "missing", folder / "a.jpg"):
        with pytest.raises(StorageError, match=words):
            BulkScan([str(folder)], parent / "rows.csv", config).run()
    (tmp_path / "closed" / "in").mkdir(parents=True)
    with closed(tmp_path / "closed"), pytest.raises(StorageError, match=words):
        BulkScan([str(folder)], tmp_path / "closed" / "in" / "rows.csv", config).run()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StorageError, match=words):
        BulkScan([str(folder)], folder / "rows.csv", config).run()


def test_a_mistyped_option_leaves_nothing_to_go_on_with(
    config: ServeConfig, folder: Path
) -> None:
    out = folder / "rows.csv"
    mistyped = dataclasses.replace(config, backend="foo")
    with pytest.raises(ConfigError, match="unknown backend"):
        BulkScan([str(folder)], out, mistyped).run()
    assert BulkScan([str(folder)], out, config).run().pictures == 3


def test_an_output_is_not_written_over_for_a_scan_without_rows(
    config: ServeConfig, folder: Path
) -> None:
    out = folder / "rows.csv"
    scan = BulkScan([str(folder)], out, config)
    bulk_scan.ScanJournal(out, CSV, scan._settings()).close()
    out.write_text("mine")
    with pytest.raises(ConfigError, match="it is there already"):
        scan.run()
    assert out.read_text() == "mine"


@pytest.mark.parametrize("there", [True, False])
def test_an_output_that_is_a_link_is_written_where_it_leads(
    config: ServeConfig, folder: Path, tmp_path: Path, there: bool
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link, target = tmp_path / "rows.csv", elsewhere / "table.csv"
    link.symlink_to("elsewhere/table.csv")
    if there:
        target.write_text("mine")
        with pytest.raises(ConfigError, match="it is there already"):
            BulkScan([str(folder)], link, config).run()
    BulkScan([str(folder)], link, config, ScanOptions(overwrite=there)).run()
    assert link.is_symlink()
    assert len(target.read_text().splitlines()) == 4
    assert list(elsewhere.iterdir()) == [target]
    assert not [*tmp_path.glob(".rows.csv*")]


def test_rows_of_an_unfinished_scan_lie_where_a_link_leads(
    config: ServeConfig, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the disk is that is to hold them."""
    target = tmp_path / "elsewhere" / "table.csv"
    target.parent.mkdir()
    link = tmp_path / "rows.csv"
    link.symlink_to(target)

    def full(self: object, lines: object, done: int) -> None:
        raise StorageError("full")

    with monkeypatch.context() as patch:
        patch.setattr(bulk_scan.ScanJournal, "append", full)
        with pytest.raises(StorageError, match="full"):
            BulkScan([str(folder)], link, config).run()
    assert [path.name for path in target.parent.iterdir()] == [".table.csv.scan"]
    link.unlink()
    link.symlink_to(tmp_path / "missing" / "table.csv")
    with pytest.raises(StorageError, match=r"^rows\.csv: its folder does not exist"):
        BulkScan([str(folder)], link, config).run()


def test_options_that_do_not_go_together_are_refused(
    config: ServeConfig, folder: Path
) -> None:
    both = ScanOptions(crops=True, whole_picture=True)
    with pytest.raises(ConfigError, match="--crops, --whole-picture: expected one"):
        BulkScan([str(folder)], folder / "rows.csv", config, both)


def test_workers_end_with_a_scan_that_cannot_write(
    config: ServeConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    class Engine:
        def __enter__(self) -> "Engine":
            return self

        def __exit__(self, *unused: object) -> None:
            ended.append(True)

        def judge(self, chunks: object) -> Iterator[list[bytes]]:
            yield [b"line\n"]

    def full(self: object, lines: object, done: int) -> None:
        raise StorageError("full")

    monkeypatch.setattr(BulkScan, "_engine", lambda self, settings: Engine())
    monkeypatch.setattr(bulk_scan.ScanJournal, "append", full)
    with pytest.raises(StorageError, match="full"):
        BulkScan([str(folder)], folder / "rows.csv", config).run()
    assert ended == [True]
