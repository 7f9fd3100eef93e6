"""One mammogram from one file, whatever its format."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason, read_mammogram
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Mammogram

__all__ = ["IMAGE_SUFFIXES", "Sidecar", "read_any", "read_mask", "sidecar_path"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".pgm"})
"""Endings of the picture formats; any other file is tried as DICOM."""

_MAX_PIXELS = 64_000_000  # three times the largest mammogram
_GREY_16 = ("I;16", "I;16B", "I;16L", "I")
_GREY_8 = ("L", "LA", "P", "PA", "RGB", "RGBA", "RGBX")


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
        Picture of the same size, lesion above half brightness; named relative to the sidecar.
    """

    conditions: Conditions = Conditions()
    person_id: str = ""
    lesion_mask: Path | None = None

    @classmethod
    def read(cls, path: Path) -> Sidecar:
        """Sidecar from its file.

        Raises
        ------
        RequestError
            The file is no JSON object, or says something that is not allowed.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            values = None
        if not isinstance(values, dict):
            raise RequestError(f"{path.name} is not one JSON object")
        person, mask = str(values.pop("person_id", "")), values.pop("lesion_mask", None)
        return cls(
            conditions=Conditions.from_dict(values, where=path.name),
            person_id=person,
            lesion_mask=None if mask is None else path.parent / str(mask),
        )


def read_any(path: str | Path) -> Mammogram | Skipped | Failed:
    """Mammogram from a DICOM, PNG, JPG, WebP or PGM file, or the reason why there is none.

    A picture takes its conditions, person and lesion mask from a JSON file of the same name beside it (`Sidecar`).
    8-bit pictures are divided by 255 and 16-bit ones by 65535. Three equal channels, as WebP has them, count as
    grey; true colour is skipped.

    Parameters
    ----------
    path : path

    Returns
    -------
    Mammogram, Skipped or Failed
        Nothing is raised for a bad file.
    """
    path = Path(path)
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return read_mammogram(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return Failed(path, SkipReason.UNREADABLE, f"the file could not be read: {error.strerror or 'unknown'}")
    pixels = _grey_pixels(path, data)
    if not isinstance(pixels, np.ndarray):
        return pixels
    try:
        beside = sidecar_path(path)
        sidecar = Sidecar.read(beside) if beside.is_file() else Sidecar()
        return Mammogram(
            pixels=pixels,
            conditions=sidecar.conditions,
            lesion_mask=None if sidecar.lesion_mask is None else read_mask(sidecar.lesion_mask),
            person_id=sidecar.person_id,
            source=path.name,
            source_sha256=hashlib.sha256(data).hexdigest(),
        )
    except MammoError as error:
        return Failed(path, SkipReason.UNREADABLE, str(error))


def sidecar_path(path: Path) -> Path:
    """JSON file that goes with a picture, whether it is there or not."""
    return path.with_suffix(".json")


def read_mask(path: Path) -> np.ndarray:
    """Mask from a picture: above half brightness.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        The file is not there or no picture.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("L")) > 127
    except (OSError, ValueError, SyntaxError):
        raise MammoError(f"mask {path.name} is not there or no picture") from None


def _grey_pixels(path: Path, data: bytes) -> np.ndarray | Skipped | Failed:
    """Brightness in [0, 1], shape (rows, columns), float32, or why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            refusal = _refusal(path, image)
            return refusal or _to_brightness(path, np.asarray(_expanded(image)))
    except Exception:  # Pillow's plugins raise whatever a damaged stream makes them trip over
        return Failed(path, SkipReason.DAMAGED, "the picture is damaged or of another format than its name says")


def _refusal(path: Path, image: Any) -> Skipped | Failed | None:
    """Why a picture is not to be decoded, from its header alone."""
    if image.width * image.height > _MAX_PIXELS:
        return Failed(path, SkipReason.TOO_LARGE, f"the picture has more than {_MAX_PIXELS} pixels")
    if min(image.size) < 8:
        return Failed(path, SkipReason.UNSUPPORTED_PIXELS, "the picture is smaller than 8 x 8 pixels")
    if getattr(image, "n_frames", 1) > 1:
        return Skipped(path, SkipReason.MULTI_FRAME, "the picture has more than one frame")
    if image.mode == "1":
        return Skipped(path, SkipReason.MASK_OR_CROP, "a picture of one bit is a mask")
    if image.mode not in _GREY_8 + _GREY_16:
        return Skipped(path, SkipReason.COLOR, f"pictures of mode {image.mode} are not grey")
    return None


def _expanded(image: Any) -> Any:
    if image.mode in ("P", "PA"):
        return image.convert("RGB")
    return image.convert("L") if image.mode == "LA" else image


def _to_brightness(path: Path, values: np.ndarray) -> np.ndarray | Skipped:
    if values.ndim == 2:
        full = 255 if values.dtype == np.uint8 else 65535
        return values.astype(np.float32) / np.float32(full)
    if (values[..., 0] != values[..., 1]).any() or (values[..., 0] != values[..., 2]).any():
        return Skipped(path, SkipReason.COLOR, "the picture is coloured")
    return values[..., 0].astype(np.float32) / np.float32(255)
