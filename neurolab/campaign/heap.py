"""Memory that nothing uses any more, back to the system."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def give_back() -> None:
    """Give it back: Python and the C library keep what was freed, and what comes next would be laid on top of it."""
    gc.collect()
    with suppress(AttributeError, OSError):  # another C library than glibc gives back by itself, or never
        ctypes.CDLL(None).malloc_trim(0)
