"""One picture: read, measured against its labels, and let go."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.dicom.reading.header import count_private, read_header
from monai_mammo.errors import MammoError
from monai_mammo.files.picture import is_picture
from monai_mammo.files.stored_array import read_array
from monai_mammo.prepare.breast import air_brightness, breast_mask, chest_wall_side
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import IssueKind
from monai_mammo.prepare.inspection.likeness import signature
from monai_mammo.prepare.inspection.polarity import INVERTED_BELOW, background_darkness
from monai_mammo.prepare.inspection.region_faults import Fault, box_faults, faults_of_notes, mask_faults
from monai_mammo.prepare.inspection.thumbnails import thumbnail
from monai_mammo.prepare.plausibility import picture_doubts
from monai_mammo.prepare.reading import FullMask, read_apart, read_mask
from monai_mammo.study import Mammogram, chest_wall_of
from monai_mammo.terms import AcquisitionKind, ChestWall, Finding

__all__ = ["inspect_image", "not_read"]

_STORED_SUFFIX = ".npy"
_IDENTIFYING = (
    *("PatientName", "PatientBirthDate", "OtherPatientIDs", "PatientAddress", "PatientTelephoneNumbers"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "InstitutionName", "AccessionNumber"),
)
_DAY_COLUMNS = ("study_id", "Acquisition date")


def inspect_image(entry: Entry) -> InspectedImage:
    """What a picture shows and what its labels say of it; a bad file is a result.

    Parameters
    ----------
    entry : Entry
        Of a data set, or of a prepared folder, whose pictures are uint16 arrays with the chest wall left.

    Returns
    -------
    InspectedImage
    """
    try:
        mammogram, mask_path = _read(entry)
        if not isinstance(mammogram, Mammogram):
            return _of_entry(not_read(mammogram, entry.name), entry)
        return _inspected(dataclasses.replace(entry, mask_path=mask_path), mammogram)
    except OSError as error:
        words = f"the file or what belongs to it could not be read: {error.strerror or 'unknown'}"
    except (MammoError, ValueError) as error:
        words = str(error) if isinstance(error, MammoError) else "the stored array is damaged"
    return _of_entry(not_read(Failed(entry.path, SkipReason.UNREADABLE, words), entry.name), entry)


def not_read(result: Skipped | Failed, name: str) -> InspectedImage:
    """What is known of a file that gave no mammogram.

    Parameters
    ----------
    result : Skipped or Failed
    name : str
        File, relative to the data set.

    Returns
    -------
    InspectedImage
    """
    status = "skipped" if isinstance(result, Skipped) else "failed"
    return InspectedImage(name=name, status=status, reason=result.reason.value, detail=result.detail)


def _inspected(entry: Entry, mammogram: Mammogram) -> InspectedImage:
    conditions = entry.conditions or mammogram.conditions
    found, mask, faults = _labelled(entry, mammogram)
    if mask is not None and conditions.finding is Finding.NONE and not mask.any():
        mask = None  # as it should be
    background = background_darkness(mammogram.pixels)
    pixels = 1 - mammogram.pixels if background < INVERTED_BELOW else mammogram.pixels
    breast = _breast(pixels, conditions.kind, is_prepared=_is_prepared(entry))
    boxes = [*found.lesions, *found.diffuse] or [box for box in [conditions.box] if box is not None]
    doubts: tuple[str, ...] = ()
    if breast is None:
        faults.append((IssueKind.NO_BREAST, "no breast is found in the picture"))
    else:
        faults += mask_faults(mask, breast) if mask is not None else box_faults(found.lesions, breast)
        doubts = _doubts(pixels, breast, entry, conditions.kind)
    noted, notes = faults_of_notes((*mammogram.notes, *found.notes, *_notes_of_findings(found), *doubts))
    seen = InspectedImage(
        name=entry.name,
        study=mammogram.study_id,
        conditions=conditions,
        shape=mammogram.shape,
        sha256=mammogram.source_sha256,
        pixels_sha256=_hash(mammogram.pixels),
        signature=signature(pixels),
        background=background,
        chest_wall=None if breast is None else chest_wall_side(breast),
        expected=_expected(entry, conditions.laterality),
        by_table=None if _is_prepared(entry) else entry.chest_wall,
        faults=tuple(dict.fromkeys((*noted, *faults))),
        findings=tuple(annotation.to_dict() for annotation in found.annotations),
        notes=tuple(notes),
        identifying=_identifying(entry),
        n_private=_n_private(entry),
        thumbnail=thumbnail(mammogram.pixels, mask=_fitting(mask, mammogram.shape), boxes=boxes),
    )
    person_id = entry.person_id or mammogram.person_id or mammogram.study_id or entry.fallback_person
    return _of_entry(seen, entry, person_id=person_id)


def _labelled(entry: Entry, mammogram: Mammogram) -> tuple[Entry, np.ndarray | None, list[Fault]]:
    """Entry with the masks of its findings, the lesion mask as published, and what is wrong with it as a file."""
    found = entry.with_masks(mammogram.shape)
    if found.mask_path is not None:
        try:
            published = read_mask(found.mask_path)
        except FullMask as error:
            return found, None, [(IssueKind.MASK_FULL, str(error))]
        except MammoError as error:
            return found, None, [(IssueKind.MASK_MISSING, str(error))]
        if not found.outlines or published.shape != mammogram.shape:
            return found, published, []
    return found, found.labelled(mammogram).lesion_mask, []


def _of_entry(seen: InspectedImage, entry: Entry, *, person_id: str = "") -> InspectedImage:
    """What the data set says of the picture, whether it was read or not."""
    changes: dict[str, Any] = {
        "image_id": entry.image_id,
        "person_id": person_id or entry.person_id or entry.fallback_person,
        "study": entry.labels.get("study", "") or _day(entry) or seen.study,
        "split": "" if entry.split is None else str(entry.split),
        "published_split": entry.labels.get("published_split", ""),
    }
    if not seen.is_read and entry.conditions is not None:
        changes["conditions"] = entry.conditions
    return dataclasses.replace(seen, **changes)


def _day(entry: Entry) -> str:
    """What the table's rows say about the day of the picture, in whatever words."""
    rows = entry.record.get("rows") or [entry.record]
    values = [row.get("values") or {} for row in rows if isinstance(row, dict)]
    return next((str(row[column]) for row in values for column in _DAY_COLUMNS if row.get(column)), "")


