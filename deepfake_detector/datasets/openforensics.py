"""OpenForensics face crops (Kaggle): GAN face swaps inside photographs."""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="openforensics",
    fake_kind="face swap",
    homepage="https://www.kaggle.com/datasets/manjilkarki/deepfake-and-real-images",
    licence="research; pictures from Google Open Images, not to be passed on",
    citation="Le et al., OpenForensics, ICCV 2021, arXiv:2107.14480",
    url=(
        "https://www.kaggle.com/api/v1/datasets/download/manjilkarki/"
        "deepfake-and-real-images?datasetVersionNumber=1"
    ),
)
