"""Fuzz every boundary for a while: ``python -m tests.fuzz.run --minutes 10``.

Prints one JSON object and ends with 1 where anything was raised that should not be,
took 20 seconds for one input, or went over 2 GB. Such inputs stay in out/fuzz/crashes/.
"""

import argparse
import importlib.util
import json
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.fuzz.targets import NEEDS_ATHERIS, REPOSITORY, TARGETS, corpus_folder

#: A process that is this much late is ended, in seconds: starting takes some, and much
#: more on a machine that has other work. Late is a finding, with where it stood.
GRACE_S: Final = 300

#: How long it has to say where it stands, in seconds.
LAST_WORDS_S: Final = 10

_COUNTERS: Final = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")
_PEAK: Final = re.compile(r"stat::peak_rss_mb:\s+(\d+)")
_SAVED: Final = re.compile(r"Test unit written to (\S+)")
_RAISED: Final = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Warning)\b.*$", re.M)


def main() -> int:
    """Read the command line, fuzz, print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all together")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--seed", type=int, default=0, help="0: another each time")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.exit(NEEDS_ATHERIS)
    targets = options.target or list(TARGETS)
    seconds = max(1, int(60 * options.minutes / len(targets)))
    found = {name: fuzz(name, seconds, options.seed) for name in targets}
    crashes = sum(len(of["crashes"]) for of in found.values())
    report = {"minutes": options.minutes, "crashes": crashes, "targets": found}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 1 if crashes else 0


def fuzz(target: str, seconds: int, seed: int) -> dict[str, Any]:
    """Fuzz one boundary in a process of its own, and read what it printed."""
    command = [sys.executable, "-m", "tests.fuzz.one", target]
    command += [f"-max_total_time={seconds}", f"-seed={seed}"]
    start, used = time.monotonic(), _processor_seconds()
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        output = _output(process, seconds + GRACE_S)
    code, text = process.returncode, output.decode("utf-8", "replace")
    return {
        "seconds": round(time.monotonic() - start, 1),
        "processor_seconds": round(_processor_seconds() - used, 1),
        **counters(text),
        "kept": sum(1 for _ in corpus_folder(target).glob("*")),
        "crashes": crashes(target, code, text),
    }


def _output(process: "subprocess.Popen[bytes]", seconds: float) -> bytes:
    """All that a process prints; a late one is asked where it stands, and ended."""
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGUSR2)
    try:
        return process.communicate(timeout=LAST_WORDS_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def _processor_seconds() -> float:
    """Of all processes that have ended: few within many seconds is a wait."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def counters(text: str) -> dict[str, int]:
    """Executions, branches and features reached, and most memory, of the last line."""
    lines = _COUNTERS.findall(text)
    executions, coverage, features, _ = map(int, lines[-1] if lines else "0000")
    peak = _PEAK.search(text)
    return {
        "executions": executions,
        "coverage": coverage,
        "features": features,
        "peak_rss_mb": int(peak[1]) if peak else 0,
    }


def crashes(target: str, code: int, text: str) -> list[dict[str, str]]:
    """What broke, and the line that breaks it again; empty where nothing did."""
    if code == 0:
        return []
    raised = _RAISED.search(text)
    why = raised[0] if raised else "\n".join(text.splitlines()[-30:])
    saved = _SAVED.search(text)
    path = saved[1] if saved else ""
    if path:
        path = str(Path(path).relative_to(REPOSITORY))
    again = f"python -m tests.fuzz.one {target} {path}".strip()
    return [{"why": why[-3000:], "again": again}]


if __name__ == "__main__":
    sys.exit(main())
