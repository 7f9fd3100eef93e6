"""One mammogram from one file, whatever its format."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, GuardedReader, Limits, Skipped, SkipReason
from monai_mammo.dicom.reading.guards import file_bytes
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Mammogram, StoredImage

__all__ = [
    "IMAGE_SUFFIXES",
    "FileReader",
    "Sidecar",
    "files_beside",
    "is_picture",
    "read_any",
    "read_mask",
    "read_picture",
    "read_stored",
    "sidecar_path",
]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".pgm"})
"""Endings of the picture formats; any other file is tried as DICOM."""

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


class FileReader(GuardedReader):
    """Reader of DICOM files and pictures in a process of its own; see `monai_mammo.dicom.GuardedReader`."""

    _process_module = "monai_mammo.prepare.reading_process"


def read_any(path: str | Path, *, reader: GuardedReader | None = None) -> Mammogram | Skipped | Failed:
    """Mammogram from a DICOM, PNG, JPG, WebP or PGM file, or the reason why there is none.

    The file is read in a process of its own, with bounded memory and time. A picture takes its conditions, person and
    lesion mask from a JSON file of the same name beside it (`Sidecar`).

    Parameters
    ----------
    path : path
    reader : GuardedReader, optional
        By default a `FileReader` that this process shares and that ends with it. A reader that knows DICOM only takes
        a picture for a file of another sort.

    Returns
    -------
    Mammogram, Skipped or Failed
        Nothing is raised for a bad file.

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    path = Path(path)
    mammogram = (reader or _reader_of_this_process()).read(path)
    if not isinstance(mammogram, Mammogram) or not is_picture(path):
        return mammogram
    try:
        beside = sidecar_path(path)
        sidecar = Sidecar.read(beside) if beside.is_file() else Sidecar()
        return mammogram.replace(
            conditions=sidecar.conditions,
            lesion_mask=None if sidecar.lesion_mask is None else read_mask(sidecar.lesion_mask),
            person_id=sidecar.person_id,
        )
    except MammoError as error:
        return Failed(path, SkipReason.UNREADABLE, str(error))


def read_stored(path: Path, *, reader: FileReader | None = None) -> StoredImage | Skipped | Failed:
    """Pixels of a file as they are stored, whatever it shows, such as a mask or a crop.

    Parameters
    ----------
    path : Path
    reader : FileReader, optional
        By default the one that `read_any` uses.

    Returns
    -------
    StoredImage, Skipped or Failed
        Nothing is raised for a bad file.

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    return (reader or _reader_of_this_process()).read_stored(path)


def read_picture(path: Path, *, limits: Limits | None = None) -> StoredImage | Skipped | Failed:
    """Pixels of a PNG, JPG, WebP or PGM file, without what lies beside it.

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
        source=path.name,
        source_sha256=hashlib.sha256(data).hexdigest(),
    )


def is_picture(path: Path) -> bool:
    """Whether a file is of a picture format, by its name."""
    return path.suffix.lower() in IMAGE_SUFFIXES


@functools.cache
def _reader_of_this_process() -> FileReader:
    return FileReader()


def sidecar_path(path: Path) -> Path:
    """JSON file that goes with a picture, whether it is there or not."""
    return path.with_suffix(".json")


def files_beside(path: Path) -> tuple[Path, ...]:
    """Files that are there and belong to a picture: its sidecar, and the mask that this names."""
    beside = sidecar_path(path)
    if not is_picture(path) or not beside.is_file():
        return ()
    with contextlib.suppress(RequestError):  # told when the picture is read
        mask = Sidecar.read(beside).lesion_mask
        return (beside,) if mask is None or not mask.is_file() else (beside, mask)
    return (beside,)


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


def _grey_pixels(data: bytes, limits: Limits) -> np.ndarray:
    """Values as they are stored, shape (rows, columns), uint8 or uint16."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            _check_header(image, limits)
            return _one_channel(np.asarray(_expanded(image)))
    except Refusal:
        raise
    except Exception:  # Pillow's plugins raise whatever a damaged stream makes them trip over
        words = "the picture is damaged or of another format than its name says"
        raise Refusal(SkipReason.DAMAGED, words) from None


def _check_header(image: Any, limits: Limits) -> None:
    """Refuse a picture that is not to be decoded, by its header alone."""
    if image.width * image.height > limits.pixels:
        raise Refusal(SkipReason.TOO_LARGE, f"the picture has more than {limits.pixels} pixels")
    if min(image.size) < 8:
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the picture is smaller than 8 x 8 pixels")
    if getattr(image, "n_frames", 1) > 1:
        raise Refusal(SkipReason.MULTI_FRAME, "the picture has more than one frame")
    if image.mode == "1":
        raise Refusal(SkipReason.MASK_OR_CROP, "a picture of one bit is a mask")
    if image.mode not in _GREY_8 + _GREY_16:
        raise Refusal(SkipReason.COLOR, f"pictures of mode {image.mode} are not grey")


def _expanded(image: Any) -> Any:
    if image.mode in ("P", "PA"):
        return image.convert("RGB")
    return image.convert("L") if image.mode == "LA" else image


def _one_channel(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        if values.dtype.itemsize > 2 and not (values.min() >= 0 and values.max() <= 65535):
            raise Refusal(SkipReason.DAMAGED, "the picture has values of more than 16 bits")
        return values.astype(np.uint8 if values.dtype == np.uint8 else np.uint16)
    if (values[..., 0] != values[..., 1]).any() or (values[..., 0] != values[..., 2]).any():
        raise Refusal(SkipReason.COLOR, "the picture is coloured")
    return np.ascontiguousarray(values[..., 0])
