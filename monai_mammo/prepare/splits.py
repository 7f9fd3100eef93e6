"""Training, validation and test by person: a function of the person's pseudonym and a seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from monai_mammo.terms import Split

__all__ = ["persons_of_studies", "split_of", "splits_of_persons"]

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

    Returns
    -------
    Split
    """
    digest = hashlib.sha256(f"monai_mammo/{seed}/{person_id}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64
    if position < _TEST_SHARE:
        return Split.TEST
    return Split.VAL if position < _TEST_SHARE + _VAL_SHARE else Split.TRAIN


def splits_of_persons(published: Iterable[tuple[str, Split | None]], *, seed: int = 0) -> tuple[dict[str, Split], int]:
    """One split for each person, and how many persons lie in several published ones.

    A published split holds where all images of a person that have one agree on it; else `split_of` decides for all of
    the person's images, since a person in two splits makes every figure on the second one too good.

    Parameters
    ----------
    published : iterable of (str, Split or None)
        Person and published split of each image.
    seed : int
        Decides all that is drawn by chance.

    Returns
    -------
    dict of str to Split
        By person.
    int
        Persons whose images lie in several published splits.
    """
    found: dict[str, set[Split]] = {}
    for person_id, split in published:
        found.setdefault(person_id, set()).update(() if split is None else (split,))
    splits = {person: next(iter(s)) if len(s) == 1 else split_of(person, seed=seed) for person, s in found.items()}
    return splits, sum(len(several) > 1 for several in found.values())


def persons_of_studies(images: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Named person of each study that stands for a person elsewhere.

    Where some files of a study name a person and others do not, the others are of the same person.

    Parameters
    ----------
    images : iterable of (str, str)
        Pseudonyms of person and study of each image; a study may be empty.

    Returns
    -------
    dict of str to str
        By the pseudonym of the study; studies without a named person, or with several, are left out.
    """
    named: dict[str, set[str]] = {}
    for person, study in images:
        if study and person != study:
            named.setdefault(study, set()).add(person)
    return {study: next(iter(persons)) for study, persons in named.items() if len(persons) == 1}
