"""Real and Fake Face Detection (Kaggle): faces spliced by Photoshop experts.

1,081 photographs and 960 composites, whose eyes, nose, mouth or whole face are another
person's. The folders are called ``training_real`` and ``training_fake``, but no test
pictures were published with them: the split is made here.
"""

from deepfake_detector.datasets import DatasetSpec

SPEC = DatasetSpec(
    name="real_and_fake_face",
    fake_kind="splice",
    homepage="https://www.kaggle.com/datasets/ciplab/real-and-fake-face-detection",
    licence="research; see its page, not to be passed on",
    citation="Real and Fake Face Detection, CIPLab, Yonsei University, 2019",
    url=(
        "https://www.kaggle.com/api/v1/datasets/download/ciplab/"
        "real-and-fake-face-detection"
    ),
    real_folder="training_real",
    fake_folder="training_fake",
    has_splits=False,
)
