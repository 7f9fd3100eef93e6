"""PatientOrientation of a mammogram, and the chest wall side that it states.

The first value says where a row runs to (the picture's right), the second where a column
runs to (its lower edge), in letters of A P R L H F (DICOM PS3.3, C.7.6.1.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monai_mammo.terms import ChestWall, Laterality, View

__all__ = ["chest_wall_of_orientation", "is_orientation", "laterality_of_orientation", "patient_orientation"]

_LETTERS = re.compile(r"[APRLHF]{1,3}")


def patient_orientation(laterality: Laterality, view: View, chest_wall: ChestWall) -> tuple[str, str]:
    """Row and column direction of a mammogram with the nipple away from the chest wall.

    Parameters
    ----------
    laterality : Laterality
        Breast; the column of a CC view runs to the sternum, so to R on a left breast.
    view : View
        MLO views run to the feet as well.
    chest_wall : ChestWall
        Edge of the chest wall by the pixels; a mirrored film states what it shows.

    Returns
    -------
    row, column : str
    """
    row = "A" if chest_wall is ChestWall.LEFT else "P"
    sternum = "R" if laterality is Laterality.L else "L"
    return row, sternum if view is View.CC else f"F{sternum}"


def is_orientation(values: object) -> bool:
    """Whether an attribute's value is an orientation: two values out of A P R L H F.

    CBIS-DDSM writes the view there (``MLO``), in which a plain search for letters finds a side.

    Parameters
    ----------
    values : object
        Of PatientOrientation.

    Returns
    -------
    bool
    """
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        return False
    return all(_LETTERS.fullmatch(str(value)) for value in values)


def chest_wall_of_orientation(values: object) -> ChestWall | None:
    """Chest wall edge that PatientOrientation states: left where rows run to the front.

    Parameters
    ----------
    values : object
        Of PatientOrientation.

    Returns
    -------
    ChestWall or None
        `None` where the value is not an orientation or its row runs neither to A nor to P.
    """
    if not is_orientation(values):
        return None
    row = str(values[0])  # type: ignore[index]
    if ("A" in row) == ("P" in row):
        return None
    return ChestWall.LEFT if "A" in row else ChestWall.RIGHT


def laterality_of_orientation(values: object) -> Laterality | None:
    """Breast that PatientOrientation stands for, while the column runs towards the sternum.

    Weak evidence: a picture that was turned upside down says the opposite.

    Parameters
    ----------
    values : object
        Of PatientOrientation.

    Returns
    -------
    Laterality or None
    """
    if not is_orientation(values):
        return None
    column = str(values[1])  # type: ignore[index]
    if ("L" in column) == ("R" in column):
        return None
    return Laterality.L if "R" in column else Laterality.R
