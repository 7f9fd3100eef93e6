"""Draws by a hash of seed, sample and purpose, so that no version of a random generator changes them."""

from __future__ import annotations

import hashlib

__all__ = ["drawn_position", "drawn_share"]


def drawn_share(seed: int, sample_id: int, purpose: str) -> float:
    """Number in [0, 1), evenly spread.

    Parameters
    ----------
    seed : int
        Of the run.
    sample_id : int
        Number of the sample in its run.
    purpose : str
        What is drawn; each purpose is drawn on its own.

    Returns
    -------
    float
    """
    return int.from_bytes(_digest(seed, sample_id, purpose)[:6], "big") / 2**48


def drawn_position(n: int, seed: int, sample_id: int, purpose: str) -> int:
    """Position in a sequence, each as likely as the others.

    Parameters
    ----------
    n : int
        Length of the sequence, 1 or more.
    seed : int
        Of the run.
    sample_id : int
        Number of the sample in its run.
    purpose : str
        What is drawn; each purpose is drawn on its own.

    Returns
    -------
    int
        From 0 to `n` - 1.
    """
    return int.from_bytes(_digest(seed, sample_id, purpose)[:8], "big") % n


def _digest(seed: int, sample_id: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{seed}/{sample_id}/{purpose}".encode()).digest()
