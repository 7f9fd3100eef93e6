"""One mammogram from one DICOM file, or the reason why there is none."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import CONDITIONS_PREFIX
from monai_mammo.dicom.notes import contradiction
from monai_mammo.dicom.orientation import chest_wall_of_orientation
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.bit_layout import settled_format
from monai_mammo.dicom.reading.brightness import MODES, Mode, rendering
from monai_mammo.dicom.reading.codecs import decode_frame
from monai_mammo.dicom.reading.guards import Limits, file_bytes, parse_noted, sha256_beside
from monai_mammo.dicom.reading.image_type import image_types
from monai_mammo.dicom.reading.labels import find_age, find_kind, person_pseudonym
from monai_mammo.dicom.reading.modifiers import MODIFIER_REASONS
from monai_mammo.dicom.reading.pixel_format import pixel_format
from monai_mammo.dicom.reading.screening import check_is_mammogram, is_for_processing
from monai_mammo.dicom.reading.sides import find_laterality
from monai_mammo.dicom.reading.spacing import find_spacing
from monai_mammo.dicom.reading.studies import study_pseudonym
from monai_mammo.dicom.reading.unrendered import Unrendered
from monai_mammo.dicom.reading.views import find_view
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram, StoredImage

__all__ = ["SYNTHETIC_NOTE", "read_mammogram", "read_unrendered"]

SYNTHETIC_NOTE = "the file is synthetic, its conditions are those that were requested"
"""Note of a mammogram whose file states that it was generated, and from which request."""


def read_mammogram(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    mode: Mode = "voi",
    for_processing: bool = False,
    accept: Collection[SkipReason] = (),
) -> Mammogram | Skipped | Failed:
    """Mammogram of a DICOM file, as a reader would see it.

    Padding is masked, bits are unpacked, then come modality, VOI (look-up table before window,
    the first of several, the whole stored range where there is neither) and polarity, in every
    mode once and last. The picture hangs as in the file: `stated_chest_wall` is what its header
    says, and `chest_wall` is left open, to be told by the pixels when the image is prepared.

    Hostile files are bounded by `limits` and by checks of each compressed frame. A decoder that
    crashes the interpreter, or hangs, needs a process of its own; this function keeps no state,
    so that a worker can call it.

    Parameters
    ----------
    path : path
        The file; its bytes are read once, hashed and parsed.
    limits : Limits, optional
        Sizes above which a file fails as ``too_large``.
    mode : {"voi", "modality", "raw"}
        How far values are taken. ``raw`` and ``modality`` are scaled by the whole range that can
        be stored, and `Mammogram.value_range` gives the values back.
    for_processing : bool
        Whether images For Processing are read as well, in mode ``raw`` or ``modality``; they have no VOI.
    accept : collection of SkipReason
        Views that are skipped otherwise, out of ``magnification``, ``spot``, ``implant_displaced``,
        ``tangential``, ``partial_view`` and ``rolled``.

    Returns
    -------
    Mammogram
        Brightness float32 in [0, 1], shape (rows, columns), with `notes` on what was chosen and what disagrees.
    Skipped
        The file holds no mammogram of the sort that is read; `reason` says why.
    Failed
        The file is damaged, too large or out of reach.

    Raises
    ------
    RequestError
        `mode` or `accept` is not allowed.
    """
    try:
        found = read_unrendered(path, limits=limits, mode=mode, for_processing=for_processing, accept=accept)
        return found.rendered() if isinstance(found, Unrendered) else found
    except MemoryError:
        return Failed(Path(path), SkipReason.TOO_LARGE, "reading it ran out of memory")


def read_unrendered(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    mode: Mode = "voi",
    for_processing: bool = False,
    accept: Collection[SkipReason] = (),
) -> Unrendered | Skipped | Failed:
    """What `read_mammogram` gives, before the last step, which needs nothing of the file any more.

    Parameters
    ----------
    path, limits, mode, for_processing, accept
        As for `read_mammogram`.

    Returns
    -------
    Unrendered, Skipped or Failed

    Raises
    ------
    RequestError
        `mode` or `accept` is not allowed.
    """
    path = Path(path)
    options = _Options(limits or Limits(), mode, for_processing, frozenset(accept))
    try:
        with suppress_pydicom_messages():
            return _read(path, options)
    except Refusal as refusal:
        return refusal.outcome(path)
    except MemoryError:
        return Failed(path, SkipReason.TOO_LARGE, "reading it ran out of memory")
    except Exception as error:  # values are converted on access, so a damaged one shows anywhere
        return Failed(path, SkipReason.DAMAGED, f"an attribute cannot be read ({type(error).__name__})")


@dataclasses.dataclass(frozen=True, slots=True)
class _Options:
    limits: Limits
    mode: Mode
    for_processing: bool
    accept: frozenset[SkipReason]

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise RequestError(f"mode {self.mode!r} is not one of {', '.join(MODES)}")
        for reason in self.accept - MODIFIER_REASONS:
            raise RequestError(f"accept {str(reason)!r} is not one of {', '.join(sorted(MODIFIER_REASONS))}")


def _read(path: Path, options: _Options) -> Unrendered:
    data = file_bytes(path, options.limits)
    sha256 = sha256_beside(data)
    dataset, notes = parse_noted(data, options.limits)
    pixels, table, fields = _pixels_and_fields(dataset, options)
    fields["notes"] = (*notes, *fields["notes"])
    origin = {"source": path.name, "source_sha256": sha256()}
    return Unrendered(StoredImage(pixels=pixels, brightness_table=table, **origin), {**fields, **origin})


def _pixels_and_fields(dataset: Dataset, options: _Options) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Pixels, their brightness, and what the header says of the mammogram."""
    view_notes = check_is_mammogram(dataset, for_processing=options.for_processing, accept=options.accept)
    if is_for_processing(dataset) and options.mode == "voi":
        raise Refusal(
            SkipReason.FOR_PROCESSING, "an image for processing has no VOI, it is read in mode raw or modality"
        )
    form = pixel_format(dataset, options.limits)
    conditions, label_notes = _conditions(dataset)
    spacing, spacing_notes = find_spacing(dataset)
    decoded = decode_frame(dataset, form)
    pixels = decoded.pixels
    form, bit_notes = settled_format(pixels, form, dataset, precision=decoded.precision)
    shown = rendering(dataset, pixels.dtype, form, mode=options.mode, pixels=pixels)
    notes = (*view_notes, *label_notes, *spacing_notes, *decoded.notes, *bit_notes, *shown.notes)
    fields = {
        "conditions": conditions,
        "spacing": spacing,
        "stated_chest_wall": chest_wall_of_orientation(dataset.get("PatientOrientation")),
        "person_id": person_pseudonym(dataset),
        "study_id": study_pseudonym(dataset),
        "value_range": shown.value_range,
        "notes": (*notes, *_warnings(dataset)),
    }
    return pixels, shown.brightness_table, fields


