"""What a scan says of a picture, and how it stands in a line of CSV or JSON."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from deepfake_detector.exceptions import DeepfakeDetectorError

CSV: Final = "csv"
JSON_LINES: Final = "jsonl"

#: How the line of a judged picture ends; no text in quotes can end a line so.
_NO_ERROR: Final = {CSV: b",,\n", JSON_LINES: b'"error": null, "message": null}\n'}


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One row of a scan; the fields are the columns, in this order.

    Parameters
    ----------
    path : str
        The picture's file as the scan was given it, or ``archive!member``.
    in_archive : bool
        Whether it is a member of an archive.
    verdict : str or None
        As `predict` says it; None where the picture could not be judged, as all below.
    p_fake : float or None
        The picture's calibrated P(fake) in [0, 1]; None too where nothing was judged.
    faces_found : int or None
        How many faces were found.
    faces : str or None
        The faces as JSON: a list of what `predict` says of each.
    whole_picture : bool or None
        Whether the whole picture was scored instead of a face.
    width, height : int or None
        Size of the picture, upright, in pixels.
    sha256 : str or None
        SHA-256 of its file, in lower-case hex; there where the file could be read.
    model : str
        Name of the model that answered.
    error : str or None
        Name of the error's class; None where the picture was judged.
    message : str or None
        The error in a sentence.
    """

    path: str
    in_archive: bool
    verdict: str | None = None
    p_fake: float | None = None
    faces_found: int | None = None
    faces: str | None = None
    whole_picture: bool | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    model: str = ""
    error: str | None = None
    message: str | None = None

    def line(self, form: str) -> bytes:
        """Write the row as one line.

        Parameters
        ----------
        form : {'csv', 'jsonl'}
            Which form.

        Returns
        -------
        bytes
            UTF-8 with a newline at its end and no other.
        """
        row = asdict(self)
        if form == JSON_LINES:
            return (json.dumps(row) + "\n").encode("ascii")
        return _csv_line(map(_csv_value, row.values()))


#: Names of the columns.
COLUMNS: Final = tuple(field.name for field in fields(ScanRow))

# What is said of a thousand faces is longer than the 131,072 characters of a field that
# `csv` takes by itself, and such a row would pass for a torn one.
csv.field_size_limit(2**27)


def error_fields(error: Exception) -> dict[str, str]:
    """Say in a row's words why a picture was not judged.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    dict of str to str
        `error` and `message`, without a path of the machine.
    """
    if isinstance(error, DeepfakeDetectorError):
        message = " ".join(str(error).split())
    elif isinstance(error, OSError):
        message = f"The file cannot be read ({error.strerror or 'no reason given'})."
    else:
        message = "The picture could not be judged; please report the error's name."
    return {"error": type(error).__name__, "message": message}


def header(form: str) -> bytes:
    """Return what comes before the first row.

    Parameters
    ----------
    form : {'csv', 'jsonl'}
        Which form.

    Returns
    -------
    bytes
        A line of the columns' names, or nothing.
    """
    return _csv_line(COLUMNS) if form == CSV else b""


def is_failure(line: bytes, form: str) -> bool:
    """Say whether a line is of a picture that could not be judged, without parsing it.

    Parameters
    ----------
    line : bytes
        What :meth:`ScanRow.line` returned.
    form : {'csv', 'jsonl'}
        Which form.

    Returns
    -------
    bool
        Whether its last two columns hold an error.
    """
    return not line.endswith(_NO_ERROR[form])


def read_line(line: bytes, form: str) -> Mapping[str, Any] | None:
    """Read back the parts of a row that a resumed scan needs.

    Parameters
    ----------
    line : bytes
        What :meth:`ScanRow.line` returned, or what is left of it.
    form : {'csv', 'jsonl'}
        Which form.

    Returns
    -------
    mapping or None
        All columns by name: of CSV every value as text, "" for none. None where it is
        not a whole row.
    """
    try:
        text = line.decode("utf-8")
        if not text.endswith("\n") or "\0" in text:
            return None
        if form == JSON_LINES:
            row = json.loads(text)
            return row if isinstance(row, dict) and tuple(row) == COLUMNS else None
        (values,) = csv.reader([text], strict=True)
    except (ValueError, RecursionError, csv.Error):
        return None
    return (
        dict(zip(COLUMNS, values, strict=True)) if len(values) == len(COLUMNS) else None
    )


def _csv_line(values: Any) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(values)
    return file.getvalue().encode("utf-8")


def _csv_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
