"""Memory that a reader and its reading process share, for the cells of one image at a time."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
from typing import Self

import numpy as np

__all__ = ["SharedCells"]


class SharedCells:
    """A block of memory that two processes see; what the one decodes into it, the other finds there.

    Its pages stay with both from one image to the next, so that handing over an image costs nothing. The block
    has no name, takes memory only where it was written to, and is gone with the last of the two processes.

    Parameters
    ----------
    descriptor : int
        Number of the open file that stands for the block; closed by `close`.
    n_bytes : int
        Size of the block.
    """

    def __init__(self, descriptor: int, n_bytes: int) -> None:
        self.descriptor, self.n_bytes = descriptor, n_bytes
        self._map: mmap.mmap | None = None

    @classmethod
    def create(cls, n_bytes: int) -> Self | None:
        """New block, or `None` where the system has none of this sort (Linux has).

        It is sealed: nobody who holds it can cut it short, which would end the other process.
        """
        try:
            import fcntl

            descriptor = os.memfd_create("monai_mammo-cells", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except (ImportError, AttributeError, OSError):
            return None
        try:
            os.ftruncate(descriptor, n_bytes)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        except (AttributeError, OSError):
            os.close(descriptor)
            return None
        return cls(descriptor, n_bytes)

    def array(self, shape: tuple[int, int], kind: np.dtype) -> np.ndarray:
        """The start of the block as an array of cells, with what lies there.

        Raises
        ------
        ValueError
            The block is smaller.
        MemoryError
            The process may not have so much.
        """
        count = math.prod(shape)
        size = count * kind.itemsize
        if size > self.n_bytes:
            raise ValueError(f"{size} bytes do not fit a block of {self.n_bytes}")
        if self._map is None or len(self._map) < size:  # arrays of the smaller mapping keep it as long as they live
            try:
                self._map = mmap.mmap(self.descriptor, size)
            except OSError:
                raise MemoryError from None
        return np.frombuffer(self._map, dtype=kind, count=count).reshape(shape)

    def put(self, cells: np.ndarray) -> bool:
        """Make an array the content of the block, if it is not already, and say whether it fits."""
        if cells.nbytes > self.n_bytes:
            return False
        there = self.array(cells.shape, cells.dtype)
        if there.ctypes.data != cells.ctypes.data or not cells.flags.c_contiguous:
            np.copyto(there, cells)
        return True

    def close(self) -> None:
        """Give up this process's hold on the block."""
        self._map = None
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
