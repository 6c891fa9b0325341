"""One process at a time: a lock file that the system frees when its holder dies."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

logger = logging.getLogger(__name__)


@contextmanager
def only_process(lock_file: Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock for the length of a `with` block, waiting for it unless told not to.

    A killed holder frees the lock, so nothing is ever left to clear by hand.

    Parameters
    ----------
    lock_file : Path
        File to lock; it is made here and removed when the block ends. Its folder must
        exist.
    wait : bool, default True
        Whether to wait while another process holds the lock.

    Yields
    ------
    None
        Control, once no other process holds the lock.

    Raises
    ------
    BlockingIOError
        If another process holds the lock, and this one is not to wait.
    """
    while True:
        with lock_file.open("ab") as lock:
            _take(lock, lock_file.name, wait)
            # The last holder removes the file, so this may be a lock on a removed one.
            if not _is_at(lock_file, lock):
                continue
            try:
                yield
            finally:
                lock_file.unlink(missing_ok=True)
            return


def _take(lock: IO[bytes], name: str, wait: bool) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            raise
        logger.info("waiting for another process that holds %s", name)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
