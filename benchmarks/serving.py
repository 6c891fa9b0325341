"""Serving, our way against the plain way: `python -m benchmarks.serving`.

All ways run under gunicorn on this machine and are given the same picture by the same
clients, in turns, one right after the other. A ratio is ours over plain in one turn.
"""

import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from PIL import Image

from benchmarks.backend_timing import backend_milliseconds
from benchmarks.bench_models import fresh_model, whole_picture_copy
from benchmarks.contest import PERCENTILES, Load, Side, contest, starts
from benchmarks.figures import (
    Aim,
    Spread,
    in_words,
    machine,
    paired_ratio,
    print_report,
    say,
    versions,
)
from benchmarks.gunicorn_server import end_on_sigterm
from benchmarks.installed_size import installed_megabytes
from benchmarks.scale_pictures import large_portrait, scene
from benchmarks.stages import stage_milliseconds
from benchmarks.ways import Way, our_way, plain_way
from deepfake_detector.artifact import Artifact
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.planted_scenes import drawn_heads, plant_faces

#: The network that the plain way serves, as the reference implementation does.
_PLAIN_NETWORK: Final = "four_conv"
_PLAIN: Final = f"plain way, {_PLAIN_NETWORK}"

#: The plain way with the network that ships: the same work on both sides.
_PLAIN_SHIPPED: Final = "plain way, shipped model"

#: The runtimes that are served, the default first, and the one that wins on speed.
_BACKENDS: Final = ("openvino", "openvino_bf16", "litert")
_DEFAULT, _FASTEST = _BACKENDS[0], _BACKENDS[1]

#: TensorFlow's `tf.function`: served for comparison.
_COMPARED: Final = "keras"

#: Clients at once: one for the latency, eight for the throughput, a crowd.
_ALONE, _SEVERAL, _CROWD = 1, 8, 64

#: What is served our way against the plain way.
_WHOLE: Final = "shipped model, whole picture, one pass"
_SAME: Final = "same network, one pass"
_FACES: Final = "shipped model, full answer"
_PHOTO: Final = "full answer to 12 megapixels, one face"
_SMALL: Final = "full answer to 12 megapixels, one small face"
_NONE: Final = "full answer to 12 megapixels, no face"
_GROUP: Final = "full answer to 12 megapixels, a scene of faces"

#: Ratios to the plain way, by the default runtime.
_THROUGHPUT_AIMS: Final = {
    _WHOLE: Aim(15, is_least=True),
    _SAME: Aim(8, is_least=True),
    _FACES: Aim(6, is_least=True),
}
_MEMORY_AIM: Final = Aim(0.2, is_least=False)
_START_AIM: Final = Aim(0.25, is_least=False)

#: What is aimed at on two cores of a server, by the runtime that wins on speed.
_P50_AIMS: Final = {
    _WHOLE: Aim(8, is_least=False),
    _FACES: Aim(20, is_least=False),
    **dict.fromkeys((_PHOTO, _SMALL, _NONE), Aim(150, is_least=False)),
}
_RATE_AIMS: Final = {_WHOLE: Aim(400, is_least=True), _FACES: Aim(120, is_least=True)}
_READY_AIM: Final = Aim(1, is_least=False)
_WORKER_AIM: Final = Aim(120, is_least=False)

#: A drawn portrait in which the face search finds one face, and its side in pixels.
_PORTRAIT_SEED: Final = 2
_PORTRAIT_PX: Final = 256

_PHOTO_MEGAPIXELS: Final = 12.0
_SMALL_FACE_PX: Final = 120
_WITHOUT_FACE: Final = f"scene of {_PHOTO_MEGAPIXELS:g} megapixels, no face"


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=4.0,
    show_default=True,
    help="Length of a turn.",
)
@click.option(
    "--turns",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Turns of each way.",
)
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    default=ServeConfig().model_dir,
    help="Folder of the shipped model; models/default where not given.",
)
def main(seconds: float, turns: int, model_dir: Path) -> None:
    """Measure serving, our way against the plain way; print JSON."""
    end_on_sigterm()
    report = {
        "machine": machine(),
        "versions": versions(),
        "settings": _settings(seconds, turns),
    }
    with one_line_errors(), tempfile.TemporaryDirectory() as folder:
        results = _measure(Path(folder), model_dir, seconds, turns)
    print_report(report | results, _rows(results))


