"""Where the model looked: what each place of a face counted in its score.

A heatmap says what the model read. It does not say which part of a face was changed,
and every place that shows one says so. NumPy and Pillow are all it takes, so serving
explains its answers without TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from deepfake_detector import face_crops, picture_text
from deepfake_detector.detector import Analysis, Detector, FaceAnalysis
from deepfake_detector.explainers import Explanation
from deepfake_detector.explainers.occlusion import Occlusion
from deepfake_detector.explainers.perturbation import resized
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.labels import CLASS_NAMES, FAKE
from deepfake_detector.verdict import class_named
from deepfake_detector.wording import words

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

#: Title of every heatmap.
TITLE: Final = words("Where the model looked")

#: What stands beside every heatmap.
MEANING: Final = words(
    "The brighter a place, the more it counted in the score. The line encloses what "
    "counted at least half as much as the strongest place. It shows what the model "
    "read, not which part was changed."
)

#: Ways to a heatmap, the default first. `cam` is read off the scoring pass; `occlusion`
#: scores each face 50 times more, one place of 49 covered at a time.
METHODS: Final = ("cam", "occlusion")

#: Most faces of a picture that `occlusion` explains; the largest are taken.
MAX_OCCLUDED_FACES: Final = 3

#: Longest side of a heatmap's picture, pixels.
MAX_SIDE_PX: Final = 256

#: Side of the covered square over the crop's: with half a square's overlap, 7 x 7.
_OCCLUDED_SHARE: Final = 0.25

#: Most values a side that :meth:`Heatmap.to_dict` gives.
MAX_GRID: Final = 16

#: Unit of those values.
UNIT: Final = "logits, above 0 for Fake"

_INK: Final = (23, 33, 43)

#: Weight of the colour over the grey crop.
_OPACITY: Final = 0.6

#: From which share of the strongest place the line encloses.
_CONTOUR: Final = 0.5

#: Nine colours of matplotlib's viridis (CC0): its lightness rises evenly, so that it
#: reads in print and without colour vision.
_SCALE: Final = (
    (68, 1, 84),
    (71, 45, 123),
    (59, 82, 139),
    (44, 114, 142),
    (33, 145, 140),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)


@dataclass(frozen=True)
class Heatmap:
    """What each place of one face's crop said.

    Parameters
    ----------
    method : {'cam', 'occlusion'}
        How it was found.
    evidence : ndarray of shape (h', w'), float32
        Above 0 what speaks for Fake, below 0 what speaks for Real, in logits.
    crop : ndarray of shape (h, w, 3), uint8
        What the network saw.
    region : FaceBox
        Where the crop lies, in pixels of the picture; may leave it.
    towards_fake : bool
        Whether the score speaks for Fake, rather than for Real.
    """

    method: str
    evidence: FloatArray
    crop: UInt8Array
    region: FaceBox
    towards_fake: bool

    @property
    def weights(self) -> FloatArray:
        """What counted towards the side that the score is on.

        (h', w'), float32 in [0, 1], 1 at the strongest place; all 0 where no place
        speaks for that side.
        """
        sign = np.float32(1 if self.towards_fake else -1)
        return Explanation(sign * self.evidence).heatmap

    def to_dict(self) -> dict[str, Any]:
        """Return the map as JSON-ready fields, at most 16 values a side."""
        rows, columns = (min(side, MAX_GRID) for side in self.evidence.shape)
        grid = Image.fromarray(self.evidence).resize(
            (columns, rows), Image.Resampling.BOX
        )
        return {
            "method": self.method,
            "shows": TITLE.lower(),
            "unit": UNIT,
            "region": {
                "left": self.region.left,
                "top": self.region.top,
                "width": self.region.width,
                "height": self.region.height,
            },
            "evidence": [
                [round(float(value), 4) for value in row] for row in np.asarray(grid)
            ],
        }

    def picture(self) -> UInt8Array:
        """Draw the map over the crop.

        Returns
        -------
        ndarray of shape (H, W, 3), uint8
            RGB; the longer side is 256 pixels.
        """
        height, width = self.crop.shape[:2]
        factor = MAX_SIDE_PX / max(height, width)
        size = max(1, round(height * factor)), max(1, round(width * factor))
        grey = Image.fromarray(self.crop).convert("L").resize(size[::-1])
        weights = resized(self.weights, size)
        blend = (
            _OPACITY * colours(weights) + (1 - _OPACITY) * np.asarray(grey)[..., None]
        )
        drawn: UInt8Array = np.rint(blend).astype(np.uint8)
        drawn[_outline(weights >= _CONTOUR)] = 255
        return drawn


def heatmaps_of(
    detector: Detector,
    analysis: Analysis,
    method: str = METHODS[0],
) -> tuple[Heatmap | None, ...]:
    """Say for each face of an analysis where the model looked.

    Parameters
    ----------
    detector : Detector
        What made the analysis.
    analysis : Analysis
        The picture's faces and scores.
    method : {'cam', 'occlusion'}, default 'cam'
        `cam` uses the maps that the analysis holds. `occlusion` asks the network again,
        50 crops for each of the 3 largest judged faces.

    Returns
    -------
    tuple of Heatmap or None
        One for each face of the analysis; None where there is none: of faces that were
        not judged, of networks without a map, of those beyond the 3 largest.

    Raises
    ------
    ValueError
        If the method is neither.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    most = len(analysis.faces) if method == "cam" else MAX_OCCLUDED_FACES
    maps: list[Heatmap | None] = []
    judged = 0
    for face in analysis.faces:
        judged += face.crop is not None
        maps.append(_heatmap(detector, face, method) if judged <= most else None)
    return tuple(maps)


