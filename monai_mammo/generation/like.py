"""Conditions of a real mammogram, to ask for synthetic ones like it."""

from __future__ import annotations

from pathlib import Path

from monai_mammo.attributes import NOT_ALWAYS_TAKEN
from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.array import PreparedMammogram, prepare_mammogram
from monai_mammo.prepare.geometry import mirror_box
from monai_mammo.prepare.reading import read_any
from monai_mammo.terms import Laterality

__all__ = ["conditions_of_image", "prepared_image"]


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
    prepared = prepared_image(path, shape=shape)
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
