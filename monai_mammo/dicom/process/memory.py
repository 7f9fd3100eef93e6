"""Memory that a process has freed and keeps for what comes next."""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_KEPT_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to a gigabyte, and say whether it can.

    By default glibc gives blocks above 32 MB back to the system at once and asks for them anew: a brightness of
    3328 x 2560 pixels is 34 MB. On a virtual machine the fresh pages of one such array were measured to cost up to
    70 ms, as long as decoding it. For processes whose whole life is images; other C libraries go without.

    Returns
    -------
    bool
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; on Windows there is no such handle
        return False
    return all([mallopt(option, _KEPT_BYTES) == 1 for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD)])
