"""Outline of a lesion that is to come, at the place that is asked for or drawn, on the grid of the file."""

from __future__ import annotations

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.region_file import region_of_file
from monai_mammo.errors import RequestError
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.lesions.placing_in_breast import PlacedOutline, allowed_places, place_in_breast
from monai_mammo.prepare.geometry import mirror_box
from monai_mammo.terms import Depth, Laterality, Quadrant, View
from monai_mammo.text.place import box_of_place

__all__ = ["placed_lesion"]


def placed_lesion(
    request: EditRequest, source: EditSource, sample_id: int, *, enlarged: float = 1.0, taken: np.ndarray | None = None
) -> tuple[np.ndarray, str]:
    """Outline of the lesion that a request asks for, a function of the arguments alone.

    Parameters
    ----------
    request : EditRequest
    source : EditSource
    sample_id : int
        Decides with the request's seed what is drawn by chance.
    enlarged : float
        Multiple of the requested size that must fit at the place; a box or a mask is taken as it is.
    taken : ndarray, shape (rows, columns), bool, or None
        What a drawn place keeps away from; `None` for the lesions that the file tells of.

    Returns
    -------
    outline : ndarray, shape (rows, columns), bool
    where : str
        Where it comes from, for the manifest.

    Raises
    ------
    RequestError
        No place fits, or what says where or how large does not fit the file.
    """
    shape = (source.stored.shape[0], source.stored.shape[1])
    if request.mask is not None:
        return region_of_file(request.mask, source), "the requested mask"
    placed = _placed(request, source, sample_id, enlarged, source.known_lesions() if taken is None else taken)
    trace = source.prepared.trace
    box = request.box or trace.inverse_box(placed.box)
    assert box is not None
    points = placed.points * (-1, 1) + (1, 0) if trace.is_mirrored else placed.points
    return draw_outline(points, box, shape), placed.source


def _placed(
    request: EditRequest, source: EditSource, sample_id: int, enlarged: float, lesions: np.ndarray
) -> PlacedOutline:
    view = source.conditions.view
    prepared = source.prepared
    trace = prepared.trace
    allowed = allowed_places(
        prepared.breast,
        view=view,
        lesions=trace.forward(lesions.astype(np.float32)) > 0.1 if lesions.any() else None,
        in_muscle=request.in_muscle,
    )
    lesion = request.lesion.replace(view=view)
    if request.box is not None:
        lesion = lesion.replace(box=source.box_in_frame(request.box))
        allowed = prepared.breast
    return place_in_breast(
        lesion,
        prepared.image,
        allowed,
        seed=request.seed,
        sample_id=sample_id,
        region=_part(request.at, source),
        size_fraction=_size_fraction(request, source, enlarged),
    )


def _part(at: str | None, source: EditSource) -> Box | None:
    """Region of the prepared frame, chest wall left, that a word names."""
    if at is None:
        return None
    view, side = source.conditions.view, source.conditions.laterality
    if view is None or side is None:
        raise RequestError(f"{source.path} does not state view and side, which a place needs: name view and laterality")
    is_depth = at in tuple(str(member.value) for member in Depth)
    box = box_of_place(
        None if is_depth else Quadrant(at), view=View(view), laterality=side, depth=Depth(at) if is_depth else None
    )
    if box is None:
        raise RequestError(f"place {at!r} is not told apart in a {view} view")
    return mirror_box(box) if side is Laterality.R else box


def _size_fraction(request: EditRequest, source: EditSource, enlarged: float) -> tuple[float, float] | None:
    size_px = request.size_px
    if request.size_mm is not None:
        if source.spacing_mm is None:
            raise RequestError(f"{source.path} states no spacing, so that no size in mm is known: give size_px")
        size_px = request.size_mm / source.spacing_mm
    if size_px is None:
        return None
    size_px *= enlarged
    rows, columns = source.prepared.trace.padded_shape
    if size_px > min(rows, columns):
        raise RequestError(
            f"a lesion of {size_px:.0f} pixels is larger than the breast of {source.path}, {rows} x {columns} pixels"
        )
    return size_px / columns, size_px / rows
