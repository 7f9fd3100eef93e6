"""Whether lesions are found as they must be: less in dense breasts, more where they are large and stand out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.stats import rankdata

from monai_mammo.conditions import Box
from monai_mammo.evaluation.realism.person_folds import PersonResampler
from monai_mammo.measures.overlap import box_area
from monai_mammo.prepare.datalist_items import breast_of, mask_of, pixels_of

__all__ = ["EXPECTED", "density_level", "lesion_contrast", "rank_trend", "trend_row", "trend_rows"]

EXPECTED: dict[str, int] = {"density": -1, "size": 1, "contrast": 1}
"""Sign of the trend of how well a lesion is found, with each property."""

_DENSITIES = "ABCD"
_RING_PX = 4
_N_RESAMPLES = 500
_N_LEAST = 20
_HOLDS, _AGAINST, _UNCLEAR = "holds", "against", "unclear"


def trend_rows(items: Sequence[Mapping[str, Any]], found: Sequence[float | None]) -> list[dict[str, Any]]:
    """Rank correlation of how well lesions are found with density, size and contrast.

    Parameters
    ----------
    items : sequence of mapping
        With their pixels, or of a datalist.
    found : sequence of float or None
        How well the lesion of each is found, such as the overlap of the boxes; `None` where none is known.

    Returns
    -------
    list of dict
        For each of `EXPECTED`: ``property``, ``expected``, ``trend`` (``value``, ``low``, ``high``, ``n``), or `None`,
        and ``verdict``: ``holds`` and ``against`` where the whole interval has the expected or the other sign.
    """
    rows = []
    for name in EXPECTED:
        values = [_PROPERTIES[name](item) for item in items]
        known = [i for i, score in enumerate(found) if score is not None and values[i] is not None]
        levels = [float(values[i] or 0.0) for i in known]
        scores = [float(found[i] or 0.0) for i in known]
        rows.append(trend_row(name, levels, scores, persons=[str(items[i]["person_id"]) for i in known]))
    return rows


def trend_row(name: str, levels: Sequence[float], found: Sequence[float], *, persons: Sequence[str]) -> dict[str, Any]:
    """Trend of how well lesions are found with one property, and whether it has the sign that it must have.

    Parameters
    ----------
    name : str
        One of `EXPECTED`.
    levels, found : sequence of float, shape (n,)
        The property of each lesion, and how well it is found.
    persons : sequence of str, length n

    Returns
    -------
    dict
        ``property``, ``expected``, ``trend`` and ``verdict``, as in `trend_rows`.
    """
    sign, trend = EXPECTED[name], rank_trend(levels, found, persons=persons)
    return {"property": name, "expected": sign, "trend": trend, "verdict": _verdict(trend, sign)}


def rank_trend(levels: Sequence[float], values: Sequence[float], *, persons: Sequence[str]) -> dict[str, Any] | None:
    """Spearman's rank correlation with 95 % interval over persons.

    Parameters
    ----------
    levels, values : sequence of float, shape (n,)
    persons : sequence of str, length n
        Of each image; persons are resampled.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high``, ``n``; `None` under 20 images, or where levels or values are all alike.
    """
    x, y = np.asarray(levels, dtype=float), np.asarray(values, dtype=float)
    if len(x) < _N_LEAST or not np.ptp(x) or not np.ptp(y):
        return None
    resampler, rng = PersonResampler(persons), np.random.default_rng(0)
    draws = (resampler.draw(rng) for _ in range(_N_RESAMPLES))
    drawn = [_correlation(x[rows], y[rows]) for rows in draws if np.ptp(x[rows]) and np.ptp(y[rows])]
    low, high = np.percentile(drawn, (2.5, 97.5))
    value = _correlation(x, y)
    return {**{k: round(float(v), 4) for k, v in (("value", value), ("low", low), ("high", high))}, "n": len(x)}


def lesion_contrast(item: Mapping[str, Any]) -> float | None:
    """Mean brightness of an outlined lesion less that of the breast around it, over the deviation there.

    Parameters
    ----------
    item : mapping
        With pixels, ``breast`` and ``label``.

    Returns
    -------
    float or None
        `None` where no lesion is outlined, or nothing of the breast is around it.
    """
    if item.get("mask_kind") != "contour" or "label" not in item:
        return None
    image = pixels_of(item).astype(np.float64) / 65535
    lesion = mask_of(item, "label", image.shape)
    around = binary_dilation(lesion, iterations=_RING_PX) & ~lesion & breast_of(item, image.shape)
    if not lesion.any() or around.sum() < 2:
        return None
    deviation = float(image[around].std())
    return float(image[lesion].mean() - image[around].mean()) / deviation if deviation > 0 else None


def density_level(density: str | None) -> float | None:
    """Density as a number that rises with it.

    Parameters
    ----------
    density : {"A", "B", "C", "D"} or None

    Returns
    -------
    float or None
        0 to 3.
    """
    return None if density is None else float(_DENSITIES.index(density))


def _density(item: Mapping[str, Any]) -> float | None:
    return density_level(item["conditions"].get("density"))


def _size(item: Mapping[str, Any]) -> float | None:
    return max((box_area(Box.parse(box)) for box in item.get("boxes") or ()), default=None)


_PROPERTIES: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "density": _density,
    "size": _size,
    "contrast": lesion_contrast,
}


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _verdict(trend: Mapping[str, Any] | None, sign: int) -> str:
    if trend is None:
        return "too few"
    low, high = sorted((sign * trend["low"], sign * trend["high"]))
    return _HOLDS if low > 0 else _AGAINST if high < 0 else _UNCLEAR
