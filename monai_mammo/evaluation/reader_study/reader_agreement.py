"""How far readers agree beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from monai_mammo.evaluation.realism.person_folds import PersonResampler

__all__ = ["agreement_figures", "cohen_kappa", "fleiss_kappa"]

_N_RESAMPLES = 2000


def fleiss_kappa(answers: np.ndarray, *, n_classes: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Agreement of several readers on classes without an order: 1 all alike, 0 as chance has it.

    Parameters
    ----------
    answers : ndarray, shape (n cases, n readers), int
        Classes from 0; two readers or more.
    n_classes : int
        How many there are.
    weights : ndarray, shape (n resamples, n cases), optional
        How often each case counts; once each by default.

    Returns
    -------
    ndarray, shape (n resamples,) or (1,)
        NaN where everybody names the same class throughout, since chance then agrees as much.

    References
    ----------
    Fleiss, Psychol Bull 76:378 (1971).
    """
    n_cases, n_readers = answers.shape
    w = np.ones((1, n_cases)) if weights is None else weights.astype(np.float64)
    counts = (answers[:, :, None] == np.arange(n_classes)).sum(axis=1)  # (n cases, n classes)
    of_case = (counts * (counts - 1)).sum(axis=1) / (n_readers * (n_readers - 1))
    n_drawn = w.sum(axis=1)
    shares = (w @ counts) / (n_drawn * n_readers)[:, None]
    return _beyond_chance((w @ of_case) / n_drawn, (shares**2).sum(axis=1))


def cohen_kappa(one: np.ndarray, other: np.ndarray, *, n_classes: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Agreement of two readers on classes in an order, with quadratic weights: 1 alike, 0 as chance has it.

    Parameters
    ----------
    one, other : ndarray, shape (n cases,), int
        Classes from 0. With two classes the weights make no difference.
    n_classes : int
        How many there are.
    weights : ndarray, shape (n resamples, n cases), optional
        How often each case counts; once each by default.

    Returns
    -------
    ndarray, shape (n resamples,) or (1,)
        NaN where both name the same single class throughout.

    References
    ----------
    Cohen, Psychol Bull 70:213 (1968).
    """
    w = np.ones((1, len(one))) if weights is None else weights.astype(np.float64)
    combined = np.eye(n_classes**2)[one * n_classes + other]
    table = (w @ combined / w.sum(axis=1, keepdims=True)).reshape(-1, n_classes, n_classes)
    steps = np.arange(n_classes)
    alike = 1 - ((steps[:, None] - steps) / (n_classes - 1)) ** 2
    chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :]
    return _beyond_chance((table * alike).sum(axis=(1, 2)), (chance * alike).sum(axis=(1, 2)))


def agreement_figures(
    answers: np.ndarray, *, n_classes: int, persons: Sequence[str], readers: Sequence[str]
) -> dict[str, object] | None:
    """Agreement of all readers, and of each two of them, with intervals over persons.

    Parameters
    ----------
    answers : ndarray, shape (n cases, n readers), int
        Classes from 0.
    n_classes : int
        How many there are.
    persons : sequence of str
        Of each case.
    readers : sequence of str

    Returns
    -------
    dict or None
        ``all``: Fleiss' kappa; ``pairs``: ``readers``, ``kappa``, Cohen's with quadratic weights. A kappa is a figure
        with ``value``, ``low``, ``high``, ``n``, or `None` where it is not defined. `None` of fewer than two readers.
    """
    if len(readers) < 2:
        return None
    drawn = PersonResampler(persons).weights(np.random.default_rng(0), _N_RESAMPLES)
    pairs = []
    for i, j in combinations(range(len(readers)), 2):
        kappa = (cohen_kappa(answers[:, i], answers[:, j], n_classes=n_classes, weights=w) for w in (None, drawn))
        pairs.append({"readers": [readers[i], readers[j]], "kappa": _figure(*kappa, n=len(answers))})
    kappas = (fleiss_kappa(answers, n_classes=n_classes, weights=w) for w in (None, drawn))
    return {"all": _figure(*kappas, n=len(answers)), "pairs": pairs}


def _beyond_chance(seen: np.ndarray, chance: np.ndarray) -> np.ndarray:
    is_known = chance < 1 - 1e-12
    return np.where(is_known, (seen - chance) / np.where(is_known, 1 - chance, 1), np.nan)


def _figure(value: np.ndarray, resampled: np.ndarray, *, n: int) -> dict[str, float | int] | None:
    if np.isnan(value[0]):
        return None
    low, high = np.nanpercentile(resampled, (2.5, 97.5))
    return {"value": round(float(value[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": n}
