"""DFDC face crops: video face swaps, one frame of each video.

Kaggle's `dagnelies/deepfake-faces` publishes them in one folder beside a table, which
is read as it is: column `label` says REAL or FAKE, and column `original` names the
video that a fake was made from. The same crops laid out as
``Dataset/{Train,Validation,Test}/{Fake,Real}`` are read too; there a file is called
``<source video>__<video>.jpg``. Either way no source video is in two splits. The whole
set has five fakes for each real frame: `--balance-classes` evens that out.
"""

from pathlib import PurePosixPath

from deepfake_detector.datasets import DatasetSpec, PictureTable


def _source_video(name: str) -> str | None:
    """The part of a file's name before two underscores."""
    source, separator, _ = PurePosixPath(name).stem.partition("__")
    return source if separator else None


SPEC = DatasetSpec(
    name="dfdc_faces",
    fake_kind="face swap",
    homepage="https://www.kaggle.com/datasets/dagnelies/deepfake-faces",
    licence="DFDC terms: research, not to be passed on",
    citation="Dolhansky et al., The DeepFake Detection Challenge, arXiv:2006.07397",
    url=None,
    group_of=_source_video,
    table=PictureTable(
        file="metadata.csv",
        folder="faces_224",
        name_column="videoname",
        suffix=".jpg",
        label_column="label",
        real_value="REAL",
        fake_value="FAKE",
        group_column="original",
    ),
)
