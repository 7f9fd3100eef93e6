"""Masks and boxes against the picture that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.prepare.inspection.issue import IssueKind
from monai_mammo.prepare.masks import MaskFault

__all__ = ["Fault", "box_faults", "faults_of_notes", "mask_faults"]

Fault = tuple[IssueKind, str]
"""What is wrong with one picture, and the sentence that says so."""

_LEAST_ON_BREAST = 0.25
_MOST_OF_BREAST = 0.98

_KINDS_OF_CODES = {
    MaskFault.SWAPPED: IssueKind.MASK_SWAPPED,
    MaskFault.RESIZED: IssueKind.MASK_RESIZED,
    MaskFault.MISFIT: IssueKind.MASK_MISFIT,
    MaskFault.UNDECIDABLE: IssueKind.MASK_UNDECIDABLE,
    MaskFault.MISSING: IssueKind.MASK_MISSING,
    MaskFault.EMPTY: IssueKind.MASK_EMPTY,
    MaskFault.UNREADABLE: IssueKind.MASK_MISSING,
    "box_clipped": IssueKind.BOX_OUTSIDE,
    "region_clipped": IssueKind.BOX_OUTSIDE,
    "roi_out_of_frame": IssueKind.BOX_OUTSIDE,
    "roi_fits_with_x_and_y_exchanged": IssueKind.BOX_OUTSIDE,
    "annotation_missing": IssueKind.MASK_MISSING,
    "region_of_normal": IssueKind.LABEL_CONTRADICTION,
}
"""Kinds of the codes with which data sets and `find_mask` start a note."""


def mask_faults(mask: np.ndarray | None, breast: np.ndarray) -> list[Fault]:
    """What is wrong with a lesion mask on the grid of its picture.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool, or None
    breast : ndarray, shape (rows, columns), bool
    """
    if mask is None:
        return []
    if mask.shape != breast.shape:
        sizes = f"mask {mask.shape[0]} x {mask.shape[1]}, picture {breast.shape[0]} x {breast.shape[1]}"
        return [(IssueKind.MASK_MISFIT, f"the mask has another size than its picture ({sizes})")]
    if not mask.any():
        return [(IssueKind.MASK_EMPTY, "the mask shows nothing")]
    return _against_breast(float(breast[mask].mean()), float(mask[breast].mean()) if breast.any() else 0.0, "mask")


def box_faults(boxes: Iterable[Box], breast: np.ndarray) -> list[Fault]:
    """What is wrong with boxes, as fractions of a picture in which the breast is known."""
    faults = []
    for box in boxes:
        covered = mask_of_box(box, breast.shape)
        on_breast = float((covered * breast).sum())
        share_of_breast = on_breast / max(1.0, float(breast.sum()))
        faults += _against_breast(on_breast / max(1e-9, float(covered.sum())), share_of_breast, "box")
    return faults


def faults_of_notes(notes: Iterable[str]) -> tuple[list[Fault], list[str]]:
    """Notes that start with a known code as faults, and the other notes.

    Parameters
    ----------
    notes : iterable of str
        Such as ``mask_resized: the mask was scaled, finding 2``.
    """
    faults: list[Fault] = []
    others: list[str] = []
    for note in notes:
        code, _, detail = note.partition(":")
        kind = _KINDS_OF_CODES.get(code.strip())
        if kind is None:
            others.append(note)
        else:
            faults.append((kind, (detail.strip() if detail else "") or code.strip().replace("_", " ")))
    return list(dict.fromkeys(faults)), list(dict.fromkeys(others))


def _against_breast(share_on_breast: float, share_of_breast: float, noun: str) -> list[Fault]:
    if share_on_breast < _LEAST_ON_BREAST:
        return [(IssueKind.MASK_OUTSIDE, f"{100 * (1 - share_on_breast):.0f} % of a {noun} lies off the breast")]
    if share_of_breast > _MOST_OF_BREAST:
        return [(IssueKind.MASK_OUTSIDE, f"a {noun} covers {100 * share_of_breast:.0f} % of the breast")]
    return []

