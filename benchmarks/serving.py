"""Serving, our way against the plain way: `python -m benchmarks.serving`.

Both ways run under gunicorn on this machine and are given the same picture by the same
clients, in turns, one right after the other. A ratio is ours over plain in one turn.
"""

import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from PIL import Image

from benchmarks.backend_timing import backend_milliseconds
from benchmarks.bench_models import fresh_model, whole_picture_copy
from benchmarks.duel import PERCENTILES, Load, Side, duel, starts
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
from benchmarks.ways import our_way, plain_way
from deepfake_detector.artifact import Artifact
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face

#: The network that the plain way serves, as the reference implementation does.
_PLAIN_NETWORK: Final = "four_conv"

#: What is served our way against it, and how many times its throughput is the aim.
_WHOLE: Final = "shipped model, whole picture"
_SAME: Final = "same network"
_FACES: Final = "shipped model, face search"
_THROUGHPUT_AIMS: Final = {
    _WHOLE: Aim(15, is_least=True),
    _SAME: Aim(8, is_least=True),
    _FACES: Aim(6, is_least=True),
}
_MEMORY_AIM: Final = Aim(0.2, is_least=False)
_START_AIM: Final = Aim(0.25, is_least=False)

#: A drawn portrait in which the face search finds one face, and its side in pixels.
_PORTRAIT_SEED: Final = 2
_PORTRAIT_PX: Final = 256


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=6.0,
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
    "--clients",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Clients at once, for throughput.",
)
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    default=ServeConfig().model_dir,
    help="Folder of the shipped model; models/default where not given.",
)
def main(seconds: float, turns: int, clients: int, model_dir: Path) -> None:
    """Measure serving, our way against the plain way; print JSON."""
    end_on_sigterm()
    load = Load(_portrait(), clients, seconds, turns)
    report = {
        "machine": machine(),
        "versions": versions(),
        "settings": _settings(load),
    }
    with one_line_errors(), tempfile.TemporaryDirectory() as folder:
        results = _measure(Path(folder), model_dir, load)
    print_report(report | results, _rows(results))


def _settings(load: Load) -> dict[str, Any]:
    ours = ServeConfig.from_env(os.environ)
    return {
        "seconds": load.seconds,
        "turns": load.turns,
        "clients": load.clients,
        "picture": f"JPEG of {_PORTRAIT_PX}x{_PORTRAIT_PX} px, {len(load.jpeg)} bytes",
        "plain way": f"{_PLAIN_NETWORK}, model.predict, two gunicorn sync workers",
        "our way": f"{ours.workers} gunicorn workers of {ours.threads} threads, "
        f"{ours.backend} backend",
    }


def _measure(folder: Path, model_dir: Path, load: Load) -> dict[str, Any]:
    """All there is to measure, one after the other."""
    say(f"writing {_PLAIN_NETWORK} with fresh weights")
    input_shape = Artifact.load(model_dir).card.input_shape
    same = fresh_model(_PLAIN_NETWORK, input_shape, folder / "same")
    whole = whole_picture_copy(model_dir, folder / "whole")
    uploads = folder / "uploads"
    uploads.mkdir()
    plain = plain_way(same, uploads)

    say("timing every backend")
    backends = backend_milliseconds([model_dir, same], load.seconds, load.turns)
    say("starting both ways")
    our_starts, plain_starts = starts(our_way(model_dir, uploads), plain, load.turns)
    sides = {}
    for name, model in ((_WHOLE, whole), (_SAME, same), (_FACES, model_dir)):
        say(f"serving: {name}")
        sides[name] = duel(our_way(model, uploads), plain, load)
    return {
        "backend_ms_per_face_on_one_core": backends,
        "start_s": {
            "our way": Spread(tuple(our_starts)).to_dict(),
            "plain way": Spread(tuple(plain_starts)).to_dict(),
        },
        "served": {
            name: {"our way": ours.to_dict(), "plain way": theirs.to_dict()}
            for name, (ours, theirs) in sides.items()
        },
        "ratios": _ratios(sides, paired_ratio(our_starts, plain_starts)),
    }


def _ratios(
    sides: dict[str, tuple[Side, Side]], start_ratio: Spread
) -> dict[str, dict[str, Any]]:
    """Every ratio of ours over plain, held against its aim."""
    ratios = {
        f"throughput, {name}": aim.judge(
            paired_ratio(sides[name][0].rates(), sides[name][1].rates())
        )
        for name, aim in _THROUGHPUT_AIMS.items()
    }
    ours, theirs = sides[_FACES]  # what `make run` serves
    memory_ratio = paired_ratio(ours.worker_mb, theirs.worker_mb)
    return ratios | {
        "memory of a worker": _MEMORY_AIM.judge(memory_ratio),
        "start until ready": _START_AIM.judge(start_ratio),
    }


def _portrait() -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(draw_face(_PORTRAIT_SEED, _PORTRAIT_PX))
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _rows(results: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """The table for people."""
    rows = [
        (f"{label}, {size}", f"{in_words(spread)} ms a face")
        for label, by_size in results["backend_ms_per_face_on_one_core"].items()
        for size, spread in by_size.items()
    ]
    rows += [
        (f"start until ready, {way}", f"{in_words(spread)} s")
        for way, spread in results["start_s"].items()
    ]
    rows += [
        (f"{name}, {way}", _served_in_words(side))
        for name, sides in results["served"].items()
        for way, side in sides.items()
    ]
    return rows + [
        (f"ratio, {name}", in_words(ratio)) for name, ratio in results["ratios"].items()
    ]


def _served_in_words(side: dict[str, Any]) -> str:
    alone = side["latency_ms"]["one client"]
    latencies = ", ".join(f"p{p} {alone[f'p{p}']['median']:g} ms" for p in PERCENTILES)
    return (
        f"{in_words(side['requests_per_second'])} requests/s; one client {latencies}; "
        f"{side['memory_mb_per_worker']['median']:g} MB a worker"
    )


if __name__ == "__main__":
    main()