def _is_prepared(entry: Entry) -> bool:
    return entry.path.suffix == _STORED_SUFFIX and entry.mammogram is None


def _read(entry: Entry) -> tuple[Mammogram | Skipped | Failed, Path | None]:
    """Picture of an entry, and its mask: the one of the data set before the one that a sidecar names."""
    if entry.mammogram is not None:
        return entry.mammogram, entry.mask_path
    if _is_prepared(entry):
        return _stored(entry), entry.mask_path
    mammogram, mask_path = read_apart(entry.path, allow_outside=entry.allow_outside)
    return mammogram, entry.mask_path or mask_path


def _stored(entry: Entry) -> Mammogram:
    values = read_array(entry.path)
    if values.dtype != np.uint16 or values.ndim != 2:
        raise MammoError(f"{entry.name} must be an array of uint16 with rows and columns")
    return Mammogram(pixels=values.astype(np.float32) / np.float32(65535), source_sha256=entry.sha256)


def _breast(pixels: np.ndarray, kind: Any, *, is_prepared: bool) -> np.ndarray | None:
    """Where the breast is; in a prepared picture wherever there is not exactly air."""
    if is_prepared:
        return pixels > 0 if (pixels > 0).mean() > 0.02 else None
    try:
        return breast_mask(pixels, kind=kind)
    except MammoError:
        return None


def _doubts(pixels: np.ndarray, breast: np.ndarray, entry: Entry, kind: Any) -> tuple[str, ...]:
    """What the picture leaves open, as a note with its code; what a table knows is open no more."""
    air = 0.0 if _is_prepared(entry) or kind is AcquisitionKind.FILM else air_brightness(pixels)
    found = picture_doubts(pixels, breast, air=air, side=entry.chest_wall or chest_wall_side(breast))
    return tuple(f"{code}: {words}" for code, words in found.items())


def _expected(entry: Entry, laterality: Any) -> ChestWall | None:
    if _is_prepared(entry):
        return ChestWall.LEFT
    return None if laterality is None else chest_wall_of(laterality)


def _fitting(mask: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray | None:
    return mask if mask is not None and mask.shape == shape else None


def _notes_of_findings(entry: Entry) -> tuple[str, ...]:
    """Notes of findings with a code; others, such as a margin, describe the finding and are no news."""
    noted = [note for annotation in entry.annotations for note in annotation.notes]
    news = [note for note in noted if not any(own.startswith(note) for own in entry.notes)]
    return tuple(note for note in news if faults_of_notes([note])[0])


def _is_dicom(entry: Entry) -> bool:
    return entry.mammogram is None and not _is_prepared(entry) and not is_picture(entry.path)


def _n_private(entry: Entry) -> int:
    return count_private(entry.path) if _is_dicom(entry) else 0


def _identifying(entry: Entry) -> tuple[str, ...]:
    """Attributes that may name a person and are neither empty nor the PatientID again; never their values."""
    if not _is_dicom(entry):
        return ()
    header = read_header(entry.path, (*_IDENTIFYING, "PatientID"))
    if not isinstance(header, dict):
        return ()
    return tuple(keyword for keyword in _IDENTIFYING if header[keyword] not in ("", header["PatientID"]))


def _hash(pixels: np.ndarray) -> str:
    stored = np.rint(pixels * np.float32(65535)).astype(np.uint16)
    return hashlib.sha256(repr(stored.shape).encode() + stored.tobytes()).hexdigest()
