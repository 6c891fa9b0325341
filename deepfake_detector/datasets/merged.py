"""Several sets as one: every subfolder is a set, read by the spec of its name.

A subfolder that is named like a set of the table is read as that set is; any other is
read as `folder`. Each set keeps its split, or is split by itself, and every picture
keeps the name of the set that it came from.
"""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="merged",
    fake_kind="those of its sets",
    homepage="docs/data.md",
    licence="that of each of its sets",
    citation="those of its sets",
    url=None,
    has_splits=False,
    is_merged=True,
)
