"""How well the face search does: on scenes with planted faces and on archives."""

import io
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import images
from deepfake_detector.exceptions import ArchiveError, DatasetLayoutError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors.dlib_hog import LEAST_FACE_PX, DlibHog
from deepfake_detector.face_search import overlap
from deepfake_detector.planted_scenes import Head, Scene, drawn_heads, plant_faces
from deepfake_detector.promising_parts import promising_parts

UInt8Array = NDArray[np.uint8]
_T = TypeVar("_T")

#: Megapixels searched whole and megapixels of parts, of each setting that is tried; the
#: first is what ships, the last searches everything at full size.
SETTINGS: Final = ((6.0, 6.0), (6.0, 0.0), (3.0, 3.0), (1.2, 0.0), (math.inf, 0.0))

#: Sizes of scenes, megapixels.
MEGAPIXELS: Final = (1.0, 4.0, 12.0)

#: Where bands of face widths begin, pixels.
BANDS: Final = (40, 64, 100, 160, 250, 400)

#: Overlap over union from which a box is that of a planted face.
SAME_BOX: Final = 0.35

_HEADS: Final = 40
_LEAST_HEAD_PX: Final = 70

#: Most bytes of one file of an archive that are read.
_MOST_BYTES: Final = 50_000_000


def measure_faces(
    archives: Sequence[Path], scenes: int = 12, pictures: int = 200
) -> dict[str, Any]:
    """Measure the face search.

    Parameters
    ----------
    archives : sequence of Path
        Zip files of face pictures. Scenes hold faces of them; drawn faces without any.
    scenes : int, default 12
        Scenes to make, of 1, 4 and 12 megapixels in turn.
    pictures : int, default 200
        Pictures of each archive to search, from its train split where it has one.

    Returns
    -------
    dict
        `settings`: a row each with `recall` and `faces` by band of face width,
        `false_boxes` a scene and `search_ms`; `stages_ms`: decoding and choosing parts;
        `archives`: share with a found face, boxes and milliseconds a picture. All
        milliseconds are processor time.

    Raises
    ------
    ArchiveError
        If a file is not a zip.
    DatasetLayoutError
        If an archive holds no picture.
    """
    sets = {path.stem: _pictures(path, pictures) for path in archives}
    photographed = _heads(sets)
    heads = photographed or drawn_heads(_HEADS)
    made = [
        plant_faces(
            heads, MEGAPIXELS[seed % len(MEGAPIXELS)], np.random.default_rng(seed)
        )
        for seed in range(scenes)
    ]
    return {
        "scenes": scenes,
        "heads": "archives" if photographed else "drawn",
        "settings": [measure_setting(made, *setting) for setting in SETTINGS],
        "stages_ms": _stages(made),
        "archives": {name: _measure_set(found) for name, found in sets.items()},
    }


def measure_setting(
    scenes: Sequence[Scene], whole: float, parts: float
) -> dict[str, Any]:
    """Search scenes under one setting.

    Parameters
    ----------
    scenes : sequence of Scene
        At least one.
    whole, parts : float
        Megapixels that are searched whole, and in parts.

    Returns
    -------
    dict
        The row that :func:`measure_faces` describes.
    """
    detector = DlibHog(whole * 1e6, parts * 1e6)
    found: dict[int, list[bool]] = {band: [] for band in BANDS}
    false_boxes, search_ms = 0, 0.0
    for scene in scenes:
        boxes, spent = _timed(detector.detect, scene.image)
        search_ms += spent
        for face in scene.faces:
            band = max(band for band in BANDS if band <= max(face.width, BANDS[0]))
            found[band].append(any(_is_same(face, box) for box in boxes))
        false_boxes += sum(
            not any(_is_same(face, box) for face in scene.faces) for box in boxes
        )
    return {
        "whole_megapixels": whole if math.isfinite(whole) else None,
        "part_megapixels": parts,
        "recall": {str(b): sum(f) / len(f) if f else None for b, f in found.items()},
        "faces": {str(band): len(hits) for band, hits in found.items()},
        "false_boxes": false_boxes / len(scenes),
        "search_ms": search_ms / len(scenes),
    }


