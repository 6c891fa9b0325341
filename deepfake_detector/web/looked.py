"""Heatmaps as the page shows them: small pictures in it, under their faces' names."""

from collections.abc import Sequence
from typing import Any

from deepfake_detector.detector import Analysis
from deepfake_detector.heatmap import (
    MAX_OCCLUDED_FACES,
    MEANING,
    TITLE,
    Heatmap,
    scale_bar,
)
from deepfake_detector.web import preview


def looked(
    analysis: Analysis, heatmaps: Sequence[Heatmap | None]
) -> dict[str, Any] | None:
    """Prepare an answer's heatmaps for the page.

    Parameters
    ----------
    analysis : Analysis
        The picture's faces and scores.
    heatmaps : sequence of Heatmap or None
        One for each face.

    Returns
    -------
    dict or None
        What `_looked.html` shows; None where there is no heatmap.
    """
    maps = [
        _shown("The picture" if analysis.whole_picture else f"Face {number}", heatmap)
        for number, heatmap in enumerate(heatmaps, start=1)
        if heatmap is not None
    ]
    if not maps:
        return None
    return {
        "title": TITLE,
        "meaning": MEANING,
        "method": next(heatmap.method for heatmap in heatmaps if heatmap is not None),
        "most": MAX_OCCLUDED_FACES,
        "scale": preview.data_uri(scale_bar()),
        "maps": maps,
    }


def _shown(name: str, heatmap: Heatmap) -> dict[str, Any]:
    picture = heatmap.picture()
    height, width = picture.shape[:2]
    uri = preview.data_uri(picture)
    return {"name": name, "picture": uri, "width": width, "height": height}