def _settings(seconds: float, turns: int) -> dict[str, Any]:
    ours = ServeConfig.from_env(os.environ)
    return {
        "seconds": seconds,
        "turns": turns,
        "pictures": {name: f"{len(data)} bytes" for name, data in _pictures().items()},
        _PLAIN: "model.predict, two gunicorn sync workers, fresh weights",
        _PLAIN_SHIPPED: "the same with the shipped weights",
        "our way": f"{ours.workers} gunicorn workers that judge {ours.judging_at_once} "
        "at a time each; the limit for each address is off",
    }


def _measure(
    folder: Path, model_dir: Path, seconds: float, turns: int
) -> dict[str, Any]:
    """All there is to measure, one after the other."""
    say(f"writing {_PLAIN_NETWORK} with fresh weights")
    input_shape = Artifact.load(model_dir).card.input_shape
    same = fresh_model(_PLAIN_NETWORK, input_shape, folder / "same")
    whole = whole_picture_copy(model_dir, folder / "whole")
    uploads = folder / "uploads"
    uploads.mkdir()
    plain = plain_way(same, uploads)
    portrait, photo, small, none, group = _pictures().values()

    say("timing every runtime")
    runtimes = backend_milliseconds([model_dir, same], seconds, turns)
    say("timing every stage")
    with_faces = {n: data for n, data in _pictures().items() if n != _WITHOUT_FACE}
    stages = stage_milliseconds(with_faces, _BACKENDS, turns)
    say("starting every way")
    ready = starts({_PLAIN: plain, **_our_ways(model_dir, uploads)}, turns)
    sides = {}
    clients = (_ALONE, _SEVERAL, _CROWD)
    served = (*_BACKENDS, _COMPARED)
    for name, model in ((_WHOLE, whole), (_SAME, same), (_FACES, model_dir)):
        say(f"serving: {name}")
        ways = {_PLAIN: plain, **_our_ways(model, uploads, name != _FACES, served)}
        if name == _WHOLE:
            ways[_PLAIN_SHIPPED] = plain_way(whole, uploads)
        sides[name] = contest(ways, Load(portrait, clients, seconds, turns))
    photos = {_PHOTO: photo, _SMALL: small, _NONE: none, _GROUP: group}
    for name, picture in photos.items():
        say(f"serving: {name}")
        load = Load(picture, (_ALONE,), seconds, turns, has_face=name != _NONE)
        sides[name] = contest(_our_ways(model_dir, uploads), load)
    return {
        "ms_per_face_on_one_core": runtimes,
        "ms_by_stage_on_one_core": stages["stages"],
        "core": stages["core"],
        "start_s": {
            way: Spread(tuple(taken)).to_dict() for way, taken in ready.items()
        },
        "served": {
            name: {way: side.to_dict() for way, side in of_ways.items()}
            for name, of_ways in sides.items()
        },
        "installed": installed_megabytes(REPOSITORY / "requirements-serve.txt"),
        "ratios": _ratios(sides, ready),
        "aims": _aims(sides, ready),
    }


def _our_ways(
    model: Path,
    uploads: Path,
    one_pass: bool = False,
    backends: Sequence[str] = _BACKENDS,
) -> dict[str, Way]:
    """Ours with each runtime; in one pass, as the plain way, without other views."""
    settings = {"RATE_LIMIT": "", "STABILITY": "0" if one_pass else "1"}
    return {
        f"our way, {name}": our_way(model, uploads, BACKEND=name, **settings)
        for name in backends
    }


def _ratios(
    sides: Mapping[str, Mapping[str, Side]], ready: Mapping[str, list[float]]
) -> dict[str, dict[str, Any]]:
    """Every ratio of ours, by default, over plain, held against its aim."""
    ours = f"our way, {_DEFAULT}"
    rates = {
        name: [sides[name][way].rates(_SEVERAL) for way in (ours, _PLAIN)]
        for name in _THROUGHPUT_AIMS
    }
    same_work = [sides[_WHOLE][way].rates(_SEVERAL) for way in (ours, _PLAIN_SHIPPED)]
    memory = [sides[_FACES][way].worker_mb for way in (ours, _PLAIN)]
    return {
        **{
            f"throughput, {name}": aim.judge(paired_ratio(*rates[name]))
            for name, aim in _THROUGHPUT_AIMS.items()
        },
        "throughput, shipped model on both sides, one pass": paired_ratio(
            *same_work
        ).to_dict(),
        "memory of a worker": _MEMORY_AIM.judge(paired_ratio(*memory)),
        "start until ready": _START_AIM.judge(paired_ratio(ready[ours], ready[_PLAIN])),
    }


