"""Lossless transfer syntaxes that files are written in, by name.

All encoders are permissive libraries that reading needs anyway; the default, JPEG-LS, makes the smallest files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal, get_args

import imagecodecs
import jpeg_ls
import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from monai_mammo.errors import RequestError

__all__ = ["TRANSFER_SYNTAXES", "TransferSyntax", "encode", "jpeg_ls_frame"]

TransferSyntax = Literal["jpeg-ls", "native", "deflated", "rle", "jpeg-lossless", "jpeg-2000", "htj2k"]

TRANSFER_SYNTAXES: dict[str, uid.UID] = {
    "jpeg-ls": uid.JPEGLSLossless,
    "native": uid.ExplicitVRLittleEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
    "rle": uid.RLELossless,
    "jpeg-lossless": uid.JPEGLossless,
    "jpeg-2000": uid.JPEG2000Lossless,
    "htj2k": uid.HTJ2KLossless,
}
"""Transfer syntax of each name; all of them keep every bit."""

assert get_args(TransferSyntax) == tuple(TRANSFER_SYNTAXES)


def jpeg_ls_frame(pixels: np.ndarray, bits: int) -> bytes:
    """Lossless JPEG-LS frame (ITU-T T.87).

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), unsigned integer of 8 or 16 bits
    bits : int
        Precision that the frame states.

    Returns
    -------
    bytes
    """
    rows, columns = pixels.shape
    with contextlib.suppress(RuntimeError):  # its buffer is too small for tiny pictures of noise
        return bytes(jpeg_ls.encode_buffer(pixels.tobytes(), rows, columns, 1, bits, 0))
    return bytes(imagecodecs.jpegls_encode(pixels, level=0))


_FRAME_ENCODERS: dict[str, Callable[[np.ndarray, int], bytes]] = {
    "jpeg-ls": jpeg_ls_frame,
    # predictor 6, which transfer syntax .57 allows and .70 does not
    "jpeg-lossless": lambda pixels, bits: bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=bits)),
    # pylibjpeg's encoder fails on pictures of fewer than 32 rows or columns
    "jpeg-2000": lambda pixels, bits: bytes(
        imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=bits, codecformat="j2k")
    ),
    "htj2k": lambda pixels, bits: bytes(imagecodecs.htj2k_encode(pixels, reversible=True)),
}


def encode(dataset: Dataset, transfer_syntax: TransferSyntax) -> None:
    """Bring the pixels of a dataset of ours, native and little endian, into a transfer syntax, in place.

    Parameters
    ----------
    dataset : Dataset
        One grey frame of unsigned pixels, explicit little endian, with its file meta information.
    transfer_syntax : str
        One of `TRANSFER_SYNTAXES`.

    Raises
    ------
    RequestError
        The name is not one of `TRANSFER_SYNTAXES`.
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise RequestError(f"transfer syntax {transfer_syntax!r} is not one of {', '.join(TRANSFER_SYNTAXES)}")
    syntax = TRANSFER_SYNTAXES[transfer_syntax]
    if transfer_syntax == "rle":
        # without the flag pydicom gives the object a new random SOPInstanceUID
        dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    elif transfer_syntax in _FRAME_ENCODERS:
        frame = _FRAME_ENCODERS[transfer_syntax](_stored_values(dataset), int(dataset.BitsStored))
        dataset.add_new("PixelData", "OB", encapsulate([frame]))
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax


def _stored_values(dataset: Dataset) -> np.ndarray:
    kind = "u1" if dataset.BitsAllocated == 8 else "<u2"
    count = dataset.Rows * dataset.Columns
    return np.frombuffer(dataset.PixelData, dtype=kind, count=count).reshape(dataset.Rows, dataset.Columns)
