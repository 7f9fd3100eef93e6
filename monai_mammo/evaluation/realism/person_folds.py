"""Persons among images: resampled, and divided into folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

__all__ = ["PersonResampler", "folds_by_person"]


class PersonResampler:
    """Draws persons with replacement, each with all of their images.

    Parameters
    ----------
    persons : sequence of str
        Of each image.
    """

    def __init__(self, persons: Sequence[str]) -> None:
        _, self._person = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
        self.n_persons = int(self._person.max()) + 1
        self._images = [np.nonzero(self._person == i)[0] for i in range(self.n_persons)]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Positions of the images of as many persons as there are, some of them several times.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        ndarray, shape (n,), int
        """
        return np.concatenate([self._images[i] for i in rng.integers(0, self.n_persons, self.n_persons)])

    def weights(self, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
        """How often each image is drawn, shape (n_resamples, n images).

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        n_resamples : int
            Times that persons are drawn anew.

        Returns
        -------
        ndarray, shape (n_resamples, n images), int
        """
        drawn = rng.integers(0, self.n_persons, (n_resamples, self.n_persons))
        offsets = np.arange(n_resamples)[:, None] * self.n_persons
        counts = np.bincount((drawn + offsets).ravel(), minlength=n_resamples * self.n_persons)
        return counts.reshape(n_resamples, self.n_persons)[:, self._person]


def folds_by_person(persons: Sequence[str], is_synthetic: np.ndarray, *, n_folds: int, seed: int = 0) -> np.ndarray:
    """Fold of each image: no person in two, both sorts of images spread evenly.

    Parameters
    ----------
    persons : sequence of str
        Of each image.
    is_synthetic : ndarray, shape (n,), bool
        A person with images of both sorts counts with the acquired.
    n_folds : int
        Parts into which persons are divided.
    seed : int
        Of the order in which persons are dealt out.

    Returns
    -------
    ndarray, shape (n,), int
    """
    names = np.asarray(persons, dtype=str)
    n_of_person = Counter(map(str, names))
    acquired = sorted(set(names[~is_synthetic]))
    synthetic = sorted(set(names[is_synthetic]) - set(acquired))
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for group in (acquired, synthetic):
        n_images = np.zeros(n_folds, dtype=int)
        shuffled = [group[i] for i in rng.permutation(len(group))]
        for person in sorted(shuffled, key=lambda name: -n_of_person[str(name)]):  # those with most images first
            fold_of[person] = int(np.argmin(n_images))
            n_images[fold_of[person]] += n_of_person[str(person)]
    return np.array([fold_of[name] for name in names])
