"""140k Real and Fake Faces (Kaggle): StyleGAN portraits against FFHQ photographs."""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="real_vs_fake_140k",
    fake_kind="entire-face synthesis",
    homepage="https://www.kaggle.com/datasets/xhlulu/140k-real-and-fake-faces",
    licence="FFHQ is CC BY-NC-SA 4.0; not to be passed on",
    citation="Karras et al., StyleGAN, CVPR 2019, arXiv:1812.04948",
    url=(
        "https://www.kaggle.com/api/v1/datasets/download/xhlulu/"
        "140k-real-and-fake-faces"
    ),
)
