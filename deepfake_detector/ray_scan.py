"""A scan over a Ray cluster, with Ray Data; imported only when it is asked for.

Pictures go out in windows of many chunks, a block for each chunk, so that what a lost
worker had is one chunk, which Ray gives to another. A Ray worker judges in a process of
its own, as a scan of one machine does: a picture that crashes it is found there, and
gets its row, where Ray would try it for ever. Rows are written by the one process that
started the scan, so each is there once.
"""

import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, Self

from deepfake_detector.config import REPOSITORY
from deepfake_detector.exceptions import DeepfakeDetectorError, MissingPackageError
from deepfake_detector.found_picture import FoundPicture
from deepfake_detector.scan_judge import ScanSettings, lost_line
from deepfake_detector.scan_workers import ScanWorkers

#: Pictures of a window: for a few minutes of each core, since all wait at its end.
_WINDOW_PICTURES: Final = 20_000
_PICTURES_A_CORE: Final = 5_000
_MOST_WINDOW_PICTURES: Final = 1_000_000

#: Bytes of a window's pictures that travel with it, out of compressed tars.
_MOST_WINDOW_BYTES: Final = 10**9

#: How often a cluster of this machine alone tries a chunk again that it had no memory
#: for; what is lost for good is judged again picture by picture.
_MEMORY_RETRIES: Final = 1

#: Ray gives its processes 15 s to start, which is not enough on a busy machine.
_STARTS: Final = 3

#: Memory for what travels between the processes of a cluster of this machine alone.
_LOCAL_STORE_BYTES: Final = 512 * 2**20

_Chunk = Sequence[FoundPicture]


