"""What `predict` answers and draws: marked pictures and heatmaps as PNG files."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.heatmap import (
    METHODS,
    Heatmap,
    heatmaps_of,
    sheet,
    with_heatmaps,
)
from deepfake_detector.image_metadata import read_metadata
from deepfake_detector.marked_picture import marked_picture
from deepfake_detector.picture import Picture
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
    inputs : sequence of Path
        All files that are judged; none is overwritten.
    """

    marked_dir: Path | None = None
    heatmap_dir: Path | None = None
    inputs: Sequence[Path] = ()
    _used: set[str] = field(default_factory=set, repr=False)

    def answer(
        self,
        detector: Detector,
        file: Path,
        whole_picture_if_no_face: bool = False,
        explain: str | None = None,
    ) -> dict[str, Any]:
        """Judge a file and write what is asked for.

        Parameters
        ----------
        detector : Detector
            Judges it.
        file : Path
            The picture.
        whole_picture_if_no_face : bool, default False
            Score the largest centred square where no face is found.
        explain : {'cam', 'occlusion'}, optional
            Give each face its `heatmap` too.

        Returns
        -------
        dict
            The analysis as JSON-ready fields, and `facts` of the file; `wrote` where
            there are folders.

        Raises
        ------
        OSError
            If the file cannot be read.
        ImageError
            If it is not a picture that can be judged.
        ConfigError
            If a folder cannot be written to.
        """
        data = file.read_bytes()
        picture = Picture.of(data, detector.max_pixels)
        analysis = detector.analyse(picture, whole_picture_if_no_face)
        heatmaps: tuple[Heatmap | None, ...] = ()
        if explain is not None or self.heatmap_dir is not None:
            heatmaps = heatmaps_of(detector, analysis, explain or METHODS[0])
        fields = (
            analysis.to_dict() if explain is None else with_heatmaps(analysis, heatmaps)
        ) | {"facts": read_metadata(data).to_dict()}
        if self.marked_dir is None and self.heatmap_dir is None:
            return fields
        try:
            wrote = self.write(file, picture.all_pixels, analysis, heatmaps)
        except OSError as error:
            raise ConfigError(
                "--marked, --heatmaps: expected folders that can be written to, got "
                f"{error.strerror}; name others"
            ) from error
        return fields | {"wrote": [str(path) for path in wrote]}

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
        while name in self._used or self._takes_an_input(name):
            number += 1
            name = f"{file.stem}-{number}"
        self._used.add(name)
        return name

    def _takes_an_input(self, name: str) -> bool:
        """Whether a picture of that name could lie where a judged file does."""
        taken = (
            (self.marked_dir, f"{name}-marked.png"),
            (self.heatmap_dir, f"{name}-face-"),
        )
        return any(
            folder is not None
            and file.parent.resolve() == folder.resolve()
            and file.name.startswith(start)
            for folder, start in taken
            for file in self.inputs
        )


def _png(picture: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()