def _aims(
    sides: Mapping[str, Mapping[str, Side]], ready: Mapping[str, list[float]]
) -> dict[str, dict[str, Any]]:
    """What is aimed at in seconds and megabytes, for the default and the fastest."""
    held = {}
    for backend in (_DEFAULT, _FASTEST):
        way = f"our way, {backend}"
        for name, aim in _P50_AIMS.items():
            p50 = Spread(tuple(sides[name][way].latencies(_ALONE, 50)))
            held[f"{name}, {backend}: p50 of one client, ms"] = aim.judge(p50)
        for name, aim in _RATE_AIMS.items():
            rate = Spread(tuple(sides[name][way].rates(_SEVERAL)))
            held[f"{name}, {backend}: a second with {_SEVERAL} clients"] = aim.judge(
                rate
            )
        held[f"ready, {backend}: s"] = _READY_AIM.judge(Spread(tuple(ready[way])))
        memory = Spread(tuple(sides[_FACES][way].worker_mb))
        held[f"a worker, {backend}: MB"] = _WORKER_AIM.judge(memory)
    return held


def _pictures() -> dict[str, bytes]:
    """A portrait of 256 pixels, and large pictures by the faces in them."""
    people = plant_faces(drawn_heads(6), _PHOTO_MEGAPIXELS, np.random.default_rng(0))
    large = f"of {_PHOTO_MEGAPIXELS:g} megapixels"
    return {
        f"portrait of {_PORTRAIT_PX} px": _jpeg(
            draw_face(_PORTRAIT_SEED, _PORTRAIT_PX)
        ),
        f"portrait {large}": _jpeg(large_portrait(_PHOTO_MEGAPIXELS)),
        f"scene {large}, a face of {_SMALL_FACE_PX} px": _jpeg(
            scene(_PHOTO_MEGAPIXELS, _SMALL_FACE_PX)
        ),
        _WITHOUT_FACE: _jpeg(scene(_PHOTO_MEGAPIXELS)),
        f"scene {large}, {len(people.faces)} faces": _jpeg(people.image),
    }


def _jpeg(picture: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _rows(results: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """The table for people."""
    rows = [
        (f"{label}, {size}", f"{in_words(spread)} ms a face")
        for label, by_size in results["ms_per_face_on_one_core"].items()
        for size, spread in by_size.items()
        if size != "operations"
    ]
    rows += [
        (f"{picture}, {backend}, {stage}", f"{in_words(spread)} ms")
        for picture, by_backend in results["ms_by_stage_on_one_core"].items()
        for backend, by_stage in by_backend.items()
        for stage, spread in by_stage.items()
    ]
    rows += [(name, in_words(spread)) for name, spread in results["core"].items()]
    rows += [
        (f"start until ready, {way}", f"{in_words(spread)} s")
        for way, spread in results["start_s"].items()
    ]
    rows += [
        (f"{name}, {way}, {clients} clients", _served_in_words(figures))
        for name, sides in results["served"].items()
        for way, side in sides.items()
        for clients, figures in side["by_clients"].items()
    ]
    rows += [
        (f"{name}, {way}", f"{in_words(side['memory_mb_per_worker'])} MB a worker")
        for name, sides in results["served"].items()
        for way, side in sides.items()
    ]
    rows.append(("installed to serve", f"{results['installed']['total_mb']:g} MB"))
    return rows + [
        (f"{kind}, {name}", in_words(ratio))
        for kind, figures in (("ratio", results["ratios"]), ("aim", results["aims"]))
        for name, ratio in figures.items()
    ]


def _served_in_words(figures: dict[str, Any]) -> str:
    cuts = figures["latency_ms"]
    latencies = ", ".join(f"p{p} {cuts[f'p{p}']['median']:g} ms" for p in PERCENTILES)
    cpu = figures["server_cpu_ms_per_request"]["median"]
    return (
        f"{in_words(figures['requests_per_second'])} requests/s; {latencies}; "
        f"{cpu:g} ms of processor time each"
    )


if __name__ == "__main__":
    main()
