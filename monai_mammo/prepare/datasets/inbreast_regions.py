"""Regions of INbreast: OsiriX property lists to findings with outlines."""

from __future__ import annotations

import dataclasses
import plistlib
import re
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
from skimage.measure import points_in_poly

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_bytes
from monai_mammo.prepare.datasets.outlines import box_round, circle
from monai_mammo.study import Annotation
from monai_mammo.terms import FindingCategory

__all__ = ["DOT_RADIUS_PX", "Region", "findings_of", "read_regions"]

DOT_RADIUS_PX = 7
"""Radius of the disc that stands for a calcification marked by a point: 0.5 mm at 0.07 mm a pixel."""

_SLACK_PX = 2
_MAX_BYTES = 32 * 2**20
_NUMBER = r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*"
_POINT = re.compile(rf"\({_NUMBER},{_NUMBER}(?:,{_NUMBER})?\)")
_NAMES = {
    "mass": FindingCategory.MASS,
    "spiculated region": FindingCategory.MASS,
    "espiculated region": FindingCategory.MASS,
    "calcification": FindingCategory.CALCIFICATION,
    "calcifications": FindingCategory.CALCIFICATION,
    "cluster": FindingCategory.CALCIFICATION,
    "unnamed": FindingCategory.CALCIFICATION,
    "distortion": FindingCategory.ARCHITECTURAL_DISTORTION,
    "asymmetry": FindingCategory.ASYMMETRY,
    "assymetry": FindingCategory.ASYMMETRY,
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region as the property list has it.

    Parameters
    ----------
    name : str
        Untouched.
    points : ndarray, shape (n, 2), float64
        x and y in pixels of the file, origin top left.
    n_stated : int or None
        Number of points that the list says there are.
    """

    name: str
    points: np.ndarray
    n_stated: int | None = None


def read_regions(path: Path) -> list[Region]:
    """Regions of one image, in the order of the file.

    Parameters
    ----------
    path : Path
        Of the property list.

    Returns
    -------
    list of Region

    Raises
    ------
    RequestError
        The file is no property list of that form.
    """
    try:
        data = read_bytes(path, max_bytes=_MAX_BYTES)
        listed = plistlib.loads(data, fmt=plistlib.FMT_XML)["Images"][0]["ROIs"]
        return [_region(region) for region in listed]
    except UnreadableFile as error:
        raise RequestError(error.detail) from None
    except (ExpatError, plistlib.InvalidFileException, LookupError, TypeError, ValueError, AttributeError):
        raise RequestError(f"{path.name} is not an OsiriX property list with Images, ROIs and points (x, y)") from None


def findings_of(regions: list[Region], shape: tuple[int, int]) -> tuple[tuple[Annotation, ...], tuple[str, ...]]:
    """Findings of one image, and what was noticed.

    One or two points are as many dots, each a disc; three and more are a closed outline. A dot inside a cluster's
    outline says so in its notes, by the cluster's place among the findings.

    Parameters
    ----------
    regions : list of Region
        Of the image.
    shape : tuple of int
        Rows and columns of the file.

    Returns
    -------
    tuple of Annotation
    tuple of str
        Such as ``roi_out_of_frame: region 2``, counted from 1.
    """
    findings: list[Annotation] = []
    notes: list[str] = []
    for number, region in enumerate(regions, start=1):
        refusal = _refusal(region, shape)
        notes.extend(f"{note}: region {number}" for note in (*refusal, *_oddities(region)))
        findings.extend(_refused(region, refusal) if refusal else _drawn(region, shape))
    return _with_members(findings), tuple(notes)


def _region(region: dict[str, Any]) -> Region:
    texts = region.get("Point_px", region.get("ROIPoints", []))
    found = [_POINT.fullmatch(text.strip()) for text in texts]
    if None in found:
        raise ValueError("a point is not (x, y)")
    points = np.array([[float(match[1]), float(match[2])] for match in found if match], dtype=np.float64)
    stated = region.get("NumberOfPoints")
    return Region(str(region.get("Name", "")), points.reshape(-1, 2), stated if isinstance(stated, int) else None)


def _refusal(region: Region, shape: tuple[int, int]) -> tuple[str, ...]:
    """Why a region has no place; empty where it has one."""
    if not len(region.points):
        return ("roi_without_points",)
    if _fits(region.points, shape):
        return ()
    if _fits(region.points[:, ::-1], shape):
        return ("roi_out_of_frame", "roi_fits_with_x_and_y_exchanged")
    return ("roi_out_of_frame",)


def _fits(points: np.ndarray, shape: tuple[int, int]) -> bool:
    limits = np.array([shape[1], shape[0]]) + _SLACK_PX
    return bool((points >= -_SLACK_PX).all() and (points <= limits).all())


def _oddities(region: Region) -> tuple[str, ...]:
    is_short = region.n_stated is not None and region.n_stated != len(region.points)
    return (
        *(("roi_point_count_differs",) if is_short else ()),
        *(("roi_name_unknown",) if not _categories(region) else ()),
    )


def _categories(region: Region) -> tuple[FindingCategory, ...]:
    """What the name says; dots without a name are calcifications, an outline without one is not told."""
    name = " ".join(region.name.casefold().split())
    if name in _NAMES:
        return (_NAMES[name],)
    is_dot = not name and 0 < len(region.points) < 3
    return (FindingCategory.CALCIFICATION,) if is_dot or re.fullmatch(r"point \d+", name) else ()


def _margin(region: Region) -> tuple[str, ...]:
    return ("margin spiculated",) if "spiculated" in region.name.casefold() else ()


def _refused(region: Region, refusal: tuple[str, ...]) -> list[Annotation]:
    return [Annotation(categories=_categories(region), notes=(*_margin(region), *refusal))]


def _drawn(region: Region, shape: tuple[int, int]) -> list[Annotation]:
    if len(region.points) < 3:
        outlines = [circle(x, y, DOT_RADIUS_PX, shape=shape) for x, y in region.points]
    else:
        outlines = [np.clip(region.points / [shape[1], shape[0]], 0, 1)]
    name = " ".join(region.name.casefold().split())
    return [
        Annotation(
            categories=_categories(region),
            box=box_round(outline),
            outlines=(outline,),
            mask_kind="contour" if len(region.points) > 2 else "point",
            notes=(*_margin(region), *(("cluster",) if name == "cluster" and len(region.points) > 2 else ())),
        )
        for outline in outlines
    ]


def _with_members(findings: list[Annotation]) -> tuple[Annotation, ...]:
    """Findings, with dots that lie inside a cluster noted as its members."""
    clusters = {i: finding.outlines[0] for i, finding in enumerate(findings) if "cluster" in finding.notes}
    members = []
    for finding in findings:
        home = None
        if finding.mask_kind == "point":
            middle = finding.outlines[0].mean(axis=0, keepdims=True)
            home = next((i for i, outline in clusters.items() if points_in_poly(middle, outline)[0]), None)
        note = () if home is None else (f"member of cluster {home}",)
        members.append(dataclasses.replace(finding, notes=(*finding.notes, *note)))
    return tuple(members)
