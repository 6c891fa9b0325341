"""The made-up answer is one that the served model could give."""

import pytest

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.web.example_answer import example_answer


@pytest.mark.parametrize(
    "cut_offs",
    [CutOffs(0.2, 0.9), CutOffs(0.0, 0.0), CutOffs(0.5, 0.5), CutOffs(0.1, 1.0)],
)
def test_face_is_likely_fake_by_the_models_own_cut_off(cut_offs: CutOffs) -> None:
    answer = example_answer(cut_offs, "a model")
    (face,) = answer["faces"]
    assert answer["verdict"] == face["verdict"] == "likely_fake"
    assert cut_offs.likely_fake <= answer["p_fake"] == face["p_fake"] <= 1
    assert face["stability"]["stable"] is True
    assert (answer["model"], answer["facts"]["format"]) == ("a model", "JPEG")


def test_it_has_what_a_real_answer_has() -> None:
    answer = example_answer(CutOffs(0.2, 0.9), "a model")
    assert {"words", "facts", "faces_found", "cut_offs"} <= set(answer)
    assert answer["words"]
