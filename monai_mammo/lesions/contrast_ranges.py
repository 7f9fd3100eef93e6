"""How much brighter than their surround real lesions are, by kind, finding, size and density.

The ranges `contrast_ranges.json` beside this file were measured on the outlined lesions of training images by
`build_contrast_ranges`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import parse_json
from monai_mammo.files.whole import save_bytes
from monai_mammo.lesions.painter_crops import region_round
from monai_mammo.prepare.datalist_items import breast_of, load_datalist, mask_of, pixels_of

__all__ = [
    "QUANTILES",
    "ContrastRange",
    "ContrastRanges",
    "Visibility",
    "brightest",
    "build_contrast_ranges",
    "longer_side",
    "outlined_lesions",
    "ring_round",
    "shipped_contrast_ranges",
    "visibility",
]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of real lesions, at which a range states its contrasts: conspicuity 0, 0.225, 0.5, 0.775 and 1."""

LEAST_LESIONS = 20
"""Lesions that a range is measured on at least; else kind, finding, size and density count less."""

_SIZES = (0.07, 0.12)
_RING = (0.1, 0.35)
_LEAST_PX = 12
_BRIGHT_PERCENTILE = 99.0
_KEYS: tuple[tuple[str, ...], ...] = (
    ("kind", "finding", "size", "density"),
    ("kind", "finding", "size"),
    ("kind", "size"),
    ("kind",),
    (),
)


class Visibility(NamedTuple):
    """How a lesion stands out of a picture.

    Attributes
    ----------
    contrast : float
        Mean brightness in its outline less that of the tissue round it.
    peak : float
        Brightness that 5 % of the outline pass, less that which 1 % of the breast pass.
    """

    contrast: float
    peak: float


