"""One mammogram from one file, whatever its format."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from pathlib import Path
from typing import Any, cast

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, GuardedReader, Limits, Skipped, SkipReason
from monai_mammo.dicom.reading.guards import file_bytes
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import FileFault, UnreadableFile, read_json
from monai_mammo.files.digest import bytes_sha256
from monai_mammo.files.mask_picture import mask_of_picture
from monai_mammo.files.names import ALLOW_OUTSIDE, path_inside, printable
from monai_mammo.files.picture import PICTURE_SUFFIXES, decoded, open_picture
from monai_mammo.files.stored_array import read_array
from monai_mammo.study import Mammogram, StoredImage
from monai_mammo.terms import Finding

__all__ = [
    "FileReader",
    "FullMask",
    "Sidecar",
    "empty_mask_note",
    "files_beside",
    "is_picture",
    "read_any",
    "read_mask",
    "read_mask_picture",
    "read_picture",
    "read_stored",
    "sidecar_path",
]

_MAX_SIDECAR_BYTES = 2**20
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
        Picture of the same size, read by the rule of `monai_mammo.files.mask_picture`; named relative to the sidecar.
    """

    conditions: Conditions = Conditions()
    person_id: str = ""
    lesion_mask: Path | None = None

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
        if not (person is None or isinstance(person, (str, int))) or isinstance(person, bool):
            raise RequestError(f"person_id in {name} is neither text nor a whole number")
        lesion_mask = None
        if mask is not None:
            where = f"lesion_mask in {name}"
            lesion_mask = path_inside(path.parent, mask, where=where, allow_outside=allow_outside, hint=ALLOW_OUTSIDE)
        return cls(
            conditions=Conditions.from_dict(values, where=name),
            person_id="" if person is None else str(person),
            lesion_mask=lesion_mask,
        )


class FileReader(GuardedReader):
    """Reader of DICOM files and pictures in a process of its own; see `monai_mammo.dicom.GuardedReader`."""

    _process_module = "monai_mammo.prepare.reading_process"

    def read_mask(self, path: str | os.PathLike[str]) -> StoredImage | Skipped | Failed:
        """Mask that a picture shows, with pixels 0 and 1, or the reason why there is none.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        StoredImage, Skipped or Failed

        Raises
        ------
        MammoError
            No reading process can be started here.
        """
        request = {"path": os.path.abspath(path), "options": {"as_mask": True}}
        with self._lock:
            return cast("StoredImage | Skipped | Failed", self._read(Path(path), request))


def read_any(
    path: str | Path, *, reader: GuardedReader | None = None, allow_outside: bool = False
) -> Mammogram | Skipped | Failed:
    """Mammogram from a DICOM file or a picture (PNG, JPEG, TIFF, WebP, BMP, PGM), or the reason why there is none.

    The file is read in a process of its own, with bounded memory and time. A picture takes its conditions, person and
    lesion mask from a JSON file of the same name beside it (`Sidecar`).

    Parameters
    ----------
    path : path
    reader : GuardedReader, optional
        By default a `FileReader` that this process shares and that ends with it. A reader that knows DICOM only takes
        a picture for a file of another sort.
    allow_outside : bool
        Whether a sidecar may name a mask outside its folder.

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
        sidecar = Sidecar.read(beside, allow_outside=allow_outside) if os.path.lexists(beside) else Sidecar()
        mask, notes = None, mammogram.notes
        if sidecar.lesion_mask is not None:
            mask = read_mask(sidecar.lesion_mask)
            if mask.shape == mammogram.shape and not mask.any():
                mask, notes = None, (*notes, *empty_mask_note(sidecar.lesion_mask, sidecar.conditions))
        return mammogram.replace(
            conditions=sidecar.conditions, lesion_mask=mask, person_id=sidecar.person_id, notes=notes
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


def is_picture(path: Path) -> bool:
    """Whether a file is of a picture format, by its name.

    Parameters
    ----------
    path : Path
        Of the file, which need not be there.

    Returns
    -------
    bool
    """
    return path.suffix.lower() in PICTURE_SUFFIXES


@functools.cache
def _reader_of_this_process() -> FileReader:
    return FileReader()


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


class FullMask(MammoError):
    """A mask that marks every pixel of its picture, the air too."""


def read_mask(path: Path, *, reader: FileReader | None = None) -> np.ndarray:
    """Mask that a picture shows by the rule of `monai_mammo.files.mask_picture`; empty is allowed, full is not.

    The file is read in a process of its own, with bounded memory and time. The mask of a prepared folder is an array
    (``.npy``), and read here.

    Parameters
    ----------
    path : Path
    reader : FileReader, optional
        By default the one that `read_any` uses.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    FullMask
        It marks every pixel.
    MammoError
        The file is not there, not a picture, not a mask, or too large.
    """
    if path.suffix == ".npy":
        return _array_mask(path)
    stored = (reader or _reader_of_this_process()).read_mask(path)
    name = printable(path.name)
    if not isinstance(stored, StoredImage):
        raise MammoError(f"mask {name}: {stored.detail}")
    return _not_full(stored.pixels.astype(bool), name)


def _not_full(mask: np.ndarray, name: str) -> np.ndarray:
    if mask.all():
        raise FullMask(f"mask {name} covers the whole picture")
    return mask


def _array_mask(path: Path) -> np.ndarray:
    try:
        array = read_array(path)
    except UnreadableFile as error:
        raise MammoError(f"mask {error.detail}") from None
    if array.dtype.kind not in "bu":
        raise MammoError(f"mask {printable(path.name)} has values below 0")
    return _not_full(array > 0, printable(path.name))


def empty_mask_note(path: Path, conditions: Conditions) -> tuple[str, ...]:
    """Note on a mask that shows nothing; none where the labels say that there is no finding.

    Parameters
    ----------
    path : Path
    conditions : Conditions
        What is known of the picture.

    Returns
    -------
    tuple of str
    """
    return () if conditions.finding is Finding.NONE else (f"mask_empty: the mask {printable(path.name)} shows nothing",)


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
