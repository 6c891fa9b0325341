"""How the network is made that proposes where in a large picture faces may be."""

import hashlib
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors.dlib_hog import MOST_PROPOSALS, DlibHog
from deepfake_detector.face_proposals import (
    CARD_FILE,
    NETWORK_FILE,
    TILE_PX,
    FaceProposer,
)
from deepfake_detector.planted_scenes import (
    Head,
    Scene,
    draw_background,
    drawn_heads,
    plant_faces,
)
from deepfake_detector.proposal_network import build_network, fit
from deepfake_detector.proposal_scenes import ProposalScenes, targets_of
from deepfake_detector.sampled_pictures import sampled_pictures
from deepfake_detector.whole_file import write_json, write_whole

UInt8Array = NDArray[np.uint8]

logger = logging.getLogger(__name__)

#: Pictures of scikit-image without an upright face.
_BACKGROUNDS: Final = (
    *("brick", "cat", "cell", "clock", "coffee", "coins", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "page", "retina"),
    *("rocket", "text"),
)

#: Drawn backgrounds, and how often each of scikit-image stands beside them.
_DRAWN: Final = 40
_REPEATED: Final = 3

#: Side of the pictures that scenes take their windows from: smaller than they come, so
#: that many are held, and larger than any face in a scene needs.
_HELD_PX: Final = 128

#: Share of the faces of at least so many pixels, in validation scenes of so many
#: megapixels, that must be proposed.
_RECALL: Final = 0.99
_LEAST_FACE_PX: Final = 64
_MEGAPIXELS: Final = 4.0
_VALIDATION_SCENES: Final = 12

#: How far below that the network proposes too: real pictures are not so clear.
_LEEWAY: Final = 1.0


@dataclass(frozen=True)
class ProposalRecipe:
    """What a training run takes.

    Parameters
    ----------
    pictures : int, default 1500
        Most pictures of each archive's train split.
    scenes : int, default 8000
        Scenes to draw of them.
    epochs : int, default 12
        How often each is seen.
    seed : int, default 0
        Decides everything.
    """

    pictures: int = 1500
    scenes: int = 8000
    epochs: int = 12
    seed: int = 0


