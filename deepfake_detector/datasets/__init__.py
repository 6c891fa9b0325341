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
class PictureTable:
    """A table of labels beside one folder of pictures, instead of class folders.

    Parameters
    ----------
    file : str
        Name of the table: comma-separated, with a line of column names.
    folder : str
        Name of the folder of pictures beside it.
    name_column : str
        Column of the name; its ending is put off for `suffix`.
    suffix : str
        Ending of the pictures' names.
    label_column : str
        Column of the class.
    real_value, fake_value : str
        What stands there for each class.
    group_column : str
        Column of the name of the picture that this one was made from; empty where it
        was made from none, and then a picture's own name is its group.
    """

    file: str
    folder: str
    name_column: str
    suffix: str
    label_column: str
    real_value: str
    fake_value: str
    group_column: str


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
    group_of : callable, optional
        From a picture's path to the name of what it was made from, such as a source
        video, or None; pictures of one group stay in one split.
    table : PictureTable, optional
        Another layout in which the set is published, without a split.
    is_merged : bool, default False
        Whether every subfolder is a set of its own, read by the spec of its name.
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
    group_of: Callable[[str], str | None] | None = None
    table: PictureTable | None = None
    is_merged: bool = False


#: File beside the split folders in which a set may state its own face boxes.
BOXES_FILE: Final = "boxes.json"

DATASETS = Registry(
    "dataset",
    [
        ("dfdc_faces", "deepfake_detector.datasets.dfdc_faces:SPEC"),
        ("folder", "deepfake_detector.datasets.folder:SPEC"),
        ("hard_fake_vs_real", "deepfake_detector.datasets.hard_fake_vs_real:SPEC"),
        ("merged", "deepfake_detector.datasets.merged:SPEC"),
        ("openforensics", "deepfake_detector.datasets.openforensics:SPEC"),
        ("real_and_fake_face", "deepfake_detector.datasets.real_and_fake_face:SPEC"),
        ("real_vs_fake_140k", "deepfake_detector.datasets.real_vs_fake_140k:SPEC"),
        ("synthetic", "deepfake_detector.datasets.synthetic:SPEC"),
    ],
)
