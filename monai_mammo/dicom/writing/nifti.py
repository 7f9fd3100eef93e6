"""Mammograms as NIfTI for MONAI workflows, with their true spacing or with the word that it is unknown.

The first axis runs along the columns and the second along the rows, as ITK writes pictures and as MONAI's readers
hand out DICOM and PNG: an array of this file is the transpose of `Mammogram.pixels`.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from monai_mammo.dicom.identity import Provenance
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import FileFault, UnreadableFile, parse_json, read_bytes
from monai_mammo.files.picture import MAX_PIXELS
from monai_mammo.files.whole import save_bytes
from monai_mammo.study import Mammogram, Spacing

__all__ = ["NiftiPicture", "read_nifti", "write_nifti"]

UNKNOWN = "spacing UNKNOWN, 1 is not mm"
"""What ``descrip`` says of a file whose spacing nobody knows."""

_SUFFIXES = (".nii", ".nii.gz")
_MAX_BYTES = 8 * MAX_PIXELS + 2**20
_COMMENT = 6  # code of a header extension in plain text


class NiftiPicture(NamedTuple):
    """What `read_nifti` finds in a file.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness float32, or a mask uint8.
    spacing : Spacing or None
        `None` where the file says that it is unknown.
    about : dict
        What the file says of itself: conditions, and for a synthetic image what made it.
    """

    pixels: np.ndarray
    spacing: Spacing | None
    about: dict[str, Any]


def write_nifti(
    mammogram: Mammogram,
    path: str | os.PathLike[str],
    *,
    mask_path: str | os.PathLike[str] | None = None,
    provenance: Provenance | None = None,
    unknown_spacing: Literal["refuse", "state"] = "refuse",
) -> None:
    """Write a mammogram, and its lesion mask, as NIfTI; equal arguments give equal bytes.

    Brightness is float32 in [0, 1] and nothing is lost; the affine has no position in a body, only the spacing,
    in ITK's axes. The source of the spacing stands in ``descrip``, all else in a comment extension.

    Parameters
    ----------
    mammogram : Mammogram
    path : path
        Ends on ``.nii`` or ``.nii.gz``; it appears whole or not at all.
    mask_path : path, optional
        Where to write the lesion mask, uint8 of 0 and 1.
    provenance : Provenance, optional
        What made a synthetic mammogram; the file then says that it is one.
    unknown_spacing : {"refuse", "state"}
        What to do where the spacing is not known: ``state`` writes a file without a unit of length that says so.

    Raises
    ------
    RequestError
        The spacing is not known, a name does not end on ``.nii`` or ``.nii.gz``, or there is no mask to write.
    MammoError
        A file cannot be written.
    """
    if unknown_spacing not in ("refuse", "state"):
        raise RequestError(f"unknown_spacing {unknown_spacing!r} is not one of refuse, state")
    if mammogram.spacing is None and unknown_spacing == "refuse":
        raise RequestError("a mammogram of unknown spacing is not written as NIfTI unless that may be stated")
    if mask_path is not None and mammogram.lesion_mask is None:
        raise RequestError("there is no lesion mask to write as NIfTI")
    for name in (path, mask_path):
        if name is not None and not str(name).endswith(_SUFFIXES):
            raise RequestError(f"{Path(name).name} does not end on .nii or .nii.gz")
    save_bytes(_file(mammogram.pixels, mammogram, provenance, compressed=str(path).endswith(".gz")), path)
    if mask_path is not None and mammogram.lesion_mask is not None:
        mask = mammogram.lesion_mask.astype(np.uint8)
        save_bytes(_file(mask, mammogram, provenance, compressed=str(mask_path).endswith(".gz")), mask_path)


def read_nifti(path: str | os.PathLike[str]) -> NiftiPicture:
    """Picture or mask of a file by `write_nifti`.

    Parameters
    ----------
    path : path

    Returns
    -------
    NiftiPicture
        Pixels of shape (rows, columns): the transpose of what lies in the file.

    Raises
    ------
    MammoError
        The file cannot be read or is none of ours.
    """
    import nibabel
    from nibabel.wrapstruct import WrapStructError

    name = Path(path).name
    damage = (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError, WrapStructError)
    try:
        image = nibabel.Nifti1Image.from_bytes(_unpacked(Path(path)))
        if len(image.shape) != 2 or image.shape[0] * image.shape[1] > MAX_PIXELS:
            raise ValueError
        pixels = np.asanyarray(image.dataobj).T
        extensions = [extension for extension in image.header.extensions if extension.get_code() == _COMMENT]
        about = dict(parse_json(bytes(extensions[0].get_content()).rstrip(b"\0").decode())["monai_mammo"])
        spacing = about.pop("spacing")
        known = None if spacing is None else Spacing(spacing["row_mm"], spacing["column_mm"], spacing["source"])
        if pixels.dtype.kind not in "buif" or not np.isfinite(pixels).all():
            raise ValueError
    except UnreadableFile:
        raise
    except (*damage, OSError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        raise MammoError(f"{name} is not a NIfTI file by write_nifti") from None
    return NiftiPicture(pixels, known, about)


def _unpacked(path: Path) -> bytes:
    """Bytes of a file, inflated where it is packed, up to what the largest picture needs."""
    data = read_bytes(path, max_bytes=_MAX_BYTES)
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(data, _MAX_BYTES + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(unpacked) > _MAX_BYTES:
        raise UnreadableFile(FileFault.TOO_LARGE, f"{path.name} holds more than {_MAX_BYTES} bytes")
    return unpacked


def _file(pixels: np.ndarray, mammogram: Mammogram, provenance: Provenance | None, *, compressed: bool) -> bytes:
    import nibabel

    spacing = mammogram.spacing
    row_mm, column_mm = (1.0, 1.0) if spacing is None else (spacing.row_mm, spacing.column_mm)
    # ITK counts to the left and back, NIfTI to the right and front
    image = nibabel.Nifti1Image(pixels.T, np.diag([-column_mm, -row_mm, 1.0, 1.0]))
    image.set_qform(image.affine, code="aligned")  # some readers look at this one alone
    header = image.header
    header.set_xyzt_units("unknown" if spacing is None else "mm")
    synthetic = "SYNTHETIC, " if provenance is not None else ""
    source = UNKNOWN if spacing is None else f"spacing mm, source {spacing.source}"
    header["descrip"] = f"{synthetic}{source}"[:79]
    text = json.dumps({"monai_mammo": _about(mammogram, provenance)}, separators=(",", ":"))
    header.extensions.append(nibabel.nifti1.Nifti1Extension(_COMMENT, text.encode()))
    data = image.to_bytes()
    return gzip.compress(data, compresslevel=6, mtime=0) if compressed else data


def _about(mammogram: Mammogram, provenance: Provenance | None) -> dict[str, Any]:
    spacing = mammogram.spacing
    about: dict[str, Any] = {
        "spacing": None
        if spacing is None
        else {"row_mm": spacing.row_mm, "column_mm": spacing.column_mm, "source": spacing.source},
        "conditions": mammogram.conditions.replace(text=None).to_dict(),
        "axes": "columns, rows",
    }
    if provenance is not None:
        weights = [f"{w.name} {w.version} sha256 {w.sha256 or 'none'}" for w in provenance.weights]
        made = f"{provenance.method} by {provenance.tool} {provenance.tool_version}"
        about["synthetic"] = {"made": made, "weights": weights, "notes": list(provenance.notes)}
    return about
