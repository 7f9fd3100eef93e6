"""The number format of automatic mixed precision, where it makes a network faster."""

from __future__ import annotations

import functools
import logging
import platform

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
        A processor that would be slower with bfloat16 than with float32 gets float32: one without instructions for it
        imitates it and takes ten times as long, one of x86 with vectors alone (AVX-512) half as long again.

    Returns
    -------
    dtype or None
    """
    requested = None if dtype is None else getattr(torch, dtype)
    if requested is torch.bfloat16 and torch.device(device).type == "cpu" and not _bfloat16_is_faster():
        return None
    return requested


@functools.cache
def _bfloat16_is_faster() -> bool:
    """Whether this processor multiplies matrices in bfloat16; by what it is, not by a stopwatch, so that runs agree."""
    try:
        has = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a build without oneDNN
        has = False
    is_faster = has and (not _is_x86() or bool(torch.cpu._is_amx_tile_supported()))
    if not is_faster:
        which = "no matrix instructions for" if has else "no"
        _LOGGER.info("the processor has %s bfloat16; float32 is used in its place, which is faster", which)
    return is_faster


def _is_x86() -> bool:
    return platform.machine().lower() in {"x86_64", "amd64", "i386", "i686"}
