"""What was measured of an image before, found again by the hash of its pixels and of what it was measured with."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from monai_mammo.bundle.fingerprint import Nearest
from monai_mammo.errors import MammoError
from monai_mammo.evaluation.lesion_readings import Reading
from monai_mammo.files import save_bytes
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.prepare.datalist_items import mask_of, pixels_of

__all__ = [
    "BREAST",
    "EXAMINED",
    "FIGURES",
    "NEAREST",
    "READING",
    "VECTOR",
    "KeptSort",
    "MeasureCache",
    "content_digest",
    "stated_digest",
]

_STATED_VERSION = 1
"""One more where `stated_digest` is to find nothing that was kept before."""

_Value = TypeVar("_Value")
_Examined = tuple[dict[str, float], dict[str, dict[str, np.ndarray]]]


def content_digest(item: Mapping[str, Any]) -> str:
    """sha256 of an image's pixels and size, the same whatever file they stand in.

    Parameters
    ----------
    item : mapping
        Of a datalist, or with its pixels.

    Returns
    -------
    str
    """
    pixels = pixels_of(item)
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels, dtype="<u2").tobytes()).hexdigest()


def stated_digest(item: Mapping[str, Any], digest: str, weights_sha256: str) -> str:
    """sha256 of an image, of all that a reading compares with what is stated of it, and of the network that reads.

    Parameters
    ----------
    item : mapping
        With conditions, boxes and masks.
    digest : str
        `content_digest` of it.
    weights_sha256 : str
        Of the network.

    Returns
    -------
    str
    """
    stated = [_STATED_VERSION, digest, weights_sha256, item["conditions"], item.get("mask_kind"), item.get("boxes")]
    found = hashlib.sha256(json.dumps(stated, sort_keys=True, default=str).encode())
    shape = pixels_of(item).shape
    for key in ("breast", "label"):
        if key in item:
            found.update(np.packbits(mask_of(item, key, shape)).tobytes())
    return found.hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class KeptSort(Generic[_Value]):
    """One sort of what is kept, and how a file holds it.

    Parameters
    ----------
    name : str
        With a number that is one more where the same content gives other values.
    ending : str
        Of the file.
    packed : callable
        Bytes of a value.
    unpacked : callable
        The value in a file; raises `UnreadableFile`, `KeyError`, `TypeError` or `ValueError` where there is none.
    """

    name: str
    ending: str
    packed: Callable[[_Value], bytes]
    unpacked: Callable[[Path], _Value]


class MeasureCache:
    """Folder with a small file for each image and instrument.

    A file that is damaged or of another version counts as none; one that cannot be written is done without.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, sort: KeptSort[_Value], *content: str) -> _Value | None:
        """What is kept, or `None`.

        Parameters
        ----------
        sort : KeptSort
        *content : str
            Hashes of all that the value comes from.

        Returns
        -------
        object of that sort, or None
        """
        path = self._path(sort, content)
        if not path.is_file():
            return None
        try:
            return sort.unpacked(path)
        except (UnreadableFile, KeyError, TypeError, ValueError):
            return None

    def has(self, sort: KeptSort[Any], *content: str) -> bool:
        """Whether there is a file with what `get` gives, not whether it can be read.

        Parameters
        ----------
        sort, *content
            As `get` takes them.

        Returns
        -------
        bool
        """
        return self._path(sort, content).is_file()

    def put(self, sort: KeptSort[_Value], value: _Value, *content: str) -> None:
        """Keep a value.

        Parameters
        ----------
        sort : KeptSort
        value : object of that sort
        *content : str
            As `get` takes it.
        """
        with contextlib.suppress(MammoError):
            save_bytes(sort.packed(value), self._path(sort, content), make_folder=True, is_flushed=False)

    def _path(self, sort: KeptSort[Any], content: tuple[str, ...]) -> Path:
        name = hashlib.sha256("|".join([sort.name, *content]).encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.{sort.ending}"


def _packed_arrays(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _packed_examined(examined: _Examined) -> bytes:
    measures, features = examined
    arrays = {f"{size}|{sort}": x for size, of_size in features.items() for sort, x in of_size.items()}
    return _packed_arrays(names=np.array(list(measures)), values=np.array(list(measures.values()), float), **arrays)


def _unpacked_examined(path: Path) -> _Examined:
    stored = read_arrays(path)
    measures = dict(zip(map(str, stored.pop("names")), map(float, stored.pop("values")), strict=True))
    features: dict[str, dict[str, np.ndarray]] = {}
    for key, values in stored.items():
        size, sort = key.split("|")
        features.setdefault(size, {})[sort] = values
    if not features:
        raise KeyError("features")
    return measures, features


def _packed_breast(breast: np.ndarray) -> bytes:
    return _packed_arrays(shape=np.array(breast.shape), bits=np.packbits(breast))


def _unpacked_breast(path: Path) -> np.ndarray:
    stored = read_arrays(path)
    rows, columns = map(int, stored["shape"])
    return np.unpackbits(stored["bits"], count=rows * columns).reshape(rows, columns).astype(bool)


def _packed_reading(reading: Reading) -> bytes:
    return json.dumps({**dataclasses.asdict(reading), "person_id": ""}).encode()


EXAMINED: KeptSort[_Examined] = KeptSort("examined 4", "npz", _packed_examined, _unpacked_examined)
"""Measures of an image, and its features by size and sort: by `content_digest`, and hash of the encoder or nothing."""

VECTOR: KeptSort[np.ndarray] = KeptSort(
    "vector 2", "npz", lambda vector: _packed_arrays(vector=vector), lambda path: read_arrays(path)["vector"]
)
"""Features that a network gave for an image: by `content_digest` and hash of the network."""

BREAST: KeptSort[np.ndarray] = KeptSort("breast 4", "npz", _packed_breast, _unpacked_breast)
"""Where the breast is in an image, shape (rows, columns), bool: by `content_digest`."""

NEAREST: KeptSort[Nearest] = KeptSort(
    "nearest 2", "json", lambda nearest: json.dumps(nearest._asdict()).encode(), lambda path: Nearest(**read_json(path))
)
"""Closest training image of an image: by hashes of the image and of the fingerprint of training images."""

FIGURES: KeptSort[Any] = KeptSort(
    "figures",
    "json",
    lambda figures: json.dumps({"figures": figures}).encode(),
    lambda path: read_json(path)["figures"],
)
"""Figures of whole sets of images, as plain values: by the hash of all that they come from."""

READING: KeptSort[Reading] = KeptSort("reading 2", "json", _packed_reading, lambda path: Reading(**read_json(path)))
"""What a network read on an image, without whose it is: by `stated_digest`."""
