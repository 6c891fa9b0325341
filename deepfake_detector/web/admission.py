"""How many requests with pictures a process takes on; more are told to come back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Semaphore
from typing import Final, TypeVar, cast

from flask import Flask, current_app, g

from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import BusyError
from deepfake_detector.web.deadlines import Deadline
from deepfake_detector.web.judging_endpoints import asks_for_judging
from deepfake_detector.web.prometheus import current_metrics
from deepfake_detector.wording import words

#: When a request that finds the service busy may come back, in seconds.
RETRY_AFTER_S: Final = 5

_EXTENSION_KEY: Final = "deepfake_detector.admission"


_Result = TypeVar("_Result")


class Admission:
    """Places for requests, and turns at judging; safe to use from many threads.

    Judging has threads of its own: each thread that judges keeps an interpreter and a
    face detector, tens of megabytes, and a server has many more threads than turns.

    It may be made before a process forks: each child then has places and threads of its
    own, since nobody holds one before requests come.

    Parameters
    ----------
    judging_at_once : int
        Requests that may judge at the same time.
    waiting_at_most : int
        Requests that may wait for a turn, or be read in, beside those.
    """

    def __init__(self, judging_at_once: int, waiting_at_most: int) -> None:
        self._places = Semaphore(judging_at_once + waiting_at_most)
        self._turns = Semaphore(judging_at_once)
        # One more than turns, so that a health check never waits for one.
        self._threads = ThreadPoolExecutor(judging_at_once + 1, "judging")

    def take_place(self) -> None:
        """Take a request in, or refuse it at once.

        Raises
        ------
        BusyError
            If all places are taken.
        """
        if not self._places.acquire(blocking=False):
            raise _busy()

    def leave_place(self) -> None:
        """Give back a place that was taken."""
        self._places.release()

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
        """
        return self._threads.submit(copy_context().run, work).result()


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
        config.judging_at_once, config.waiting_at_most
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
        current_admission().take_place()
        g.has_place = True
        current_metrics().in_hand.inc()


def _let_go(_: BaseException | None) -> None:
    if g.pop("has_place", False):
        current_metrics().in_hand.dec()
        current_admission().leave_place()


def _busy() -> BusyError:
    return BusyError(
        words(
            "The service is busy: it has as many pictures in hand as it can take. Try "
            "again in {seconds} seconds.",
            seconds=RETRY_AFTER_S,
        ),
        RETRY_AFTER_S,
    )
