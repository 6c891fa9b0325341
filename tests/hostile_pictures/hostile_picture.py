"""One file of the corpus: how it is made, and what must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass

from deepfake_detector.exceptions import ImageError


@dataclass(frozen=True)
class HostilePicture:
    """A file that somebody might send to do harm, or by an unlucky accident.

    Parameters
    ----------
    make : callable
        Returns its bytes; the same at each call.
    refused_with : type of ImageError or None
        Why it is refused; None where it is decoded and judged like any picture.
    """

    make: Callable[[], bytes]
    refused_with: type[ImageError] | None = None

    @property
    def outcome(self) -> str:
        """In a word: `judged`, or the name of the error."""
        return self.refused_with.__name__ if self.refused_with else "judged"
