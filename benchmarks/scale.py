"""How cost grows: `python -m benchmarks.scale`.

With the number of pictures (`scan`, each way, by the number of processes, and what that
makes of 10^8), their size, the faces in one, and the server's workers. All pictures are
drawn; all figures are medians of turns, taken one way after the other in each turn.
"""

import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.figures import (
    Aim,
    Spread,
    in_words,
    machine,
    print_report,
    say,
    versions,
)
from benchmarks.gunicorn_server import end_on_sigterm, serving
from benchmarks.load_client import Target, Turn, post_for
from benchmarks.scale_pictures import (
    encoded,
    group,
    large_portrait,
    write_crops,
    write_portraits,
)
from benchmarks.ways import our_way
from deepfake_detector.bulk_scan import (
    CHUNK_CROPS,
    CHUNK_PICTURES,
    BulkScan,
    ScanOptions,
    ScanReport,
)
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.stage_times import StageTimes

PARTS: Final = ("bulk", "sizes", "faces", "servers")

#: Pictures a second with as many processes as there are cores here, at least two.
AIMS: Final = {
    "full answers": Aim(100, is_least=True),
    "without stability": Aim(200, is_least=True),
    "ready crops": Aim(500, is_least=True),
}

_PORTRAIT_PX: Final = 256
_MEGAPIXELS: Final = (0.1, 0.5, 1.0, 3.0, 12.0, 25.0, 50.0)
_FACES: Final = (1, 2, 5, 10, 20)
_SERVER_WORKERS: Final = (1, 2)
_CLIENTS: Final = 8
_SERVER_SECONDS: Final = 5.0
_MANY: Final = 10**8
_DAY_S: Final = 86_400


@click.command()
@click.option(
    "--pictures",
    type=click.IntRange(min=100),
    multiple=True,
    default=(1000,),
    show_default=True,
    help="Pictures of a bulk scan; repeat for several, such as 1000 and 10000.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="Processes of a bulk scan; repeat for several.",
)
@click.option("--turns", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    default=PARTS,
    show_default=True,
    help="What to measure; repeat for several.",
)
@click.option(
    "--most-megapixels",
    type=float,
    default=50.0,
    show_default=True,
    help="Largest picture.",
)
def main(
    pictures: Sequence[int],
    processes: Sequence[int],
    turns: int,
    parts: Sequence[str],
    most_megapixels: float,
) -> None:
    """Measure how cost grows with pictures, pixels, faces and workers; print JSON."""
    end_on_sigterm()
    _check_that_some_are_left(min(pictures), max(processes))
    report: dict[str, Any] = {"machine": machine(), "versions": versions()}
    report["settings"] = {
        "pictures": list(pictures),
        "processes": list(processes),
        "turns": turns,
        "portraits": f"JPEG of {_PORTRAIT_PX}x{_PORTRAIT_PX} px, quality 90, one face",
        "crops": "JPEG of the network's input size, quality 90",
        "model": Detector.load(_config()).card.name,
        "backend": _config().backend,
    }
    if "bulk" in parts:
        report["bulk"] = _bulk(pictures, processes, turns)
    detector = Detector.load(_config())
    if "sizes" in parts:
        sizes = [size for size in _MEGAPIXELS if size <= most_megapixels]
        report["sizes"] = _sizes(detector, sizes, turns)
    if "faces" in parts:
        report["faces"] = _faces(detector, turns)
    if "servers" in parts:
        report["servers"] = _servers(turns)
    print_report(report, _rows(report))


def _check_that_some_are_left(pictures: int, processes: int) -> None:
    """Refuse so few pictures that most are those with which processes begin."""
    least = 2 * processes * max(CHUNK_PICTURES, CHUNK_CROPS)
    if pictures < least:
        raise click.BadParameter(
            f"expected at least {least} for {processes} processes, got {pictures}; a "
            "rate is taken of what comes after the first pictures of each process",
            param_hint="--pictures",
        )


def _bulk(
    counts: Sequence[int], processes: Sequence[int], turns: int
) -> dict[str, Any]:
    """Pictures a second of `scan`, and what 10^8 pictures would take."""
    side = Detector.load(_config()).card.input_shape[0]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            root = Path(folder) / str(count)
            say(f"drawing {count} portraits and {count} crops")
            write_portraits(root / "portraits", count, _PORTRAIT_PX)
            write_crops(root / "crops", count, side)
            reports: dict[tuple[str, int], list[ScanReport]] = {}
            for turn in range(turns):
                for way in AIMS:
                    for number in processes:
                        say(f"{count} pictures, turn {turn + 1} of {turns}: {way}")
                        done = _scanned(root, way, number)
                        reports.setdefault((way, number), []).append(done)
            for (way, number), taken in reports.items():
                name = f"{way}, {count} pictures, {_processes(number)}"
                found[name] = _judged(way, number, taken, max(processes))
    return found


def _config(**settings: Any) -> ServeConfig:
    """As it ships, or as the environment says."""
    return ServeConfig.from_env(os.environ, **settings)


def _scanned(root: Path, way: str, processes: int) -> ScanReport:
    is_crops = way == "ready crops"
    options = ScanOptions(workers=processes, crops=is_crops, overwrite=True)
    config = _config(stability=way == "full answers")
    pictures = root / ("crops" if is_crops else "portraits")
    report = BulkScan([str(pictures)], root / "rows.jsonl", config, options).run()
    if report.failed:
        raise RuntimeError(f"{report.failed} drawn pictures could not be judged")
    return report


