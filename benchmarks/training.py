"""Training, our way against the plain way: `python -m benchmarks.training`.

Every trial is a process of its own (`training_trial`); the ways take turns. Each figure
says which precision it was computed in: `float32` on both sides is the equal one, and
ours "as it ships" computes in what `train.py` picks on this processor.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.figures import machine, print_report, say, versions
from benchmarks.training_pictures import (
    JPEG_QUALITY,
    PICTURE_PX,
    write_forgeries,
    write_portraits,
)
from benchmarks.training_table import judged, rows
from benchmarks.training_trial import BATCH_SIZE, INPUT_ALONE, INPUT_SHAPE, Trial
from benchmarks.training_turns import (
    BFLOAT16,
    equal_ways,
    input_ways,
    processor_ways,
    speed_ways,
    take_turns,
)
from deepfake_detector.precision import computes_in_bfloat16

#: Pictures to learn from, and to validate on, where time to an AUC is measured; and
#: after how many epochs a training that does not get there is given up.
_FORGERIES: Final = 640
_VALIDATION: Final = 200
_GIVEN_UP: Final = 20


@click.command()
@click.option(
    "--images",
    type=click.IntRange(min=BATCH_SIZE),
    default=768,
    show_default=True,
    help="Training pictures.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    help="Epochs of a turn; the last is the later one.",
)
@click.option(
    "--turns",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Turns of each way.",
)
@click.option(
    "--architecture",
    "architectures",
    multiple=True,
    default=("four_conv", "compact_srm"),
    show_default=True,
    help="Network to train; repeat for several.",
)
@click.option(
    "--target-auc",
    type=click.FloatRange(0.5, 1.0),
    default=0.8,
    show_default=True,
    help="Validation AUC that the time is taken to.",
)
def main(
    images: int,
    epochs: int,
    turns: int,
    architectures: Sequence[str],
    target_auc: float,
) -> None:
    """Measure training, our way against the plain way; print JSON."""
    facts = {"machine": machine(), "versions": versions()}
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        say("drawing the pictures")
        portraits, forgeries = Path(folder) / "portraits", Path(folder) / "forgeries"
        write_portraits(portraits, images)
        write_forgeries(forgeries, _FORGERIES, _VALIDATION)
        # Fills the cache for those that find their crops there.
        for root in (portraits, forgeries):
            Trial("ours", INPUT_ALONE, str(root), 1, cached=True).run()
        for name in architectures:
            base = Trial("ours", name, str(portraits), epochs)
            results |= take_turns(f"{name}, speed", speed_ways(base), turns)
        base = Trial("ours", INPUT_ALONE, str(portraits), epochs)
        results |= take_turns(INPUT_ALONE, input_ways(base), turns)
        for name in architectures:
            base = Trial("ours", name, str(forgeries), _GIVEN_UP, target_auc=target_auc)
            results |= take_turns(f"{name}, to an AUC", equal_ways(base), turns)
        base = Trial("ours", architectures[-1], str(portraits), epochs, cached=True)
        results |= take_turns("two processors", processor_ways(base), turns)
    settings = _settings(images, epochs, turns, target_auc)
    judgement = judged(results, architectures, computes_in_bfloat16())
    report = facts | {"settings": settings} | judgement
    print_report(report, rows(report))


def _settings(
    images: int, epochs: int, turns: int, target_auc: float
) -> dict[str, Any]:
    return {
        "images": images,
        "files": f"JPEG of {PICTURE_PX}x{PICTURE_PX} px, quality {JPEG_QUALITY}",
        "input_shape": INPUT_SHAPE,
        "batch_size": BATCH_SIZE,
        "as it ships": BFLOAT16 if computes_in_bfloat16() else "float32",
        "epochs": epochs,
        "turns": turns,
        "target_auc": target_auc,
        "auc of": f"{_VALIDATION} validation pictures of the set `synthetic`, whole, "
        f"after {_FORGERIES} training pictures an epoch",
        "ours": "crops of 128x128 px as bytes on disk, mapped into memory; the first "
        "epoch includes hashing the files and cropping them",
        "ours, cached": "those crops were there before",
        "plain": "every epoch decodes and resizes",
        "plain, cached": "dataset.cache() in memory",
    }


if __name__ == "__main__":
    main()
