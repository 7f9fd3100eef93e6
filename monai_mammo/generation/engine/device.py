"""Device that networks run on, and how many samples it takes at once."""

from __future__ import annotations

import torch

from monai_mammo.errors import RequestError

__all__ = ["BATCH_SIZE", "pick_device"]

BATCH_SIZE = {"cpu": 1, "cuda": 8}
"""Samples, or images that are examined, in a network call, fixed for each device: what a CPU works on one by one stays
in its cache, which takes less time than eight together."""


def pick_device(name: str) -> str:
    """Device type for ``auto``, ``cpu`` or ``cuda``.

    Parameters
    ----------
    name : str
        One of these words.

    Returns
    -------
    str

    Raises
    ------
    RequestError
        The name is none of these, or there is no such device.
    """
    if name not in ("auto", *BATCH_SIZE):
        raise RequestError(f"device {name!r} is not one of auto, {', '.join(BATCH_SIZE)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise RequestError("device 'cuda' is not there: torch sees no CUDA device")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
