"""What every benchmark reports: a median with its spread, aims, and the machine."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

from deepfake_detector.precision import bfloat16_instructions

_PACKAGES: Final = (
    "ai-edge-litert",
    "dlib-bin",
    "flask",
    "gunicorn",
    "keras",
    "numpy",
    "onnxruntime",
    "openvino",
    "pillow",
    "tensorflow",
)

_DIGITS: Final = 4


@dataclass(frozen=True)
class Spread:
    """One figure of several turns.

    Parameters
    ----------
    turns : tuple of float
        The figure of each turn, in the order they were taken; at least one.
    """

    turns: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.turns)

    def to_dict(self) -> dict[str, Any]:
        """Return median, minimum, maximum and all turns, JSON-ready."""
        return {
            "median": _rounded(self.median),
            "min": _rounded(min(self.turns)),
            "max": _rounded(max(self.turns)),
            "turns": [_rounded(value) for value in self.turns],
        }


def paired_ratio(ours: Sequence[float], plain: Sequence[float]) -> Spread:
    """Divide turn by turn, so that what slows a machine for a while slows both.

    Parameters
    ----------
    ours, plain : sequence of float
        The figure of each turn; equally many, each pair taken one after the other.

    Returns
    -------
    Spread
        Ours over plain.
    """
    return Spread(tuple(a / b for a, b in zip(ours, plain, strict=True)))


@dataclass(frozen=True)
class Aim:
    """What a ratio of ours over plain is to be; judged by its median.

    Parameters
    ----------
    bound : float
        The ratio to reach.
    is_least : bool
        Whether more is better; if not, the bound is the most that it may be.
    """

    bound: float
    is_least: bool

    def judge(self, ratio: Spread) -> dict[str, Any]:
        """Hold a ratio against the aim.

        Parameters
        ----------
        ratio : Spread
            Ours over plain.

        Returns
        -------
        dict
            The ratio's figures, the aim, and whether it holds.
        """
        reached = ratio.median
        holds = reached >= self.bound if self.is_least else reached <= self.bound
        return ratio.to_dict() | {"aim": str(self), "held": holds}

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.bound:g}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, memory, system, load.

    Returns
    -------
    dict
        JSON-ready facts.
    """
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "bfloat16": bfloat16_instructions(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": _rounded(
            int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1e6
        ),
        "system": platform.system(),
        "load_before": [_rounded(value) for value in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Return the version of Python and of each package that takes part.

    Returns
    -------
    dict of str to str
        Version by name.
    """
    return {"python": platform.python_version()} | {p: version(p) for p in _PACKAGES}


def say(text: str) -> None:
    """Tell people how far it is; stdout is kept for the JSON.

    Parameters
    ----------
    text : str
        One line.
    """
    click.echo(text, err=True)


def print_report(report: Mapping[str, Any], rows: Sequence[tuple[str, str]]) -> None:
    """Print a table for people on stderr, then the report as JSON on stdout.

    Parameters
    ----------
    report : mapping
        JSON-ready.
    rows : sequence of (str, str)
        The table's lines: what, and how much.
    """
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
    click.echo(json.dumps(report, indent=2))


def in_words(figure: Mapping[str, Any]) -> str:
    """Say a spread, and the aim where it was judged, in a line.

    Parameters
    ----------
    figure : mapping
        What :meth:`Spread.to_dict` or :meth:`Aim.judge` returned.

    Returns
    -------
    str
        Median, and from where to where it goes.
    """
    words = f"{figure['median']:g} ({figure['min']:g} to {figure['max']:g})"
    if "aim" in figure:
        words += f", aim {figure['aim']}: {'held' if figure['held'] else 'MISSED'}"
    return words


def _field(file: str, name: str) -> str:
    """The first value of that name in a file of ``name : value`` lines."""
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _rounded(value: float) -> float:
    """A few digits that mean something."""
    return float(f"{value:.{_DIGITS}g}")
