"""What every view works with: the detector, the settings, and judging one upload."""

import tempfile
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from flask import Flask, Request, current_app
from numpy.typing import NDArray

from deepfake_detector import images
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.exceptions import DeepfakeDetectorError
from deepfake_detector.web import uploads

_EXTENSION_KEY: Final = "deepfake_detector"


@dataclass(frozen=True)
class Service:
    """The detector and its settings, as one request needs them.

    Parameters
    ----------
    detector : Detector
        Judges the pictures.
    config : ServeConfig
        Limits, and where uploads lie while they are judged.
    """

    detector: Detector
    config: ServeConfig

    @property
    def finds_faces(self) -> bool:
        """Whether the model judges faces; one of whole pictures never misses one."""
        return self.detector.card.crop.square

    def attach_to(self, app: Flask) -> None:
        """Let :func:`current_service` find this service in requests to the app.

        Parameters
        ----------
        app : Flask
            The application.
        """
        app.extensions[_EXTENSION_KEY] = self

    def judge(self, request: Request) -> tuple[NDArray[np.uint8], Analysis]:
        """Judge the one picture of a request; its file is gone when this returns.

        Parameters
        ----------
        request : Request
            A form with a `file` and, perhaps, `whole_picture` and `threshold`.

        Returns
        -------
        image : ndarray of shape (H, W, 3), uint8
            The picture, RGB and upright.
        analysis : Analysis
            What was found in it.

        Raises
        ------
        UploadError
            If the form is not as it must be, or the file is over the limit.
        ImageError
            If the file is not a picture that can be judged.
        """
        upload = uploads.only_picture(request.files)
        whole_picture = uploads.wants_whole_picture(request.form)
        threshold = uploads.own_threshold(request.form)
        limit = self.config.max_upload_bytes
        with uploads.saved(upload, self.config.upload_dir, limit) as path:
            image = images.decode(path, self.detector.max_pixels)
            return image, self.detector.analyse(image, whole_picture, threshold)

    def why_not_ready(self) -> str | None:
        """Try what a request needs: the model on a black crop, a file in uploads/.

        Returns
        -------
        str or None
            The reason in words, or None where all is well.
        """
        blank = np.zeros((1, *self.detector.card.input_shape), dtype=np.uint8)
        try:
            self.detector.score_crops(blank)
        except DeepfakeDetectorError as error:
            return f"The model does not answer: {error}"
        try:
            # Without a name, so that no probe can be left behind.
            with tempfile.TemporaryFile(dir=self.config.upload_dir) as probe:
                probe.write(b"probe")
        except OSError as error:
            return (
                "The folder for uploads (DEEPFAKE_UPLOAD_DIR) cannot be written to: "
                f"{error.strerror}."
            )
        return None


def current_service() -> Service:
    """Return the service of the application that answers the current request.

    Returns
    -------
    Service
        The one that :meth:`Service.attach_to` attached.
    """
    return cast(Service, current_app.extensions[_EXTENSION_KEY])
