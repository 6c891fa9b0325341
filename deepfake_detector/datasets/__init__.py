"""Table of datasets: where each comes from, how it is laid out, and what may be done.

A new dataset is one file with a :class:`DatasetSpec`, and one line here. Which
folder is Real and which Fake is stated by the spec and never inferred from an order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deepfake_detector.registry import Registry

#: Folder names that stand for each split, in lower case.
SPLIT_FOLDERS: Final = {
    "train": ("train", "training"),
    "val": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset, as facts.

    Parameters
    ----------
    name : str
        Name in the table.
    fake_kind : str
        How the fakes were made: entire-face synthesis, face swap, splice, reenactment.
    homepage : str
        Page that describes it.
    licence : str
        What its licence allows, in a few words.
    citation : str
        Paper or page to cite.
    url : str or None
        Zip to download; None where it must be given as a file or folder.
    real_folder, fake_folder : str
        Names of the class folders, matched without regard to case.
    has_splits : bool, default True
        Whether the set comes split; if not, a seeded split is made.
    generate : callable, optional
        Called with an empty folder and a seed for a set that is drawn rather than
        downloaded; writes ``<Split>/<Class>/<picture>`` and ``boxes.json``, which maps
        each picture's path in that folder to its face's [left, top, width, height].
    """

    name: str
    fake_kind: str
    homepage: str
    licence: str
    citation: str
    url: str | None
    real_folder: str = "real"
    fake_folder: str = "fake"
    has_splits: bool = True
    generate: Callable[[Path, int], None] | None = None


#: File beside the split folders in which a set may state its own face boxes.
BOXES_FILE: Final = "boxes.json"

DATASETS = Registry(
    "dataset",
    [
        ("dfdc_faces", "deepfake_detector.datasets.dfdc_faces:SPEC"),
        ("folder", "deepfake_detector.datasets.folder:SPEC"),
        ("openforensics", "deepfake_detector.datasets.openforensics:SPEC"),
        ("real_vs_fake_140k", "deepfake_detector.datasets.real_vs_fake_140k:SPEC"),
        ("synthetic", "deepfake_detector.datasets.synthetic:SPEC"),
    ],
)
