"""Heads of attention, which no weight tells of."""

from __future__ import annotations

from collections.abc import Sequence

from monai_mammo.checkpoint_import.misfit import Untold
from monai_mammo.errors import RequestError

__all__ = ["head_channels"]


def head_channels(untold: Untold, channels: Sequence[int], attention_levels: Sequence[bool]) -> list[int]:
    """Channels of a head at each level of a U-Net.

    Parameters
    ----------
    untold : Untold
        With ``num_heads`` or ``num_head_channels``.
    channels : sequence of int
        Width at each level.
    attention_levels : sequence of bool
        The middle, at the width of the last level, has attention too.

    Returns
    -------
    list of int, one for each level

    Raises
    ------
    RequestError
        Neither is given, or a width is no multiple of it.
    """
    has_attention = [*attention_levels[:-1], True]
    if untold.num_heads is not None:
        named = f"num_heads {untold.num_heads}"
        out = [width // untold.num_heads if width % untold.num_heads == 0 else 0 for width in channels]
    elif untold.num_head_channels is not None:
        given = untold.num_head_channels
        named = f"num_head_channels {', '.join(map(str, given))}"
        out = list(given) * len(channels) if len(given) == 1 else list(given)
    else:
        raise RequestError(
            "the weights do not tell the heads of attention: name num_head_channels, num_heads, or the definition of "
            "the network"
        )
    levels = zip(channels, out, has_attention, strict=False)
    if len(out) != len(channels) or not all(size > 0 and width % size == 0 for width, size, has in levels if has):
        raise RequestError(f"{named} does not divide the widths {', '.join(map(str, channels))} of the levels")
    return [max(1, size) for size in out]
