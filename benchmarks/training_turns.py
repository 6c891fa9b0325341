"""The ways that the training benchmark compares, and the turns they take."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from benchmarks.figures import say
from benchmarks.training_trial import Trial
from deepfake_detector.precision import computes_in_bfloat16

BFLOAT16: Final = "mixed_bfloat16"

#: What one turn of a part gives, by way: `Trial.run`.
Turn = Mapping[str, Mapping[str, Any]]

#: What is trained, at once where it is several, to get one way's figures.
Ways = Mapping[str, Sequence[Trial]]


def equal_ways(ours: Trial) -> Ways:
    """Return plain and ours in float32, and ours as it ships where that differs.

    Parameters
    ----------
    ours : Trial
        Our way in float32.

    Returns
    -------
    mapping
        What to train, by name.
    """
    plain = replace(ours, way="plain")
    ways = {"plain, float32": [plain], "ours, float32": [ours]}
    if computes_in_bfloat16():
        ways["ours, bfloat16"] = [replace(ours, precision=BFLOAT16)]
    return ways


def speed_ways(ours: Trial) -> Ways:
    """Return those, both ways in bfloat16, and both with nothing left to decode.

    Parameters
    ----------
    ours : Trial
        Our way in float32.

    Returns
    -------
    mapping
        What to train, by name.
    """
    plain = replace(ours, way="plain")
    ways = dict(equal_ways(ours))
    if computes_in_bfloat16():
        ways["plain, bfloat16"] = [replace(plain, precision=BFLOAT16)]
    return ways | {
        "plain, float32, cached": [replace(plain, cached=True)],
        "ours, float32, cached": [replace(ours, cached=True)],
    }


def input_ways(ours: Trial) -> Ways:
    """Return the pipelines: decoded anew or kept, and augmented.

    Parameters
    ----------
    ours : Trial
        Our way in float32.

    Returns
    -------
    mapping
        What to train, by name.
    """
    plain = replace(ours, way="plain")
    return {
        "plain": [plain],
        "plain, cached": [replace(plain, cached=True)],
        "ours": [ours],
        "ours, cached": [replace(ours, cached=True)],
        "ours, cached, robust": [replace(ours, cached=True, augmentation="robust")],
    }


def processor_ways(ours: Trial) -> Ways:
    """Return one process on all cores, two devices in it, and two processes at once.

    Parameters
    ----------
    ours : Trial
        Our way in float32.

    Returns
    -------
    mapping
        What to train, by name.
    """
    return {
        "one process": [ours],
        "one process, mirrored on 2 devices": [replace(ours, devices=2)],
        "two trainings at once, a core each": [replace(ours, core=c) for c in (0, 1)],
    }


def _at_once(trials: Sequence[Trial]) -> dict[str, Any]:
    """Train together; rates and memory of several are sums."""
    with ThreadPoolExecutor(len(trials)) as pool:
        taken = list(pool.map(Trial.run, trials))
    sums = ("first", "later", "peak_mb", "processor_s")
    return taken[0] | {name: sum(t[name] for t in taken) for name in sums}


def take_turns(part: str, ways: Ways, turns: int) -> dict[str, list[Turn]]:
    """Train each way in turns.

    Parameters
    ----------
    part : str
        What is measured.
    ways : mapping
        What to train, by name.
    turns : int
        How often; each with weights and an order of its own.

    Returns
    -------
    dict of str to list
        The turns, under the part's name.
    """
    taken: list[Turn] = []
    for turn in range(turns):
        results = {}
        for way, trials in ways.items():
            say(f"{part}, turn {turn + 1} of {turns}: {way}")
            results[way] = _at_once([replace(trial, seed=turn) for trial in trials])
        taken.append(results)
    return {part: taken}
