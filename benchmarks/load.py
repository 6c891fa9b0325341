"""The server as it ships under many clients at once: `python -m benchmarks.load`.

Everything is as in gunicorn.conf.py and at its default but the limit for each address,
which one computer would hit at once. Options vary the rest, to choose by measurement.
"""

import dataclasses
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.crowd import Crowd, Outcome
from benchmarks.figures import machine, print_report, say, versions
from benchmarks.gunicorn_server import end_on_sigterm, serving
from benchmarks.load_mix import picture_mix
from benchmarks.server_watch import Checkup, Sample, ServerWatch
from benchmarks.ways import our_way
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import ENV_PREFIX, ServeConfig
from deepfake_detector.exceptions import ConfigError

#: Answers that say: not now.
REFUSALS: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

_NO_LIMIT: Final = "1000000 per second"
_REPORT_EVERY_S: Final = 10.0
#: For the last answers to be read and connections to be closed, seconds.
_SETTLE_S: Final = 2.0
_PERCENTILES: Final = (50, 95, 99)


@dataclass(frozen=True)
class Load:
    """What is put on the server.

    Parameters
    ----------
    clients : int
        How many at once.
    seconds : float
        How long.
    obeys : bool
        Whether a refused client waits as long as it is told to.
    path : str
        Where they send to: the API's path, or / for the page.
    settings : mapping of str to str
        Settings of the server, by the name of their variable.
    """

    clients: int = 64
    seconds: float = 60.0
    obeys: bool = False
    path: str = "/api/v1/predict"
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)


@click.command()
@click.option("--clients", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), default=60, show_default=True)
@click.option(
    "--obeys/--hammers",
    default=False,
    show_default=True,
    help="Whether a refused client waits as long as Retry-After says.",
)
@click.option("--page", is_flag=True, help="Send to the page instead of the API.")
@click.option("--workers", type=int, help="DEEPFAKE_WORKERS")
@click.option("--threads", type=int, help="DEEPFAKE_THREADS")
@click.option("--judging", type=int, help="DEEPFAKE_JUDGING_AT_ONCE")
@click.option("--waiting", type=int, help="DEEPFAKE_WAITING_AT_MOST")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting, such as DEEPFAKE_STABILITY=0; may be repeated.",
)
def main(**options: Any) -> None:
    """Put the shipped server under load; print JSON."""
    end_on_sigterm()
    numbers = {
        "WORKERS": options["workers"],
        "THREADS": options["threads"],
        "JUDGING_AT_ONCE": options["judging"],
        "WAITING_AT_MOST": options["waiting"],
    }
    with one_line_errors():
        settings = {ENV_PREFIX + k: str(v) for k, v in numbers.items() if v is not None}
        settings |= dict(_split(other) for other in options["others"])
        load = Load(
            options["clients"],
            options["seconds"],
            options["obeys"],
            "/" if options["page"] else Load.path,
            settings,
        )
        report = measure(load)
    about = {"machine": machine(), "versions": versions()}
    print_report(about | report, _rows(report))


def measure(load: Load) -> dict[str, Any]:
    """Start the server, let the clients loose, and add up what they saw.

    Parameters
    ----------
    load : Load
        What is put on it.

    Returns
    -------
    dict
        JSON-ready: settings, statuses, latencies, memory, open files, uploads left.

    Raises
    ------
    ConfigError
        If a setting has a bad value.
    RuntimeError
        If the server does not come up.
    """
    settings = {f"{ENV_PREFIX}RATE_LIMIT": _NO_LIMIT, **load.settings}
    config = ServeConfig.from_env(os.environ | settings)
    say("drawing pictures")
    mix = picture_mix()
    with tempfile.TemporaryDirectory() as folder:
        uploads = Path(folder) / "uploads"
        way = our_way(config.model_dir, uploads)
        command = dataclasses.replace(
            way.command, environment={**settings, **way.command.environment}
        )
        with serving(command) as server:
            say(f"{load.clients} clients for {load.seconds:g} s")
            with ServerWatch(server) as watch:
                outcomes = Crowd(
                    server.port, load.path, mix, load.clients, load.seconds, load.obeys
                ).run()
                time.sleep(_SETTLE_S)
            left = len(list(uploads.iterdir()))
    return {
        "settings": _settings(load, config),
        **_answers(outcomes),
        "health": _health(watch.checkups),
        "memory_mb": _memory(watch.samples),
        "open_files": _open_files(watch.samples),
        "left_in_uploads": left,
    }


