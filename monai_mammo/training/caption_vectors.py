"""Vectors of the captions that training sees, encoded once and kept in a file."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.files.whole import open_whole
from monai_mammo.networks.text_encoders import TextEncoder
from monai_mammo.text import caption_of

__all__ = ["CaptionVectors"]

_LOGGER = logging.getLogger(__name__)


class CaptionVectors:
    """Vectors of several captions of each image: the whole one first, then such with words left out.

    Parameters
    ----------
    conditions : sequence of Conditions
        Of each image.
    encoder : TextEncoder
    n_captions : int
        Captions of an image.
    drop : float
        See `monai_mammo.text.caption_of`.
    seed : int
        Of the words that are left out.
    cache_dir : path or None
        Folder that keeps the vectors between runs, in a file named by encoder and captions.
    """

    def __init__(
        self,
        conditions: Sequence[Conditions],
        encoder: TextEncoder,
        *,
        n_captions: int = 4,
        drop: float = 0.3,
        seed: int = 0,
        cache_dir: str | Path | None = None,
    ) -> None:
        self.n_captions = n_captions
        self.captions = [
            [caption_of(one, _rng(seed, index, k), drop=drop) for k in range(n_captions)]
            for index, one in enumerate(conditions)
        ]
        distinct = sorted({caption for captions in self.captions for caption in captions})
        self._rows = {caption: row for row, caption in enumerate(distinct)}
        self._vectors = _cached(distinct, encoder, cache_dir)

    @property
    def channels(self) -> int:
        """Length of a vector."""
        return self._vectors.shape[1]

    def vector(self, index: int, k: int) -> np.ndarray:
        """Vector of caption `k` of an image, shape (channels,), float32.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        k : int
            Number of its caption; 0 is the whole one.

        Returns
        -------
        ndarray, shape (channels,), float32
        """
        return self._vectors[self._rows[self.captions[index][k]]]


def _rng(seed: int, index: int, k: int) -> np.random.Generator | None:
    return np.random.default_rng((seed, 78, index, k)) if k else None


def _cached(captions: list[str], encoder: TextEncoder, cache_dir: str | Path | None) -> np.ndarray:
    """Vectors of captions, shape (n, channels), from the file where it is there."""
    digest = hashlib.sha256("\0".join([encoder.key, *captions]).encode()).hexdigest()[:16]
    path = None if cache_dir is None else Path(cache_dir) / f"captions_{digest}.npy"
    if path is not None and path.is_file():
        return np.load(path)
    vectors = encoder.encode(captions)
    _LOGGER.info("encoded %d captions by %s", len(captions), encoder.key)
    if path is not None:
        with open_whole(path, make_folder=True) as stream:
            np.save(stream, vectors)
    return vectors
