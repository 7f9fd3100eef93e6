"""Images with the pixels of their files, memory-mapped, and random patches of them.

``full/ID.npy`` is uint16 (rows, columns), 0 to 65535 for brightness 0 to 1: chest wall left, cut to the breast, air 0,
neither padded nor scaled. ``full/ID.mask.npy``, there where a lesion was outlined, holds its mask with eight columns in
a byte. Only the pages that a patch touches are read. A file is opened anew for each patch, so that a cached image is a
few names: it may go to another process, and there may be a hundred thousand of them.
"""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import open_regular
from monai_mammo.prepare.array import PreparedMammogram
from monai_mammo.prepare.geometry import Trace

__all__ = ["CachedImage", "Patch", "full_files", "full_item", "npy_bytes", "open_cached", "stored"]

_TOP = 65535


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """A rectangle of an image at full size.

    Parameters
    ----------
    image : ndarray, shape (1, rows, columns), float32
        Brightness in [0, 1]; air, 0, beyond the image.
    mask : ndarray, shape (1, rows, columns), bool, or None
        Outlined lesions; `None` where none was outlined in the whole image.
    boxes : tuple of Box
        What lies in the patch of each lesion's box, in fractions of the patch.
    corner : tuple of int
        Row and column of its first pixel in the image; negative where it begins in the air beyond.
    """

    image: np.ndarray
    mask: np.ndarray | None
    boxes: tuple[Box, ...]
    corner: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CachedImage:
    """One image at full size, on disk.

    Parameters
    ----------
    path : Path
    mask_path : Path or None
    trace : Trace
        The way back to the file's own grid.
    boxes : tuple of Box
        Lesions, in fractions of the image.
    item : dict
        Line of the datalist.
    """

    path: Path
    mask_path: Path | None
    trace: Trace
    boxes: tuple[Box, ...]
    item: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.trace.shape

    def pixels(self) -> np.ndarray:
        """The whole image, memory-mapped and read-only.

        Returns
        -------
        ndarray, shape (rows, columns), uint16

        Raises
        ------
        MammoError
            The file is not there or is not the one that was written.
        """
        return _mapped(self.path, self.shape, "<u2")

    def patch(self, corner: tuple[int, int], shape: tuple[int, int]) -> Patch:
        """Rectangle of the image; what lies beyond the image is air.

        Parameters
        ----------
        corner : tuple of int
            Row and column of its first pixel.
        shape : tuple of int
            Rows and columns.

        Returns
        -------
        Patch

        Raises
        ------
        MammoError
            A file is not there or is not the one that was written.
        """
        rows, columns = (_Span.of(c, n, full) for c, n, full in zip(corner, shape, self.shape, strict=True))
        is_inside = (rows.n, columns.n) == tuple(shape)
        image = (np.empty if is_inside else np.zeros)((1, *shape), dtype=np.float32)
        image[0, rows.target, columns.target] = self.pixels()[rows.source, columns.source]
        image /= np.float32(_TOP)
        return Patch(
            image=image, mask=self._mask(rows, columns, shape), boxes=self._boxes(corner, shape), corner=corner
        )

    def random_patch(self, rng: np.random.Generator, shape: tuple[int, int]) -> Patch:
        """Rectangle at a place that is drawn evenly.

        An image that is smaller than the patch is padded with air, below and above alike and at the right, as the
        prepared grid has it.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : tuple of int
            Rows and columns.

        Returns
        -------
        Patch
        """
        rows, columns = self.shape
        row = int(rng.integers(rows - shape[0] + 1)) if rows >= shape[0] else -((shape[0] - rows) // 2)
        column = int(rng.integers(columns - shape[1] + 1)) if columns >= shape[1] else 0
        return self.patch((row, column), shape)

    def _mask(self, rows: _Span, columns: _Span, shape: tuple[int, int]) -> np.ndarray | None:
        if self.mask_path is None:
            return None
        n_rows, n_columns = self.shape
        packed = _mapped(self.mask_path, (n_rows, -(-n_columns // 8)), "|u1")
        first, last = columns.source.start // 8, -(-columns.source.stop // 8)
        bits = np.unpackbits(packed[rows.source, first:last], axis=1)
        mask = np.zeros((1, *shape), dtype=bool)
        skipped = columns.source.start - 8 * first
        mask[0, rows.target, columns.target] = bits[:, skipped : skipped + columns.n]
        return mask

    def _boxes(self, corner: tuple[int, int], shape: tuple[int, int]) -> tuple[Box, ...]:
        (row, column), (rows, columns) = corner, self.shape
        found = []
        for box in self.boxes:
            x0, x1 = (min(max((x * columns - column) / shape[1], 0.0), 1.0) for x in (box.x0, box.x1))
            y0, y1 = (min(max((y * rows - row) / shape[0], 0.0), 1.0) for y in (box.y0, box.y1))
            if x1 > x0 and y1 > y0:
                found.append(Box(x0, y0, x1, y1))
        return tuple(found)


@dataclasses.dataclass(frozen=True, slots=True)
class _Span:
    """Pixels of one axis that a patch and an image share."""

    source: slice
    target: slice
    n: int

    @classmethod
    def of(cls, start: int, length: int, full: int) -> _Span:
        first, stop = min(max(start, 0), full), max(min(start + length, full), 0)
        n = max(stop - first, 0)
        return cls(slice(first, first + n), slice(first - start, first - start + n) if n else slice(0, 0), n)


def open_cached(folder: str | Path, item: dict[str, Any]) -> CachedImage:
    """Image at full size of a line of the datalist.

    Parameters
    ----------
    folder : path
        The prepared folder.
    item : dict
        Line of its ``datalist.json``.

    Returns
    -------
    CachedImage

    Raises
    ------
    RequestError
        The folder was prepared without full-size images.
    """
    full = item.get("full")
    if full is None:
        raise RequestError(f"{item.get('image_id')} was prepared without its full size: prepare with full_size=True")
    trace, on_grid = Trace.from_dict(full["trace"]), Trace.from_dict(item["trace"])
    moved = (on_grid.inverse_box(Box.parse(box)) for box in item["boxes"])
    boxes = (trace.forward_box(box) for box in moved if box is not None)
    return CachedImage(
        path=Path(folder) / full["image"],
        mask_path=Path(folder) / full["mask"] if "mask" in full else None,
        trace=trace,
        boxes=tuple(box for box in boxes if box is not None),
        item=item,
    )


def _mapped(path: Path, shape: tuple[int, int], kind: str) -> np.ndarray:
    """Array of a file, if it is of the shape and type that are expected."""
    try:
        with open_regular(path) as file:
            expected = _npy_header(tuple(shape), kind)
            if file.read(len(expected)) == expected:  # six times as fast as to parse it
                return np.memmap(file, kind, "r", len(expected), tuple(shape))
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(mapped, np.ndarray):  # an archive of arrays
            raise ValueError
    except (OSError, ValueError, EOFError):
        raise MammoError(f"{path.name} in {path.parent} is missing or damaged: prepare it anew") from None
    if mapped.shape != tuple(shape) or mapped.dtype != np.dtype(kind):
        raise MammoError(f"{path.name} in {path.parent} is not the file that its datalist describes")
    return mapped


@functools.lru_cache(maxsize=4096)
def _npy_header(shape: tuple[int, int], kind: str) -> bytes:
    """First bytes of an array's file, as this version of numpy writes them."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def stored(image: np.ndarray) -> np.ndarray:
    """Brightness in [0, 1] as uint16 over the full range.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].

    Returns
    -------
    ndarray, shape (rows, columns), uint16
    """
    return np.rint(image * np.float32(_TOP)).astype(np.uint16)


def full_item(full: PreparedMammogram, image_id: str) -> dict[str, Any]:
    """Files and trace of an image at full size, as they stand in the datalist.

    Parameters
    ----------
    full : PreparedMammogram
        With the pixels of the file.
    image_id : str
        Pseudonym of the image.

    Returns
    -------
    dict
    """
    names = {"image": f"full/{image_id}.npy", "trace": full.trace.to_dict()}
    return names if full.lesion_mask is None else {**names, "mask": f"full/{image_id}.mask.npy"}


def full_files(full: PreparedMammogram, names: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of an image at full size.

    Parameters
    ----------
    full : PreparedMammogram
        With the pixels of the file.
    names : dict
        As `full_item` gives them.

    Yields
    ------
    tuple of str and bytes
    """
    yield names["image"], npy_bytes(stored(full.image))
    if full.lesion_mask is not None:
        yield names["mask"], npy_bytes(np.packbits(full.lesion_mask, axis=1))


def npy_bytes(array: np.ndarray) -> bytes:
    """File of an array in numpy's own form.

    Parameters
    ----------
    array : ndarray, any shape

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
