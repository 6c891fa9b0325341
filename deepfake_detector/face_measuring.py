"""How well the face search does: on scenes with planted faces and on archives."""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import images
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors.dlib_hog import (
    MOST_PROPOSALS,
    SURE,
    TILTED,
    DlibHog,
)
from deepfake_detector.face_proposals import FaceProposer
from deepfake_detector.face_search import Candidate, distinct_faces, overlap
from deepfake_detector.planted_scenes import Head, Scene, drawn_heads, plant_faces
from deepfake_detector.sampled_pictures import sampled_pictures

UInt8Array = NDArray[np.uint8]
_T = TypeVar("_T")

#: Scales at which dlib searches all of a scene, to compare with: that at which faces of
#: 64 pixels fill its window, and half of it.
_ALL_SCALES: Final = (80 / 64, 40 / 64)

#: Sizes of scenes, megapixels.
MEGAPIXELS: Final = (1.0, 4.0, 12.0)

#: Where bands of face widths begin, pixels.
BANDS: Final = (40, 64, 100, 160, 250, 400)

#: Overlap over union from which a box is that of a planted face.
SAME_BOX: Final = 0.35

_HEADS: Final = 40
_LEAST_HEAD_PX: Final = 70


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
        Pictures of each archive to search, from its val split where it has one: the
        network that proposes faces has not seen them.

    Returns
    -------
    dict
        `searches`: a row for each way of searching, with its `name`, `recall` and
        `faces` by band of face width, `false_boxes` a scene and `search_ms` by size of
        scene; `stages_ms`: decoding and proposing; `archives`: share with a found face,
        boxes and milliseconds a picture. All milliseconds are processor time.

    Raises
    ------
    ArchiveError
        If a file is not a zip.
    DatasetLayoutError
        If an archive holds no picture.
    """
    sets = {path.stem: sampled_pictures(path, "val", pictures) for path in archives}
    photographed = _heads(sets)
    heads = photographed or drawn_heads(_HEADS)
    made = [
        plant_faces(
            heads, MEGAPIXELS[seed % len(MEGAPIXELS)], np.random.default_rng(seed)
        )
        for seed in range(scenes)
    ]
    searches = {"shipped": DlibHog().detect, "all of it by dlib": _search_all}
    return {
        "scenes": scenes,
        "heads": "archives" if photographed else "drawn",
        "searches": [
            {"name": name, **measure_search(made, search)}
            for name, search in searches.items()
        ],
        "stages_ms": _stages(made),
        "archives": {name: _measure_set(found) for name, found in sets.items()},
    }


def measure_search(
    scenes: Sequence[Scene], search: Callable[[UInt8Array], list[FaceBox]]
) -> dict[str, Any]:
    """Search scenes in one way.

    Parameters
    ----------
    scenes : sequence of Scene
        At least one.
    search : callable
        From a picture to boxes.

    Returns
    -------
    dict
        The row that :func:`measure_faces` describes, without its name.
    """
    found: dict[int, list[bool]] = {band: [] for band in BANDS}
    search_ms: dict[str, list[float]] = {}
    false_boxes = 0
    for scene in scenes:
        boxes, spent = _timed(search, scene.image)
        megapixels = scene.image.shape[0] * scene.image.shape[1] / 1e6
        search_ms.setdefault(f"{megapixels:.2g}", []).append(spent)
        for face in scene.faces:
            band = max(band for band in BANDS if band <= max(face.width, BANDS[0]))
            found[band].append(any(_is_same(face, box) for box in boxes))
        false_boxes += sum(
            not any(_is_same(face, box) for face in scene.faces) for box in boxes
        )
    return {
        "recall": {str(b): sum(f) / len(f) if f else None for b, f in found.items()},
        "faces": {str(band): len(hits) for band, hits in found.items()},
        "false_boxes": false_boxes / len(scenes),
        "search_ms": {size: float(np.mean(ms)) for size, ms in search_ms.items()},
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
        A table of the searches, a line on the stages and a table of the archives.
    """
    sizes = list(found["searches"][0]["search_ms"])
    heads = [f"{band} px" for band in BANDS] + ["false boxes a scene"]
    heads += [f"ms, {size} MP" for size in sizes]
    lines = [f"| search | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for row in found["searches"]:
        cells = [
            row["name"],
            *("" if r is None else f"{r:.2f}" for r in row["recall"].values()),
            f"{row['false_boxes']:.2f}",
            *(f"{row['search_ms'][size]:.0f}" for size in sizes),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    stages = ", ".join(f"{n} {ms:.0f} ms" for n, ms in found["stages_ms"].items())
    counts = ", ".join(map(str, found["searches"][0]["faces"].values()))
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
    proposer = FaceProposer()
    decoding = proposing = 0.0
    for scene in scenes:
        file = io.BytesIO()
        Image.fromarray(scene.image).save(file, "JPEG", quality=90)
        image, spent = _timed(images.decode, file.getvalue())
        decoding += spent
        proposing += _timed(proposer.propose, image, MOST_PROPOSALS)[1]
    return {
        "decoding": decoding / len(scenes),
        "proposing": proposing / len(scenes),
    }


def _search_all(image: UInt8Array) -> list[FaceBox]:
    """All that dlib is sure of at full size: what a search of parts is to come near."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    grey = Image.fromarray(image).convert("L")
    finds = []
    for scale in _ALL_SCALES:
        size = round(grey.width * scale), round(grey.height * scale)
        copy = np.asarray(grey.resize(size, Image.Resampling.BILINEAR))
        for place, score, kind in zip(*detector.run(copy, 0, 0.0), strict=True):
            if score >= SURE[kind in TILTED]:
                edges = place.left(), place.top(), place.width(), place.height()
                finds.append(Candidate(FaceBox(*(e / scale for e in edges)), score))
    return distinct_faces(finds, grey.size)


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
