"""From requested conditions to what a sample shows: open attributes filled in, support looked up, lesion placed."""

from __future__ import annotations

import dataclasses

import numpy as np

from monai_mammo.bundle import Support, SupportTable, describe
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.boxes_in_region import box_in_region
from monai_mammo.lesions.hash_draw import drawn_share
from monai_mammo.lesions.placing import RequestedLesion, refuse_unlike, request_lesion
from monai_mammo.prepare.geometry import as_displayed, mirror_box
from monai_mammo.terms import AcquisitionKind, Finding, Laterality, View
from monai_mammo.text import conditions_of_text, notes_on_text, requested_finding

__all__ = ["PlannedSample", "plan_sample", "resolve"]

COARSE_MM = 0.2
"""Above this spacing single calcifications do not exist in a picture."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedSample:
    """What one sample of a run is to show.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    conditions : Conditions
        Nothing open that a file must state; the box refers to the picture as it hangs.
    lesion : RequestedLesion
        In the prepared frame, chest wall left.
    support : Support
        Training images and persons behind the conditions.
    warnings : tuple of str
        Sentences that every output of the sample carries.
    elsewhere : PlannedSample or None
        The same with another lesion at another place, for tries after some that failed; `None` where the request says
        where the lesion lies, or none is requested.
    """

    index: int
    conditions: Conditions
    lesion: RequestedLesion
    support: Support
    warnings: tuple[str, ...]
    elsewhere: PlannedSample | None = None

    @property
    def prepared_conditions(self) -> Conditions:
        """Conditions with the box in the prepared frame."""
        return self.conditions.replace(box=self.lesion.box)


def plan_sample(
    requested: Conditions,
    *,
    index: int,
    seed: int,
    table: SupportTable,
    shape: tuple[int, int],
    spacing_mm: float,
    smallest_px: float = 0.0,
    mask: np.ndarray | None = None,
    within: np.ndarray | None = None,
    refuse_unsupported: bool = True,
    encodes_text: bool = False,
    choice: int = 0,
) -> PlannedSample:
    """What sample `index` shows, a function of conditions, seed, number and choice alone.

    Parameters
    ----------
    requested : Conditions
        What is open is drawn where a file must state it; the box refers to the picture as it hangs.
    index, seed : int
        Number of the sample, and the seed of its run.
    table : SupportTable
        Training images behind the bundle's weights.
    shape : tuple of int
        Rows and columns of the prepared grid.
    spacing_mm : float
        Nominal.
    smallest_px : float
        Smallest feature that survives the autoencoder, in pixels; 0 where it is not stated.
    mask : ndarray, shape (rows, columns), bool, or None
        The requested lesion as the picture hangs.
    within : ndarray, shape (rows, columns), bool, or None
        The breast in the prepared frame, where it is known before.
    refuse_unsupported : bool
        Whether conditions that no training image stands behind are refused; a warning says so otherwise.
    encodes_text : bool
        Whether the weights are told of a text beside the conditions that it states.
    choice : int
        Which of the lesions that may stand for the conditions, see `monai_mammo.lesions.request_lesion`.

    Returns
    -------
    PlannedSample

    Raises
    ------
    RequestError
        No training image stands behind the conditions, and `refuse_unsupported` holds; or the requested lesion is
        too small, too large, outside its box, or where no breast is.
    """
    conditions = resolve(requested, table, seed=seed, sample_id=index)
    if mask is None:
        conditions = _placed_by_text(conditions, index=index, seed=seed, shape=shape, spacing_mm=spacing_mm)
    support = table.check(conditions)
    if not support.is_supported and refuse_unsupported:
        raise RequestError(f"{support.warning} (unsupported=override generates it all the same)")
    laterality = conditions.laterality
    assert laterality is not None
    turned = conditions if conditions.box is None or laterality is Laterality.L else _mirrored(conditions)
    lesion = request_lesion(
        turned,
        shape=shape,
        seed=seed,
        sample_id=index,
        mask=None if mask is None else np.ascontiguousarray(as_displayed(mask, laterality)),
        within=within,
        choice=choice,
    )
    if mask is not None or requested.box is not None:
        refuse_unlike(lesion, view=conditions.view, box=None if requested.box is None else turned.box)
    if lesion.box is not None:
        box = lesion.box if laterality is Laterality.L else mirror_box(lesion.box)
        conditions = conditions.replace(box=box)
    notes = [support.warning] if support.warning else []
    if not support.is_supported:
        notes = [f"UNSUPPORTED: no training image shows {describe(conditions)}"]
    notes += notes_on_text(conditions, is_encoded=encodes_text)
    notes += _too_small(lesion, conditions, shape=shape, spacing_mm=spacing_mm, smallest_px=smallest_px)
    return PlannedSample(index=index, conditions=conditions, lesion=lesion, support=support, warnings=tuple(notes))


def resolve(conditions: Conditions, table: SupportTable, *, seed: int, sample_id: int) -> Conditions:
    """Conditions with kind, view and laterality filled in; all else that is open stays open.

    The kind is the one with most training persons behind what is requested. View (in proportion to
    training images) and laterality (evenly) are drawn by seed and sample, as every file must state them.

    Parameters
    ----------
    conditions : Conditions
    table : SupportTable
    seed : int
        Decides all that is drawn by chance.
    sample_id : int
        Number of the sample in its run.

    Returns
    -------
    Conditions
    """
    if conditions.kind is None:
        best = max(AcquisitionKind, key=lambda kind: _weight(table, conditions.replace(kind=kind)))
        conditions = conditions.replace(kind=best)
    if conditions.view is None:
        weights = [table.images(conditions.replace(view=view)) for view in View]
        share = weights[0] / sum(weights) if sum(weights) else 0.5
        conditions = conditions.replace(view=View.CC if drawn_share(seed, sample_id, "view") < share else View.MLO)
    if conditions.laterality is None:
        side = Laterality.L if drawn_share(seed, sample_id, "laterality") < 0.5 else Laterality.R
        conditions = conditions.replace(laterality=side)
    return conditions


def _placed_by_text(
    conditions: Conditions, *, index: int, seed: int, shape: tuple[int, int], spacing_mm: float
) -> Conditions:
    """Conditions with a box where their text says in which part of the breast the lesion lies."""
    view, laterality = conditions.view, conditions.laterality
    if conditions.text is None or conditions.finding is Finding.NONE:
        return conditions
    finding = requested_finding(conditions_of_text(conditions.text), conditions)
    assert view is not None and laterality is not None
    if finding is None:
        return conditions
    region = finding.region(view, laterality)
    if conditions.box is not None:
        _refuse_outside(conditions.box, region)
        return conditions
    if region is None and finding.size_mm is None:
        return conditions
    region = finding.region(view, Laterality.L) or Box(0.0, 0.0, 1.0, 1.0)
    size = None
    if finding.size_mm is not None:
        size = (finding.size_mm / spacing_mm / shape[1], finding.size_mm / spacing_mm / shape[0])
    box = box_in_region(region, view=view, seed=seed, sample_id=index, size_fraction=size)
    return conditions.replace(box=box if laterality is Laterality.L else mirror_box(box))


def _refuse_outside(box: Box, region: Box | None) -> None:
    x, y = box.center
    if region is not None and not (region.x0 <= x <= region.x1 and region.y0 <= y <= region.y1):
        raise RequestError(
            f"text places the lesion in {', '.join(f'{v:.2f}' for v in region)} of the picture, but the middle of the "
            f"requested box lies at {x:.2f}, {y:.2f}: they must agree"
        )


def _weight(table: SupportTable, conditions: Conditions) -> tuple[int, int]:
    return table.persons(conditions), table.images(conditions)


def _mirrored(conditions: Conditions) -> Conditions:
    assert conditions.box is not None
    return conditions.replace(box=mirror_box(conditions.box))


def _too_small(
    lesion: RequestedLesion, conditions: Conditions, *, shape: tuple[int, int], spacing_mm: float, smallest_px: float
) -> list[str]:
    notes = []
    if conditions.finding is Finding.CALCIFICATION and spacing_mm > COARSE_MM:
        notes.append(f"single calcifications do not exist at a nominal pixel of {spacing_mm:g} mm")
    if lesion.box is not None and smallest_px > 0:
        size_px = min(lesion.box.width_fraction * shape[1], lesion.box.height_fraction * shape[0])
        if size_px < smallest_px:
            kept = f"{smallest_px:g}, the smallest that the weights keep"
            notes.append(f"a lesion of {size_px:.1f} pixels is below {kept}")
    return notes
