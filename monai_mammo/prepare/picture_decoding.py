"""Pixels and masks of pictures, decoded in this process; `monai_mammo.prepare.reading` has one of its own for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.dicom import Failed, Limits, Skipped, SkipReason
from monai_mammo.dicom.reading.guards import file_bytes
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.files.bounded import FileFault, UnreadableFile
from monai_mammo.files.digest import bytes_sha256
from monai_mammo.files.mask_picture import mask_of_picture
from monai_mammo.files.names import printable
from monai_mammo.files.picture import decoded, open_picture
from monai_mammo.study import StoredImage

__all__ = ["read_mask_picture", "read_picture"]

_GREY_16 = ("I;16", "I;16B", "I;16L", "I")
_GREY_8 = ("L", "LA", "P", "PA", "RGB", "RGBA", "RGBX")


def read_picture(path: Path, *, limits: Limits | None = None) -> StoredImage | Skipped | Failed:
    """Pixels of a picture (PNG, JPEG, TIFF, WebP, BMP, PGM), without what lies beside it.

    Brightness is the share of 255 in 8-bit pictures and of 65535 in 16-bit ones. Three equal channels, as WebP has
    them, count as grey; true colour is skipped. Decodes in this process, where a damaged file may end it: see
    `read_any`.

    Parameters
    ----------
    path : Path
    limits : Limits, optional
        Sizes above which a file fails as ``too_large``.

    Returns
    -------
    StoredImage, Skipped or Failed
        Nothing is raised for a bad file.
    """
    limits = limits or Limits()
    try:
        data = file_bytes(path, limits)
        pixels = _grey_pixels(data, limits)
    except Refusal as refusal:
        return refusal.outcome(path)
    top = 2 ** (8 * pixels.itemsize) - 1
    return StoredImage(
        pixels=pixels,
        brightness_table=np.arange(top + 1, dtype=np.float32) / np.float32(top),
        source=printable(path.name),
        source_sha256=bytes_sha256(data),
    )


def read_mask_picture(path: Path, *, limits: Limits | None = None) -> StoredImage | Skipped | Failed:
    """Mask that a picture shows, decoded in this process: see `read_mask`.

    Parameters
    ----------
    path : Path
    limits : Limits, optional
        Sizes above which a file fails as ``too_large``.

    Returns
    -------
    StoredImage
        Pixels 0 and 1.
    Skipped or Failed
        Nothing is raised for a bad file.
    """
    limits = limits or Limits()
    try:
        data = file_bytes(path, limits)
        mask = mask_of_picture(open_picture(data, name="it", max_pixels=limits.pixels), name="it")
    except Refusal as refusal:
        return refusal.outcome(path)
    except UnreadableFile as error:
        return _refusal(error).outcome(path)
    return StoredImage(
        pixels=mask.astype(np.uint8),
        brightness_table=np.arange(256, dtype=np.float32) / np.float32(255),
        source=printable(path.name),
        source_sha256=bytes_sha256(data),
    )


def _grey_pixels(data: bytes, limits: Limits) -> np.ndarray:
    """Values as they are stored, shape (rows, columns), uint8 or uint16."""
    try:
        picture = open_picture(data, max_pixels=limits.pixels)
        _check_header(picture)
        mode = {"P": "RGB", "PA": "RGB", "LA": "L"}.get(picture.mode)
        return _one_channel(decoded(picture, mode=mode))
    except UnreadableFile as error:
        raise _refusal(error) from None


def _refusal(error: UnreadableFile) -> Refusal:
    reasons = {FileFault.TOO_LARGE: SkipReason.TOO_LARGE, FileFault.DAMAGED: SkipReason.DAMAGED}
    return Refusal(reasons.get(error.fault, SkipReason.UNREADABLE), error.detail)


def _check_header(image: Any) -> None:
    """Refuse a picture that is not to be decoded, by its header alone."""
    if min(image.size) < 8:
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the picture is smaller than 8 x 8 pixels")
    if getattr(image, "n_frames", 1) > 1:
        raise Refusal(SkipReason.MULTI_FRAME, "the picture has more than one frame")
    if image.mode == "1":
        raise Refusal(SkipReason.MASK_OR_CROP, "a picture of one bit is a mask")
    if image.mode not in _GREY_8 + _GREY_16:
        raise Refusal(SkipReason.COLOR, f"pictures of mode {image.mode} are not grey")


def _one_channel(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        if values.dtype.itemsize > 2 and not (values.min() >= 0 and values.max() <= 65535):
            raise Refusal(SkipReason.DAMAGED, "the picture has values of more than 16 bits")
        return values.astype(np.uint8 if values.dtype == np.uint8 else np.uint16)
    if (values[..., 0] != values[..., 1]).any() or (values[..., 0] != values[..., 2]).any():
        raise Refusal(SkipReason.COLOR, "the picture is coloured")
    return np.ascontiguousarray(values[..., 0])
