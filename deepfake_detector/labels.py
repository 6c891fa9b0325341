"""The only place where polarity is said: real is 0, fake is 1, a score is P(fake)."""

from typing import Final

from deepfake_detector.wording import words

REAL: Final = 0
FAKE: Final = 1

#: Name of each class at its own index.
CLASS_NAMES: Final = (words("Real"), words("Fake"))

#: What a model's raw score may stand for, and the sign that turns its logit into a
#: fake logit: logit(P(fake)) = -logit(P(real)).
SCORE_SIGNS: Final = {"p_fake": 1.0, "p_real": -1.0}
