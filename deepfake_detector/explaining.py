"""A face of a picture -> what speaks for and against its being fake, as figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import plots
from deepfake_detector.detector import Analysis, Detector, FaceAnalysis
from deepfake_detector.exceptions import ConfigError, ExplanationError, ImageError
from deepfake_detector.explainers import EXPLAINERS, Explanation, default_explainer
from deepfake_detector.network_trace import first_feature_maps
from deepfake_detector.picture import Picture
from deepfake_detector.verdict import SENTENCES, Verdict


@dataclass(frozen=True)
class ExplainedFace:
    """One face of a picture, judged and explained.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        What the network saw.
    number : int
        Which face of the picture, 1 for the largest.
    face : FaceAnalysis
        What was found of it.
    method : str
        Name in the `explainers` table.
    explanation : Explanation
        What each pixel of the crop says.
    """

    crop: NDArray[np.uint8]
    number: int
    face: FaceAnalysis
    method: str
    explanation: Explanation

    def to_dict(self) -> dict[str, Any]:
        """Return what was explained as JSON-ready fields, without the pixels."""
        return {
            "face": self.number,
            "verdict": str(self.face.verdict),
            "p_fake": self.face.p_fake,
            "method": self.method,
        }


def explain_face(
    detector: Detector,
    source: bytes | Path,
    method: str | None = None,
    number: int | None = None,
    whole_picture_if_no_face: bool = False,
    seed: int = 0,
) -> ExplainedFace:
    """Judge a picture and explain the score of one of its faces.

    Parameters
    ----------
    detector : Detector
        What judges, and what is explained.
    source : bytes or Path
        Encoded picture, or the file that holds it.
    method : str, optional
        Name in the `explainers` table; by default `cam` where the network has an
        activation map, else `occlusion`.
    number : int, optional
        Which face, 1 for the largest; by default the one that the picture's answer is
        of.
    whole_picture_if_no_face : bool, default False
        Explain the largest centred square where no face is found.
    seed : int, default 0
        Seed of whatever the method draws.

    Returns
    -------
    ExplainedFace
        The face, its score and the evidence.

    Raises
    ------
    ImageError
        If the picture cannot be decoded, or holds no face that can be judged.
    ConfigError
        If it holds no face of that number, or there is no such method.
    ExplanationError
        If the method cannot explain this network.
    """
    method = method or default_explainer(detector.backend)
    explainer = EXPLAINERS.get(method)(detector.backend)
    picture = Picture.of(source, detector.max_pixels)
    analysis = detector.analyse(picture, whole_picture_if_no_face)
    index = _chosen_face(analysis, number)
    face = analysis.faces[index]
    card = detector.card
    crop = picture.crop(face.box, card.crop, card.input_shape[:2])
    return ExplainedFace(crop, index + 1, face, method, explainer.explain(crop, seed))


def write_figures(
    explained: ExplainedFace, output: Path, feature_maps_of: Detector | None = None
) -> list[Path]:
    """Write the crop beside its evidence, and what else there is to show.

    Parameters
    ----------
    explained : ExplainedFace
        What is drawn.
    output : Path
        PNG file to write. Further figures lie beside it: `<name>-regions.png`, where
        the method judges regions, and `<name>-feature-maps.png`.
    feature_maps_of : Detector, optional
        Write the feature maps of this detector's first convolutions as well.

    Returns
    -------
    list of Path
        The files, `output` first.

    Raises
    ------
    ConfigError
        If `output` is a folder.
    ExplanationError
        If the network's feature maps cannot be looked at.
    """
    explanation, crop = explained.explanation, explained.crop
    figures = {
        output: plots.evidence_overlay(crop, explanation.evidence, _title(explained))
    }
    if explanation.regions is not None:
        figures[_beside(output, "regions")] = plots.signed_regions(
            crop, explanation.evidence, explanation.regions
        )
    if feature_maps_of is not None:
        figures[_beside(output, "feature-maps")] = plots.feature_map_grid(
            _feature_maps(feature_maps_of, crop)
        )
    for path, figure in figures.items():
        plots.write_png(figure, path)
    return list(figures)


def _chosen_face(analysis: Analysis, number: int | None) -> int:
    """Index of the face of that number, or of the one that gave the answer."""
    faces = analysis.faces
    if not faces:
        raise ImageError(f"{SENTENCES[Verdict.NO_FACE]} Or explain the whole picture.")
    if number is None:
        number = 1 + max(range(len(faces)), key=lambda i: faces[i].p_fake or -1.0)
    if not 1 <= number <= len(faces):
        raise ConfigError(
            f"face: expected 1 to {len(faces)}, of the faces found in this picture, "
            f"got {number}"
        )
    if faces[number - 1].p_fake is None:
        raise ImageError(SENTENCES[Verdict.TOO_SMALL])
    return number - 1


def _title(explained: ExplainedFace) -> str:
    return (
        f"face {explained.number}: {explained.face.verdict}, "
        f"p_fake {explained.face.p_fake:.3f}, explained by {explained.method}"
    )


def _feature_maps(
    detector: Detector, crop: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    network = getattr(detector.backend, "network", None)
    if network is None:
        raise ExplanationError(
            "feature maps need the network itself, which only the keras backend has: "
            "give --backend keras (pip install tensorflow)"
        )
    return first_feature_maps(network, crop)


def _beside(output: Path, what: str) -> Path:
    return output.with_name(f"{output.stem}-{what}.png")
