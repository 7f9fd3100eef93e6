"""What became of each file of a data set, and of all of them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from monai_mammo.prepare.array import CHAIN_VERSION
from monai_mammo.prepare.datalist import FORMAT_VERSION, SPLIT_KEYS
from monai_mammo.prepare.entry import PERSON_OF_FILE
from monai_mammo.terms import Split

__all__ = ["FileOutcome", "PrepareReport"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file.

    Parameters
    ----------
    name : str
        File, relative to the data set.
    status : str
        ``read``, ``skipped`` or ``failed``.
    reason : str
        Code of `SkipReason`, empty for a file that was read.
    detail : str
        One sentence on the reason.
    image_id : str
        Name in the prepared folder, empty for a file that was not read.
    split : Split or None
        Of a file that was read.
    is_kept : bool
        Whether it was there already, made from the same bytes, labels and chain.
    record : dict
        ``item`` of the datalist and what was noticed.
    """

    name: str
    status: str
    reason: str = ""
    detail: str = ""
    image_id: str = ""
    split: Split | None = None
    is_kept: bool = False
    record: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def person_id(self) -> str:
        """Pseudonym of the person, empty for a file that was not read."""
        return self.record["item"]["person_id"] if self.status == "read" else ""

    def to_dict(self) -> dict[str, Any]:
        """Line of ``report.json``; the same for a file that was kept and one that was made anew.

        Returns
        -------
        dict
        """
        if self.status != "read":
            return {"file": self.name, "status": self.status, "reason": self.reason, "detail": self.detail}
        out = {"file": self.name, "status": "read", "image_id": self.image_id, "split": str(self.split)}
        return {**out, "notes": self.record["notes"]} if self.record["notes"] else out


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What `prepare` did, a line a file.

    Parameters
    ----------
    out : Path
        The prepared folder.
    shape : tuple of int
        Rows and columns of the prepared grid.
    seed : int
        Seed of the splits.
    files : tuple of FileOutcome
        Each file of the data set once, in its order.
    n_persons_redivided : int
        Persons whose images lie in several published parts; they were divided anew, by person.
    """

    out: Path
    shape: tuple[int, int]
    seed: int
    files: tuple[FileOutcome, ...]
    n_persons_redivided: int = 0

    def count(self, status: str) -> int:
        """Number of files that were ``read``, ``skipped`` or ``failed``.

        Parameters
        ----------
        status : str
            ``read``, ``skipped`` or ``failed``.

        Returns
        -------
        int
        """
        return sum(file.status == status for file in self.files)

    @property
    def n_kept(self) -> int:
        """Number of images that were there already."""
        return sum(file.is_kept for file in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of files by the code of what kept them from being read."""
        return dict(sorted(Counter(file.reason for file in self.files if file.reason).items()))

    @property
    def splits(self) -> dict[str, dict[str, int]]:
        """Images and persons of each split."""
        out = {}
        for split, key in SPLIT_KEYS.items():
            persons = [file.person_id for file in self.files if file.split is split]
            out[key] = {"images": len(persons), "persons": len(set(persons))}
        return out

    @property
    def n_persons_by_file(self) -> int:
        """Images of which nothing names the person, so that each counts as a person of its own."""
        return sum(file.person_id.startswith(PERSON_OF_FILE) for file in self.files)

    @property
    def chest_wall(self) -> dict[str, int]:
        """Images whose chest wall, by the pixels, contradicts the laterality or the table, or cannot be told."""
        records = [file.record for file in self.files if file.status == "read"]
        by_pixels = [record["chest_wall_by_pixels"] for record in records]
        pairs = list(zip(by_pixels, [record["chest_wall_by_table"] for record in records], strict=True))
        return {
            "contradicts_laterality": sum(record["item"]["is_mirrored"] for record in records),
            "contradicts_table": sum(None not in pair and pair[0] != pair[1] for pair in pairs),
            "not_told_by_pixels": by_pixels.count(None),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the whole before a training: splits without images, and what stands for persons."""
        persons = [file.person_id for file in self.files if file.status == "read"]
        notes = []
        for split in (Split.TRAIN, Split.VAL):
            if persons and not any(file.split is split for file in self.files):
                divided = _count(len(set(persons)), "person")
                notes.append(f"no image is in {SPLIT_KEYS[split]}, which a training needs: {divided} divided")
        studies = _studies_of_persons(self.files)
        if studies:
            most = max(map(len, studies.values()))
            notes.append(
                f"{_count(len(studies), 'PatientID')} with several studies, {most} at most: each counts as one person, "
                "which is wrong where a placeholder stands for many"
            )
        n_unnamed = sum(person.startswith("study-") for person in set(persons))
        if n_unnamed:
            notes.append(f"{_count(n_unnamed, 'study', 'studies')} without PatientID: each counts as a person")
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Content of ``report.json``: nothing of the time or of what was kept, so a second run writes the same.

        Returns
        -------
        dict
        """
        read = [file.record["item"] for file in self.files if file.status == "read"]
        return {
            "version": FORMAT_VERSION,
            "chain": CHAIN_VERSION,
            "shape": list(self.shape),
            "seed": self.seed,
            "counts": {status: self.count(status) for status in ("read", "skipped", "failed")},
            "reasons": self.reasons,
            "splits": self.splits,
            "persons_redivided": self.n_persons_redivided,
            "persons_by_file": self.n_persons_by_file,
            "mask_kinds": dict(sorted(Counter(item["mask_kind"] for item in read).items())),
            "chest_wall": self.chest_wall,
            "notes": list(self.notes),
            "files": [file.to_dict() for file in self.files],
        }


def _studies_of_persons(files: tuple[FileOutcome, ...]) -> dict[str, set[str]]:
    """Studies of each person who has several."""
    studies: dict[str, set[str]] = {}
    for file in files:
        study = file.record["item"].get("study_id") if file.status == "read" else None
        if study:
            studies.setdefault(file.person_id, set()).add(study)
    return {person: found for person, found in studies.items() if len(found) > 1}


def _count(n: int, one: str, several: str = "") -> str:
    return f"{n} {one if n == 1 else several or one + 's'}"
