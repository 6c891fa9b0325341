"""Any folder or zip of yours with Real and Fake below it, split or not."""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="folder",
    fake_kind="whatever the folder holds",
    homepage="docs/data.md",
    licence="yours",
    citation="your own pictures",
    url=None,
    has_splits=False,
)