def with_heatmaps(
    analysis: Analysis, heatmaps: Sequence[Heatmap | None]
) -> dict[str, Any]:
    """Return an analysis as JSON-ready fields, a `heatmap` in each face.

    Parameters
    ----------
    analysis : Analysis
        The picture's faces and scores.
    heatmaps : sequence of Heatmap or None
        One for each face, as :func:`heatmaps_of` gives them.

    Returns
    -------
    dict
        What `Analysis.to_dict` gives, and in each face `heatmap`: fields or None.
    """
    fields = analysis.to_dict()
    for face, heatmap in zip(fields["faces"], heatmaps, strict=True):
        face["heatmap"] = None if heatmap is None else heatmap.to_dict()
    return fields


def sheet(heatmap: Heatmap, face: str) -> UInt8Array:
    """Draw a crop beside its heatmap, under a title and over the scale.

    Parameters
    ----------
    heatmap : Heatmap
        What is drawn.
    face : str
        Which face it is, in words.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB, on white.
    """
    drawn = Image.fromarray(heatmap.picture())
    crop = Image.fromarray(heatmap.crop).resize(drawn.size)
    text, margin = picture_text.font(14), 12
    line = picture_text.line_height(text)
    width = 2 * drawn.width + 3 * margin
    meaning = picture_text.wrapped(MEANING, width - 2 * margin, text)
    top, below = margin + line, 2 * margin + line + drawn.height
    height = below + (2 + len(meaning)) * line + margin
    page = Image.new("RGB", (width, height), "white")
    page.paste(crop, (margin, top))
    page.paste(drawn, (2 * margin + drawn.width, top))
    bar = Image.fromarray(scale_bar(height=line - 6))
    start = margin + round(text.getlength("less  "))
    page.paste(bar, (start, below))
    draw = ImageDraw.Draw(page)
    title = f"{TITLE}: {face} ({heatmap.method})"
    draw.text((margin, margin // 2), title, _INK, text)
    draw.text((margin, below - 2), "less", _INK, text)
    draw.text((start + bar.width + margin // 2, below - 2), "more", _INK, text)
    for index, row in enumerate(meaning):
        draw.text((margin, below + line * (index + 1.5)), row, _INK, text)
    return np.array(page, dtype=np.uint8)


def colours(weights: NDArray[np.floating[Any]]) -> UInt8Array:
    """Colour each weight by the one scale of all heatmaps, from violet to yellow.

    Parameters
    ----------
    weights : ndarray of any shape, float
        In [0, 1].

    Returns
    -------
    ndarray of shape (..., 3), uint8
        RGB, the lighter the more.
    """
    stops = np.linspace(0, 1, len(_SCALE))
    channels = [
        np.interp(weights, stops, channel) for channel in np.array(_SCALE).transpose()
    ]
    coloured: UInt8Array = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return coloured


def scale_bar(width: int = 128, height: int = 12) -> UInt8Array:
    """Draw the scale, least on the left.

    Parameters
    ----------
    width, height : int
        Size in pixels.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        RGB.
    """
    row = colours(np.linspace(0, 1, width))
    return np.broadcast_to(row, (height, width, 3)).copy()


def _heatmap(detector: Detector, face: FaceAnalysis, method: str) -> Heatmap | None:
    """One face's map; None of a face that was not judged."""
    crop, p_fake, evidence = face.crop, face.p_fake, face.heatmap
    if crop is None or p_fake is None:
        return None
    if method == "occlusion":
        explainer = Occlusion(detector.backend, _OCCLUDED_SHARE)
        evidence = explainer.explain(crop).evidence
    if evidence is None:
        return None
    region = face_crops.region(face.box, detector.card.crop)
    leans_to_fake = class_named(p_fake, face.verdict) == CLASS_NAMES[FAKE]
    return Heatmap(method, evidence, crop, region, leans_to_fake)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The inner edge of a region, one pixel wide; not along the picture's border."""
    padded = np.pad(inside, 1, mode="edge")
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~within
