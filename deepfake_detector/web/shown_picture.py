"""One judged picture, as the page shows it."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

from deepfake_detector.detector import Analysis
from deepfake_detector.heatmap import MAX_SIDE_PX as HEATMAP_SIDE_PX
from deepfake_detector.heatmap import scale_bar
from deepfake_detector.image_metadata import ImageMetadata
from deepfake_detector.verdict import Verdict
from deepfake_detector.web.preview import MAX_SIDE_PX, Preview
from deepfake_detector.web.service import Judged
from deepfake_detector.web.shown_face import ShownFace

#: Longer side of the copies on a page of several pictures, pixels: ten of them with
#: twenty faces each still make a page that a phone can open.
SEVERAL_SIDE_PX: Final = 800
SEVERAL_CROP_PX: Final = 128

#: Longer side of a picture in the list above several answers, pixels.
THUMBNAIL_SIDE_PX: Final = 144


@dataclass(frozen=True)
class ShownPicture:
    """What the page says of one picture.

    Parameters
    ----------
    number : int
        Its number in the request, from 1.
    heading : int
        Level of its heading: 1 where it is the page's only picture, else 2.
    analysis : Analysis
        What was found in it.
    picture : Preview
        The picture itself.
    thumbnail : Preview or None
        A very small copy; None where no list of pictures shows it.
    faces : tuple of ShownFace
        Its faces.
    heatmap_method : str or None
        How the heatmaps were found; None where there are none.
    scale : Preview
        The colours of a heatmap, from less to more.
    sha256 : str
        Of the file that was sent, in hex.
    metadata : ImageMetadata
        What the file says about itself.
    """

    number: int
    heading: int
    analysis: Analysis
    picture: Preview
    thumbnail: Preview | None
    faces: tuple[ShownFace, ...]
    heatmap_method: str | None
    scale: Preview
    sha256: str
    metadata: ImageMetadata

    @classmethod
    def of(cls, number: int, judged: Judged, alone: bool) -> Self:
        """Prepare a picture for the page.

        Parameters
        ----------
        number : int
            Its number in the request, from 1.
        judged : Judged
            The picture, and what was found of it.
        alone : bool
            Whether it is the request's only one; copies of several are smaller.

        Returns
        -------
        ShownPicture
            What the page shows.
        """
        side = MAX_SIDE_PX if alone else SEVERAL_SIDE_PX
        crop_side = HEATMAP_SIDE_PX if alone else SEVERAL_CROP_PX
        analysis = judged.analysis
        image = judged.picture.first_copy().image
        pairs = zip(analysis.faces, judged.heatmaps, strict=True)
        return cls(
            number=number,
            heading=1 if alone else 2,
            analysis=analysis,
            picture=Preview.of(image, side),
            thumbnail=None if alone else Preview.of(image, THUMBNAIL_SIDE_PX),
            faces=tuple(
                ShownFace.of(place, face, heatmap, analysis, crop_side)
                for place, (face, heatmap) in enumerate(pairs, start=1)
            ),
            heatmap_method=next((m.method for m in judged.heatmaps if m), None),
            scale=_scale(),
            sha256=judged.sha256,
            metadata=judged.metadata,
        )

    @property
    def tally(self) -> list[tuple[Verdict, int]]:
        """How many of the shown faces have each verdict, in the order of `Verdict`."""
        counts = Counter(face.face.verdict for face in self.faces)
        return [(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]]


@cache
def _scale() -> Preview:
    """The colours of every heatmap, the same for all pictures."""
    return Preview.of(scale_bar())
