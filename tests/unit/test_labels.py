"""Polarity, said once: everything else in the program is derived from these."""

from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL, SCORE_SIGNS


def test_fake_is_the_positive_class() -> None:
    assert (REAL, FAKE) == (0, 1)


def test_each_class_is_named_at_its_own_index() -> None:
    assert CLASS_NAMES[REAL] == "Real"
    assert CLASS_NAMES[FAKE] == "Fake"


def test_only_p_real_is_turned_round() -> None:
    assert SCORE_SIGNS == {"p_fake": 1.0, "p_real": -1.0}
