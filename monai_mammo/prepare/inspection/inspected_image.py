"""What is known of one picture after it was looked at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.prepare.inspection.issue import IssueKind
from monai_mammo.terms import ChestWall

__all__ = ["InspectedImage"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InspectedImage:
    """One picture: small facts, and no pixels but a thumbnail.

    Parameters
    ----------
    name : str
        File, relative to the data set.
    image_id : str
        Short name, empty for a file that no entry stands for.
    status : str
        ``read``, ``skipped`` or ``failed``.
    reason, detail : str
        Why it was not read.
    person_id : str
        Pseudonym; stays out of every report.
    study : str
        Day of the person, where the data set tells days apart.
    split : str
        Part that the data set or the datalist puts it in; empty where there is none.
    published_split : str
        Part as the tables have it, several joined by ``|``.
    conditions : Conditions
        Labels, as far as they are known.
    shape : tuple of int
        Rows and columns, (0, 0) for what was not read.
    sha256, pixels_sha256 : str
        Hash of the file, and of size and brightness to 16 bit.
    signature : ndarray, shape (n,), float32, or None
        What `likeness.alike` compares.
    background : float
        Darkness of the background by `polarity.background_darkness`; negative for an inverted picture.
    chest_wall, expected, by_table : ChestWall or None
        Edge of the chest wall by the pixels, by the laterality, and by the data set's table.
    faults : tuple of (IssueKind, str)
        What is wrong with masks, boxes and pixels, each with its sentence.
    findings : tuple of dict
        What the data set describes, as `Annotation.to_dict` gives it.
    notes : tuple of str
        What was noticed on reading.
    identifying : tuple of str
        Keywords of DICOM attributes that may name a person and are not empty.
    n_private : int
        Number of private DICOM attributes.
    thumbnail : bytes
        A small JPEG with boxes and outlines drawn in; empty for what was not read.
    """

    name: str
    image_id: str = ""
    status: str = "read"
    reason: str = ""
    detail: str = ""
    person_id: str = ""
    study: str = ""
    split: str = ""
    published_split: str = ""
    conditions: Conditions = Conditions()
    shape: tuple[int, int] = (0, 0)
    sha256: str = ""
    pixels_sha256: str = ""
    signature: np.ndarray | None = None
    background: float = 1.0
    chest_wall: ChestWall | None = None
    expected: ChestWall | None = None
    by_table: ChestWall | None = None
    faults: tuple[tuple[IssueKind, str], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()
    n_private: int = 0
    thumbnail: bytes = b""

    @property
    def is_read(self) -> bool:
        """Whether it gave a mammogram."""
        return self.status == "read"

    def to_dict(self) -> dict[str, Any]:
        """Line of ``doctor.json``, without the person.

        Returns
        -------
        dict
        """
        values: dict[str, Any] = {"file": self.name, "status": self.status}
        if not self.is_read:
            return {**values, "reason": self.reason, "detail": self.detail}
        values |= {
            "split": self.split,
            "published_split": self.published_split,
            "conditions": self.conditions.to_dict(),
            "shape": list(self.shape),
            "sha256": self.sha256,
            "background_darkness": round(self.background, 3),
            "chest_wall_by_pixels": self.chest_wall and str(self.chest_wall),
        }
        return {key: value for key, value in values.items() if value not in ("", None)}
