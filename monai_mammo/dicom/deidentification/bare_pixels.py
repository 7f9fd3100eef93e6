"""PixelData with the picture alone: no bytes behind it, no bits beside it, no text in a compressed frame."""

from __future__ import annotations

from collections import Counter

import numpy as np
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag

from monai_mammo.dicom.deidentification.comments import blanked_jpeg, blanked_jpeg2000
from monai_mammo.dicom.reading.codecs import PixelFormat
from monai_mammo.dicom.reading.fragments import frame as frame_of
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["bare_pixel_data", "syntax_to_write"]

_NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
_JPEG = (*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)


def bare_pixel_data(element: DataElement, form: PixelFormat, syntax: str, removed: Counter[str]) -> DataElement:
    """PixelData of a single frame, every stored pixel value as it was.

    Parameters
    ----------
    element : DataElement
        PixelData of the source.
    form : PixelFormat
        What its header announces.
    syntax : str
        Transfer syntax to write, see `syntax_to_write`.
    removed : Counter
        What went is counted here.

    Raises
    ------
    Refusal
        There are fewer pixels than announced, or the frame is damaged.
    """
    if syntax not in _NATIVE:
        out = DataElement(Tag("PixelData"), "OB", encapsulate([_frame(element.value, syntax, removed)]))
        out.is_undefined_length = True
        return out
    representation = "OB" if form.bits_allocated == 8 and syntax == uid.ExplicitVRLittleEndian else "OW"
    if syntax == uid.ExplicitVRBigEndian:
        representation = element.VR  # the order of bytes depends on it
    data = bytes(element.value)
    size = form.rows * form.columns * form.bits_allocated // 8
    if len(data) < size:
        raise Refusal(SkipReason.DAMAGED, "there are fewer pixels than Rows x Columns")
    if size % 2 and representation == "OW" and syntax == uid.ExplicitVRBigEndian and len(data) > size:
        # 8-bit pixels swap places within big-endian words: the byte that fills the last one comes before its pixel
        data, size = data[: size - 1] + b"\0" + data[size:], size + 1
    return DataElement(Tag("PixelData"), representation, _native(data, size, form, syntax, removed))


def syntax_to_write(dataset: Dataset) -> uid.UID:
    """Transfer syntax of a dataset; a deflated one is written plain.

    Raises
    ------
    Refusal
        The syntax is none of those whose frames can be searched for text.
    """
    meta = getattr(dataset, "file_meta", None)
    stated = meta.get("TransferSyntaxUID") if meta is not None else None
    if stated is None:
        return uid.ImplicitVRLittleEndian if dataset.original_encoding[0] else uid.ExplicitVRLittleEndian
    if stated == uid.DeflatedExplicitVRLittleEndian:
        return uid.ExplicitVRLittleEndian
    if stated not in (*_NATIVE, uid.RLELossless, *_JPEG, *_JPEG_2000):
        raise Refusal(SkipReason.UNSUPPORTED_TRANSFER_SYNTAX, "the transfer syntax is not one that is de-identified")
    return uid.UID(stated)


def _native(data: bytes, size: int, form: PixelFormat, syntax: str, removed: Counter[str]) -> bytes:
    """Pixels without bytes behind the last one and without bits beside the stored ones, where overlays used to be."""
    if data[size:].strip(b"\0"):
        removed["bytes behind the pixels"] += 1
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    kind = np.dtype(np.uint8 if form.bits_allocated == 8 else f"{order}u2")
    cells = np.frombuffer(data, dtype=kind, count=size // kind.itemsize)
    lowest = form.high_bit + 1 - form.bits_stored
    mask = (1 << (form.high_bit + 1)) - (1 << lowest)
    bare = cells & mask
    if form.is_signed:
        above = (1 << form.bits_allocated) - (1 << (form.high_bit + 1))
        bare |= np.where(cells >> form.high_bit & 1, above, 0).astype(bare.dtype)
    if np.array_equal(bare, cells):
        return data[:size] + b"\0" * (size % 2)
    removed["bits beside the pixels"] += 1
    return bare.astype(cells.dtype).tobytes() + b"\0" * (size % 2)


def _frame(data: bytes | memoryview, syntax: str, removed: Counter[str]) -> bytes:
    frame = bytes(frame_of(data))
    if syntax == uid.RLELossless:
        return frame
    bare = blanked_jpeg(frame) if syntax in _JPEG else blanked_jpeg2000(frame)
    if bare.rstrip(b"\0") != frame.rstrip(b"\0"):
        removed["comments in the stream"] += 1
    return bare
