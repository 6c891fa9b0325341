"""Tables for docs/performance.md: `python -m benchmarks.serving_page FILE`."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.contest import PERCENTILES
from benchmarks.markdown import aim_table, median, page_command, table

#: A percentile is said where so many answers of each turn lie beyond it.
_LEAST_BEYOND: Final = 2


def page(report: Mapping[str, Any]) -> str:
    """Return every figure of a run of the serving benchmark.

    Parameters
    ----------
    report : mapping
        What the benchmark printed.

    Returns
    -------
    str
        Markdown tables: aims, ratios, runtimes, stages, the core, servers.
    """
    parts = (
        aim_table("aim", report["aims"]),
        aim_table("ours over the plain way", report["ratios"]),
        _runtimes(report["ms_per_face_on_one_core"]),
        _core(report["ms_per_face_on_one_core"], report["core"]),
        *(
            _stages(picture, by_backend)
            for picture, by_backend in report["ms_by_stage_on_one_core"].items()
        ),
        _servers(report["served"]),
        _starts(report["start_s"]),
        _installed(report["installed"]),
    )
    return "\n".join(parts)


def _runtimes(figures: Mapping[str, Any]) -> str:
    timed = {name: sizes for name, sizes in figures.items() if " by " in name}
    sizes = list(next(iter(timed.values())))
    return table(
        ("ms a face on one core", *sizes),
        [
            (name, *(median(by_size[size]) for size in sizes))
            for name, by_size in timed.items()
        ],
    )


def _core(figures: Mapping[str, Any], core: Mapping[str, Any]) -> str:
    """How near each runtime comes to what the core does in large matrix products."""
    rates = {"openvino_bf16": "bfloat16 gflops"}
    rows = []
    for name, by_size in figures.items():
        network, _, runtime = name.partition(" by ")
        if not runtime:
            continue
        gflops = core[rates.get(runtime, "float32 gflops")]["median"]
        least = figures[network]["operations"] / gflops / 1e6
        taken = min(figure["median"] for figure in by_size.values())
        rows.append((name, f"{least:.2f}", f"{taken:g}", f"{least / taken:.0%}"))
    rates_in_words = ", ".join(
        f"{name.split()[0]} {figure['median']:.0f}" for name, figure in core.items()
    )
    title = f"at the core's rate ({rates_in_words} billion operations a second)"
    return table((title, "least ms", "taken ms", "reached"), rows)


def _stages(picture: str, by_backend: Mapping[str, Any]) -> str:
    backends = list(by_backend)
    stages = list(by_backend[backends[0]])
    return table(
        (f"{picture}: ms on one core", *backends),
        [
            (stage, *(median(by_backend[backend][stage]) for backend in backends))
            for stage in stages
        ],
    )


def _servers(served: Mapping[str, Any]) -> str:
    columns = ("served", "way", "clients", "a second", "answers a turn")
    latencies = tuple(f"p{percent} ms" for percent in PERCENTILES)
    rows = []
    for name, ways in served.items():
        for way, side in ways.items():
            for clients, figures in side["by_clients"].items():
                rows.append(
                    (
                        name,
                        way,
                        clients,
                        median(figures["requests_per_second"]),
                        f"{figures['latencies']['min']:g}",
                        *(_percentile(figures, percent) for percent in PERCENTILES),
                        f"{figures['server_cpu_ms_per_request']['median']:g}",
                        f"{side['memory_mb_per_worker']['median']:g}",
                    )
                )
    return table((*columns, *latencies, "processor ms", "MB a worker"), rows)


def _percentile(figures: Mapping[str, Any], percent: int) -> str:
    """A percentile of the latencies, where enough were taken to tell it."""
    beyond = figures["latencies"]["min"] * (100 - percent) / 100
    if beyond < _LEAST_BEYOND:
        return "–"
    return f"{figures['latency_ms'][f'p{percent}']['median']:g}"


def _starts(starts: Mapping[str, Any]) -> str:
    rows = [(way, median(figure)) for way, figure in starts.items()]
    return table(("start until ready", "s"), rows)


def _installed(installed: Mapping[str, Any]) -> str:
    rows = [(f"all {installed['packages']} packages", f"{installed['total_mb']:g}")]
    rows += [(name, f"{size:g}") for name, size in installed["largest_mb"].items()]
    return table(("installed to serve", "MB"), rows)


if __name__ == "__main__":
    page_command(page, "make bench")()
