"""Worker processes of a scan on one machine: each loads the model once and judges.

A worker that is killed or crashes is replaced. The pictures that it had are judged
again, one by one; that which ends a worker twice gets a row that says so.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, Self

from deepfake_detector import exceptions
from deepfake_detector.exceptions import DeepfakeDetectorError
from deepfake_detector.found_picture import FoundPicture
from deepfake_detector.scan_judge import ScanJudge, ScanSettings, lost_line

#: How often a picture may end a worker before it gets a row for that.
_TRIES: Final = 2

#: Chunks that may wait for a slow one before them, for each worker.
_AHEAD: Final = 8

#: Workers that may end before one is ready, in a row: then it is not the pictures.
_FALSE_STARTS: Final = 3

_GRACE_S: Final = 5.0


@dataclass(eq=False)
class _Chunk:
    """Pictures that are handed out together, and their lines as they come."""

    pictures: Sequence[FoundPicture]
    lines: list[bytes | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = [None] * len(self.pictures)


@dataclass(frozen=True, eq=False)
class _Part:
    """What one worker gets: all pictures of a chunk, or one after it ended a worker."""

    chunk: _Chunk
    places: Sequence[int]
    tries: int = 0

    @property
    def pictures(self) -> list[FoundPicture]:
        return [self.chunk.pictures[place] for place in self.places]


class ScanWorkers:
    """A few processes that judge chunks of pictures; to be used in a `with` block.

    Parameters
    ----------
    settings : ScanSettings
        How pictures are judged.
    model : str
        The model's name, for rows of pictures that nobody could judge.
    count : int
        Most processes; fewer are started where there is less to do.
    """

    def __init__(self, settings: ScanSettings, model: str, count: int) -> None:
        self._settings = settings
        self._model = model
        self._count = count
        self._workers: list[_Worker] = []
        self._chunks: deque[_Chunk] = deque()
        self._parts: deque[_Part] = deque()
        self._false_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    @property
    def process_ids(self) -> list[int]:
        """Ids of the processes that run now."""
        return [worker.process.pid or 0 for worker in self._workers]

    def judge(
        self, chunks: Iterator[Sequence[FoundPicture]]
    ) -> Iterator[Sequence[bytes]]:
        """Judge chunks side by side.

        Parameters
        ----------
        chunks : iterator of sequence of FoundPicture
            Taken no further than a few for each process.

        Yields
        ------
        sequence of bytes
            The lines of a chunk, in the order of the chunks.

        Raises
        ------
        DeepfakeDetectorError
            If the processes cannot begin.
        """
        while self._fill(chunks):
            self._hand_out()
            waiting = [worker.pipe for worker in self._workers]
            ready = wait(waiting)
            for worker in [w for w in self._workers if w.pipe in ready]:
                self._receive(worker)
            # What is ready is handed on only after the workers have their next parts.
            self._fill(chunks)
            self._hand_out()
            while self._chunks and None not in self._chunks[0].lines:
                yield [line for line in self._chunks.popleft().lines if line]

    def _fill(self, chunks: Iterator[Sequence[FoundPicture]]) -> bool:
        """Take chunks so that no worker waits for one; False where all is done."""
        while (
            len(self._parts) < self._count
            and len(self._chunks) < _AHEAD * (self._count + 1)
            and (pictures := next(chunks, None)) is not None
        ):
            chunk = _Chunk(pictures)
            self._chunks.append(chunk)
            self._parts.append(_Part(chunk, range(len(pictures))))
        return bool(self._chunks)

    def _hand_out(self) -> None:
        busy = sum(worker.part is not None for worker in self._workers)
        while len(self._workers) < min(self._count, busy + len(self._parts)):
            self._workers.append(_Worker(self._settings))
        for worker in self._workers:
            if worker.is_ready and worker.part is None and self._parts:
                worker.give(self._parts.popleft())

    def _receive(self, worker: "_Worker") -> None:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if kind == "failed":
            error, text = value
            raise getattr(exceptions, error, DeepfakeDetectorError)(text)
        self._false_starts = 0
        worker.is_ready = True
        if kind == "lines" and worker.part is not None:
            for place, line in zip(worker.part.places, value, strict=True):
                worker.part.chunk.lines[place] = line
            # Its lines may wait long for those of a chunk before; its bytes need not.
            if None not in worker.part.chunk.lines:
                worker.part.chunk.pictures = ()
            worker.part = None

    def _bury(self, worker: "_Worker") -> None:
        """Take a dead worker away, and see to the pictures that it had."""
        self._workers.remove(worker)
        worker.stop()
        part = worker.part
        if part is None:
            self._false_starts += not worker.is_ready
            if self._false_starts >= _FALSE_STARTS:
                raise DeepfakeDetectorError(
                    "the processes that judge pictures end before they can begin; try "
                    "`predict` with one picture, or fewer --workers if memory is short"
                )
            return
        if len(part.places) == 1 and part.tries + 1 >= _TRIES:
            (place,) = part.places
            picture = part.chunk.pictures[place]
            part.chunk.lines[place] = lost_line(
                picture, self._settings.form, self._model
            )
            return
        again = [_Part(part.chunk, (place,), part.tries + 1) for place in part.places]
        self._parts.extendleft(reversed(again))


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, settings: ScanSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.part: _Part | None = None
        self.is_ready = False
        self.process = context.Process(
            target=_work, args=(settings, theirs), daemon=True
        )
        # Ctrl-C goes to all processes of a terminal: it is this one that sees to it.
        with _ignored_interrupts():
            self.process.start()
        theirs.close()

    def give(self, part: _Part) -> None:
        self.part = part
        try:
            self.pipe.send(part.pictures)
        except OSError:
            # It is dead, which the next receiving finds out.
            return

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(_GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _work(settings: ScanSettings, pipe: Connection) -> None:
    """What a worker does until the other end of its pipe is closed, or gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        try:
            with _quiet():
                judge = ScanJudge(settings)
        except DeepfakeDetectorError as error:
            pipe.send(("failed", (type(error).__name__, str(error))))
            return
        except OSError as error:
            text = (
                f"the model cannot be loaded ({error.strerror}); free some space and "
                "try again"
            )
            pipe.send(("failed", ("StorageError", text)))
            return
        pipe.send(("ready", None))
        while True:
            pipe.send(("lines", judge.lines(pipe.recv())))
    except (EOFError, OSError):
        return


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a runtime says of itself out of the progress of the scan."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _ignored_interrupts() -> Iterator[None]:
    """What is started inside ignores Ctrl-C from its first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