def _split(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    known = {
        ENV_PREFIX + field.name.upper() for field in dataclasses.fields(ServeConfig)
    }
    if not equals or name not in known:
        raise ConfigError(
            f"--set: expected NAME=VALUE with a variable of docs/settings.md, such as "
            f"DEEPFAKE_STABILITY=0, got {setting!r}"
        )
    return name, value


def _settings(load: Load, config: ServeConfig) -> dict[str, Any]:
    return {
        "clients": load.clients,
        "seconds": load.seconds,
        "obeys": load.obeys,
        "path": load.path,
        "workers": config.workers,
        "threads": config.threads,
        "judging_at_once": config.judging_at_once,
        "waiting_at_most": config.waiting_at_most,
        "request_seconds": config.request_seconds,
        "others": dict(load.settings),
    }


def _answers(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    accepted = [o for o in outcomes if o.status and o.status not in REFUSALS]
    refused = [o for o in outcomes if o.status in REFUSALS]
    names = sorted({outcome.name for outcome in accepted})
    return {
        "statuses": dict(sorted(Counter(str(o.status) for o in outcomes).items())),
        "connection_errors": dict(Counter(o.error for o in outcomes if o.error)),
        "reconnected": sum(outcome.reconnected for outcome in outcomes),
        "refused_without_retry_after": sum(o.retry_after_s is None for o in refused),
        "accepted": _speed(accepted, outcomes),
        "accepted_by_picture": {
            name: _latency([o.milliseconds for o in accepted if o.name == name])
            for name in names
        },
        "refused": _speed(refused, outcomes),
    }


def _speed(some: Sequence[Outcome], every: Sequence[Outcome]) -> dict[str, Any]:
    """How many a second, and how long they took."""
    begin = min(outcome.started for outcome in every)
    end = max(outcome.ended for outcome in every)
    return {
        "per_second": round(len(some) / (end - begin), 2),
        **_latency([outcome.milliseconds for outcome in some]),
    }


def _latency(milliseconds: Sequence[float]) -> dict[str, Any]:
    if not milliseconds:
        return {"count": 0}
    # One value has no percentiles of its own.
    values = milliseconds if len(milliseconds) > 1 else [*milliseconds] * 2
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    figures = {f"p{p}_ms": round(cuts[p - 1], 1) for p in _PERCENTILES}
    most = round(max(milliseconds), 1)
    return {"count": len(milliseconds), **figures, "max_ms": most}


def _health(checkups: Sequence[Checkup]) -> dict[str, Any]:
    paths = sorted({checkup.path for checkup in checkups})
    return {
        path: {
            "not_200": sum(
                c.status != HTTPStatus.OK for c in checkups if c.path == path
            ),
            **_latency([c.milliseconds for c in checkups if c.path == path]),
        }
        for path in paths
    }


def _memory(samples: Sequence[Sample]) -> dict[str, Any]:
    due = 0.0
    shown = []
    for sample in samples:
        if sample.at_s >= due:
            shown.append(_weight(sample))
            due += _REPORT_EVERY_S
    third = len(samples) // 3
    return {
        "start": shown[0],
        "every_10_s": shown[1:],
        "end": _weight(samples[-1]),
        "most_pss": round(max(sample.pss_mb for sample in samples), 1),
        "middle_third_pss": _median_pss(samples[third : 2 * third]),
        "last_third_pss": _median_pss(samples[2 * third :]),
    }


def _weight(sample: Sample) -> dict[str, float]:
    return {
        "at_s": round(sample.at_s, 1),
        "pss": round(sample.pss_mb, 1),
        "rss_of_workers": round(sample.rss_mb, 1),
    }


def _median_pss(samples: Sequence[Sample]) -> float | None:
    """The median of a third; nothing where the run was too short to have thirds."""
    if not samples:
        return None
    return round(statistics.median(sample.pss_mb for sample in samples), 1)


def _open_files(samples: Sequence[Sample]) -> dict[str, int]:
    return {
        "start": samples[0].files,
        "most": max(sample.files for sample in samples),
        "end": samples[-1].files,
    }


def _rows(report: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The table for people."""
    memory, files = report["memory_mb"], report["open_files"]
    rows = [("statuses", str(report["statuses"]))]
    rows += [(what, _in_words(report[what])) for what in ("accepted", "refused")]
    rows += [
        (f"accepted, {name}", _in_words(figures))
        for name, figures in report["accepted_by_picture"].items()
    ]
    rows += [(path, _in_words(figures)) for path, figures in report["health"].items()]
    return [
        *rows,
        ("connection errors", str(report["connection_errors"] or "none")),
        (
            "memory, PSS",
            f"{memory['start']['pss']:g} MB at the start, at most "
            f"{memory['most_pss']:g}, {memory['end']['pss']:g} at the end",
        ),
        (
            "open files",
            f"{files['start']} at the start, at most {files['most']}, "
            f"{files['end']} at the end",
        ),
        ("left in uploads", str(report["left_in_uploads"])),
    ]


def _in_words(figures: Mapping[str, Any]) -> str:
    if not figures["count"]:
        return "none"
    rate = f"{figures['per_second']:g}/s, " if "per_second" in figures else ""
    cuts = ", ".join(f"p{p} {figures[f'p{p}_ms']:g}" for p in _PERCENTILES)
    return f"{figures['count']} ({rate}{cuts}, max {figures['max_ms']:g} ms)"


if __name__ == "__main__":
    main()
