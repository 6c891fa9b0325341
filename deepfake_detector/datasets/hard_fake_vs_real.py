"""Fake-Vs-Real-Faces (Hard) (Kaggle): StyleGAN2 portraits against stock photographs.

700 faces of thispersondoesnotexist.com and 589 of Unsplash. All fakes are framed alike
and the photographs are not, so a score near 1.00 on it says little.
"""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="hard_fake_vs_real",
    fake_kind="entire-face synthesis",
    homepage="https://www.kaggle.com/datasets/hamzaboulahia/hardfakevsrealfaces",
    licence="photographs of Unsplash; see its page, not to be passed on",
    citation="Karras et al., StyleGAN2, CVPR 2020, arXiv:1912.04958",
    url=(
        "https://www.kaggle.com/api/v1/datasets/download/hamzaboulahia/"
        "hardfakevsrealfaces"
    ),
    has_splits=False,
)
