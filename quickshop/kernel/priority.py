"""The priority of a thread of work that nobody waits for."""

from __future__ import annotations

import _thread
import contextlib
import os

# Of the CPU that others want at the same moment a thread gets a tenth of a process's share, so that it never starves.
NICENESS = 10


def give_way() -> None:
    """Have the present thread give way to others. On Linux each thread has a niceness of its own; elsewhere nothing.

    By its number in the system: where `threading` is patched it knows only the main thread's.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, _thread.get_native_id(), NICENESS)
