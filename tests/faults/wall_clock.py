"""A wall clock that a test sets for other processes, while they run.

Each of their interpreters reads `sitecustomize.py` first, which puts another
`time.time` in its place; clocks that only run forward are left alone, as setting the
clock does.
"""

from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.config import REPOSITORY

_SITE = """
import os, time

_real, _real_ns, _path = time.time, time.time_ns, {path!r}


def _ahead_s():
    with open(_path) as file:
        return float(file.read())


time.time = lambda: _real() + _ahead_s()
time.time_ns = lambda: _real_ns() + int(1e9 * _ahead_s())
"""


@dataclass(frozen=True)
class WallClock:
    """A clock that is right until it is set.

    Parameters
    ----------
    folder : Path
        To be made; what processes read.
    """

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.jump(0.0)
        site = _SITE.format(path=str(self._file))
        (self.folder / "sitecustomize.py").write_text(site, encoding="utf-8")

    @property
    def _file(self) -> Path:
        return self.folder / "ahead"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a process that lives by this clock."""
        return {"PYTHONPATH": f"{self.folder}:{REPOSITORY}"}

    def jump(self, seconds: float) -> None:
        """Set it so many seconds ahead of the true time, all at once."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds), encoding="utf-8")
        new.replace(self._file)
