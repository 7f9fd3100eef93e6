"""What a bundle remembers of its training images: features, no pixels, and hashes of the files.

With it anyone who has the bundle, and not the data, can ask whether a file was trained on and whether a generated
picture is close to a training image.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from scipy import ndimage

from monai_mammo.bundle.bundle_folder import BundleFolder
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.files.whole import save_bytes

__all__ = ["COPY_RATIO", "Nearest", "TrainingFingerprint", "fingerprint_of", "image_features", "moved"]

FILE = "models/training_fingerprint.npz"
"""Its place in a bundle."""

HASH_BYTES = 8
"""Of a source file's sha256, that a fingerprint keeps."""

VERSION = 1
"""Of the features; another one cannot be compared."""

COPY_RATIO = 0.615
"""Ratio of distances under which a generated image is suspected to be a copy.

Of 573 acquired images of persons that were not trained on 1 in 100 lies under it (2063 training images of film, digital
and contrast pictures).
"""

_GRID = (64, 48)
_REACH = 1  # fields, 1/64 of the rows: so far a copy may be moved
_BLUR = 6.0  # points of the grid: what is smoother than this is the shape of the breast, which many share
_N_FEATURES = 128
_SAME = 1e-6  # rounding of a sum of 128 numbers
_SAME_IMAGE = 0.97  # similarity from which two training images count as one


def image_features(image: np.ndarray) -> np.ndarray:
    """Features of a prepared mammogram, of length 1: their dot product is a correlation of the two pictures' structure.

    Means over a grid of 64 x 48 fields, less their own blur (sigma 6 fields), then 128 sums with fixed random signs
    (Achlioptas 2003), from which the picture cannot be had back. The dot product of two of them estimates the
    correlation with a standard error of ``(1 - r**2) / sqrt(128)``.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left, any size.

    Returns
    -------
    ndarray, shape (128,), float32
    """
    return _sums(_structure(image)[None])[0]


def fingerprint_of(folder: BundleFolder) -> TrainingFingerprint | None:
    """Fingerprint that a bundle carries, `None` where it carries none.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    TrainingFingerprint or None

    Raises
    ------
    MammoError
        The file is damaged or of another version.
    """
    return TrainingFingerprint.load(folder) if (folder.root / FILE).is_file() else None


