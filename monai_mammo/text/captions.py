"""Captions of mammograms for training: sentences of the grammar, of which some words are left out."""

from __future__ import annotations

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.terms import Finding, Pathology
from monai_mammo.text.report_sentences import text_of_conditions

__all__ = ["caption_of"]

_SPOKEN = (
    *("kind", "view", "laterality", "density", "finding", "birads", "pathology", "age_years"),
    *("lesion_shape", "lesion_margin", "calc_type", "calc_distribution"),
)
_OF_A_FINDING = ("lesion_shape", "lesion_margin", "calc_type", "calc_distribution")
_FILLERS = frozenset({"there", "is", "are", "a", "an", "the", "woman."})


def caption_of(conditions: Conditions, rng: np.random.Generator | None = None, *, drop: float = 0.3) -> str:
    """Words for what is known of a mammogram.

    What is left out is left out whole: a caption says less than the conditions, and never something else. The negation
    of "no abnormality is seen" is kept or falls with its sentence.

    Parameters
    ----------
    conditions : Conditions
        Box and text have no words here.
    rng : numpy.random.Generator or None
        Decides what is left out; nothing is without one.
    drop : float
        Probability with which each condition, and each group of words that only make a sentence of
        others, is left out.

    Returns
    -------
    str
        Empty where nothing is left.

    Raises
    ------
    RequestError
        `drop` does not lie in [0, 1].
    """
    if not 0 <= drop <= 1:
        raise RequestError(f"drop {drop!r} of captions is not a probability from 0 to 1")
    known = {name: getattr(conditions, name) for name in _SPOKEN}
    if rng is not None:
        left_out = rng.random(len(_SPOKEN)) < drop
        known = {name: None if out else value for (name, value), out in zip(known.items(), left_out, strict=True)}
    if known["pathology"] is Pathology.NORMAL and conditions.finding not in (None, Finding.NONE):
        known["pathology"] = None  # "normal" without the finding would say that there is none
    if known["finding"] in (None, Finding.NONE):
        known |= dict.fromkeys(_OF_A_FINDING)
    text = text_of_conditions(Conditions(**known))
    if rng is None or not text:
        return text
    kept: list[str] = []
    is_out = False
    for word, before in zip(words := text.split(" "), ["", *words], strict=False):
        if word.lower() not in _FILLERS:
            is_out = False
        elif before.lower() not in _FILLERS:  # words such as "there is a" are left out together
            is_out = bool(rng.random() < drop)
        kept += [] if is_out else [word]
    return " ".join(kept)
