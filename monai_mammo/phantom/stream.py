"""Random numbers that depend on a seed and on what they are for, and on nothing else."""

from __future__ import annotations

import zlib

import numpy as np

from monai_mammo.errors import RequestError

__all__ = ["stream"]


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Generator (PCG64) of one seed for one purpose, independent of all other purposes.

    Parameters
    ----------
    seed : int
        0 or more.
    *purpose : str
        Words such as ``"texture", "MLO", "L"``. Drawing more for one purpose leaves the others as they are,
        so a breast is the same with and without its lesion.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    RequestError
        The seed is negative or not whole.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise RequestError(f"seed {seed!r} is not a whole number of 0 or more")
    words = [zlib.crc32(word.encode()) for word in purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(seed), *words])))