def _conditions(dataset: Dataset) -> tuple[Conditions, tuple[str, ...]]:
    laterality, side_notes = find_laterality(dataset)
    view, view_notes = find_view(dataset)
    requested = _requested(dataset)
    kind = requested.kind if requested is not None else find_kind(dataset)
    found = {"laterality": laterality, "view": view, "kind": kind, "age_years": find_age(dataset)}
    conditions = (requested or Conditions()).replace(**found)
    notes = [*side_notes, *view_notes]
    if requested is not None:
        notes.append(SYNTHETIC_NOTE)
        if (requested.laterality, requested.view) != (laterality, view):
            words = "side or view of the request and of the header disagree, the header's were taken"
            notes.append(contradiction(words))
    return conditions, tuple(notes)


def _requested(dataset: Dataset) -> Conditions | None:
    """Conditions that a synthetic file of ours carries in its DerivationDescription."""
    _, prefix, text = str(dataset.get("DerivationDescription") or "").partition(CONDITIONS_PREFIX)
    if dataset.get("SyntheticData") != "YES" or not prefix:
        return None
    with contextlib.suppress(RequestError, json.JSONDecodeError, TypeError):
        return Conditions.from_json(text)
    return None


def _warnings(dataset: Dataset) -> list[str]:
    notes = [note for (keyword, value), note in _NOTEWORTHY.items() if dataset.get(keyword) == value]
    notes += [note for value, note in _CONTRAST_TYPES.items() if value in image_types(dataset)]
    if is_for_processing(dataset):
        notes.append("the image is raw data for processing")
    return notes


_NOTEWORTHY = {
    ("LossyImageCompression", "01"): "the pixels were compressed with loss",
    ("BurnedInAnnotation", "YES"): "the header says that text is burnt into the picture",
    ("BreastImplantPresent", "YES"): "an implant is present",
}
_CONTRAST_TYPES = {
    "LOW_ENERGY": "low-energy picture of a contrast mammography",
    "RECOMBINED": "recombined picture of a contrast mammography",
}
