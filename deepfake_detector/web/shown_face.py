"""One face of an answer, as its card on the page shows it."""

from dataclasses import dataclass
from typing import Final, Self

from deepfake_detector.detector import Analysis, FaceAnalysis
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.heatmap import Heatmap
from deepfake_detector.stability import CHECKS
from deepfake_detector.verdict import Verdict
from deepfake_detector.web.preview import Preview
from deepfake_detector.wording import Words, words

#: The ninths of a picture, by row and column.
_PLACES: Final = (
    (words("top left"), words("top"), words("top right")),
    (words("left"), words("centre"), words("right")),
    (words("bottom left"), words("bottom"), words("bottom right")),
)


@dataclass(frozen=True)
class ShownFace:
    """What the page says of one face.

    Parameters
    ----------
    number : int
        Its number in the picture, from 1.
    face : FaceAnalysis
        What was found of it.
    place : Words
        Where it is in the picture.
    crop : Preview or None
        What the network saw; None of a face that was not judged.
    heatmap : Preview or None
        Where the model looked, over the crop; None where there is no map.
    """

    number: int
    face: FaceAnalysis
    place: Words
    crop: Preview | None
    heatmap: Preview | None

    @classmethod
    def of(
        cls,
        number: int,
        face: FaceAnalysis,
        heatmap: Heatmap | None,
        analysis: Analysis,
        max_side_px: int,
    ) -> Self:
        """Prepare a face for the page.

        Parameters
        ----------
        number : int
            Its number in the picture, from 1.
        face : FaceAnalysis
            What was found of it.
        heatmap : Heatmap or None
            Where the model looked.
        analysis : Analysis
            The picture that it is in.
        max_side_px : int
            Longer side of crop and heatmap at most, pixels.

        Returns
        -------
        ShownFace
            Its card.
        """
        return cls(
            number,
            face,
            position_in_words(face.box, analysis.width, analysis.height),
            None if face.crop is None else Preview.of(face.crop, max_side_px),
            None if heatmap is None else Preview.of(heatmap.picture(), max_side_px),
        )

    @property
    def stability(self) -> str | None:
        """Whether the answer holds in re-encoded copies; None where it says nothing."""
        if self.face.reason is not None:
            return self.face.reason
        if self.face.stability is None or self.face.verdict is Verdict.INCONCLUSIVE:
            return None
        return words(
            "Stable: none of {number} re-encoded copies overturned it.",
            number=len(CHECKS),
        )


def position_in_words(box: FaceBox, width: int, height: int) -> Words:
    """Say where in the picture a face is.

    Parameters
    ----------
    box : FaceBox
        The face, in pixels of the picture.
    width, height : int
        Size of the picture in pixels.

    Returns
    -------
    Words
        "top left", "left", "centre" and so on: the ninth that holds the box's centre.
    """
    x, y = box.centre
    row, column = (min(2, max(0, int(3 * at))) for at in (y / height, x / width))
    return _PLACES[row][column]
