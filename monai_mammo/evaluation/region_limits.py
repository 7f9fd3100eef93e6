"""Scores of regions that acquired images reach, by which generated ones are checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_mammo.evaluation.answers import Answer, scored_detections
from monai_mammo.networks.class_heads import PRESENCE

__all__ = ["kinds_without_lesion", "region_limits"]

_LESIONS, _OTHERS, _CLEAR = 0.8, 0.9, 0.9
"""Shares of acquired lesions, of images with lesions and of images without one that meet the limits."""


def kinds_without_lesion(answers: Sequence[Answer]) -> list[str]:
    """Acquisition kinds of images that show no lesion, whose readings the limits of such images are.

    Parameters
    ----------
    answers : sequence of Answer

    Returns
    -------
    list of str
        In alphabetical order.
    """
    return sorted({answer.kind for answer in answers if answer.kind is not None and answer.mask_kind == "none"})


def region_limits(answers: Sequence[Answer]) -> dict[str, float]:
    """Limits that most acquired images meet: what is asked of a generated image is what a real one shows.

    Parameters
    ----------
    answers : sequence of Answer
        Of the lesion network on images that it was not trained on.

    Returns
    -------
    dict
        ``lesion``: score that 80 % of known lesions reach; ``other``: score that the best region beside the known
        lesions stays below in 90 % of images; ``clear``: score that all regions of 90 % of images without a lesion
        stay below; ``presence``: probability of any lesion that those images stay below, where the network has such a
        head. Without such images one is left out.
    """
    scores, others, clear, presence = [], [], [], []
    for answer in answers:
        image = scored_detections(answer)
        if image is None:
            continue
        detections = list(zip(image.scores, image.hits, strict=True))
        rest = max((score for score, hit in detections if hit < 0), default=0.0)
        if image.n_lesions == 0:
            clear.append(rest)
            presence += [float(answer.probabilities[PRESENCE][1])] if PRESENCE in answer.probabilities else []
            continue
        others.append(rest)
        scores += [max((s for s, hit in detections if hit == i), default=0.0) for i in range(image.n_lesions)]
    out = {}
    if scores:
        out["lesion"] = float(np.quantile(scores, 1 - _LESIONS, method="lower"))
        out["other"] = float(np.quantile(others, _OTHERS, method="higher"))
    if clear:
        out["clear"] = float(np.quantile(clear, _CLEAR, method="higher"))
    if presence:
        out["presence"] = float(np.quantile(presence, _CLEAR, method="higher"))
    return {name: round(value, 4) for name, value in out.items()}
