"""How the C library keeps memory that was freed: what large pictures took goes back.

Left alone, glibc keeps a heap for nearly every thread, and comes to take even buffers
of 30 MB from them; each then stays as large as the largest pictures that ever met in
it (docs/reliability.md, "Soak"). Giving everything back at once is no better: the
system clears each page that it hands out again, which was a fifth of what a photo of 12
megapixels took. So smaller buffers are kept, and what lies free is given back now and
then.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any, Final

#: Parameters of glibc's `mallopt`, from <malloc.h>.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

#: Buffers of so many bytes go back to the system once they are freed. NumPy asks for
#: huge pages for those, so that taking them anew costs little.
LARGE_BYTES: Final = 4 << 20

#: Only where so many bytes lie free at the end of the heap does glibc give that end
#: back by itself: more than a photo's search frees and the next one's takes.
KEPT_BYTES: Final = 64 << 20

#: Time between two looks for what lies free, seconds.
LOOK_SECONDS: Final = 10.0

#: Heaps of a process. `malloc_trim` gives back the free end of the first alone.
MOST_HEAPS: Final = 1


def give_back_large() -> bool:
    """Let this process and its forks return large buffers to the system at once.

    Call it before there are threads.

    Returns
    -------
    bool
        False where the C library is not glibc, which alone can be told.
    """
    mallopt = _of_glibc("mallopt")
    options = (
        (_M_ARENA_MAX, MOST_HEAPS),
        (_M_MMAP_THRESHOLD, LARGE_BYTES),
        (_M_TRIM_THRESHOLD, KEPT_BYTES),
    )
    return mallopt is not None and all(
        [bool(mallopt(option, value)) for option, value in options]
    )


def give_back_now_and_then(every_s: float = LOOK_SECONDS) -> bool:
    """Return whatever lies free in this process's heap, from now on.

    Threads do not survive a fork, so each worker calls it.

    Parameters
    ----------
    every_s : float, default 10
        Time between two looks, seconds.

    Returns
    -------
    bool
        False where the C library is not glibc, which alone can be told.
    """
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is None:
        return False

    def look() -> None:
        while True:
            time.sleep(every_s)
            malloc_trim(0)

    threading.Thread(target=look, name="heap", daemon=True).start()
    return True


def _of_glibc(name: str) -> Callable[..., Any] | None:
    """A function of the C library, or None where it has none of that name."""
    try:
        function: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    return function
