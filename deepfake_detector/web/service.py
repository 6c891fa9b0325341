"""What every view works with: the detector, the settings, and judging one upload."""

import tempfile
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from flask import Flask, Request, current_app
from werkzeug.datastructures import FileStorage

from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.exceptions import (
    DeepfakeDetectorError,
    ImageError,
    TookTooLongError,
    UploadTooLargeError,
)
from deepfake_detector.heatmap import METHODS, Heatmap, heatmaps_of
from deepfake_detector.image_metadata import ImageMetadata, read_metadata
from deepfake_detector.picture import Picture
from deepfake_detector.stage_times import StageTimes
from deepfake_detector.web import uploads
from deepfake_detector.web.admission import current_admission
from deepfake_detector.web.deadlines import Deadline
from deepfake_detector.web.judging_options import JudgingOptions
from deepfake_detector.web.prometheus import current_metrics

_EXTENSION_KEY: Final = "deepfake_detector"


@dataclass(frozen=True)
class Judged:
    """A picture of a request, and what was found of it.

    Parameters
    ----------
    picture : Picture
        The picture itself.
    analysis : Analysis
        What was found in it.
    heatmaps : tuple of Heatmap or None
        Where the model looked, one for each face.
    metadata : ImageMetadata
        What its file says of itself; the analysis knows nothing of it.
    """

    picture: Picture
    analysis: Analysis
    heatmaps: tuple[Heatmap | None, ...]
    metadata: ImageMetadata

    @property
    def sha256(self) -> str:
        """SHA-256 of the file in hex: a report names its picture by it."""
        return self.metadata.sha256


@dataclass(frozen=True)
class Refused:
    """A picture of a request that could not be judged.

    Parameters
    ----------
    error : DeepfakeDetectorError
        Why.
    """

    error: DeepfakeDetectorError


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

    def judge(self, request: Request) -> list[Judged | Refused]:
        """Judge the pictures of a request; their files are gone when this returns.

        Parameters
        ----------
        request : Request
            A form with one or several `file`, and what `JudgingOptions` reads.

        Returns
        -------
        list of Judged or Refused
            One for each picture, in their order; at least one. Of several pictures one
            that cannot be judged does not stop the others.

        Raises
        ------
        UploadError
            If the form is not as it must be, or its only file is over the limit.
        ImageError
            If its only file is not a picture that can be judged.
        SlowUploadError
            If it does not come in within its time.
        BusyError
            If its turn at judging does not come within its time.
        """
        files = uploads.pictures(request.files, self.config.max_files)
        options = JudgingOptions.read(request.form)
        deadline = Deadline(self.config.request_seconds)

        def judge_all() -> list[Judged | Refused]:
            if len(files) == 1:
                return [self._judged(files[0], options)]
            return [self._judged_or_refused(f, options, deadline) for f in files]

        return current_admission().judge(judge_all, deadline)

    def _judged_or_refused(
        self, file: FileStorage, options: JudgingOptions, deadline: Deadline
    ) -> Judged | Refused:
        try:
            deadline.check()
            return self._judged(file, options)
        except (ImageError, UploadTooLargeError, TookTooLongError) as error:
            current_metrics().count_refusal(error)
            return Refused(error)

    def _judged(self, file: FileStorage, options: JudgingOptions) -> Judged:
        limit, times = self.config.max_upload_bytes, StageTimes()
        with uploads.saved(file, self.config.upload_dir, limit) as path:
            with times.stage("decode"):
                content = path.read_bytes()
                picture = Picture.of(content, self.detector.max_pixels)
            metadata = read_metadata(content)
        analysis = self.detector.analyse(
            picture,
            options.whole_picture,
            options.threshold,
            max_faces=options.max_faces,
            times=times,
        )
        current_metrics().count_stages(times)
        current_metrics().count_picture(analysis.verdict)
        method = options.heatmap_method or METHODS[0]
        heatmaps = heatmaps_of(self.detector, analysis, method)
        return Judged(picture, analysis, heatmaps, metadata)

    def why_not_ready(self) -> str | None:
        """Try what a request needs: the model on a black crop, a file in uploads/.

        Returns
        -------
        str or None
            The reason in words, or None where all is well.
        """
        blank = np.zeros((1, *self.detector.card.input_shape), dtype=np.uint8)
        try:
            current_admission().on_a_judging_thread(
                lambda: self.detector.score_crops(blank)
            )
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
