"""How far the lesion network and the judge can be asked: detection, presence of a lesion, and each attribute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo import bundle
from monai_mammo.attributes import HEADS
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.answers import HIT_IOU, Answer, answers_of, scored_detections
from monai_mammo.evaluation.detection import (
    ScoredDetections,
    auc,
    by_person,
    sensitivity_at_false_positives,
    spearman,
    specificity_at_sensitivity,
)
from monai_mammo.evaluation.examiners import JUDGE, examiners
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name, kind_groups
from monai_mammo.networks.class_heads import ORDINAL_HEADS, PRESENCE
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.terms import Pathology

__all__ = ["SENSITIVITY", "examiner_figures", "gain_over_majority", "measures_of", "unread_heads"]

SENSITIVITY = 0.8
"""Share of images with a lesion that must be named where "no lesion" is judged."""

_FALSE_POSITIVES = (1.0, 4.0)
_MALIGNANT = tuple(Pathology).index(Pathology.MALIGNANT)
_SUSPICIOUS = 4
"""BI-RADS category from which on an image calls for a biopsy."""

_Statistic = Callable[[np.ndarray], "float | None"]


def examiner_figures(
    datalist: str | Path, *, split: str = "validation", lesion_network: str = DEFAULT_BUNDLES[2], device: str = "auto"
) -> dict[str, Any]:
    """What lesion network and judge are worth on one split, by acquisition kind, with intervals over persons.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    split : str
        Of the datalist, such as ``validation``.
    lesion_network : str
        Name or path of the bundle that holds both.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    dict
        ``rows``: for each network, kind and measure ``mean``, ``low``, ``high``, ``n``, ``n_persons`` and, for
        accuracies, ``most_frequent``: what naming the most frequent class for every image gets right. ``unread``: for
        each network the heads that are no better than that.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items = load_items(datalist, split=split)
    home = bundle.find(lesion_network)
    threshold = float(home.metadata.get("mask_threshold", 0.5))
    rows, unread = [], {}
    for name, network in examiners(home, device).items():
        answers = answers_of(network, items, mask_threshold=threshold)
        unread[name] = unread_heads(answers)
        rows += [{"network": name, **row} for row in measures_of(answers)]
    return {
        "name": figures_name("examiners", split),
        "command": "examiners",
        "data": about_datalist(datalist, items, split),
        "bundles": [about_bundle(home), about_bundle(home, JUDGE[0])],
        "settings": {"mask_threshold": threshold, "hit_iou": HIT_IOU, "sensitivity": SENSITIVITY},
        "unread": unread,
        "rows": rows,
    }


