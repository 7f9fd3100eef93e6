"""How often a named class is right, by how sure the network is: curves and their picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.special import softmax

from monai_mammo.files.png import save_png

__all__ = ["N_BINS", "Reliability", "reliability", "save_diagram"]

N_BINS = 6
"""Groups of images, equally many in each, from the least to the most sure."""

_SIDE, _MARGIN, _TITLE = 150, 26, 18


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """Confidence and accuracy by group.

    Parameters
    ----------
    confidence, accuracy : ndarray, shape (n groups,)
        Means of the probability of the named class, and of whether it is the right one.
    error : float
        Expected calibration error: their mean absolute difference.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def reliability(logits: np.ndarray, labels: np.ndarray, *, n_bins: int = N_BINS) -> Reliability:
    """Reliability of the named class.

    Parameters
    ----------
    logits : ndarray, shape (n, n classes)
    labels : ndarray, shape (n,), int
    n_bins : int
        Bins of equal width in [0, 1].

    Returns
    -------
    Reliability
    """
    probabilities = softmax(logits, axis=1)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    groups = [g for g in np.array_split(np.argsort(sure, kind="stable"), n_bins) if len(g)]
    confidence = np.array([sure[g].mean() for g in groups])
    accuracy = np.array([right[g].mean() for g in groups])
    weight = np.array([len(g) for g in groups]) / len(labels)
    return Reliability(
        confidence=confidence, accuracy=accuracy, error=float((weight * np.abs(confidence - accuracy)).sum())
    )


def save_diagram(curves: Mapping[str, tuple[Reliability, Reliability]], path: str | Path) -> None:
    """PNG with a panel for each curve: before (grey) and after (blue) calibration, beside the diagonal.

    Parameters
    ----------
    curves : mapping of str to two Reliability
        Before and after, by title.
    path : str or Path

    Raises
    ------
    MammoError
        The file cannot be written.
    """
    n_columns = 6
    n_rows = -(-len(curves) // n_columns)
    width, height = _SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN + _TITLE
    page = Image.new("RGB", (n_columns * width, n_rows * height), "white")
    draw = ImageDraw.Draw(page)
    for i, (title, (before, after)) in enumerate(curves.items()):
        x, y = (i % n_columns) * width + _MARGIN, (i // n_columns) * height + _MARGIN + _TITLE
        draw.rectangle((x, y, x + _SIDE, y + _SIDE), outline="black")
        draw.line((x, y + _SIDE, x + _SIDE, y), fill="lightgrey")
        draw.text((x - 10, y - 2 * _TITLE), title, fill="black")
        draw.text((x - 10, y - _TITLE), f"error {before.error:.2f}, then {after.error:.2f}", fill="black")
        for curve, colour in ((before, "grey"), (after, "blue")):
            points = [
                (x + c * _SIDE, y + _SIDE - a * _SIDE) for c, a in zip(curve.confidence, curve.accuracy, strict=True)
            ]
            draw.line(points, fill=colour, width=2)
            for u, v in points:
                draw.ellipse((u - 3, v - 3, u + 3, v + 3), fill=colour)
    save_png(np.asarray(page), path)