def train_face_proposals(
    archives: Sequence[Path], folder: Path, recipe: ProposalRecipe
) -> dict[str, Any]:
    """Train the proposing network and write its folder.

    Parameters
    ----------
    archives : sequence of Path
        Zip files of face pictures; drawn faces without any.
    folder : Path
        Where the network and its card go.
    recipe : ProposalRecipe
        How much, and by which seed.

    Returns
    -------
    dict
        The card: what it was trained on, `validation`, and `least_logit`, from which
        it proposes.

    Raises
    ------
    ArchiveError
        If a file is not a zip.
    DatasetLayoutError
        If an archive holds no picture.
    """
    keras.utils.set_random_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    backgrounds = _backgrounds(rng)
    scenes = ProposalScenes(
        _pictures(archives, "train", recipe.pictures), backgrounds, rng
    )
    held_out = _pictures(archives, "val", max(1, recipe.pictures // 5))
    pixels, faces = scenes.draw(recipe.scenes)
    logger.info("drew %d scenes", len(pixels))
    network = build_network()
    targets = np.stack([targets_of(seen) for seen in faces])
    fit(network, (pixels, targets), recipe.epochs, rng)
    return write_network(exported(network), held_out, archives, folder, recipe)


def exported(network: keras.Model) -> bytes:
    """Make of a trained network what is served.

    Parameters
    ----------
    network : keras.Model
        What `build_network()` returned.

    Returns
    -------
    bytes
        A `.tflite` file of one tile.
    """
    fixed = build_network(TILE_PX)
    fixed.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / NETWORK_FILE
        fixed.export(file, format="litert", verbose=False)
        return file.read_bytes()


def write_network(
    content: bytes,
    held_out: Sequence[Scene],
    archives: Sequence[Path],
    folder: Path,
    recipe: ProposalRecipe,
) -> dict[str, Any]:
    """Find the logit from which to propose, and write the network and its card.

    Parameters
    ----------
    content : bytes
        The network as a `.tflite` file.
    held_out : sequence of Scene
        Pictures that it was not trained on.
    archives : sequence of Path
        Those that it was trained on.
    folder : Path
        Where both go.
    recipe : ProposalRecipe
        How it was trained.

    Returns
    -------
    dict
        The card.
    """
    card = {
        "name": "face proposals",
        "command": "python -m deepfake_detector train-face-proposals",
        "archives": [path.name for path in archives] or ["drawn faces"],
        "split": "train",
        "recipe": asdict(recipe),
        "licence_note": (
            "Trained on research archives, whose licences its use must respect, and on "
            "pictures that come with scikit-image."
        ),
        "files": {NETWORK_FILE: hashlib.sha256(content).hexdigest()},
    }
    with tempfile.TemporaryDirectory() as temporary:
        _write(Path(temporary), content, {**card, "least_logit": -10})
        validation = _validate(FaceProposer(Path(temporary)), held_out, recipe.seed)
    least = round(validation["logit_at_recall"] - _LEEWAY, 2)
    card |= {"least_logit": least, "validation": {"split": "val", **validation}}
    _write(folder, content, card)
    return card


def _write(folder: Path, content: bytes, card: dict[str, Any]) -> None:
    """Write the folder, the card last: it vouches for the network."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / NETWORK_FILE, content)
    write_json(folder / CARD_FILE, card)


def _validate(
    proposer: FaceProposer, held_out: Sequence[Scene], seed: int
) -> dict[str, Any]:
    """How sure the network is of planted faces that it has not seen."""
    heads = [Head(one.image, one.faces[0]) for one in held_out if len(one.faces) == 1]
    best: list[float] = []
    for index in range(_VALIDATION_SCENES):
        rng = np.random.default_rng((seed, index))
        scene = plant_faces(heads, _MEGAPIXELS, rng)
        found = proposer.propose(scene.image, MOST_PROPOSALS)
        for face in scene.faces:
            if face.width >= _LEAST_FACE_PX:
                scores = [p.score for p in found if _leads_to(p.box, face)]
                best.append(max(scores, default=-10.0))
    logit = float(np.quantile(best, 1 - _RECALL, method="lower"))
    return {
        "faces": len(best),
        "proposed_share": round(float(np.mean(np.array(best) > -10)), 4),
        "recall": _RECALL,
        "logit_at_recall": round(logit, 4),
    }


def _leads_to(proposal: FaceBox, face: FaceBox) -> bool:
    """Whether a proposal is near enough for a detector to find the face there."""
    pairs = zip(proposal.centre, face.centre, strict=True)
    away = max(abs(one - other) for one, other in pairs) / face.width
    return away <= 0.4 and 0.6 <= proposal.width / face.width <= 1.6


def _pictures(archives: Sequence[Path], split: str, count: int) -> list[Scene]:
    """Small copies of an archive's pictures, with the faces that dlib finds."""
    if not archives:
        return [Scene(head.image, (head.box,)) for head in drawn_heads(_DRAWN)]
    detector = DlibHog(searches_large=False)
    found = []
    for path in archives:
        for image in sampled_pictures(path, split, count):
            scale = _HELD_PX / max(image.shape)
            size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
            copy = Image.fromarray(image).resize(size, Image.Resampling.BOX)
            faces = tuple(
                FaceBox(*(scale * value for value in asdict(box).values()))
                for box in detector.detect(image)
            )
            found.append(Scene(np.array(copy), faces))
        logger.info("searched %s, %s split", path.name, split)
    return found


def _backgrounds(rng: np.random.Generator) -> list[UInt8Array]:
    """Drawn ones, as sharp as a thinned picture is, and those of scikit-image."""
    drawn = []
    for _ in range(_DRAWN):
        height = int(rng.integers(200, 800))
        drawn.append(np.array(draw_background(rng, height * 4 // 3, height)))
    photographs = []
    for name in _BACKGROUNDS:
        image = np.asarray(getattr(skimage.data, name)())
        photographs.append(np.array(Image.fromarray(image).convert("RGB")))
    return drawn + photographs * _REPEATED
