"""DFDC face crops: video face swaps, one real and one fake frame a source video.

Kaggle's `dagnelies/deepfake-faces` publishes these crops in one folder beside a table;
this spec reads them laid out as ``Dataset/{Train,Validation,Test}/{Fake,Real}`` with no
source video in two splits, so an archive or folder must be given.
"""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="dfdc_faces",
    fake_kind="face swap",
    homepage="https://www.kaggle.com/datasets/dagnelies/deepfake-faces",
    licence="DFDC terms: research, not to be passed on",
    citation="Dolhansky et al., The DeepFake Detection Challenge, arXiv:2006.07397",
    url=None,
)
