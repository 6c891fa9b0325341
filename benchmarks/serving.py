"""Serving, our way against the plain way: `python -m benchmarks.serving`.

Both ways run under gunicorn on this machine and are given the same picture by the same
clients, in turns, one right after the other. A ratio is ours over plain in one turn.
"""

import io
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
from PIL import Image

from benchmarks.backend_timing import backend_milliseconds
from benchmarks.bench_models import fresh_model, whole_picture_copy
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
from benchmarks.gunicorn_server import Server, end_on_sigterm, serving
from benchmarks.load_client import Target, Turn, post_for, post_once
from benchmarks.ways import Way, our_way, plain_way
from deepfake_detector.artifact import Artifact
from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face

#: The network that the plain way serves, as the reference implementation does.
_PLAIN_NETWORK: Final = "four_conv"

#: Answers a second, ours over plain.
_THROUGHPUT_AIMS: Final = {
    "shipped model, whole picture": Aim(15, is_least=True),
    "same network": Aim(8, is_least=True),
    "shipped model, face search": Aim(6, is_least=True),
}
_MEMORY_AIM: Final = Aim(0.2, is_least=False)
_START_AIM: Final = Aim(0.25, is_least=False)

#: A drawn portrait in which the face search finds one face, and its side in pixels.
_PORTRAIT_SEED: Final = 2
_PORTRAIT_PX: Final = 256

_PERCENTILES: Final = (50, 95, 99)


@dataclass(frozen=True)
class Load:
    """What each server is put under.

    Parameters
    ----------
    jpeg : bytes
        The picture.
    clients : int
        Clients at once, for the throughput.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each way.
    """

    jpeg: bytes
    clients: int
    seconds: float
    turns: int


@dataclass
class _Side:
    """What the turns of one way gave."""

    crowded: list[Turn] = field(default_factory=list)
    alone: list[Turn] = field(default_factory=list)
    worker_mb: list[float] = field(default_factory=list)
    total_mb: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def rates(self) -> list[float]:
        return [turn.per_second for turn in self.crowded]

    def to_dict(self) -> dict[str, Any]:
        loads = {"all clients": self.crowded, "one client": self.alone}
        return {
            "requests_per_second": Spread(tuple(self.rates())).to_dict(),
            "latency_ms": {
                load: {f"p{p}": _percentile(turns, p).to_dict() for p in _PERCENTILES}
                for load, turns in loads.items()
            },
            "server_cpu_ms_per_request": Spread(tuple(self.cpu_ms)).to_dict(),
            "memory_mb_per_worker": Spread(tuple(self.worker_mb)).to_dict(),
            "memory_mb_in_all": Spread(tuple(self.total_mb)).to_dict(),
            "cores_taken_by_clients": Spread(
                tuple(turn.client_cores for turn in self.crowded)
            ).to_dict(),
        }


