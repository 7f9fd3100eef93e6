"""Distance of neighbouring pixels, in the order in which its sources deserve trust."""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.study import Spacing

__all__ = ["find_spacing"]

_SMALLEST_MM, _LARGEST_MM = 0.01, 0.5
_STATED_SOURCE = re.compile(r"The pixel spacing [0-9.e x-]+ mm is of source ([a-z/]+)\.")  # as `write` says it
_MOST_DIFFERENCE = 0.15  # distances are to the support, the estimate to the middle of the breast
_LARGEST_SYNTHETIC_MM = 5.0  # a small generated grid spans a whole breast


def find_spacing(dataset: Dataset) -> tuple[Spacing | None, tuple[str, ...]]:
    """Spacing of a projection with its source, and what was noticed.

    Calibrated PixelSpacing comes first, then ImagerPixelSpacing divided by a known magnification,
    then as it stands (source ``imager``, the detector's plane), then an uncalibrated PixelSpacing,
    then that of a scanned film. Values are (row, column), the order of the attributes.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    spacing : Spacing or None
        `None` where no attribute tells; never a made-up 1.0.
    notes : tuple of str
    """
    is_synthetic = dataset.get("SyntheticData") == "YES"
    largest = _LARGEST_SYNTHETIC_MM if is_synthetic else _LARGEST_MM
    notes: list[str] = []
    found: dict[str, tuple[float, float] | None] = {}
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found[keyword] = pair = _pair(dataset.get(keyword))
        if dataset.get(keyword) and (pair is None or not all(_SMALLEST_MM <= mm <= largest for mm in pair)):
            found[keyword] = None
            notes.append(f"{keyword} is not a spacing that a mammogram can have")
    pixel, imager = found["PixelSpacing"], found["ImagerPixelSpacing"]
    calibration = dataset.get("PixelSpacingCalibrationType")
    if pixel and (calibration in ("FIDUCIAL", "GEOMETRY") or (imager and pixel != imager)):
        return Spacing(*pixel, "geometry" if calibration == "GEOMETRY" else "calibrated"), tuple(notes)
    if imager:
        notes += _magnification_notes(dataset)
        spacing = _of_detector(dataset, imager, is_synthetic=is_synthetic)
        if not all(_SMALLEST_MM <= mm <= largest for mm in (spacing.row_mm, spacing.column_mm)):
            notes.append("the magnification is not one that a mammogram can have")
            spacing = Spacing(*imager, "imager")
        return spacing, tuple(notes)
    for pair, source in ((pixel, "uncalibrated"), (found["NominalScannedPixelSpacing"], "scanned")):
        if pair:
            return Spacing(*pair, source), tuple(notes)
    return None, tuple(notes)


def _of_detector(dataset: Dataset, imager: tuple[float, float], *, is_synthetic: bool) -> Spacing:
    if is_synthetic:
        comments = str(dataset.get("ImageComments", ""))
        stated = _STATED_SOURCE.search(comments)
        if "nominal" in comments or stated:
            return Spacing(*imager, stated.group(1) if stated else "nominal")
    factor = _magnification(dataset)
    if factor is None:
        return Spacing(*imager, "imager")
    return Spacing(imager[0] / factor, imager[1] / factor, "imager/magnification")


def _magnification(dataset: Dataset) -> float | None:
    """By the device's estimate, else by the distances, which leave out how thick the breast is."""
    factor, by_distances = _magnifications(dataset)
    return by_distances if factor is None else factor


def _magnifications(dataset: Dataset) -> tuple[float | None, float | None]:
    detector = _positive(dataset.get("DistanceSourceToDetector"))
    patient = _positive(dataset.get("DistanceSourceToPatient"))
    by_distances = detector / patient if detector and patient else None
    return _positive(dataset.get("EstimatedRadiographicMagnificationFactor")), by_distances


def _magnification_notes(dataset: Dataset) -> list[str]:
    factor, by_distances = _magnifications(dataset)
    if factor is None or by_distances is None or abs(factor / by_distances - 1) <= _MOST_DIFFERENCE:
        return []
    words = "EstimatedRadiographicMagnificationFactor and the distances disagree about the magnification"
    return [contradiction(f"{words}, the first was taken")]


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _pair(value: Any) -> tuple[float, float] | None:
    if value is None or isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        return None
    row, column = _positive(value[0]), _positive(value[1])
    return (row, column) if row and column else None
