"""The JSON file beside a picture: what is known of it, whose it is, and where its lesion mask lies."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.names import ALLOW_OUTSIDE, path_inside, printable
from monai_mammo.files.picture import is_picture
from monai_mammo.parsed_numbers import parse_number
from monai_mammo.study import Spacing

__all__ = ["Sidecar", "files_beside", "sidecar_path"]

_MAX_SIDECAR_BYTES = 2**20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What a JSON file beside a picture says of it.

    Parameters
    ----------
    conditions : Conditions
        Its own keys stand at the top level of the JSON object.
    person_id : str
        Pseudonym that splits go by.
    lesion_mask : Path or None
        Picture of the same size, read by the rule of `monai_mammo.files.mask_picture`; named relative to the sidecar.
    spacing : Spacing or None
        Of its square pixels, as ``pixel_spacing_mm`` states it, 0.01 to 5 mm.
    """

    conditions: Conditions = Conditions()
    person_id: str = ""
    lesion_mask: Path | None = None
    spacing: Spacing | None = None

    @classmethod
    def read(cls, path: Path, *, allow_outside: bool = False) -> Sidecar:
        """Sidecar from its file.

        Parameters
        ----------
        path : Path
        allow_outside : bool
            Whether the mask may lie outside the sidecar's folder.

        Returns
        -------
        Sidecar

        Raises
        ------
        RequestError
            The file is not one JSON object, or says something that is not allowed.
        """
        name = printable(path.name)
        try:
            values = read_json(path, max_bytes=_MAX_SIDECAR_BYTES)
        except UnreadableFile as error:
            raise RequestError(error.detail) from None
        if not isinstance(values, dict):
            raise RequestError(f"{name} is not one JSON object")
        person, mask = values.pop("person_id", None), values.pop("lesion_mask", None)
        pixel_mm = values.pop("pixel_spacing_mm", None)
        if not (person is None or isinstance(person, (str, int))) or isinstance(person, bool):
            raise RequestError(f"person_id in {name} is neither text nor a whole number")
        lesion_mask = None
        if mask is not None:
            where = f"lesion_mask in {name}"
            lesion_mask = path_inside(path.parent, mask, where=where, allow_outside=allow_outside, hint=ALLOW_OUTSIDE)
        spacing = None
        if pixel_mm is not None:
            side = parse_number(pixel_mm, name=f"pixel_spacing_mm in {name}", low=0.01, high=5)
            spacing = Spacing(side, side, "imager")
        return cls(
            conditions=Conditions.from_dict(values, where=name),
            person_id="" if person is None else str(person),
            lesion_mask=lesion_mask,
            spacing=spacing,
        )


def sidecar_path(path: Path) -> Path:
    """JSON file that goes with a picture, whether it is there or not.

    Parameters
    ----------
    path : Path
        Of the picture.

    Returns
    -------
    Path
    """
    return path.with_suffix(".json")


def files_beside(path: Path, *, allow_outside: bool = False) -> tuple[Path, ...]:
    """Files that are there and belong to a picture: its sidecar, and the mask that this names.

    Parameters
    ----------
    path : Path
        Of the picture.
    allow_outside : bool
        Whether the sidecar may name a mask outside its folder.

    Returns
    -------
    tuple of Path
    """
    beside = sidecar_path(path)
    if not is_picture(path) or not beside.is_file():
        return ()
    with contextlib.suppress(RequestError):  # told when the picture is read
        mask = Sidecar.read(beside, allow_outside=allow_outside).lesion_mask
        return (beside,) if mask is None or not mask.is_file() else (beside, mask)
    return (beside,)
