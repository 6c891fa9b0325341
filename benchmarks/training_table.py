"""The training benchmark's turns as medians, ratios and rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.figures import Aim, Spread, in_words, paired_ratio
from benchmarks.training_turns import Turn

#: Images a second of a later epoch, ours as it ships over plain, of the reference's
#: network.
_AIM: Final = Aim(2.0, is_least=True)
_AIMED: Final = "four_conv, later epoch, as it ships"

#: How many turns reached the AUC before they were given up.
GOT_THERE: Final = "got there"

#: What is reported of every way, and its name in `Trial.run`.
_MEASURES: Final = {
    "images/s, first epoch": "first",
    "images/s, later epoch": "later",
    "s until done": "seconds",
    "epochs": "epochs",
    "AUC": "auc",
    GOT_THERE: "reached",
    "MB at most": "peak_mb",
    "s of all cores, later epoch": "processor_s",
}

#: Whether more of it is better.
_MORE_IS_BETTER: Final = {"first": True, "later": True, "processor_s": False}


def _spreads(turns: Sequence[Turn], measure: str) -> dict[str, Spread]:
    """One measure of every way."""
    return {
        way: Spread(tuple(float(turn[way][measure]) for turn in turns))
        for way in turns[0]
    }


def judged(
    results: Mapping[str, Sequence[Turn]],
    architectures: Sequence[str],
    with_bfloat16: bool,
) -> dict[str, Any]:
    """Return the spread of every measure, and ours over plain.

    Parameters
    ----------
    results : mapping of str to sequence
        The turns of each part.
    architectures : sequence of str
        Networks that were trained.
    with_bfloat16 : bool
        Whether ours ships in bfloat16 here.

    Returns
    -------
    dict
        `figures` by part, measure and way; `ratios`, of which more is better.
    """
    figures = {
        part: {
            label: {way: s.to_dict() for way, s in _spreads(turns, name).items()}
            for label, name in _MEASURES.items()
        }
        for part, turns in results.items()
    }
    ratios: dict[str, Spread] = {}
    for name in architectures:
        ratios |= _ratios(name, results, with_bfloat16)
    return {
        "figures": figures,
        "ratios": {
            name: _AIM.judge(ratio) if name == _AIMED else ratio.to_dict()
            for name, ratio in ratios.items()
        },
    }


def _ratios(
    name: str, results: Mapping[str, Sequence[Turn]], with_bfloat16: bool
) -> dict[str, Spread]:
    """Ours over plain, turn by turn; of times plain over ours: more is better."""
    shipped = "ours, bfloat16" if with_bfloat16 else "ours, float32"
    pairs = {
        "as it ships": (shipped, "plain, float32"),
        "both float32": ("ours, float32", "plain, float32"),
        "both float32, both cached": (
            "ours, float32, cached",
            "plain, float32, cached",
        ),
    }
    if with_bfloat16:
        pairs["both bfloat16"] = ("ours, bfloat16", "plain, bfloat16")
    ratios = {}
    measures = {
        "first epoch": "first",
        "later epoch": "later",
        "processor time of a later epoch": "processor_s",
    }
    for words, measure in measures.items():
        spreads = _spreads(results[f"{name}, speed"], measure)
        for label, pair in pairs.items():
            ours, plain = (spreads[way].turns for way in pair)
            better = (ours, plain) if _MORE_IS_BETTER[measure] else (plain, ours)
            ratios[f"{name}, {words}, {label}"] = paired_ratio(*better)
    for label in ("as it ships", "both float32"):
        races = [
            [turn[way] for way in pairs[label]]
            for turn in results[f"{name}, to an AUC"]
        ]
        # The time of one that was given up says nothing; the table counts those.
        ended = [race for race in races if all(trial["reached"] for trial in race)]
        if ended:
            ratios[f"{name}, time to the AUC, {label}"] = paired_ratio(
                [plain["seconds"] for _, plain in ended],
                [ours["seconds"] for ours, _ in ended],
            )
    return ratios


def rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the table for people.

    Parameters
    ----------
    report : mapping
        With what :func:`judged` returned.

    Returns
    -------
    list of (str, str)
        What, and how much.
    """
    lines = [
        (f"{part}, {way}, {label}", in_words(spread))
        for part, by_measure in report["figures"].items()
        for label, ways in by_measure.items()
        for way, spread in ways.items()
    ]
    return lines + [
        (f"ratio, {name}", in_words(ratio)) for name, ratio in report["ratios"].items()
    ]
