"""What is measured of one image: simple figures of breast and lesion, and what the examiners read."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from monai_mammo.evaluation.realism.breast_brightness import breast_brightness
from monai_mammo.generation.engine.check import CheckResult, seen_breast
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.geometry import as_displayed
from monai_mammo.terms import ChestWall, Laterality

__all__ = ["measured", "ring_contrast"]

_LEAST_RING_PX = 4


def measured(
    result: CheckResult,
    laterality: Laterality,
    *,
    judged: Mapping[str, Mapping[str, float]],
    n_regions: int,
    presence: float,
) -> dict[str, float | None]:
    """Figures of one generated image by name; `None` where one cannot be taken.

    Parameters
    ----------
    result : CheckResult
        Of its only try.
    laterality : Laterality
        Requested; the image is written so that it hangs accordingly.
    judged : mapping
        Probabilities by head that the judge gives, of the heads that it reads.
    n_regions : int
        Places of which the lesion network says more than even odds of a lesion.
    presence : float
        Probability of any lesion by the lesion network; NaN where it has no such head.

    Returns
    -------
    dict
    """
    image = result.image
    breast = seen_breast(image)
    out: dict[str, float | None] = {"n regions": float(n_regions), "presence": _finite(presence)}
    out["breast area"] = None if breast is None else float(breast.mean())
    out |= breast_brightness(image, breast)
    out["lesion contrast"] = ring_contrast(image, result.requested, breast)
    out["dice"] = result.dice
    out["found area"] = float(result.found.mean())
    rows = np.nonzero(result.found)[0]
    out["found row"] = float((rows.mean() + 0.5) / image.shape[0]) if rows.size else None
    wall = None if breast is None else chest_wall_side(as_displayed(breast, laterality))
    if wall is not None:
        out |= {f"laterality={side}": float((wall is ChestWall.LEFT) == (side is Laterality.L)) for side in Laterality}
    for head, probabilities in result.probabilities.items():
        out |= {f"{head}={name}": value for name, value in probabilities.items()}
    for name, table in (("read", result.probabilities), ("judged", judged)):
        for head in ("density", "birads"):
            if head in table:
                out[f"{head} {name}"] = _expected(table[head])
    return out


def ring_contrast(image: np.ndarray, lesion: np.ndarray, breast: np.ndarray | None) -> float | None:
    """Mean brightness of a lesion less that of a ring round it of about the lesion's own radius.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
    lesion : ndarray, shape (rows, columns), bool
    breast : ndarray, shape (rows, columns), bool, or None
        The ring is cut at its outline.

    Returns
    -------
    float or None
        `None` without a lesion, a breast or anything of it round the lesion.
    """
    if breast is None or not lesion.any():
        return None
    distance = ndimage.distance_transform_edt(~lesion)
    width = max(_LEAST_RING_PX, math.sqrt(lesion.sum() / math.pi))
    ring = (distance > 1) & (distance <= 1 + width) & breast
    return float(image[lesion].mean() - image[ring].mean()) if ring.any() else None


def _expected(probabilities: Mapping[str, float]) -> float:
    """Expected place on the scale: 1 to 4 for A to D, the category itself for BI-RADS."""
    letters = "ABCD"
    values = [float(letters.index(name) + 1) if name in letters else float(name) for name in probabilities]
    weights = list(probabilities.values())
    return float(np.dot(values, weights) / max(sum(weights), 1e-9))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
