"""How samples are drawn: what decides an image beside weights, conditions and lesion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from monai_mammo.generation.engine.source import Source

__all__ = ["DrawSettings"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrawSettings:
    """Settings of a draw, as a checked request states them.

    Parameters
    ----------
    seed : int
        Noise depends on it, on the sample's number and on the try alone.
    steps : int
        Network evaluations of a try.
    guidance : float or mapping
        Weight of classifier-free guidance, 1 is none; or weights by group of conditions, as
        `sampling.Guidance.from_json` takes them.
    dice_threshold : float
        A sample whose requested and found lesion agree less, by Dice, is drawn again.
    max_tries : int
        Draws of a sample, the first included.
    source : Source or None
        An acquired mammogram that is kept in part, or started from.
    mends : int
        Times that a try which fails its check is mended by the painter, where the generator has one and no acquired
        mammogram takes part.
    """

    seed: int
    steps: int
    guidance: float | Mapping[str, Any]
    dice_threshold: float = 0.3
    max_tries: int = 1
    source: Source | None = None
    mends: int = 0
