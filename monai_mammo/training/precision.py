"""The number format of automatic mixed precision, where it makes a network faster."""

from __future__ import annotations

import functools
import logging

import torch

__all__ = ["autocast_dtype"]

_LOGGER = logging.getLogger(__name__)


def autocast_dtype(dtype: str | None, device: torch.device | str) -> torch.dtype | None:
    """Type that autocast is to use on a device; `None` stands for plain float32.

    Parameters
    ----------
    dtype : str or None
        ``"bfloat16"`` or ``"float16"``, as requested.
    device : torch.device or str
        A processor without instructions for bfloat16 imitates it, ten times slower than float32, and gets float32.

    Returns
    -------
    dtype or None
    """
    requested = None if dtype is None else getattr(torch, dtype)
    if requested is torch.bfloat16 and torch.device(device).type == "cpu" and not _processor_has_bfloat16():
        return None
    return requested


@functools.cache
def _processor_has_bfloat16() -> bool:
    try:
        has = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a build without oneDNN
        has = False
    if not has:
        _LOGGER.info("the processor has no bfloat16; float32 is used in its place")
    return has
