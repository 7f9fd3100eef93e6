"""Memory that a reader and its reading process share, for the cells of an image."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import weakref
from typing import Any, Self

import numpy as np

__all__ = ["SharedCells"]

_N_BLOCKS = 2  # an image may be held while the next is read


class SharedCells:
    """Blocks of memory that two processes see; what the one decodes into them, the other finds there.

    Their pages stay with both from one image to the next, so that handing over an image costs nothing. An array that
    the reader gives away lies in its block: the block is used again when nobody holds the array any more. Blocks have
    no name, take memory only where they were written to, and are gone with the last of the two processes and arrays.

    Parameters
    ----------
    descriptors : sequence of int
        Numbers of the open files that stand for the blocks; closed by `close`.
    n_bytes : int
        Size of each block.
    is_writer : bool
        Whether this process writes to them, as the reading process does; else arrays are read-only.
    """

    def __init__(self, descriptors: list[int], n_bytes: int, *, is_writer: bool = False) -> None:
        self.descriptors, self.n_bytes = list(descriptors), n_bytes
        self._access = mmap.ACCESS_WRITE if is_writer else mmap.ACCESS_READ
        self._maps: list[mmap.mmap | None] = [None] * len(self.descriptors)
        self._lent: list[weakref.ref[np.ndarray] | None] = [None] * len(self.descriptors)
        self.block: int | None = 0
        """Number of the block in use; `None` where the pipe is to be used."""

    @classmethod
    def create(cls, n_bytes: int) -> Self | None:
        """New blocks, or `None` where the system has none of this sort (Linux has).

        They are sealed: nobody who holds one can cut it short, which would end the other process.
        """
        descriptors: list[int] = []
        try:
            for _ in range(_N_BLOCKS):
                descriptors.append(_sealed_block(n_bytes))
        except (ImportError, AttributeError, OSError):
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        return cls(descriptors, n_bytes)

    def turn_to_a_free_block(self) -> int | None:
        """Use a block of which nobody holds an array, if there is one, and say which."""
        free = (i for i, lent in enumerate(self._lent) if lent is None or lent() is None)
        self.block = next(free, None)
        return self.block

    def array(self, shape: tuple[int, int], kind: np.dtype) -> np.ndarray:
        """The start of the block in use as an array of cells, with what lies there; without a block, a new array.

        Raises
        ------
        ValueError
            The block is smaller.
        MemoryError
            The process may not have so much.
        """
        if self.block is None:
            return np.empty(shape, kind)
        count = math.prod(shape)
        cells = np.frombuffer(self._mapped(self.block, count * kind.itemsize), dtype=kind, count=count)
        self._lent[self.block] = weakref.ref(cells)  # the base of all views of it
        return cells.reshape(shape)

    def put(self, cells: np.ndarray) -> bool:
        """Make an array the content of the block in use, if it is not already, and say whether it is there."""
        if self.block is None or cells.nbytes > self.n_bytes:
            return False
        try:
            there = self.array(cells.shape, cells.dtype)
        except MemoryError:
            return False
        if there.ctypes.data != cells.ctypes.data or not cells.flags.c_contiguous:
            np.copyto(there, cells)
        return True

    def close(self) -> None:
        """Give up this process's hold on the blocks; arrays in them stay good."""
        self._maps = [None] * len(self._maps)
        while self.descriptors:
            with contextlib.suppress(OSError):
                os.close(self.descriptors.pop())

    def _mapped(self, block: int, size: int) -> Any:
        if size > self.n_bytes:
            raise ValueError(f"{size} bytes do not fit a block of {self.n_bytes}")
        mapped = self._maps[block]
        if mapped is None or len(mapped) < size:  # arrays in the smaller mapping keep it as long as they live
            try:
                mapped = self._maps[block] = mmap.mmap(self.descriptors[block], size, access=self._access)
            except OSError:
                raise MemoryError from None
        return mapped


def _sealed_block(n_bytes: int) -> int:
    import fcntl

    descriptor = os.memfd_create("monai_mammo-cells", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, n_bytes)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except (AttributeError, OSError):
        os.close(descriptor)
        raise
    return descriptor
