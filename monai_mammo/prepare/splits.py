"""Training, validation and test by person: a function of the person's pseudonym and a seed alone."""

from __future__ import annotations

import hashlib

from monai_mammo.terms import Split

__all__ = ["split_of"]

_VAL_SHARE, _TEST_SHARE = 0.1, 0.1


def split_of(person_id: str, *, seed: int = 0) -> Split:
    """Part of the data in which all images of a person are.

    Eighty, ten and ten in a hundred persons go to ``train``, ``val`` and ``test``. Neither other persons nor the
    order of the files count, so a person stays where it is when data are added.

    Parameters
    ----------
    person_id : str
        Pseudonym.
    seed : int
        Another seed divides the same persons anew.
    """
    digest = hashlib.sha256(f"monai_mammo/{seed}/{person_id}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64
    if position < _TEST_SHARE:
        return Split.TEST
    return Split.VAL if position < _TEST_SHARE + _VAL_SHARE else Split.TRAIN
