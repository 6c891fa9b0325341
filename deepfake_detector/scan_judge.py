"""Pictures to rows, in whichever process: what each worker of a scan does."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import face_crops, images
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.found_picture import FoundPicture
from deepfake_detector.scan_row import ScanRow, error_fields
from deepfake_detector.verdict import verdict_of

#: No picture needs more bytes a pixel: four channels of 16 bits, not compressed.
_MOST_BYTES_A_PIXEL: Final = 8


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How pictures are judged and rows are written; it can be pickled.

    Parameters
    ----------
    config : dict
        What `ServeConfig.to_dict` returned.
    form : {'csv', 'jsonl'}
        How rows are written.
    whole_picture : bool, default False
        Score the largest centred square where no face is found.
    crops : bool, default False
        The pictures are ready face crops: score each as it is, without a face search.
    """

    config: dict[str, Any]
    form: str
    whole_picture: bool = False
    crops: bool = False


class ScanJudge:
    """Judges pictures and writes their rows.

    Parameters
    ----------
    settings : ScanSettings
        How.

    Raises
    ------
    DeepfakeDetectorError
        If the model or the face detector cannot be loaded.
    """

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings
        self._detector = Detector.load(ServeConfig.from_dict(settings.config))
        self._most_bytes = _MOST_BYTES_A_PIXEL * self._detector.max_pixels

    def lines(self, pictures: Sequence[FoundPicture]) -> list[bytes]:
        """Judge pictures.

        Parameters
        ----------
        pictures : sequence of FoundPicture
            A few; ready crops go through the network together.

        Returns
        -------
        list of bytes
            A line for each, in their order, whatever is wrong with it.
        """
        rows = (
            self._crop_rows(pictures)
            if self._settings.crops
            else map(self._row, pictures)
        )
        return [row.line(self._settings.form) for row in rows]

    def _row(self, picture: FoundPicture) -> ScanRow:
        def judge(data: bytes) -> dict[str, Any]:
            analysis = self._detector.analyse(data, self._settings.whole_picture)
            return _fields(analysis)

        return self._guarded(picture, judge)

    def _crop_rows(self, pictures: Sequence[FoundPicture]) -> list[ScanRow]:
        """Decode all, score all that could be decoded, and then make rows of them."""
        crops: list[NDArray[np.uint8]] = []

        def decode(data: bytes) -> dict[str, Any]:
            image = images.decode(data, self._detector.max_pixels)
            crops.append(self._resized(image))
            return {"height": image.shape[0], "width": image.shape[1]}

        rows = [self._guarded(picture, decode) for picture in pictures]
        if not crops:
            return rows
        scores = iter(self._detector.score_crops(np.stack(crops)).tolist())
        return [row if row.error else self._scored(row, next(scores)) for row in rows]

    def _scored(self, row: ScanRow, p_fake: float) -> ScanRow:
        verdict = verdict_of(p_fake, self._detector.cut_offs_for())
        return replace(row, verdict=str(verdict), p_fake=p_fake, whole_picture=True)

    def _resized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A ready crop at the network's input size, as the crop rule resizes."""
        height, width = image.shape[:2]
        size = self._detector.card.input_shape[:2]
        if (height, width) == size:
            return image
        whole = FaceBox(0, 0, width, height)
        return face_crops.crop(image, whole, CROP_RULES["whole"], size)

    def _guarded(
        self, picture: FoundPicture, judge: Callable[[bytes], dict[str, Any]]
    ) -> ScanRow:
        """A picture's row, with the error where there is one."""
        known: dict[str, Any] = {
            "path": picture.path,
            "in_archive": picture.in_archive,
            "model": self._detector.card.name,
        }
        try:
            data = picture.read(self._most_bytes)
            known["sha256"] = hashlib.sha256(data).hexdigest()
            known |= judge(data)
        except Exception as error:  # noqa: BLE001 - one picture never stops the others
            known |= error_fields(error)
        return ScanRow(**known)


def _fields(analysis: Analysis) -> dict[str, Any]:
    faces = [face.to_dict() for face in analysis.faces]
    return {
        "verdict": str(analysis.verdict),
        "p_fake": analysis.p_fake,
        "faces_found": analysis.faces_found,
        "faces": json.dumps(faces),
        "whole_picture": analysis.whole_picture,
        "width": analysis.width,
        "height": analysis.height,
    }


def lost_line(picture: FoundPicture, form: str, model: str) -> bytes:
    """Write the row of a picture that ended its worker twice.

    Parameters
    ----------
    picture : FoundPicture
        The picture.
    form : {'csv', 'jsonl'}
        How rows are written.
    model : str
        Name of the model.

    Returns
    -------
    bytes
        The line.
    """
    return ScanRow(
        picture.path,
        picture.in_archive,
        model=model,
        error="WorkerDiedError",
        message="The process that judged this picture was killed or crashed, twice: "
        "out of memory, or a bug of a decoder. Look at the picture by itself.",
    ).line(form)
