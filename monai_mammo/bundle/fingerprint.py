"""What a bundle remembers of its training images: features, no pixels, and hashes of the files.

With it anyone who has the bundle, and not the data, can ask whether a file was trained on and whether a generated
picture is close to a training image.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from monai_mammo.bundle.breast_structure import N_SUMS, placed_sums, structure_sums
from monai_mammo.bundle.bundle_folder import BundleFolder
from monai_mammo.bundle.first_fingerprint import FIRST_COPY_RATIO, N_FIRST_FEATURES, placed_first_features
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.files.whole import save_bytes

__all__ = [
    "COPY_RATIO",
    "LEAST_HELD_OUT",
    "Nearest",
    "TrainingFingerprint",
    "fingerprint_of",
    "image_features",
]

FILE = "models/training_fingerprint.npz"
"""Its place in a bundle."""

HASH_BYTES = 8
"""Of a source file's sha256, that a fingerprint keeps."""

VERSION = 2
"""Of the features that are written; those of version 1 are read too."""

COPY_RATIO = 0.7
"""Ratio of distances under which an image is a suspected copy, where a fingerprint was not calibrated."""

LEAST_HELD_OUT = 100
"""Images that were not trained on, and planted copies, without which a fingerprint is not calibrated."""

FALSE_ALARMS = 0.01
"""Share of images that were not trained on which is suspected."""

_SAME = 1e-6  # rounding of a sum of 192 numbers
_SAME_IMAGE = {1: 0.97, 2: 0.8}  # by version: similarity from which two training images count as one
_STEPS = 127  # of features that are kept as whole numbers


def image_features(image: np.ndarray) -> np.ndarray:
    """Features of a prepared mammogram, of length 1: their dot product is a correlation of the two pictures' structure.

    Structure is what stands out inside the breast, divided by the contrast there; see
    `monai_mammo.bundle.breast_structure.structure_sums`.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left, any size.

    Returns
    -------
    ndarray, shape (192,), float32
    """
    return structure_sums(image)


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
    features : ndarray, shape (n, 192), int8, or (n, 128), float16
        One row of `image_features` each, in 1/127 of its largest; the second form is that of version 1.
    hashes : ndarray, shape (n, 8), uint8
        First bytes of each source file's sha256.
    copy_ratio : float
        Ratio of distances under which an image is a suspected copy, in (0, 1].
    n_held_out : int
        Images that were not trained on by which `copy_ratio` was found; 0 where it was not.
    """

    features: np.ndarray
    hashes: np.ndarray
    copy_ratio: float = COPY_RATIO
    n_held_out: int = 0

    def __post_init__(self) -> None:
        n = self.features.shape[0] if self.features.ndim else 0
        if self.hashes.dtype != np.uint8 or self.features.dtype.kind not in "fi":
            raise MammoError("a fingerprint has features that are numbers, and hashes that are bytes")
        width = N_SUMS if self.version == VERSION else N_FIRST_FEATURES
        if n < 2 or self.features.shape != (n, width) or self.hashes.shape != (n, HASH_BYTES):
            raise MammoError(f"a fingerprint has {width} features and {HASH_BYTES} bytes of hash an image")
        if not 0 < self.copy_ratio <= 1 or self.n_held_out < 0:
            raise MammoError(f"a fingerprint has a ratio between 0 and 1 for suspected copies, not {self.copy_ratio}")

    @property
    def version(self) -> int:
        """Of the features, 1 or 2."""
        return 1 if self.features.dtype.kind == "f" else VERSION

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
        return cls.of_features([image_features(image) for image in images], source_sha256)

    @classmethod
    def of_features(cls, features: Sequence[np.ndarray], source_sha256: Sequence[str]) -> Self:
        """Fingerprint of images whose features are known, and the hashes of the files that they came from.

        Parameters
        ----------
        features : sequence of ndarray, shape (192,)
            As `image_features` gives them, of two images or more.
        source_sha256 : sequence of str
            Hexadecimal, in the same order.

        Returns
        -------
        TrainingFingerprint
        """
        rows = np.stack(features)
        scaled = rows * (_STEPS / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-6))
        heads = [bytes.fromhex(text[: 2 * HASH_BYTES]) for text in source_sha256]
        hashes = np.frombuffer(b"".join(heads), np.uint8).reshape(-1, HASH_BYTES)
        return cls(np.rint(scaled).astype(np.int8), hashes)

    def calibrated(self, held_out: Sequence[float], copies: Sequence[float]) -> Self:
        """The same with a limit of its own: midway between what copies have and what other images have.

        Parameters
        ----------
        held_out : sequence of float
            Ratios of images of persons that were not trained on.
        copies : sequence of float
            Ratios of planted copies of training images.

        Returns
        -------
        TrainingFingerprint
            At most 1 in 100 of the first is suspected, and where the two lie apart 99 in 100 of the second are. As it
            was where there are fewer than `LEAST_HELD_OUT` of either.
        """
        if min(len(held_out), len(copies)) < LEAST_HELD_OUT:
            return self
        least, most = float(np.quantile(held_out, FALSE_ALARMS)), float(np.quantile(copies, 1 - FALSE_ALARMS))
        limit = min(least, (least + most) / 2)
        return dataclasses.replace(self, copy_ratio=round(max(limit, 1e-3), 4), n_held_out=len(held_out))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def sha256(self) -> str:
        """Hash of all that decides which training image is closest to another image."""
        parts = f"{self.version}{self.features.shape}".encode(), self.features.tobytes(), self.hashes.tobytes()
        return hashlib.sha256(b"".join(parts)).hexdigest()

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

        The image is compared as it is, and mirrored, upside down and both, each moved by up to 3/64 of its rows and
        2/48 of its columns, since a copy may be. Training images that are copies of the closest one do not count as
        the second closest: an image that was trained on twice would have no low ratio otherwise.

        Parameters
        ----------
        image : ndarray, shape (rows, columns)
            Brightness in [0, 1], chest wall left.

        Returns
        -------
        Nearest
        """
        features = self._unit_features()
        if self.version == VERSION:
            return self._nearest(features, placed_sums(image))
        placed = placed_first_features(image)
        return min((self._nearest(features, some) for some in (placed[:1], placed[1:])), key=lambda found: found.ratio)

    def _unit_features(self) -> np.ndarray:
        features = self.features.astype(np.float32)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        unit: np.ndarray = features / np.maximum(lengths, 1e-6) if self.version == VERSION else features
        return unit

    def _nearest(self, features: np.ndarray, sums: np.ndarray) -> Nearest:
        """Training image closest to any of the sums, shape (n, width)."""
        similarity = (features @ sums.T).max(axis=1)
        first = int(np.argmax(similarity >= similarity.max() - _SAME))  # of equally close ones the first
        is_other = features @ features[first] < _SAME_IMAGE[self.version]
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
        np.savez_compressed(
            buffer,
            version=np.int64(self.version),
            features=self.features,
            hashes=self.hashes,
            copy_ratio=np.float64(self.copy_ratio),
            n_held_out=np.int64(self.n_held_out),
        )
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
            if version not in (1, VERSION):
                raise MammoError(f"{path} is of version {version}, this program reads 1 and {VERSION}")
            if (version == VERSION) != (features.dtype == np.int8):
                raise ValueError("features of another version")
            if version == 1:
                return cls(features, hashes, FIRST_COPY_RATIO)
            return cls(features, hashes, float(stored["copy_ratio"]), int(stored["n_held_out"]))
        except UnreadableFile as error:
            raise MammoError(f"fingerprint {error.detail}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise MammoError(f"{path} is damaged ({type(error).__name__})") from None
