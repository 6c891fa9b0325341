"""Whether a file is a zip, for every file: `zipfile` raises at some that are not."""

import zipfile
from pathlib import Path


def is_zip(path: Path) -> bool:
    """Return whether a file ends as a zip does.

    Parameters
    ----------
    path : Path
        A file of any content.

    Returns
    -------
    bool
        False too where the end says what no reader understands.
    """
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # such as one of several disks
        return False
