"""A real mammogram, to ask for synthetic ones like it: what it shows, and what of its pixels is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_mammo.attributes import NOT_ALWAYS_TAKEN
from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.engine.check import MAX_OUTSIDE
from monai_mammo.generation.engine.source import Keep, Source
from monai_mammo.lesions.placing import RequestedLesion, outside_share
from monai_mammo.prepare.array import PreparedMammogram, prepare_mammogram
from monai_mammo.prepare.geometry import as_displayed, mask_of_box, mirror_box
from monai_mammo.prepare.reading import read_any
from monai_mammo.terms import Finding, Laterality

__all__ = [
    "conditions_of_image",
    "conditions_of_prepared",
    "outline_of_source",
    "prepared_image",
    "refuse_lesion_outside",
    "refuse_unlike_image",
    "source_of_image",
]

_LEAST_SHARE = 0.5
"""Pixels that a picture has, each way, of those of the grid: with fewer it is a blur that passes for a mammogram."""


def conditions_of_image(path: str | Path, *, shape: tuple[int, int]) -> Conditions:
    """What a mammogram shows, as a request for others like it.

    Kind, view, laterality, density, finding, BI-RADS and box are taken where the file, or the JSON
    file beside a picture, states them; what is not known stays open. Age, words and pathology stay
    behind: they belong to the person.

    Parameters
    ----------
    path : str or Path
        DICOM, PNG, JPG or WebP.
    shape : tuple of int
        Rows and columns of the prepared grid, to whose picture the box is brought.

    Returns
    -------
    Conditions
        With the box in the prepared picture as it hangs.

    Raises
    ------
    RequestError
        The file is not a mammogram, or cannot be read.
    """
    return conditions_of_prepared(prepared_image(path, shape=shape))


def conditions_of_prepared(prepared: PreparedMammogram) -> Conditions:
    """What a prepared mammogram shows, as `conditions_of_image` takes it from a file.

    Parameters
    ----------
    prepared : PreparedMammogram

    Returns
    -------
    Conditions
        With the box in the picture as it hangs.
    """
    conditions = prepared.conditions.replace(**dict.fromkeys(("text", *NOT_ALWAYS_TAKEN)))
    if conditions.box is not None and conditions.laterality is None:
        conditions = conditions.replace(laterality=Laterality.L)  # the prepared frame is that of a left breast
    if conditions.box is not None and conditions.laterality is Laterality.R:
        conditions = conditions.replace(box=mirror_box(conditions.box))
    return conditions


def prepared_image(path: str | Path, *, shape: tuple[int, int]) -> PreparedMammogram:
    """Mammogram of a file on the prepared grid.

    Parameters
    ----------
    path : str or Path
    shape : tuple of int
        Rows and columns of the prepared grid.

    Returns
    -------
    PreparedMammogram

    Raises
    ------
    RequestError
        The file is not a mammogram, cannot be read, or shows no breast.
    """
    found = read_any(path)
    if isinstance(found, (Skipped, Failed)):
        raise RequestError(f"{path} is not read: {found.detail} [{found.reason.value}]")
    try:
        return prepare_mammogram(found, shape=shape)
    except MammoError as error:
        raise RequestError(f"{path} is not read: {error}") from None


def source_of_image(path: str | Path, *, shape: tuple[int, int], keep: Keep, strength: float) -> Source:
    """A mammogram of which something is kept.

    Parameters
    ----------
    path : str or Path
    shape : tuple of int
        Rows and columns of the prepared grid.
    keep : Keep
    strength : float
        In [0, 1], as in `Source`.

    Returns
    -------
    Source

    Raises
    ------
    RequestError
        The file is no mammogram, cannot be read, shows no breast, or has too few pixels.
    """
    prepared = prepared_image(path, shape=shape)
    found = prepared.trace.padded_shape
    if any(n < _LEAST_SHARE * side for n, side in zip(found, shape, strict=True)):
        raise RequestError(
            f"{path} shows the breast on {found[0]} x {found[1]} pixels, too few to be kept on the bundle's "
            f"{shape[0]} x {shape[1]}: half as many each way are the least"
        )
    lesion = np.zeros(shape, dtype=bool) if prepared.lesion_mask is None else prepared.lesion_mask.astype(bool)
    region = lesion.copy()
    if prepared.conditions.box is not None:
        region |= mask_of_box(prepared.conditions.box, shape) > 0
    return Source(
        image=prepared.image,
        breast=prepared.breast,
        outline=lesion,
        lesion=region,
        shown=conditions_of_prepared(prepared),
        keep=keep,
        strength=strength,
        sha256=prepared.source_sha256,
    )


def refuse_unlike_image(requested: Conditions, source: Source, *, path: str) -> None:
    """Raise where what is requested contradicts an image of which something is kept.

    Parameters
    ----------
    requested : Conditions
        Of one sample; what it leaves open the image does not state either.
    source : Source
    path : str
        For the message.

    Raises
    ------
    RequestError
        Kind, view or side are neither requested nor stated by the image; they, or the density of a breast that is
        kept, differ.
    """
    if not source.is_used:
        return
    how = f"keep {source.keep}" if source.keep is not Keep.NOTHING else f"strength {source.strength:g}"
    names = ("kind", "view", "laterality", *(("density",) if source.keep is not Keep.NOTHING else ()))
    for name in names:
        required, stated = getattr(requested, name), getattr(source.shown, name)
        if required is None and name != "density":
            raise RequestError(f"{path} does not state its {name}, which {how} needs: name it with {name}")
        if stated is not None and required is not None and required != stated:
            raise RequestError(
                f"{path} shows {name} {stated}, and {name} {required} is requested: with {how} they must agree"
            )


def outline_of_source(requested: Conditions, source: Source) -> np.ndarray | None:
    """Outline of the image's own lesion, where the request is for that lesion in other tissue.

    Parameters
    ----------
    requested : Conditions
        Of one sample.
    source : Source

    Returns
    -------
    ndarray, shape (rows, columns), bool, or None
        As the picture hangs; `None` where something is kept, no outline is known, or another lesion or none is
        requested.
    """
    is_same = requested.finding is not Finding.NONE and requested.box in (None, source.shown.box)
    if source.keep is not Keep.NOTHING or not is_same or not source.outline.any():
        return None
    return np.ascontiguousarray(as_displayed(source.outline, requested.laterality or Laterality.L))


def refuse_lesion_outside(lesion: RequestedLesion, source: Source, *, path: str) -> None:
    """Raise where a lesion does not lie in the breast that is kept, or nothing is left to be drawn.

    Parameters
    ----------
    lesion : RequestedLesion
    source : Source
    path : str
        For the message.

    Raises
    ------
    RequestError
    """
    if source.keep is Keep.NOTHING:
        return
    share = outside_share(lesion.mask, source.breast)
    if share > MAX_OUTSIDE:
        raise RequestError(
            f"{share:.0%} of the requested lesion lies outside the breast of {path}, which keep {source.keep} keeps: "
            f"{MAX_OUTSIDE:.0%} is the most"
        )
    if source.keep is Keep.ALL_BUT_LESION and not source.region(lesion).any():
        raise RequestError(
            f"{path} shows no lesion that is known and none is requested: with keep {source.keep} nothing is drawn"
        )
