"""What measures of single images are called on a page, where their names are those of the program."""

from __future__ import annotations

__all__ = ["MEASURE_WORDS", "NEIGHBOUR_WORDS"]

MEASURE_WORDS: dict[str, str] = {
    "ridge length": "length of fibres, pixels",
    "orientation coherence": "how far fibres run in one direction",
    "skin-line step": "sharpness of the skin line",
    "frame step": "unevenness along the frame",
    "2-pixel border ratio": "steps at borders of 2-pixel blocks",
    "bright parts": "bright parts, the breast among them",
    "breast area": "breast area, share of the picture",
    "breast width": "breast width, share of the picture",
    "breast height": "breast height, share of the picture",
    "solidity": "solidity of the outline",
    "brightness": "mean brightness in the breast",
    "contrast": "spread of brightness in the breast",
    "dense share": "percent density, as a share",
    "spectral exponent": "slope of the spectrum",
}
"""By the names of `MEASURES` and `PROFILE_MEASURES`."""

NEIGHBOUR_WORDS: dict[str, str] = {
    "precision": "precision",
    "recall": "recall",
    "density": "neighbourhoods an image",  # density is the breast's on the page
    "coverage": "coverage",
}
"""By the names of `NEIGHBOUR_MEASURES`."""
