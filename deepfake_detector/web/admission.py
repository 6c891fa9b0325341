"""How many requests with pictures a process takes on; more are told to come back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock, Semaphore
from typing import Final, TypeVar, cast

from flask import Flask, current_app, g, request

from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import BusyError
from deepfake_detector.web.deadlines import Deadline
from deepfake_detector.web.judging_endpoints import asks_for_judging
from deepfake_detector.web.prometheus import current_metrics
from deepfake_detector.wording import words

#: Largest requests that the bodies in hand may weigh together. Bodies wait in memory,
#: and there is room for many small ones or for few large ones.
LARGE_REQUESTS: Final = 4

#: When a request that finds the service busy may come back, in seconds.
RETRY_AFTER_S: Final = 5

_EXTENSION_KEY: Final = "deepfake_detector.admission"


_Result = TypeVar("_Result")


class Admission:
    """Places for requests, and turns at judging; safe to use from many threads.

    Judging has threads of its own: each thread that judges keeps what its runtime needs
    and a face detector, tens of megabytes, and a server has many more threads than
    turns.

    It may be made before a process forks: each child then has places and threads of its
    own, since nobody holds one before requests come.

    Parameters
    ----------
    judging_at_once : int
        Requests that may judge at the same time.
    waiting_at_most : int
        Requests that may wait for a turn, or be read in, beside those.
    bytes_at_most : int
        What the bodies of all of them may weigh together.
    """

    def __init__(
        self, judging_at_once: int, waiting_at_most: int, bytes_at_most: int
    ) -> None:
        self._lock = Lock()
        self._places_left = judging_at_once + waiting_at_most
        self._bytes_left = bytes_at_most
        self._turns = Semaphore(judging_at_once)
        # One more than turns, so that a health check never waits for one.
        self._threads = ThreadPoolExecutor(judging_at_once + 1, "judging")

    def take_place(self, body_bytes: int) -> None:
        """Take a request in, or refuse it at once.

        Parameters
        ----------
        body_bytes : int
            What its body weighs.

        Raises
        ------
        BusyError
            If all places are taken, or what is in hand weighs too much already.
        """
        with self._lock:
            if not self._places_left or body_bytes > self._bytes_left:
                raise _busy()
            self._places_left -= 1
            self._bytes_left -= body_bytes

    def leave_place(self, body_bytes: int) -> None:
        """Give back a place that was taken.

        Parameters
        ----------
        body_bytes : int
            As it was given to :meth:`take_place`.
        """
        with self._lock:
            self._places_left += 1
            self._bytes_left += body_bytes

    def judge(self, work: Callable[[], _Result], deadline: Deadline) -> _Result:
        """Wait for the request's turn, and do its work.

        Parameters
        ----------
        work : callable
            Judges the pictures.
        deadline : Deadline
            How long to wait for the turn at most.

        Returns
        -------
        object
            What `work` returns.

        Raises
        ------
        BusyError
            If it comes to no turn in its time.
        """
        if not self._turns.acquire(timeout=deadline.left_s()):
            raise _busy()
        try:
            return self.on_a_judging_thread(work)
        finally:
            self._turns.release()

    def on_a_judging_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do some work of the model, without a turn.

        Parameters
        ----------
        work : callable
            Short; health checks wait for each other here.

        Returns
        -------
        object
            What `work` returns.

        Raises
        ------
        BusyError
            If the process is ending.
        """
        try:
            judging = self._threads.submit(copy_context().run, work)
        except RuntimeError:  # the process is ending, and takes on no more
            raise _busy() from None
        return judging.result()


def register(app: Flask, config: ServeConfig) -> None:
    """Take in requests with pictures only while there are places.

    Parameters
    ----------
    app : Flask
        The application.
    config : ServeConfig
        Says how many are judged at once and may wait.
    """
    app.extensions[_EXTENSION_KEY] = Admission(
        config.judging_at_once,
        config.waiting_at_most,
        LARGE_REQUESTS * app.config["MAX_CONTENT_LENGTH"],
    )
    app.before_request(_take_in)
    app.teardown_request(_let_go)


def current_admission() -> Admission:
    """Return the places and turns of the application that answers this request.

    Returns
    -------
    Admission
        The one that :func:`register` made.
    """
    return cast(Admission, current_app.extensions[_EXTENSION_KEY])


def _take_in() -> None:
    if asks_for_judging():
        most = request.max_content_length or 0
        announced = request.content_length
        # What is larger is refused before it is read, and so is not kept.
        body_bytes = most if announced is None else min(announced, most)
        current_admission().take_place(body_bytes)
        g.place_bytes = body_bytes
        current_metrics().in_hand.inc()


def _let_go(_: BaseException | None) -> None:
    body_bytes = g.pop("place_bytes", None)
    if body_bytes is not None:
        current_metrics().in_hand.dec()
        current_admission().leave_place(body_bytes)


def _busy() -> BusyError:
    return BusyError(
        words(
            "The service is busy: it has as many pictures in hand as it can take. Try "
            "again in {seconds} seconds.",
            seconds=RETRY_AFTER_S,
        ),
        RETRY_AFTER_S,
    )
