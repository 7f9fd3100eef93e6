"""Modality and VOI look-up tables, as devices really write them (PS3.3, C.11.1.1, C.11.2.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["LookupTable"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A table of output values.

    Parameters
    ----------
    values : ndarray, shape (entries,), int64
        Output for the input values ``first``, ``first + 1`` and so on.
    first : int
        First input value mapped; what lies below takes the first entry, what lies above the last.
    bits : int
        Declared bits of the output.
    """

    values: np.ndarray
    first: int
    bits: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Output values of the inputs; the index is computed in 64 bit, so that no table width wraps it."""
        index = np.rint(x).astype(np.int64) - self.first
        return self.values[np.clip(index, 0, self.values.size - 1)]

    @property
    def top(self) -> int:
        """Largest output value that the declared bits can hold, or more where an entry is larger."""
        return max(2**self.bits - 1, 2 ** int(self.values.max()).bit_length() - 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the table."""
        if self.top > 2**self.bits - 1:
            return ("the VOI LUT uses more bits than it declares",)
        return ("the VOI LUT declares more bits than it uses",) if self.values.max() < self.top // 2 else ()

    @classmethod
    def of(cls, item: Dataset, *, is_signed: bool, order: str) -> LookupTable:
        """Table of a sequence item.

        Parameters
        ----------
        item : Dataset
            Of ModalityLUTSequence or VOILUTSequence.
        is_signed : bool
            Whether the input values can be negative, which settles the sign of the first one.
        order : {"<", ">"}
            Byte order of the file, for entries that come as words.

        Returns
        -------
        LookupTable

        Raises
        ------
        Refusal
            The descriptor is missing or not possible, or entries are missing.
        """
        descriptor = list(item.get("LUTDescriptor") or ())
        if len(descriptor) != 3 or not all(isinstance(value, int) for value in descriptor):
            raise Refusal(SkipReason.DAMAGED, "a look-up table has no descriptor")
        entries, first, bits = descriptor
        entries = entries % 65536 or 65536  # 0 stands for 65536
        first = (first + 32768) % 65536 - 32768 if is_signed else first % 65536
        if not 1 <= bits <= 16:
            raise Refusal(SkipReason.DAMAGED, "a look-up table declares bits that are not possible")
        return cls(_entries(item.get("LUTData"), entries, order), first, bits)


def _entries(data: Any, count: int, order: str) -> np.ndarray:
    """Entries of LUTData, which comes as numbers or as words; two of 8 bits may share a word."""
    if isinstance(data, bytes):
        words = np.frombuffer(data + b"\0" * (len(data) % 2), dtype=f"{order}u2")
    elif isinstance(data, Sequence) and not isinstance(data, str):
        words = np.asarray(data, dtype=np.int64) % 65536
    else:
        words = np.zeros(0, dtype=np.int64)
    if words.size < count and 2 * words.size >= count:
        words = np.frombuffer(words.astype("<u2").tobytes(), dtype=np.uint8)  # the first in the low byte
    if words.size < count:
        raise Refusal(SkipReason.DAMAGED, "a look-up table has fewer entries than it declares")
    return words[:count].astype(np.int64)