def faces_table(found: Mapping[str, Any]) -> str:
    """Lay a measurement out as Markdown.

    Parameters
    ----------
    found : mapping
        What :func:`measure_faces` returned.

    Returns
    -------
    str
        A table of the settings, a line on the stages and a table of the archives.
    """
    bands = " | ".join(f"{band} px" for band in BANDS)
    lines = [
        f"| whole + parts, MP | {bands} | false boxes a scene | ms |",
        "|---" * (len(BANDS) + 3) + "|",
    ]
    for row in found["settings"]:
        whole = row["whole_megapixels"]
        cells = [
            "all" if whole is None else f"{whole:g} + {row['part_megapixels']:g}",
            *("" if r is None else f"{r:.2f}" for r in row["recall"].values()),
            f"{row['false_boxes']:.2f}",
            f"{row['search_ms']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    stages = ", ".join(f"{n} {ms:.0f} ms" for n, ms in found["stages_ms"].items())
    counts = ", ".join(map(str, found["settings"][0]["faces"].values()))
    lines += ["", f"Faces a band: {counts}. Stages beside the search: {stages}."]
    if found["archives"]:
        lines += ["", "| archive | pictures | found | boxes a picture | ms |"]
        lines.append("|---|---|---|---|---|")
    for name, row in found["archives"].items():
        lines.append(
            f"| {name} | {row['pictures']} | {row['found_share']:.3f} "
            f"| {row['boxes']:.2f} | {row['search_ms']:.0f} |"
        )
    return "\n".join(lines)


def _pictures(path: Path, count: int) -> list[UInt8Array]:
    """Pictures of an archive, evenly over the names of its train split."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {file.filename: file.file_size for file in archive.infolist()}
            names = _training_names(sizes)
            if not names:
                raise DatasetLayoutError(
                    f"{path.name}: expected .jpg, .png or .webp pictures, found none"
                )
            chosen = names[:: max(1, len(names) // count)][:count]
            return [images.decode(archive.read(name)) for name in chosen]
    except (OSError, zipfile.BadZipFile) as error:
        raise ArchiveError(
            f"{path.name}: expected a zip file ({error.__class__.__name__})"
        ) from error


def _training_names(sizes: Mapping[str, int]) -> list[str]:
    """Names of pictures, those of the train split where there is one."""
    names = sorted(
        name
        for name, size in sizes.items()
        if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))
        and size <= _MOST_BYTES
    )
    train = [n for n in names if "train" in map(str.lower, Path(n).parts)]
    return train or names


def _heads(sets: Mapping[str, Sequence[UInt8Array]]) -> list[Head]:
    """Heads from pictures with exactly one face that is not too small."""
    detector = DlibHog()
    heads = []
    for pictures in sets.values():
        heads += list(_heads_of(pictures, detector))[: _HEADS // len(sets)]
    return heads


def _heads_of(pictures: Sequence[UInt8Array], detector: DlibHog) -> Iterator[Head]:
    for image in pictures:
        boxes = detector.detect(image)
        if len(boxes) == 1 and boxes[0].width >= _LEAST_HEAD_PX:
            yield Head(image, boxes[0])


def _stages(scenes: Sequence[Scene]) -> dict[str, float]:
    """Milliseconds a scene of what comes beside the search."""
    decoding = choosing = 0.0
    for scene in scenes:
        file = io.BytesIO()
        Image.fromarray(scene.image).save(file, "JPEG", quality=90)
        image, spent = _timed(images.decode, file.getvalue())
        decoding += spent
        choosing += _timed(lambda: promising_parts(image, LEAST_FACE_PX, []))[1]  # noqa: B023
    return {
        "decoding": decoding / len(scenes),
        "choosing parts": choosing / len(scenes),
    }


def _measure_set(pictures: Sequence[UInt8Array]) -> dict[str, Any]:
    detector = DlibHog()
    boxes, spent = zip(
        *(_timed(detector.detect, image) for image in pictures), strict=True
    )
    return {
        "pictures": len(pictures),
        "found_share": float(np.mean([bool(found) for found in boxes])),
        "boxes": float(np.mean([len(found) for found in boxes])),
        "search_ms": float(np.mean(spent)),
    }


def _timed(function: Callable[..., _T], *arguments: Any) -> tuple[_T, float]:
    """A function's answer and the processor time it took, milliseconds."""
    start = time.process_time()
    answer = function(*arguments)
    return answer, (time.process_time() - start) * 1e3


def _is_same(one: FaceBox, other: FaceBox) -> bool:
    shared = overlap(one, other)
    union = one.width * one.height + other.width * other.height - shared
    return shared >= SAME_BOX * union
