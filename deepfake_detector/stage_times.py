"""How long each stage of an answer took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: The stages from a picture to its verdict, in their order.
STAGES: Final = ("decode", "faces", "model")


class StageTimes:
    """Wall-clock seconds by stage; those of several pictures add up.

    Attributes
    ----------
    seconds : dict of str to float
        By name of the stage; stages that never began are missing.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of what happens inside, also where it fails.

        Parameters
        ----------
        name : str
            One of `STAGES`.

        Yields
        ------
        None
            Nothing.
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
