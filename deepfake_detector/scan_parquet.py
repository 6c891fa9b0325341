"""The rows of a finished scan as Parquet; needs pyarrow, which serving does not."""

import importlib.util
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from deepfake_detector.exceptions import MissingPackageError

#: Rows of one group: some ten megabytes in memory.
ROWS_AT_ONCE: Final = 20_000


def require_pyarrow() -> None:
    """Refuse early what would fail when all pictures are judged.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingPackageError(
            "a Parquet file needs pyarrow: pip install pyarrow, or choose a name that "
            "ends in .csv or .jsonl"
        )


def write_parquet(rows_file: Path, parquet_file: Path) -> None:
    """Write rows of JSON as Parquet, a group at a time.

    Parameters
    ----------
    rows_file : Path
        One JSON object a line.
    parquet_file : Path
        File to write; a table with the columns of `ScanRow`, in the rows' order.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(pa)
    with (
        rows_file.open("rb") as lines,
        parquet.ParquetWriter(parquet_file, schema, compression="zstd") as writer,
    ):
        rows: Iterator[Any] = map(json.loads, lines)
        while group := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
        # A scan of nothing still has its columns: the writer has written the schema.


def _schema(pa: Any) -> Any:
    text, number = pa.string(), pa.int64()
    return pa.schema(
        [
            pa.field("path", text, nullable=False),
            pa.field("in_archive", pa.bool_(), nullable=False),
            ("verdict", text),
            ("p_fake", pa.float64()),
            ("faces_found", number),
            ("faces", text),
            ("whole_picture", pa.bool_()),
            ("width", number),
            ("height", number),
            ("sha256", text),
            pa.field("model", text, nullable=False),
            ("error", text),
            ("message", text),
        ]
    )
