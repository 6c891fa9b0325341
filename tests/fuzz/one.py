"""Fuzz one boundary, or try one input again.

``python -m tests.fuzz.one decoder -max_total_time=60`` or
``python -m tests.fuzz.one decoder out/fuzz/crashes/decoder-crash-...``; what stands
behind the name is libFuzzer's.
"""

import faulthandler
import importlib
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

from tests.fuzz.targets import (
    NEEDS_ATHERIS,
    TARGETS,
    WATCHED,
    corpus_folder,
    crash_prefix,
)


def main(target: str, options: list[str]) -> None:
    """Import the boundary with its branches watched, plant the seeds and begin."""
    try:
        import atheris
    except ImportError:
        sys.exit(NEEDS_ATHERIS)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with atheris.instrument_imports(include=WATCHED):
        module = importlib.import_module(f"tests.fuzz.{target}")
    # Asked by the runner before it ends a late process: where does it stand?
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    logging.disable(logging.WARNING)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    inputs = [option for option in options if not option.startswith("-")]
    folder = corpus_folder(target)
    if not inputs:
        folder.mkdir(parents=True, exist_ok=True)
        Path(crash_prefix(target)).parent.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(module.seeds()):
            (folder / f"seed-{number:04}").write_bytes(seed)
        options = [*options, str(folder)]
    limits = [
        f"-max_len={module.MAX_LEN}",
        f"-artifact_prefix={crash_prefix(target)}",
        "-timeout=20",
        "-handle_usr2=0",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, *options], module.check)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"expected one of {', '.join(TARGETS)}: python -m tests.fuzz.one NAME")
    main(sys.argv[1], sys.argv[2:])
