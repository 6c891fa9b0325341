import importlib.util
from pathlib import Path

import pytest
from pyarrow import parquet

from deepfake_detector import scan_parquet
from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.scan_parquet import require_pyarrow, write_parquet
from deepfake_detector.scan_row import COLUMNS, JSON_LINES, ScanRow

ROWS = [
    ScanRow(
        "é字\\udcff.jpg", True, "likely_real", 0.5, 1, "[]", False, 3, 4, "00", "m"
    ),
    ScanRow("b.jpg", False, model="m", error="OSError", message="why"),
    ScanRow("c.jpg", False, model="m", error="OSError", message="why"),
]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_table_holds_the_rows_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(scan_parquet, "ROWS_AT_ONCE", 2)
    lines = tmp_path / "rows"
    lines.write_bytes(b"".join(row.line(JSON_LINES) for row in ROWS[:count]))
    write_parquet(lines, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert table.column("path").to_pylist() == [row.path for row in ROWS[:count]]
    assert table.column("p_fake").to_pylist() == [row.p_fake for row in ROWS[:count]]


def test_a_missing_package_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install pyarrow"):
        require_pyarrow()
