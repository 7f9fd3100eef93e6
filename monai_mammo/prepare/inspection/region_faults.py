"""Masks and boxes against the picture that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.dicom.notes import CONTRADICTION, SURPLUS
from monai_mammo.prepare.geometry import mask_of_box, resize
from monai_mammo.prepare.inspection.issue import IssueKind
from monai_mammo.prepare.mask_files import MaskFault
from monai_mammo.prepare.plausibility import Doubt

__all__ = ["Fault", "box_faults", "faults_of_notes", "mask_faults"]

Fault = tuple[IssueKind, str]
"""What is wrong with one picture, and the sentence that says so."""

_LEAST_ON_BREAST = 0.25
_MOST_OF_BREAST = 0.98
_NEAR = 0.02  # of the height: the skin and the chest wall are found to about 1.5 %
_WORKING_ROWS = 320

_CODES: dict[str, tuple[IssueKind, str]] = {
    MaskFault.SWAPPED: (IssueKind.MASK_SWAPPED, ""),
    MaskFault.RESIZED: (IssueKind.MASK_RESIZED, ""),
    MaskFault.MISFIT: (IssueKind.MASK_MISFIT, ""),
    MaskFault.UNDECIDABLE: (IssueKind.MASK_UNDECIDABLE, ""),
    MaskFault.MISSING: (IssueKind.MASK_MISSING, ""),
    MaskFault.EMPTY: (IssueKind.MASK_EMPTY, ""),
    MaskFault.UNREADABLE: (IssueKind.MASK_MISSING, ""),
    "annotation_missing": (IssueKind.MASK_MISSING, "the file with the outlines is not there"),
    "box_clipped": (IssueKind.BOX_OUTSIDE, "a box reaches outside the picture and is cut at the edge"),
    "region_clipped": (IssueKind.BOX_OUTSIDE, ""),
    "region_outside": (IssueKind.BOX_OUTSIDE, ""),
    "roi_out_of_frame": (IssueKind.BOX_OUTSIDE, "an outline lies outside the picture and is left out"),
    "roi_fits_with_x_and_y_exchanged": (IssueKind.BOX_OUTSIDE, "an outline would fit with x and y exchanged"),
    Doubt.AIR_NOT_BLACK: (IssueKind.AIR_NOT_BLACK, ""),
    Doubt.NEARLY_BLACK: (IssueKind.NEARLY_BLACK, ""),
    Doubt.FILLS_FRAME: (IssueKind.FILLS_FRAME, ""),
    Doubt.SIDE_NOT_TOLD: (IssueKind.SIDE_NOT_TOLD, ""),
    "normal_with_region": (IssueKind.LABEL_CONTRADICTION, ""),
    CONTRADICTION: (IssueKind.HEADER_CONTRADICTION, ""),
    SURPLUS: (IssueKind.SURPLUS_BYTES, ""),
}
"""Codes with which data sets, the reader and `find_mask` start a note, and words for those that bring none."""


def mask_faults(mask: np.ndarray | None, breast: np.ndarray) -> list[Fault]:
    """What is wrong with a lesion mask on the grid of its picture.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool, or None
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    list of Fault
    """
    if mask is None:
        return []
    if mask.shape != breast.shape:
        sizes = f"mask {mask.shape[0]} x {mask.shape[1]}, picture {breast.shape[0]} x {breast.shape[1]}"
        return [(IssueKind.MASK_MISFIT, f"the mask has another size than its picture ({sizes})")]
    if not mask.any():
        return [(IssueKind.MASK_EMPTY, "the mask shows nothing")]
    shape = _working_shape(breast.shape)
    return _against_breast(resize(mask.astype(np.float32), shape), resize(breast.astype(np.float32), shape), "mask")


def box_faults(boxes: Iterable[Box], breast: np.ndarray) -> list[Fault]:
    """What is wrong with boxes, as fractions of a picture in which the breast is known.

    Parameters
    ----------
    boxes : iterable of Box
        In fractions of the picture.
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    list of Fault
    """
    shape = _working_shape(breast.shape)
    small = resize(breast.astype(np.float32), shape)
    return [fault for box in boxes for fault in _against_breast(mask_of_box(box, shape), small, "box")]


def faults_of_notes(notes: Iterable[str]) -> tuple[list[Fault], list[str]]:
    """Notes that start with a known code as faults, and the other notes.

    Parameters
    ----------
    notes : iterable of str
        Such as ``mask_resized: the mask was scaled, finding 2``.

    Returns
    -------
    list of Fault
    list of str
        Notes without a known code.
    """
    faults: list[Fault] = []
    others: list[str] = []
    for note in notes:
        code, _, detail = (part.strip() for part in note.partition(":"))
        if code in _CODES:
            kind, words = _CODES[code]
            faults.append((kind, ": ".join(part for part in (words, detail) if part) or code.replace("_", " ")))
        else:
            others.append(note)
    return list(dict.fromkeys(faults)), list(dict.fromkeys(others))


def _working_shape(shape: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _WORKING_ROWS / shape[0])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _against_breast(covered: np.ndarray, breast: np.ndarray, noun: str) -> list[Fault]:
    """Faults of what covers a share of each pixel, as the breast does; close to the breast counts as on it."""
    near = ndimage.binary_dilation(breast > 0, iterations=max(1, round(_NEAR * breast.shape[0])))
    on_breast = float((covered * near).sum() / max(1e-9, float(covered.sum())))
    of_breast = float((covered * breast).sum() / max(1e-9, float(breast.sum())))
    if on_breast < _LEAST_ON_BREAST:
        return [(IssueKind.MASK_OUTSIDE, f"{100 * (1 - on_breast):.0f} % of a {noun} lies off the breast")]
    if of_breast > _MOST_OF_BREAST:
        return [(IssueKind.MASK_OUTSIDE, f"a {noun} covers {100 * of_breast:.0f} % of the breast")]
    return []
