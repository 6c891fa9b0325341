"""The model folders that the serving benchmark compares, made afresh in a folder."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from deepfake_detector.artifact import Artifact, ModelCard, write_artifact
from deepfake_detector.config import TrainConfig
from deepfake_detector.face_crops import CROP_RULES


def whole_picture_copy(model_dir: Path, directory: Path) -> Path:
    """Copy a model folder, with a card that feeds it whole pictures.

    Parameters
    ----------
    model_dir : Path
        The model to copy.
    directory : Path
        Folder to make.

    Returns
    -------
    Path
        The copy.
    """
    artifact = Artifact.load(model_dir)
    card = replace(artifact.card, crop=CROP_RULES["whole"])

    def copy_files(staging: Path) -> None:
        for name in artifact.card.files:
            shutil.copyfile(artifact.directory / name, staging / name)

    return write_artifact(directory, card, copy_files).directory


def fresh_model(
    architecture: str, input_shape: tuple[int, int, int], directory: Path
) -> Path:
    """Write a model folder of fresh weights, fed whole pictures.

    Parameters
    ----------
    architecture : str
        Name in the `architectures` table.
    input_shape : (int, int, int)
        Height, width and channels of its input.
    directory : Path
        Folder to make.

    Returns
    -------
    Path
        The folder.
    """
    # In a process of its own: TensorFlow would stay in this one and take its time.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(_save_fresh, architecture, input_shape, directory).result()
    return directory


def _save_fresh(
    architecture: str, input_shape: tuple[int, int, int], directory: Path
) -> None:
    from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel

    card = ModelCard(architecture, architecture, input_shape, CROP_RULES["whole"])
    config = TrainConfig(architecture=architecture, image_size=input_shape[0])
    DeepfakeDetectorModel(config).save_model(directory, card)