def measures_of(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Figures of one examiner.

    Parameters
    ----------
    answers : sequence of Answer

    Returns
    -------
    list of dict
        ``kind``, ``measure`` and figure; what no image allows is left out.
    """
    rows = []
    for kind, members in kind_groups([a.kind for a in answers]).items():
        some = [answers[i] for i in members]
        for measure, (subset, statistic) in _statistics(some).items():
            figure = by_person(statistic, [a.person_id for a in subset])
            if figure is not None:
                rows.append({"kind": kind, "measure": measure, **figure, **_majority(subset, measure)})
    return rows


def gain_over_majority(answers: Sequence[Answer], head: str) -> dict[str, Any] | None:
    """Accuracy of a head less the share of its most frequent class, with interval over persons.

    Parameters
    ----------
    answers : sequence of Answer
    head : str
        Name of the attribute that the head names.

    Returns
    -------
    dict or None
        `None` where no label is known.
    """
    some, labels, named = _labelled(answers, head)
    if not some:
        return None

    def gain(i: np.ndarray) -> float:
        return float((labels[i] == named[i]).mean()) - _share_of_most_frequent(labels[i])

    return by_person(gain, [a.person_id for a in some])


def unread_heads(answers: Sequence[Answer]) -> list[str]:
    """Heads that are not shown to say anything.

    For an attribute: the interval of its gain over naming the most frequent class reaches 0. For the presence of a
    lesion, whose two classes are far from even: the interval of its AUC reaches 0.5.

    Parameters
    ----------
    answers : sequence of Answer

    Returns
    -------
    list of str
    """
    unread = [head for head in HEADS if not _is_above(gain_over_majority(answers, head), 0.0)]
    some, score, is_there = _presence(answers)
    rank = by_person(lambda i: auc(score[i], is_there[i]), [a.person_id for a in some])
    return unread if _is_above(rank, 0.5) else [*unread, PRESENCE]


def _is_above(figure: dict[str, Any] | None, value: float) -> bool:
    return figure is not None and figure["low"] is not None and figure["low"] > value


def _sensitivity_of(images: Sequence[ScoredDetections], false_positives: float) -> _Statistic:
    return lambda i: sensitivity_at_false_positives([images[k] for k in i], false_positives=false_positives)


def _statistics(answers: Sequence[Answer]) -> dict[str, tuple[Sequence[Answer], _Statistic]]:
    """By measure the images that allow it, and the figure of any selection of them."""
    out: dict[str, tuple[Sequence[Answer], _Statistic]] = {}
    outlined = [a for a in answers if a.dice is not None]
    overlap = np.array([a.dice for a in outlined], dtype=float)
    out["Dice of outlined lesions"] = (outlined, lambda i: float(overlap[i].mean()) if len(i) else None)
    located = [(a, m) for a in answers if (m := scored_detections(a)) is not None]
    for false_positives in _FALSE_POSITIVES:
        measure = f"sensitivity at {false_positives:g} false positive{'s' * (false_positives != 1)} an image"
        out[measure] = ([a for a, _ in located], _sensitivity_of([m for _, m in located], false_positives))
    known, score, is_there = _presence(answers)
    out[f"no lesion: specificity at {SENSITIVITY:.0%} sensitivity"] = (
        known,
        lambda i: specificity_at_sensitivity(score[i], is_there[i], sensitivity=SENSITIVITY),
    )
    out["lesion or none: AUC"] = (known, lambda i: auc(score[i], is_there[i]))
    for head in HEADS:
        out |= _head_statistics(answers, head)
    return {measure: pair for measure, pair in out.items() if pair[0]}


def _head_statistics(answers: Sequence[Answer], head: str) -> dict[str, tuple[Sequence[Answer], _Statistic]]:
    some, labels, named = _labelled(answers, head)
    out: dict[str, tuple[Sequence[Answer], _Statistic]] = {
        f"{head}: accuracy": (some, lambda i: float((labels[i] == named[i]).mean()) if len(i) else None)
    }
    if not some:
        return out
    probabilities = np.stack([a.probabilities[head] for a in some])
    if head in ORDINAL_HEADS:
        expected = probabilities @ np.arange(probabilities.shape[1])
        out[f"{head}: Spearman"] = (some, lambda i: spearman(expected[i], labels[i]))
    if head == "birads":
        suspicion = probabilities[:, _SUSPICIOUS:].sum(axis=1)
        out["birads 4 and more: AUC"] = (some, lambda i: auc(suspicion[i], labels[i] >= _SUSPICIOUS))
    if head == "pathology":
        malignant = probabilities[:, _MALIGNANT]
        out["pathology: AUC"] = (some, lambda i: auc(malignant[i], labels[i] == _MALIGNANT))
    return out


def _presence(answers: Sequence[Answer]) -> tuple[list[Answer], np.ndarray, np.ndarray]:
    """Images of which it is known whether there is a lesion, probability of one, and whether there is one."""
    some = [a for a in answers if PRESENCE in a.labels and PRESENCE in a.probabilities]
    score = np.array([a.probabilities[PRESENCE][1] for a in some], dtype=float)
    return some, score, np.array([a.labels[PRESENCE] == 1 for a in some], dtype=bool)


def _labelled(answers: Sequence[Answer], head: str) -> tuple[list[Answer], np.ndarray, np.ndarray]:
    """Images whose class is known and can be named at all, known classes and most probable ones."""
    first = ORDINAL_HEADS.get(head, 0)
    some = [a for a in answers if a.labels.get(head, -1) >= first and head in a.probabilities]
    labels = np.array([a.labels[head] for a in some], dtype=int)
    named = np.array([int(a.probabilities[head].argmax()) for a in some], dtype=int)
    return some, labels, named


def _majority(subset: Sequence[Answer], measure: str) -> dict[str, float]:
    head, _, statistic = measure.partition(": ")
    if statistic != "accuracy":
        return {}
    return {"most_frequent": round(_share_of_most_frequent(np.array([a.labels[head] for a in subset])), 4)}


def _share_of_most_frequent(labels: np.ndarray) -> float:
    return float(np.bincount(labels).max() / len(labels))
