"""Area under the curve for two classes or more, with one person left out in turn."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.utility.arm_scores import Cases

__all__ = ["concordance_jackknife", "spearman_jackknife"]


def concordance_jackknife(scores: np.ndarray, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
    """Share of pairs that scores put in the right order, and the same with one person left out in turn.

    A pair is of two images of one acquisition kind and of different classes; equal scores count half. For two classes
    this is the area under the curve, for more its ordinal form.

    Parameters
    ----------
    scores : ndarray, shape (n images, n readers)
    cases : Cases

    Returns
    -------
    areas : ndarray, shape (n readers,)
    without : ndarray, shape (n persons, n readers)

    Raises
    ------
    RequestError
        There is no pair, or none without one of the persons.
    """
    truth, kinds = np.array(cases.truth), np.array(cases.kinds)
    person = np.unique(np.array(cases.persons), return_inverse=True)[1]
    is_pair = (kinds[:, None] == kinds[None]) & (truth[:, None] > truth[None])  # (n, n), the higher class first
    is_within = person[:, None] == person[None]

    def without_each(pairs: np.ndarray) -> tuple[float, np.ndarray]:
        of_image = pairs.sum(axis=0) + pairs.sum(axis=1)  # a pair within a person counts twice in it
        of_person = np.bincount(person, weights=of_image - np.where(is_within, pairs, 0).sum(axis=1))
        return float(pairs.sum()), pairs.sum() - of_person

    n_pairs, n_left = without_each(is_pair.astype(np.float64))
    if not n_pairs or not n_left.min() > 0:
        raise RequestError("there are too few images of different classes within one acquisition kind")
    found = []
    for of_reader in scores.T:
        wins = (of_reader[:, None] > of_reader[None]) + 0.5 * (of_reader[:, None] == of_reader[None])
        found.append(without_each(np.where(is_pair, wins, 0.0)))
    areas = np.array([total for total, _ in found]) / n_pairs
    return areas, np.stack([left for _, left in found], axis=1) / n_left[:, None]


def spearman_jackknife(scores: np.ndarray, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
    """Rank correlation of scores and classes, mean over acquisition kinds, and the same without each person.

    Parameters
    ----------
    scores : ndarray, shape (n images, n readers)
    cases : Cases

    Returns
    -------
    correlations : ndarray, shape (n readers,)
        Weighted by the images of each kind; kinds of a single class are left out.
    without : ndarray, shape (n persons, n readers)
    """
    truth, kinds = np.array(cases.truth), np.array(cases.kinds)
    persons = np.array(cases.persons)

    def correlation(kept: np.ndarray) -> np.ndarray:
        total, weight = np.zeros(scores.shape[1]), 0
        for kind in np.unique(kinds):
            here = kept & (kinds == kind)
            if len(np.unique(truth[here])) > 1:
                total += here.sum() * np.array([_spearman(of[here], truth[here]) for of in scores.T])
                weight += int(here.sum())
        return total / max(weight, 1)

    whole = correlation(np.ones(len(persons), dtype=bool))
    return whole, np.stack([correlation(persons != name) for name in np.unique(persons)])


def _spearman(scores: np.ndarray, truth: np.ndarray) -> float:
    return 0.0 if np.ptp(scores) == 0 else float(spearmanr(scores, truth).statistic)
