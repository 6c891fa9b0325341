"""Pictures straight out of an archive, evenly over one of its splits."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import images
from deepfake_detector.exceptions import ArchiveError, DatasetLayoutError

#: Most bytes of one file of an archive that are read.
_MOST_BYTES: Final = 50_000_000


def sampled_pictures(path: Path, split: str, count: int) -> list[NDArray[np.uint8]]:
    """Read pictures of an archive.

    Parameters
    ----------
    path : Path
        Zip file of pictures.
    split : {'train', 'val', 'test'}
        Which pictures: those in a folder whose name begins so, or all of them where the
        archive has no such folder.
    count : int
        Most pictures to read, evenly over their sorted names.

    Returns
    -------
    list of ndarray of shape (H, W, 3), uint8
        RGB pictures; at least one.

    Raises
    ------
    ArchiveError
        If the file is not a zip.
    DatasetLayoutError
        If it holds no picture.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {file.filename: file.file_size for file in archive.infolist()}
            names = _names(sizes, split)
            if not names:
                raise DatasetLayoutError(
                    f"{path.name}: expected .jpg, .png or .webp pictures, found none"
                )
            chosen = names[:: max(1, len(names) // count)][:count]
            return [images.decode(archive.read(name)) for name in chosen]
    except (OSError, zipfile.BadZipFile) as error:
        raise ArchiveError(
            f"{path.name}: expected a zip file ({error.__class__.__name__})"
        ) from error


def _names(sizes: Mapping[str, int], split: str) -> list[str]:
    """Names of pictures, those of the split where there is one."""
    names = sorted(
        name
        for name, size in sizes.items()
        if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))
        and size <= _MOST_BYTES
    )
    own = [
        name
        for name in names
        if any(part.lower().startswith(split) for part in Path(name).parts[:-1])
    ]
    return own or names
