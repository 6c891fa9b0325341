"""How the C library keeps memory that was freed: what large pictures took goes back.

Left alone, glibc keeps a heap for nearly every thread, and comes to take even buffers
of 30 MB from them; each then stays as large as the largest pictures that ever met in
it (docs/reliability.md, "Soak").
"""

import ctypes
from typing import Final

#: Parameters of glibc's `mallopt`, from <malloc.h>.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

#: Buffers of so many bytes go back to the system once they are freed: pictures do, and
#: what a portrait takes does not, so that it costs no time.
LARGE_BYTES: Final = 1 << 20

#: Heaps of a process.
MOST_HEAPS: Final = 2


def give_back_large() -> bool:
    """Let this process and its forks return large buffers to the system.

    Call it before there are threads.

    Returns
    -------
    bool
        False where the C library is not glibc, which alone can be told.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    options = ((_M_ARENA_MAX, MOST_HEAPS), (_M_MMAP_THRESHOLD, LARGE_BYTES))
    return all([bool(mallopt(option, value)) for option, value in options])
