"""PixelData with the picture alone: no bytes behind it, no bits beside it, nothing more in a compressed frame."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag

from monai_mammo.dicom.deidentification.coded_anew import bare_pixels, coded_anew
from monai_mammo.dicom.deidentification.jpeg_alone import jpeg_alone
from monai_mammo.dicom.deidentification.surplus import BEHIND, codestream_of
from monai_mammo.dicom.reading.bit_layout import settled_format
from monai_mammo.dicom.reading.codecs import Decoded, PixelFormat, decode_frame
from monai_mammo.dicom.reading.fragments import frame as frame_of
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["bare_pixel_data", "syntax_to_write"]

_NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
_DCT = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
_WITH_LOSS = (uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K)
_COMPRESSED = (
    *(uid.RLELossless, *_DCT, uid.JPEGLossless, uid.JPEGLosslessSV1, *uid.JPEGLSTransferSyntaxes),
    *(uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
)


def bare_pixel_data(
    dataset: Dataset, form: PixelFormat, syntax: str, removed: Counter[str]
) -> tuple[DataElement, tuple[str, ...]]:
    """PixelData of a single frame, every stored pixel value as it was.

    A compressed frame is decoded and coded anew without loss, so that its pixels are all that it holds. One of JPEG
    with loss, which cannot be coded anew without losing again, is taken apart instead (`jpeg_alone`).

    Parameters
    ----------
    dataset : Dataset
        Source, with its PixelData.
    form : PixelFormat
        What its header announces.
    syntax : str
        Transfer syntax to write, see `syntax_to_write`.
    removed : Counter
        What went is counted here.

    Returns
    -------
    element : DataElement
    notes : tuple of str
        What became of the frame, where it is not what one expects.

    Raises
    ------
    Refusal
        There are fewer pixels than announced, or the frame is damaged.
    """
    element = dataset["PixelData"]
    if syntax not in _NATIVE:
        stream = codestream_of(bytes(frame_of(element.value)), syntax)
        removed.update(stream.surplus)
        with_loss = "the frame was compressed with loss; it is coded anew without further loss, and longer"
        new, notes = _frame(stream.data, dataset, form, syntax)
        return _encapsulated(new), (*notes, with_loss) if syntax in _WITH_LOSS else notes
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
    native, notes = _native(data, size, dataset, form, syntax, removed)
    return DataElement(Tag("PixelData"), representation, native), notes


def syntax_to_write(dataset: Dataset) -> uid.UID:
    """Transfer syntax of a dataset; a deflated one is written plain.

    Parameters
    ----------
    dataset : Dataset
        As it was parsed.

    Returns
    -------
    UID

    Raises
    ------
    Refusal
        The syntax is not one whose frames can be brought down to their pixels.
    """
    meta = getattr(dataset, "file_meta", None)
    stated = meta.get("TransferSyntaxUID") if meta is not None else None
    if stated is None:
        return uid.ImplicitVRLittleEndian if dataset.original_encoding[0] else uid.ExplicitVRLittleEndian
    if stated == uid.DeflatedExplicitVRLittleEndian:
        return uid.ExplicitVRLittleEndian
    if stated not in (*_NATIVE, *_COMPRESSED):
        raise Refusal(SkipReason.UNSUPPORTED_TRANSFER_SYNTAX, "the transfer syntax is not one that is de-identified")
    return uid.UID(stated)


def _native(
    data: bytes, size: int, dataset: Dataset, form: PixelFormat, syntax: str, removed: Counter[str]
) -> tuple[bytes, tuple[str, ...]]:
    """Pixels without bytes behind the last one and without bits beside the stored ones, where overlays used to be."""
    if data[size:].strip(b"\0"):
        removed[BEHIND] += 1
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    kind = np.dtype(np.uint8 if form.bits_allocated == 8 else f"{order}u2")
    pixels = np.frombuffer(data, dtype=kind, count=size // kind.itemsize)
    used, notes = _used_bits(pixels.astype(f"u{kind.itemsize}", copy=False), dataset, form)
    bare = bare_pixels(pixels, used)
    if np.array_equal(bare, pixels):
        return data[:size] + b"\0" * (size % 2), notes
    removed["bits beside the pixels"] += 1
    return bare.tobytes() + b"\0" * (size % 2), notes


def _used_bits(
    pixels: np.ndarray, dataset: Dataset, form: PixelFormat, precision: int | None = None
) -> tuple[PixelFormat, tuple[str, ...]]:
    """Format of the bits that hold values: all of them where header and pixels contradict each other.

    Which of the two is right is for the reader of the new file to settle, as it is for that of the source.
    """
    settled, _ = settled_format(pixels, form, dataset, precision=precision)
    if settled == form:
        return form, ()
    bits = form.bits_allocated
    every = dataclasses.replace(form, bits_stored=bits, high_bit=bits - 1, is_signed=False)
    return every, ("the header contradicts the pixels, of which no bit was cleared",)


def _frame(frame: bytes, dataset: Dataset, form: PixelFormat, syntax: str) -> tuple[bytes, tuple[str, ...]]:
    if syntax in _DCT:
        return jpeg_alone(frame, form.rows, form.columns), ()
    decoded = _decoded(frame, form, syntax)
    used, notes = _used_bits(decoded.pixels, dataset, form, decoded.precision)
    new = coded_anew(frame, decoded.pixels, used, syntax)
    if not np.array_equal(_values(_decoded(new, form, syntax).pixels, used), _values(decoded.pixels, used)):
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the frame cannot be coded anew with the same pixels")
    return new, notes


def _encapsulated(frame: bytes) -> DataElement:
    element = DataElement(Tag("PixelData"), "OB", encapsulate([frame]))
    element.is_undefined_length = True
    return element


def _decoded(frame: bytes, form: PixelFormat, syntax: str) -> Decoded:
    dataset = Dataset()
    dataset["PixelData"] = _encapsulated(frame)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)
    return decode_frame(dataset, form)


def _values(pixels: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Bits of decoded pixels that hold values, wherever their sign is."""
    return bare_pixels(pixels.astype(np.uint16), dataclasses.replace(form, is_signed=False))