class Nearest(NamedTuple):
    """Training image closest to another image.

    Attributes
    ----------
    position : int
        Its place in the fingerprint.
    similarity : float
        Estimated correlation of structure, -1 to 1.
    ratio : float
        Distance to it over the distance to the second closest other image, 0 to 1: a copy of one training image has a
        low ratio, a breast like many others one near 1 (distance is 1 - similarity).
    """

    position: int
    similarity: float
    ratio: float


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class TrainingFingerprint:
    """Features and file hashes of the images that a network was trained on.

    Parameters
    ----------
    features : ndarray, shape (n, 128), float16
        One row of `image_features` each.
    hashes : ndarray, shape (n, 8), uint8
        First bytes of each source file's sha256.
    """

    features: np.ndarray
    hashes: np.ndarray

    def __post_init__(self) -> None:
        n = self.features.shape[0] if self.features.ndim else 0
        if self.features.dtype.kind != "f" or self.hashes.dtype != np.uint8:
            raise MammoError("a fingerprint has features that are numbers, and hashes that are bytes")
        if n < 2 or self.features.shape != (n, _N_FEATURES) or self.hashes.shape != (n, HASH_BYTES):
            raise MammoError(f"a fingerprint has {_N_FEATURES} features and {HASH_BYTES} bytes of hash an image")

    @classmethod
    def of(cls, images: Sequence[np.ndarray], source_sha256: Sequence[str]) -> Self:
        """Fingerprint of prepared images and the hashes of the files that they came from.

        Parameters
        ----------
        images : sequence of ndarray, shape (rows, columns)
            Two or more.
        source_sha256 : sequence of str
            Hexadecimal, in the same order.

        Returns
        -------
        TrainingFingerprint
        """
        features = np.stack([image_features(image) for image in images]).astype(np.float16)
        heads = [bytes.fromhex(text[: 2 * HASH_BYTES]) for text in source_sha256]
        return cls(features, np.frombuffer(b"".join(heads), np.uint8).reshape(-1, HASH_BYTES))

    def __len__(self) -> int:
        return len(self.features)

    def holds(self, sha256: str) -> bool:
        """Whether a file of this hash was trained on.

        Parameters
        ----------
        sha256 : str
            Hash of the file, in hexadecimal.

        Returns
        -------
        bool
        """
        return bool((self.hashes == np.frombuffer(bytes.fromhex(sha256[: 2 * HASH_BYTES]), np.uint8)).all(1).any())

    def nearest(self, image: np.ndarray) -> Nearest:
        """Training image closest to a prepared image, shape (rows, columns).

        The image is compared as it is, and mirrored, upside down and both, each moved by up to 1/64 of its rows and
        1/48 of its columns, since a copy may be; the lower ratio of the two counts. Training images that are copies of
        the closest one do not count as the second closest: an image that was trained on twice would have no low ratio
        otherwise.

        Parameters
        ----------
        image : ndarray, shape (rows, columns)
            Brightness in [0, 1], chest wall left.

        Returns
        -------
        Nearest
        """
        structure = _structure(image)
        compared = (structure[None], moved(structure, reach=_REACH))
        return min((self._nearest(_sums(one)) for one in compared), key=lambda found: found.ratio)

    def _nearest(self, sums: np.ndarray) -> Nearest:
        """Training image closest to any of the sums, shape (n, 128)."""
        features = self.features.astype(np.float32)
        similarity = (features @ sums.T).max(axis=1)
        first = int(np.argmax(similarity >= similarity.max() - _SAME))  # of equally close ones the first
        is_other = features @ features[first] < _SAME_IMAGE
        far = 1 - float(similarity[is_other].max(initial=-1.0))
        close = 1 - float(similarity[first])
        return Nearest(first, float(similarity[first]), min(1.0, max(close, 0.0) / max(far, 1e-6)))

    def save(self, folder: BundleFolder) -> Path:
        """Write it into a bundle, in one step; returns the file.

        Parameters
        ----------
        folder : BundleFolder

        Returns
        -------
        Path
        """
        buffer = io.BytesIO()
        np.savez_compressed(buffer, version=np.int64(VERSION), features=self.features, hashes=self.hashes)
        path = folder.root / FILE
        save_bytes(buffer.getvalue(), path, make_folder=True)
        return path

    @classmethod
    def load(cls, folder: BundleFolder) -> Self:
        """Fingerprint that a bundle carries.

        Parameters
        ----------
        folder : BundleFolder

        Returns
        -------
        TrainingFingerprint

        Raises
        ------
        MammoError
            It has none, or the file is damaged or of another version.
        """
        path = folder.root / FILE
        if not path.is_file():
            raise MammoError(f"bundle {folder.name} carries no fingerprint of its training images: {FILE} is missing")
        try:
            stored = read_arrays(path)
            version, features, hashes = int(stored["version"]), stored["features"], stored["hashes"]
        except UnreadableFile as error:
            raise MammoError(f"fingerprint {error.detail}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise MammoError(f"{path} is damaged ({type(error).__name__})") from None
        if version != VERSION:
            raise MammoError(f"{path} is of version {version}, this program reads {VERSION}")
        return cls(features, hashes)


def _structure(image: np.ndarray) -> np.ndarray:
    """Means over a grid of fields, less their own blur, shape `_GRID`."""
    rows, columns = (_field_means(n, m) for n, m in zip(image.shape, _GRID, strict=True))
    means = rows @ image.astype(np.float64) @ columns.T
    structure: np.ndarray = means - ndimage.gaussian_filter(means, _BLUR)
    return structure


def moved(structure: np.ndarray, *, reach: int) -> np.ndarray:
    """Structure as it is, upside down, mirrored and both, each at all places within reach.

    Parameters
    ----------
    structure : ndarray, shape (rows, columns)
    reach : int
        Fields by which it is moved at most, each way; 0 comes in.

    Returns
    -------
    ndarray, shape (4 * (2 * reach + 1) ** 2, rows, columns)
    """
    places = range(2 * reach + 1)
    rows, columns = structure.shape
    padded = [np.pad(one, reach) for one in (structure, structure[::-1], structure[:, ::-1], structure[::-1, ::-1])]
    return np.stack(
        [p[down : down + rows, across : across + columns] for p in padded for down in places for across in places]
    )


def _sums(structures: np.ndarray) -> np.ndarray:
    """Sums with fixed random signs, of length 1, shape (n, 128), of structures, shape (n, *_GRID)."""
    flat = structures.reshape(len(structures), -1)
    sums = (flat - flat.mean(axis=1, keepdims=True)) @ _signs().T
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _field_means(n: int, n_fields: int) -> np.ndarray:
    """Matrix (n_fields, n) that takes means over equal fields, pixels on a border shared."""
    edges = np.linspace(0, n, n_fields + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n)
    overlap = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


@functools.cache
def _signs() -> np.ndarray:
    """Fixed signs, shape (128, fields), the same on every machine: bits of SHAKE-256."""
    n = _N_FEATURES * _GRID[0] * _GRID[1]
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"monai_mammo fingerprint").digest(n // 8), np.uint8))
    return bits.reshape(_N_FEATURES, -1).astype(np.float64) * 2 - 1
