"""Takes the whole picture for one face, as the reference implementation does."""

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.picture import Picture


class WholePicture:
    """A detector that always answers one box: the picture itself."""

    def detect(self, image: NDArray[np.uint8] | Picture) -> list[FaceBox]:
        """Return the picture's own rectangle.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8, or Picture
            RGB picture.

        Returns
        -------
        list of FaceBox
            One box.
        """
        height, width = image.shape[:2]
        return [FaceBox(0, 0, width, height)]