@click.command()
@click.option("--seconds", default=6.0, show_default=True, help="Length of a turn.")
@click.option("--turns", default=3, show_default=True, help="Turns of each way.")
@click.option(
    "--clients", default=8, show_default=True, help="Clients at once, for throughput."
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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    load = Load(_portrait(), clients, seconds, turns)
    facts = {"machine": machine(), "versions": versions()}
    with tempfile.TemporaryDirectory() as folder:
        results = _measure(Path(folder), model_dir, load)
    ours = ServeConfig()
    settings = {
        "seconds": seconds,
        "turns": turns,
        "clients": clients,
        "picture": f"JPEG of {_PORTRAIT_PX}x{_PORTRAIT_PX} px, {len(load.jpeg)} bytes",
        "plain_way": f"{_PLAIN_NETWORK}, model.predict, two gunicorn sync workers",
        "our_way": f"{ours.workers} gunicorn workers of {ours.threads} threads",
    }
    print_report(facts | {"settings": settings} | results, _rows(results))


def _measure(folder: Path, model_dir: Path, load: Load) -> dict[str, Any]:
    """Everything there is to measure, one after the other."""
    shipped_card = Artifact.load(model_dir).card
    say(f"writing {_PLAIN_NETWORK} with fresh weights")
    same = fresh_model(_PLAIN_NETWORK, shipped_card.input_shape, folder / "same")
    whole = whole_picture_copy(model_dir, folder / "whole")
    models = dict(zip(_THROUGHPUT_AIMS, (whole, same, model_dir), strict=True))
    uploads = folder / "uploads"
    uploads.mkdir()
    plain = plain_way(same, uploads)
    say("timing every backend")
    backends = backend_milliseconds([model_dir, same], load.seconds, load.turns)
    ours, theirs = _starts(our_way(model_dir, uploads), plain, load.turns)
    results: dict[str, Any] = {"served": {}, "ratios": {}}
    for name, aim in _THROUGHPUT_AIMS.items():
        say(f"serving: {name}")
        sides = _duel(our_way(models[name], uploads), plain, load)
        results["served"][name] = {
            "our way": sides[0].to_dict(),
            "plain way": sides[1].to_dict(),
        }
        rates = paired_ratio(sides[0].rates(), sides[1].rates())
        results["ratios"][f"throughput: {name}"] = aim.judge(rates)
    # The last pair is the one that is served by default.
    memory = paired_ratio(sides[0].worker_mb, sides[1].worker_mb)
    results["ratios"]["memory of a worker"] = _MEMORY_AIM.judge(memory)
    results["ratios"]["start until ready"] = _START_AIM.judge(
        paired_ratio(ours, theirs)
    )
    results["start_s"] = {
        "our way": Spread(tuple(ours)).to_dict(),
        "plain way": Spread(tuple(theirs)).to_dict(),
    }
    results["backend_ms_per_face_on_one_core"] = {
        label: {size: spread.to_dict() for size, spread in by_size.items()}
        for label, by_size in backends.items()
    }
    return results


def _starts(ours: Way, plain: Way, turns: int) -> tuple[list[float], list[float]]:
    """Seconds until ready, in turns, after one start of each that does not count."""
    say("starting both ways")
    taken: tuple[list[float], list[float]] = [], []
    for _ in range(turns + 1):
        for way, seconds in zip((plain, ours), taken, strict=True):
            with serving(way.command) as server:
                seconds.append(server.ready_s)
    theirs, mine = taken
    return mine[1:], theirs[1:]


def _duel(ours: Way, plain: Way, load: Load) -> tuple[_Side, _Side]:
    """Serve both ways at once, put under load one at a time; ours, then plain."""
    sides = _Side(), _Side()
    with serving(plain.command) as theirs, serving(ours.command) as mine:
        contestants = ((plain, theirs, sides[1]), (ours, mine, sides[0]))
        for way, server, _ in contestants:
            _warm_up(way, server, load)
        for _ in range(load.turns):
            for way, server, side in contestants:
                used = server.cpu_seconds()
                turn = _turn(way, server, load, load.clients)
                used = server.cpu_seconds() - used
                side.crowded.append(turn)
                side.cpu_ms.append(1e3 * used / turn.answers)
            for way, server, side in contestants:
                side.alone.append(_turn(way, server, load, clients=1))
                side.worker_mb.append(server.worker_megabytes())
                side.total_mb.append(server.tree_megabytes())
    return sides


def _warm_up(way: Way, server: Server, load: Load) -> None:
    """Let every worker answer, and see that what they answer is a score."""
    _turn(way, server, load, load.clients)
    answer = post_once(Target(server.port, way.post_path), load.jpeg)
    if not isinstance(answer["p_fake"], float):
        raise RuntimeError(f"expected a score of one face, got {answer}")


def _turn(way: Way, server: Server, load: Load, clients: int) -> Turn:
    target = Target(server.port, way.post_path)
    return post_for(target, load.jpeg, clients, load.seconds)


def _portrait() -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(draw_face(_PORTRAIT_SEED, _PORTRAIT_PX))
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _percentile(turns: list[Turn], percent: int) -> Spread:
    return Spread(tuple(turn.percentile_ms(percent) for turn in turns))


def _rows(results: dict[str, Any]) -> dict[str, object]:
    """The table for people."""
    rows: dict[str, object] = {}
    for label, by_size in results["backend_ms_per_face_on_one_core"].items():
        for size, spread in by_size.items():
            rows[f"{label}, {size}"] = f"{in_words(spread)} ms a face"
    for way, spread in results["start_s"].items():
        rows[f"start until ready, {way}"] = f"{in_words(spread)} s"
    for name, sides in results["served"].items():
        for way, side in sides.items():
            latency = side["latency_ms"]["one client"]
            p50, p95, p99 = (latency[f"p{p}"]["median"] for p in _PERCENTILES)
            rows[f"{name}, {way}"] = (
                f"{in_words(side['requests_per_second'])} requests/s; one client "
                f"{p50:g} ms, p95 {p95:g}, p99 {p99:g}; "
                f"{side['memory_mb_per_worker']['median']:g} MB a worker"
            )
    for name, ratio in results["ratios"].items():
        rows[f"ratio, {name}"] = in_words(ratio)
    return rows


if __name__ == "__main__":
    main()