def _judged(
    way: str, processes: int, taken: Sequence[ScanReport], most: int
) -> dict[str, Any]:
    """The figures of one way: of the whole scan, and after its processes had begun."""
    whole = Spread(tuple(report.per_second for report in taken))
    chunk = CHUNK_CROPS if way == "ready crops" else CHUNK_PICTURES
    begun = processes * chunk
    steady = Spread(tuple(_steady_rate(report, begun) for report in taken))
    aimed = processes == most >= 2
    seconds = _MANY / steady.median
    return {
        "pictures_per_second": AIMS[way].judge(whole) if aimed else whole.to_dict(),
        "after_the_start": steady.to_dict(),
        "seconds_until_first_rows": Spread(
            tuple(report.first_after_s for report in taken)
        ).to_dict(),
        "extrapolated": {
            "pictures": _MANY,
            "days": round(seconds / _DAY_S, 2),
            "machines_for_a_day": math.ceil(seconds / _DAY_S),
            "arithmetic": f"10^8 / {steady.median:.4g} a second = {seconds:.4g} s = "
            f"{seconds / _DAY_S:.4g} days of {_processes(processes)}",
        },
    }


def _steady_rate(report: ScanReport, begun: int) -> float:
    """Pictures a second once the first rows are there.

    By then each process has about done its first chunk: as many are left out.
    """
    rest = max(1e-9, report.seconds - report.first_after_s)
    return max(0, report.pictures - report.resumed_at - begun) / rest


def _sizes(
    detector: Detector, sizes: Sequence[float], turns: int
) -> dict[str, dict[str, Any]]:
    files = {}
    for megapixels in sizes:
        say(f"drawing {megapixels:g} megapixels")
        image = large_portrait(megapixels)
        for encoding in ("JPEG", "PNG"):
            files[f"{encoding}, {megapixels:g} megapixels"] = encoded(image, encoding)
    return {
        name: {"megabytes": round(len(files[name]) / 1e6, 2)} | timed
        for name, timed in _timed(detector, files, turns).items()
    }


def _faces(detector: Detector, turns: int) -> dict[str, dict[str, Any]]:
    files = {f"{number} faces": encoded(group(number), "JPEG") for number in _FACES}
    return _timed(detector, files, turns)


def _timed(
    detector: Detector, files: Mapping[str, bytes], turns: int
) -> dict[str, dict[str, Any]]:
    """Milliseconds of whole answers and of their stages; the first turn warms up."""
    totals: dict[str, list[float]] = {name: [] for name in files}
    stages: dict[str, dict[str, list[float]]] = {name: {} for name in files}
    found = {}
    for turn in range(turns + 1):
        for name, data in files.items():
            say(f"{name}, turn {turn} of {turns}")
            times = StageTimes()
            begun = time.perf_counter()
            found[name] = detector.analyse(data, times=times).faces_found
            if turn:
                totals[name].append(1e3 * (time.perf_counter() - begun))
                for stage, seconds in times.seconds.items():
                    stages[name].setdefault(stage, []).append(1e3 * seconds)
    return {
        name: {
            "faces_found": found[name],
            "milliseconds": Spread(tuple(totals[name])).to_dict(),
            "stages_ms": {
                stage: Spread(tuple(taken)).to_dict()
                for stage, taken in stages[name].items()
            },
        }
        for name in files
    }


def _servers(turns: int) -> dict[str, Any]:
    """Answers a second of the server, by its number of workers; turn 0 warms up."""
    taken: dict[str, list[Turn]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_portraits(Path(folder) / "portraits", 1, _PORTRAIT_PX)
        (picture,) = (Path(folder) / "portraits").iterdir()
        targets = {}
        for workers in _SERVER_WORKERS:
            settings = {"WORKERS": str(workers), "RATE_LIMIT": ""}
            way = our_way(ServeConfig().model_dir, Path(folder), **settings)
            server = stack.enter_context(serving(way.command))
            targets[f"{workers} workers"] = Target(server.port, way.post_path)
        for turn in range(turns + 1):
            for name, target in targets.items():
                say(f"server of {name}, turn {turn} of {turns}")
                done = post_for(target, picture.read_bytes(), _CLIENTS, _SERVER_SECONDS)
                taken.setdefault(name, []).append(done)
    return {
        name: {
            "clients": _CLIENTS,
            "answers_per_second": Spread(
                tuple(turn.per_second for turn in done[1:])
            ).to_dict(),
            "p50_ms": Spread(
                tuple(turn.percentile_ms(50) for turn in done[1:])
            ).to_dict(),
        }
        for name, done in taken.items()
    }


def _processes(number: int) -> str:
    return f"{number} process" + "es" * (number != 1)


def _rows(report: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The table for people."""
    rows = [("cores", str(len(os.sched_getaffinity(0))))]
    for name, figures in report.get("bulk", {}).items():
        rows.append((name, f"{in_words(figures['pictures_per_second'])} a second"))
        rows.append(
            (
                "  after the start",
                f"{in_words(figures['after_the_start'])} a second; "
                f"{figures['extrapolated']['arithmetic']}",
            )
        )
    for part in ("sizes", "faces"):
        for name, figures in report.get(part, {}).items():
            stages = ", ".join(
                f"{stage} {taken['median']:g}"
                for stage, taken in figures["stages_ms"].items()
            )
            words = f"{in_words(figures['milliseconds'])} ms ({stages})"
            rows.append((name, f"{words}, {figures['faces_found']} found"))
    for name, figures in report.get("servers", {}).items():
        rate = in_words(figures["answers_per_second"])
        rows.append((name, f"{rate} answers a second, {_CLIENTS} clients"))
    return rows


if __name__ == "__main__":
    main()
