"""What `predict` draws of its answers: marked pictures and heatmaps as PNG files."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.detector import Analysis
from deepfake_detector.heatmap import Heatmap, sheet
from deepfake_detector.marked_picture import marked_picture
from deepfake_detector.whole_file import write_whole


@dataclass
class PredictionPictures:
    """Draws the answers to several files; no picture takes the place of another's.

    Parameters
    ----------
    marked_dir : Path or None
        Folder of the marked pictures, `<file's name>-marked.png`; none where None.
    heatmap_dir : Path or None
        Folder of the heatmaps, `<file's name>-face-<number>.png`; none where None.
    """

    marked_dir: Path | None = None
    heatmap_dir: Path | None = None
    _used: set[str] = field(default_factory=set, repr=False)

    def write(
        self,
        file: Path,
        image: NDArray[np.uint8],
        analysis: Analysis,
        heatmaps: tuple[Heatmap | None, ...] = (),
    ) -> list[Path]:
        """Write the pictures of one answer; folders are made where they are missing.

        Parameters
        ----------
        file : Path
            The file that was judged, which gives the pictures their names; of several
            files of one name, the second's are called `<name>-2` and so on.
        image : ndarray of shape (H, W, 3), uint8
            What it shows, upright.
        analysis : Analysis
            What was found in it.
        heatmaps : tuple of Heatmap or None
            One for each face.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        OSError
            If a folder or file cannot be written.
        """
        name = self._name(file)
        pictures = {}
        if self.marked_dir is not None:
            path = self.marked_dir / f"{name}-marked.png"
            pictures[path] = marked_picture(image, analysis)
        if self.heatmap_dir is not None:
            for number, heatmap in enumerate(heatmaps, start=1):
                if heatmap is not None:
                    path = self.heatmap_dir / f"{name}-face-{number}.png"
                    pictures[path] = sheet(heatmap, f"face {number}")
        for path, picture in pictures.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, _png(picture))
        return list(pictures)

    def _name(self, file: Path) -> str:
        """The file's name without its ending, or that and a number, used once."""
        name, number = file.stem, 1
        while name in self._used:
            number += 1
            name = f"{file.stem}-{number}"
        self._used.add(name)
        return name


def _png(picture: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()
