"""What an augmentation does to one picture, as a labelled grid."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import plots
from deepfake_detector.augmentations import AUGMENTATIONS, Augmentation
from deepfake_detector.datasets.face_drawing import draw_face

#: Largest side of a picture in the grid, pixels.
_SIDE: Final = 192

_DRAWS: Final = 7


def augmentation_gallery(
    name: str, picture: NDArray[np.uint8] | None = None, seed: int = 0
) -> Figure:
    """Draw a picture, what a recipe makes of it, and each of its steps alone.

    Parameters
    ----------
    name : str
        A recipe of the `augmentations` table.
    picture : ndarray of shape (h, w, 3), uint8, optional
        The picture; a drawn face where not given.
    seed : int, default 0
        Seed of the draws, and of the drawn face.

    Returns
    -------
    matplotlib.figure.Figure
        The picture first, then the draws, then the steps by name.

    Raises
    ------
    UnknownNameError
        If there is no such recipe; the message lists the choices.
    """
    augment: Augmentation = AUGMENTATIONS.get(name)
    if picture is None:
        picture = draw_face(seed, _SIDE)
    original = _shrunk(picture)
    shown: list[tuple[str, NDArray[np.uint8]]] = [("original", original)]
    for number in range(1, _DRAWS + 1):
        rng = np.random.default_rng((seed, number))
        shown.append((f"draw {number}", augment(original, rng)))
    for number, (step, change) in enumerate(steps_of(augment).items()):
        rng = np.random.default_rng((seed, 1000 + number))
        shown.append((step, change(original, rng)))
    return plots.labelled_pictures(shown, f"augmentation: {name}")


def steps_of(augment: Augmentation) -> Mapping[str, Augmentation]:
    """Return the steps that a recipe is made of, each to be tried alone.

    Parameters
    ----------
    augment : Augmentation
        A recipe of the table.

    Returns
    -------
    mapping of str to Augmentation
        The `STEPS` beside it; empty where it has none.
    """
    module: Any = resolve_name(augment.__module__)
    steps: Mapping[str, Augmentation] = getattr(module, "STEPS", {})
    return steps


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(picture)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)
