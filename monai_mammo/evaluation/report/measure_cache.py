"""What was measured of an image before, found again by the hash of its pixels and of what it was measured with."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle.fingerprint import Nearest
from monai_mammo.errors import MammoError
from monai_mammo.evaluation.lesion_readings import Reading
from monai_mammo.files import save_bytes
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.prepare.datalist_items import mask_of, pixels_of

__all__ = ["MeasureCache", "content_digest", "stated_digest"]

# one more where any of them gives other values
_VERSION = 1  # of readings and of features that networks give
_MEASURES_VERSION = 3  # of measures and of the features that are taken with them
_Features = dict[str, dict[str, np.ndarray]]


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
    stated = [_VERSION, digest, weights_sha256, item["conditions"], item.get("mask_kind"), item.get("boxes")]
    found = hashlib.sha256(json.dumps(stated, sort_keys=True, default=str).encode())
    shape = pixels_of(item).shape
    for key in ("breast", "label"):
        if key in item:
            found.update(np.packbits(mask_of(item, key, shape)).tobytes())
    return found.hexdigest()


class MeasureCache:
    """Folder with a small file for each image and instrument.

    A file that is damaged or of another version counts as none; one that cannot be written is done without.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def examined(self, digest: str, encoder_sha256: str) -> tuple[dict[str, float], _Features] | None:
        """Measures and features of an image, or `None`.

        Parameters
        ----------
        digest : str
            `content_digest` of the image.
        encoder_sha256 : str
            Of the encoder's weights, empty without one.

        Returns
        -------
        tuple or None
        """
        path = self._path(f"{_MEASURES_VERSION}{digest}{encoder_sha256}", "npz")
        if not path.is_file():
            return None
        try:
            stored = read_arrays(path)
            measures = dict(zip(map(str, stored.pop("names")), map(float, stored.pop("values")), strict=True))
            features: _Features = {}
            for key, values in stored.items():
                size, sort = key.split("|")
                features.setdefault(size, {})[sort] = values
        except (UnreadableFile, KeyError, ValueError):
            return None
        return (measures, features) if features else None

    def has_examined(self, digest: str, encoder_sha256: str) -> bool:
        """Whether there is a file with what `examined` gives, not whether it can be read.

        Parameters
        ----------
        digest, encoder_sha256 : str
            As `examined` takes them.

        Returns
        -------
        bool
        """
        return self._path(f"{_MEASURES_VERSION}{digest}{encoder_sha256}", "npz").is_file()

    def put_examined(
        self, digest: str, encoder_sha256: str, measures: Mapping[str, float], features: _Features
    ) -> None:
        """Keep measures and features of an image.

        Parameters
        ----------
        digest, encoder_sha256 : str
            As `examined` takes them.
        measures : mapping of str to float
        features : dict of str to dict of str to ndarray, each of shape (d,)
        """
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {"names": np.array(list(measures)), "values": np.array(list(measures.values()), float)}
        arrays |= {f"{size}|{sort}": x for size, of_size in features.items() for sort, x in of_size.items()}
        np.savez(buffer, **arrays)
        self._save(self._path(f"{_MEASURES_VERSION}{digest}{encoder_sha256}", "npz"), buffer.getvalue())

    def vector(self, digest: str, network_sha256: str) -> np.ndarray | None:
        """Features that a network gave for an image, or `None`.

        Parameters
        ----------
        digest : str
            `content_digest` of the image.
        network_sha256 : str
            Of the network.

        Returns
        -------
        ndarray, shape (d,), or None
        """
        path = self._path(f"{_VERSION}{digest}vector{network_sha256}", "npz")
        if not path.is_file():
            return None
        try:
            return read_arrays(path)["vector"]
        except (UnreadableFile, KeyError):
            return None

    def has_vector(self, digest: str, network_sha256: str) -> bool:
        """Whether there is a file with what `vector` gives, not whether it can be read.

        Parameters
        ----------
        digest, network_sha256 : str
            As `vector` takes them.

        Returns
        -------
        bool
        """
        return self._path(f"{_VERSION}{digest}vector{network_sha256}", "npz").is_file()

    def put_vector(self, digest: str, network_sha256: str, vector: np.ndarray) -> None:
        """Keep features that a network gave for an image.

        Parameters
        ----------
        digest, network_sha256 : str
            As `vector` takes them.
        vector : ndarray, shape (d,)
        """
        buffer = io.BytesIO()
        np.savez(buffer, vector=vector)
        self._save(self._path(f"{_VERSION}{digest}vector{network_sha256}", "npz"), buffer.getvalue())

    def breast(self, digest: str) -> np.ndarray | None:
        """Where the breast is in an image, or `None`.

        Parameters
        ----------
        digest : str
            `content_digest` of the image.

        Returns
        -------
        ndarray, shape (rows, columns), bool, or None
        """
        path = self._breast_path(digest)
        if not path.is_file():
            return None
        try:
            stored = read_arrays(path)
            rows, columns = map(int, stored["shape"])
            return np.unpackbits(stored["bits"], count=rows * columns).reshape(rows, columns).astype(bool)
        except (UnreadableFile, KeyError, ValueError, TypeError):
            return None

    def has_breast(self, digest: str) -> bool:
        """Whether there is a file with what `breast` gives, not whether it can be read.

        Parameters
        ----------
        digest : str
            As `breast` takes it.

        Returns
        -------
        bool
        """
        return self._breast_path(digest).is_file()

    def put_breast(self, digest: str, breast: np.ndarray) -> None:
        """Keep where the breast is in an image.

        Parameters
        ----------
        digest : str
            As `breast` takes it.
        breast : ndarray, shape (rows, columns), bool
        """
        buffer = io.BytesIO()
        np.savez(buffer, shape=np.array(breast.shape), bits=np.packbits(breast))
        self._save(self._breast_path(digest), buffer.getvalue())

    def nearest(self, key: str) -> Nearest | None:
        """Closest training image of an image, or `None`.

        Parameters
        ----------
        key : str
            Hashes of the image and of the fingerprint of training images.

        Returns
        -------
        Nearest or None
        """
        path = self._path(f"{_VERSION}{key}nearest", "json")
        if not path.is_file():
            return None
        try:
            return Nearest(**read_json(path))
        except (UnreadableFile, TypeError):
            return None

    def put_nearest(self, key: str, nearest: Nearest) -> None:
        """Keep which training image is closest to an image.

        Parameters
        ----------
        key : str
            As `nearest` takes it.
        nearest : Nearest
        """
        self._save(self._path(f"{_VERSION}{key}nearest", "json"), json.dumps(nearest._asdict()).encode())

    def figures(self, key: str) -> Any:
        """Figures of whole sets of images, as plain values, or `None`.

        Parameters
        ----------
        key : str
            Hash of all that the figures come from.

        Returns
        -------
        object or None
        """
        path = self._path(f"{key}figures", "json")
        if not path.is_file():
            return None
        try:
            return read_json(path)["figures"]
        except (UnreadableFile, KeyError, TypeError):
            return None

    def put_figures(self, key: str, figures: Any) -> None:
        """Keep figures of whole sets of images.

        Parameters
        ----------
        key : str
            As `figures` takes it.
        figures : object
            Plain values.
        """
        self._save(self._path(f"{key}figures", "json"), json.dumps({"figures": figures}).encode())

    def reading(self, key: str) -> Reading | None:
        """What a network read on an image, or `None`.

        Parameters
        ----------
        key : str
            `stated_digest` of the image.

        Returns
        -------
        Reading or None
        """
        path = self._path(key, "json")
        if not path.is_file():
            return None
        try:
            return Reading(**read_json(path))
        except (UnreadableFile, TypeError):
            return None

    def has_reading(self, key: str) -> bool:
        """Whether there is a file with what `reading` gives, not whether it can be read.

        Parameters
        ----------
        key : str
            `stated_digest` of the image.

        Returns
        -------
        bool
        """
        return self._path(key, "json").is_file()

    def put_reading(self, key: str, reading: Reading) -> None:
        """Keep what a network read on an image, without whose it is.

        Parameters
        ----------
        key : str
            `stated_digest` of the image.
        reading : Reading
        """
        kept = {**dataclasses.asdict(reading), "person_id": ""}
        self._save(self._path(key, "json"), json.dumps(kept).encode())

    def _breast_path(self, digest: str) -> Path:
        return self._path(f"{_MEASURES_VERSION}{digest}breast", "npz")

    def _path(self, key: str, ending: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.{ending}"

    @staticmethod
    def _save(path: Path, data: bytes) -> None:
        with contextlib.suppress(MammoError):
            save_bytes(data, path, make_folder=True, is_flushed=False)