class RayScan:
    """Judges chunks of pictures on the cores of a cluster; to be used in a `with`.

    The cluster is that of the variable ``RAY_ADDRESS``; without it, one is started on
    this machine for the time of the scan. Nothing is reported to Ray's makers, and no
    dashboard is started.

    Parameters
    ----------
    settings : ScanSettings
        How pictures are judged.
    model : str
        The model's name, for rows of pictures that nobody could judge.
    workers : int or None
        Most workers; by default one for each core of the cluster.

    Raises
    ------
    MissingPackageError
        If Ray Data is not installed.
    """

    def __init__(
        self, settings: ScanSettings, model: str, workers: int | None = None
    ) -> None:
        # Read when Ray is imported.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_task_oom_retries", str(_MEMORY_RETRIES))
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingPackageError(
                "--engine ray needs Ray Data: pip install 'ray[data]', or leave the "
                "option out to scan with this machine's cores"
            ) from error
        self._ray = ray
        self._settings = settings
        self._model = model
        self._workers = workers
        self._has_answered = False

    def __enter__(self) -> Self:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        self._start()
        context = self._ray.data.DataContext.get_current()
        context.max_errored_blocks = -1
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        return self

    def __exit__(self, *unused: object) -> None:
        self._ray.shutdown()

    def judge(self, chunks: Iterator[_Chunk]) -> Iterator[Sequence[bytes]]:
        """Judge chunks, a window of them at a time.

        Parameters
        ----------
        chunks : iterator of sequence of FoundPicture
            Their files must be there on each machine of the cluster.

        Yields
        ------
        sequence of bytes
            The lines of a chunk, in the order of the chunks.

        Raises
        ------
        DeepfakeDetectorError
            If the workers cannot load the model, or none answers.
        """
        while window := self._next_window(chunks):
            yield from self._judge_window(window)

    def _start(self) -> None:
        for tries_left in reversed(range(_STARTS)):
            try:
                self._ray.init(**self._cluster())
                return
            except Exception as error:  # Ray raises what has no narrower class
                self._ray.shutdown()
                if not tries_left:
                    raise DeepfakeDetectorError(
                        "Ray does not start, or is not reached "
                        f"({type(error).__name__}); check RAY_ADDRESS and Ray's log, "
                        "or leave --engine out to scan with this machine's cores"
                    ) from error

    def _cluster(self) -> dict[str, Any]:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if os.environ.get("RAY_ADDRESS"):
            return quiet
        cores = self._workers or len(os.sched_getaffinity(0))
        return quiet | {
            "address": "local",
            "num_cpus": cores,
            "include_dashboard": False,
            "object_store_memory": _LOCAL_STORE_BYTES,
            "runtime_env": {"env_vars": {"PYTHONPATH": str(REPOSITORY)}},
        }

    def _next_window(self, chunks: Iterator[_Chunk]) -> list[_Chunk]:
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        most = max(_WINDOW_PICTURES, _PICTURES_A_CORE * cores)
        window: list[_Chunk] = []
        pictures = held = 0
        while pictures < min(most, _MOST_WINDOW_PICTURES) and held < _MOST_WINDOW_BYTES:
            chunk = next(chunks, None)
            if chunk is None:
                break
            window.append(chunk)
            pictures += len(chunk)
            held += sum(picture.held_bytes for picture in chunk)
        return window

    def _judge_window(self, window: Sequence[_Chunk]) -> Iterator[Sequence[bytes]]:
        """Give lines as soon as all chunks before them have theirs."""
        judged: dict[int, Sequence[bytes]] = {}
        following = 0
        for number, lines in self._run(dict(enumerate(window))):
            judged[number] = lines
            while following in judged:
                yield judged.pop(following)
                following += 1
        lost = [n for n in range(following, len(window)) if n not in judged]
        if lost and not self._has_answered:
            raise DeepfakeDetectorError(
                "no worker of the Ray cluster answers; check that this program and its "
                "packages are installed on each of its machines, and read Ray's log"
            )
        judged |= self._judge_alone({number: window[number] for number in lost})
        for number in range(following, len(window)):
            yield judged.pop(number)

    def _judge_alone(self, chunks: dict[int, _Chunk]) -> dict[int, Sequence[bytes]]:
        """Judge chunks that took their workers with them, picture by picture."""
        alone = [(n, picture) for n, chunk in chunks.items() for picture in chunk]
        answers: dict[int, Sequence[bytes]] = {}
        if alone:
            singles: dict[int, _Chunk] = {
                key: [picture] for key, (_, picture) in enumerate(alone)
            }
            answers = dict(self._run(singles))
        lines: dict[int, list[bytes]] = {number: [] for number in chunks}
        for key, (number, picture) in enumerate(alone):
            lost = [lost_line(picture, self._settings.form, self._model)]
            lines[number] += answers.get(key, lost)
        return dict(lines)

    def _run(self, chunks: dict[int, _Chunk]) -> Iterator[tuple[int, Sequence[bytes]]]:
        """Judge chunks, each in a block of its own; lost ones are missing."""
        rows = [
            {"number": number, "pictures": pickle.dumps(chunk)}
            for number, chunk in chunks.items()
        ]
        blocks = self._ray.data.from_items(rows, override_num_blocks=len(rows))
        answers = blocks.map(
            _judge_row,
            fn_args=(pickle.dumps((self._settings, self._model, 1)),),
            num_cpus=1,
            concurrency=self._workers,
        )
        for answer in answers.iter_rows():
            if answer["fault"]:
                raise DeepfakeDetectorError(f"a worker cannot begin: {answer['fault']}")
            self._has_answered = True
            yield answer["number"], answer["lines"]


def _judge_row(row: dict[str, Any], how: bytes) -> dict[str, Any]:
    """Judge a chunk in a worker of the cluster."""
    fault = ""
    lines: Sequence[bytes] = []
    # Our own bytes, made by the process that started the scan.
    chunk = pickle.loads(row["pictures"])  # noqa: S301
    try:
        (lines,) = _process(how).judge(iter([chunk]))
    except DeepfakeDetectorError as error:
        fault = str(error)
    return {"number": row["number"], "lines": lines, "fault": fault}


@cache
def _process(how: bytes) -> ScanWorkers:
    """The one process that judges for this worker of the cluster; it ends with it."""
    return ScanWorkers(*pickle.loads(how))  # noqa: S301