def ring_round(outline: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Surround of a lesion: a ring from a tenth to a third of its diameter away.

    Parameters
    ----------
    outline : ndarray, shape (rows, columns), bool
    tissue : ndarray, shape (rows, columns), bool
        What may be surround: the breast without other lesions.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    near, far = (region_round(outline, rim_share=share) for share in _RING)
    return far & ~near & tissue


def brightest(picture: np.ndarray, breast: np.ndarray) -> float:
    """Brightness that 1 % of the breast pass.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float32
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    float
    """
    return float(np.percentile(picture[breast], _BRIGHT_PERCENTILE))


def visibility(picture: np.ndarray, outline: np.ndarray, ring: np.ndarray, *, bright: float) -> Visibility | None:
    """How a lesion stands out of its surround.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    outline : ndarray, shape (rows, columns), bool
    ring : ndarray, shape (rows, columns), bool
        Of `ring_round`.
    bright : float
        Brightness that 1 % of the breast pass.

    Returns
    -------
    Visibility or None
        `None` where outline or ring has fewer than 12 pixels.
    """
    if outline.sum() < _LEAST_PX or ring.sum() < _LEAST_PX:
        return None
    inside = picture[outline]
    return Visibility(float(inside.mean() - picture[ring].mean()), float(np.percentile(inside, 95) - bright))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContrastRange:
    """Contrast to the surround of real lesions of one sort.

    Parameters
    ----------
    of : mapping of str to str
        What the lesions have in common: kind, finding, size (small, medium, large) and density, as far as enough
        lesions were there.
    n_lesions, n_persons : int
        Lesions that were measured, and whose.
    contrast : tuple of float
        At `QUANTILES`, rising.
    highest_peak : float
        That 95 % of them do not pass; see `Visibility`.
    """

    of: Mapping[str, str]
    n_lesions: int
    n_persons: int
    contrast: tuple[float, ...]
    highest_peak: float

    def at(self, conspicuity: float) -> float:
        """Contrast of a conspicuity.

        Parameters
        ----------
        conspicuity : float
            0 for the faintest of the range, 1 for the most conspicuous, 0.5 for the median.

        Returns
        -------
        float
        """
        low, high = QUANTILES[0], QUANTILES[-1]
        return float(np.interp(low + conspicuity * (high - low), QUANTILES, self.contrast))


@dataclasses.dataclass(frozen=True, slots=True)
class ContrastRanges:
    """Ranges of all sorts of lesions of which enough were measured.

    Parameters
    ----------
    ranges : tuple of ContrastRange
    """

    ranges: tuple[ContrastRange, ...]

    def of(self, conditions: Conditions, *, size_share: float) -> ContrastRange:
        """Range of the real lesions that are most like one.

        Parameters
        ----------
        conditions : Conditions
            Kind, finding and density, as far as they are known.
        size_share : float
            Longer side of the lesion as a share of the height of the prepared frame.

        Returns
        -------
        ContrastRange
        """
        sort = _sort(conditions, size_share)
        for keys in _KEYS:
            target = {key: sort[key] for key in keys if key in sort}
            for one in self.ranges:
                if len(target) == len(keys) and one.of == target:
                    return one
        raise MammoError("the contrast ranges hold none of all lesions")

    @classmethod
    def from_dict(cls, values: Any) -> ContrastRanges:
        """Ranges from plain JSON values.

        Parameters
        ----------
        values : object

        Returns
        -------
        ContrastRanges

        Raises
        ------
        MammoError
            They are not of the form.
        """
        try:
            ranges = tuple(
                ContrastRange(
                    of=dict(one["of"]),
                    n_lesions=int(one["n_lesions"]),
                    n_persons=int(one["n_persons"]),
                    contrast=tuple(float(value) for value in one["contrast"]),
                    highest_peak=float(one["highest_peak"]),
                )
                for one in values["ranges"]
            )
        except (KeyError, TypeError, ValueError):
            raise MammoError("no contrast ranges as build_contrast_ranges writes them") from None
        if any(len(one.contrast) != len(QUANTILES) for one in ranges) or not any(not one.of for one in ranges):
            raise MammoError("no contrast ranges as build_contrast_ranges writes them")
        return cls(ranges)


@functools.cache
def shipped_contrast_ranges() -> ContrastRanges:
    """Ranges that come with the package.

    Returns
    -------
    ContrastRanges
    """
    text = resources.files("monai_mammo.lesions").joinpath("contrast_ranges.json").read_text(encoding="utf-8")
    return ContrastRanges.from_dict(parse_json(text))


def build_contrast_ranges(datalist: str | Path, out: str | Path) -> ContrastRanges:
    """Ranges measured on the outlined lesions of training images, written to a file and returned.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of the prepared images; of its training items those with outlines are taken.
    out : str or Path
        Where the ``.json`` goes.

    Returns
    -------
    ContrastRanges

    Raises
    ------
    RequestError
        The datalist cannot be read, or outlines fewer than 20 lesions.
    MammoError
        An image cannot be read, or the file could not be written.
    """
    measured = [
        one for item in load_datalist(datalist) if item.get("mask_kind") == "contour" for one in _measured(item)
    ]
    if len(measured) < LEAST_LESIONS:
        raise RequestError(f"{datalist} outlines {len(measured)} training lesions, and {LEAST_LESIONS} are least")
    ranges = []
    for keys in _KEYS:
        sorts = {tuple(sort.get(key) for key in keys) for sort, _, _ in measured}
        for values in sorted(sorts, key=str):
            of = dict(zip(keys, values, strict=True))
            members = [one for one in measured if all(one[0].get(key) == value for key, value in of.items())]
            if None not in values and len(members) >= LEAST_LESIONS:
                ranges.append(_range(of, members))
    content = {"quantiles": QUANTILES, "ranges": [dataclasses.asdict(one) for one in ranges]}
    save_bytes((json.dumps(content, indent=1) + "\n").encode(), out)
    return ContrastRanges(tuple(ranges))


def outlined_lesions(item: Mapping[str, Any]) -> Iterator[tuple[np.ndarray, Visibility]]:
    """Outlined lesions of an image with how they stand out of their surround.

    Parameters
    ----------
    item : mapping
        Of a datalist, with paths.

    Yields
    ------
    outline : ndarray, shape (rows, columns), bool
    visibility : Visibility
        Lesions of which too few pixels, or of whose surround too few, can be measured are left out.
    """
    picture = pixels_of(item).astype(np.float32) / 65535
    mask, breast = mask_of(item, "label", picture.shape), breast_of(item, picture.shape)
    bright = brightest(picture, breast)
    labels, n = ndimage.label(mask)
    for number in range(1, n + 1):
        outline = labels == number
        found = visibility(picture, outline, ring_round(outline, breast & ~mask), bright=bright)
        if found is not None:
            yield outline, found


def _measured(item: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], Visibility, str]]:
    conditions = Conditions.from_dict(item["conditions"])
    for outline, found in outlined_lesions(item):
        yield _sort(conditions, longer_side(outline) / len(outline)), found, str(item["person_id"])


def longer_side(outline: np.ndarray) -> int:
    """Longer side of the box of a mask, in pixels.

    Parameters
    ----------
    outline : ndarray, shape (rows, columns), bool
        Not empty.

    Returns
    -------
    int
    """
    return max(int(np.ptp(np.flatnonzero(outline.any(axis=axis)))) + 1 for axis in (0, 1))


def _sort(conditions: Conditions, size_share: float) -> dict[str, str]:
    size = ("small", "medium", "large")[sum(size_share >= edge for edge in _SIZES)]
    known = {name: getattr(conditions, name) for name in ("kind", "finding", "density")}
    return {"size": size, **{name: str(value) for name, value in known.items() if value is not None}}


def _range(of: Mapping[str, Any], members: Sequence[tuple[dict[str, str], Visibility, str]]) -> ContrastRange:
    contrast = np.quantile([one.contrast for _, one, _ in members], QUANTILES)
    return ContrastRange(
        of=of,
        n_lesions=len(members),
        n_persons=len({person for _, _, person in members}),
        contrast=tuple(round(float(value), 4) for value in contrast),
        highest_peak=round(float(np.quantile([one.peak for _, one, _ in members], QUANTILES[-1])), 4),
    )
