"""One mammogram from one DICOM file, or the reason why there is none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.brightness import brightness
from monai_mammo.dicom.codecs import decode, pixel_format
from monai_mammo.dicom.guards import Limits, file_bytes, parse
from monai_mammo.dicom.labels import find_age, find_kind, find_laterality, find_view, person_pseudonym
from monai_mammo.dicom.quiet import quiet
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.dicom.screening import check_is_mammogram
from monai_mammo.dicom.spacing import find_spacing
from monai_mammo.dicom.write import CONDITIONS_MARK
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram

__all__ = ["read_mammogram"]


def read_mammogram(path: str | os.PathLike[str], *, limits: Limits | None = None) -> Mammogram | Skipped | Failed:
    """Mammogram of a DICOM file, as a reader would see it.

    Padding is masked, bits are unpacked, then come modality, VOI (look-up table before window,
    the whole stored range where there is neither) and polarity. The picture hangs as in the
    file, and `chest_wall` is left open: it is told by the pixels when the image is prepared.

    Hostile files are bounded by `limits` and by checks of each compressed frame. A decoder that
    crashes the interpreter, or hangs, needs a process of its own; this function keeps no state,
    so that a worker can call it.

    Parameters
    ----------
    path : path
        The file; its bytes are read once, hashed and parsed.
    limits : Limits, optional
        Sizes above which a file fails as ``too_large``.

    Returns
    -------
    Mammogram
        Brightness float32 in [0, 1], with `notes` on what was chosen and what disagrees.
    Skipped
        The file holds no mammogram of the sort that is read; `reason` says why.
    Failed
        The file is damaged, too large or out of reach.
    """
    path = Path(path)
    try:
        with quiet():
            return _read(path, limits or Limits())
    except Refusal as refusal:
        return refusal.outcome(path)
    except Exception as error:  # values are converted on access, so a damaged one shows anywhere
        return Failed(path, SkipReason.DAMAGED, f"an attribute can not be read ({type(error).__name__})")


def _read(path: Path, limits: Limits) -> Mammogram:
    data = file_bytes(path, limits)
    dataset = parse(data, limits)
    check_is_mammogram(dataset)
    form = pixel_format(dataset, limits)
    conditions, label_notes = _conditions(dataset)
    spacing, spacing_notes = find_spacing(dataset)
    pixels, pixel_notes = brightness(dataset, decode(dataset, form), form)
    return Mammogram(
        pixels=pixels,
        conditions=conditions,
        spacing=spacing,
        person_id=person_pseudonym(dataset),
        source=path.name,
        source_sha256=hashlib.sha256(data).hexdigest(),
        notes=(*label_notes, *spacing_notes, *pixel_notes, *_warnings(dataset)),
    )


def _conditions(dataset: Dataset) -> tuple[Conditions, tuple[str, ...]]:
    laterality, side_notes = find_laterality(dataset)
    view, view_notes = find_view(dataset)
    asked = _requested(dataset)
    kind = asked.kind if asked is not None else find_kind(dataset)
    found = {"laterality": laterality, "view": view, "kind": kind, "age_years": find_age(dataset)}
    conditions = (asked or Conditions()).replace(**found)
    notes = [*side_notes, *view_notes]
    if asked is not None:
        notes.append("the file is synthetic, its conditions are those that were asked for")
        if (asked.laterality, asked.view) != (laterality, view):
            notes.append("side or view of the request and of the header disagree")
    return conditions, tuple(notes)


def _requested(dataset: Dataset) -> Conditions | None:
    """Conditions that a synthetic file of ours carries in its DerivationDescription."""
    _, mark, text = str(dataset.get("DerivationDescription") or "").partition(CONDITIONS_MARK)
    if dataset.get("SyntheticData") != "YES" or not mark:
        return None
    with contextlib.suppress(RequestError, json.JSONDecodeError, TypeError):
        return Conditions.from_json(text)
    return None


def _warnings(dataset: Dataset) -> list[str]:
    notes = []
    if dataset.get("LossyImageCompression") == "01":
        notes.append("the pixels were compressed with loss")
    if dataset.get("BurnedInAnnotation") == "YES":
        notes.append("the header says that text is burnt into the picture")
    if dataset.get("BreastImplantPresent") == "YES":
        notes.append("an implant is present")
    return notes
