"""The built-in encoder of reports: what the grammar understands, as a vector. Needs no weights and no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.text.lexicon import Part
from monai_mammo.text.tokens import tokens_of

__all__ = ["GrammarEncoder"]


class GrammarEncoder:
    """Vectors of texts by the grammar of reports: words that mean the same have the same vector.

    Each word or phrase with a meaning is a fixed direction, made from the hash of its part of the sentence and its
    value, and pairs of neighbours are directions too, so that "mass, no calcification" differs from "calcification, no
    mass". The same on every machine, at any time.

    Parameters
    ----------
    channels : int
        Length of a vector.

    Raises
    ------
    RequestError
        `channels` is not a whole number from 8 to 4096.

    Examples
    --------
    >>> from monai_mammo.text import GrammarEncoder
    >>> nodule, mass, edema = GrammarEncoder().encode(["nodule", "soft opacity", "edema"])
    >>> float(nodule @ mass), bool(nodule @ edema < 0.5)
    (1.0, True)
    """

    def __init__(self, channels: int = 256) -> None:
        if not isinstance(channels, int) or isinstance(channels, bool) or not 8 <= channels <= 4096:
            raise RequestError(f"channels {channels!r} of a text encoder is not a whole number from 8 to 4096")
        self.channels = channels

    @property
    def key(self) -> str:
        """Name of the encoder and of all that its vectors depend on."""
        return f"grammar/1/{self.channels}"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray, shape (len(texts), channels), float32
            Of length 1; zeros for a text without a word.
        """
        out = np.zeros((len(texts), self.channels), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            total = np.zeros(self.channels, dtype=np.int64)  # sums of whole numbers do not depend on their order
            for meaning, weight in _meanings(text):
                total += weight * _direction(meaning, self.channels)
            length = float(np.sqrt(np.square(total).sum()))
            row[:] = total / (length or 1.0)
        return out


_WITHOUT_MEANING = (
    *(Part.FILLER, Part.COMMA, Part.AND, Part.WITH, Part.DEFINITE, Part.BREAST, Part.HEAD, Part.THERE, Part.ADJECTIVE),
    Part.ANOTHER,
)


def _meanings(text: str) -> Iterator[tuple[str, int]]:
    """Meanings of a text with their weights: each by itself 2, each pair of neighbours in a sentence 1."""
    before = ""
    for token in tokens_of(text):
        if token.part is Part.END:
            before = ""
            continue
        if token.part in _WITHOUT_MEANING:
            continue
        is_word = token.part in (Part.UNKNOWN, Part.OPINION)
        meaning = f"{token.part.name}:{token.text.lower() if is_word else _plain(token.value)}"
        yield meaning, 2
        if before:
            yield f"{before} > {meaning}", 1
        before = meaning


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ",".join(_plain(one) for one in value) + ")"
    return str(value.value) if isinstance(value, Enum) else str(value)


def _direction(meaning: str, channels: int) -> np.ndarray:
    """Signs, shape (channels,), int64, that the hash of a meaning gives."""
    digest = hashlib.shake_256(meaning.encode()).digest(-(-channels // 8))
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))[:channels]
    return bits.astype(np.int64) * 2 - 1
