"""Notes of the reader that a report tells apart from the others, by the word that they start with."""

from __future__ import annotations

__all__ = ["CONTRADICTION", "SURPLUS", "contradiction", "surplus"]

CONTRADICTION = "contradiction"
"""Two statements of one file, or a statement and its pixels, exclude each other; the note says which was taken."""

SURPLUS = "surplus"
"""There are bytes that no pixel needs, and they were left out."""


def contradiction(sentence: str) -> str:
    """Note on statements that exclude each other.

    Parameters
    ----------
    sentence : str
        Which they are and which of them was taken; without full stop, without anything of a patient.

    Returns
    -------
    str
        Such as ``contradiction: Laterality says both breasts, ImageLaterality was taken``.
    """
    return f"{CONTRADICTION}: {sentence}"


def surplus(sentence: str) -> str:
    """Note on bytes that were left out.

    Parameters
    ----------
    sentence : str
        Where they lie; without full stop.

    Returns
    -------
    str
        Such as ``surplus: bytes behind the end of the compressed frame are left out``.
    """
    return f"{SURPLUS}: {sentence}"
