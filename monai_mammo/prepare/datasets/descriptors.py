"""Published words for shape, margin and calcifications as the lexicon's, one value for an image.

Within a lesion that has several words the one of most concern counts. Between lesions nothing is chosen: where they
differ, or one has none, the condition stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monai_mammo.conditions import WHOLE_NUMBERS
from monai_mammo.errors import RequestError
from monai_mammo.terms import (
    CalcificationDistribution,
    CalcificationMorphology,
    FindingCategory,
    Margin,
    Shape,
    of_most_concern,
)
from monai_mammo.text import conditions_of_text

__all__ = ["described_lesions", "described_report", "described_words", "n_findings_of", "shared_value"]

_SHAPES = {"OVAL": Shape.OVAL, "LOBULATED": Shape.OVAL, "ROUND": Shape.ROUND, "IRREGULAR": Shape.IRREGULAR}
_MARGINS = {
    "CIRCUMSCRIBED": Margin.CIRCUMSCRIBED,
    "OBSCURED": Margin.OBSCURED,
    "MICROLOBULATED": Margin.MICROLOBULATED,
    "ILL_DEFINED": Margin.INDISTINCT,
    "INDISTINCT": Margin.INDISTINCT,
    "SPICULATED": Margin.SPICULATED,
    "SPECULATED": Margin.SPICULATED,
}
_MORPHOLOGIES = {
    "AMORPHOUS": CalcificationMorphology.AMORPHOUS,
    "COARSE": CalcificationMorphology.COARSE,
    "DYSTROPHIC": CalcificationMorphology.DYSTROPHIC,
    "EGGSHELL": CalcificationMorphology.RIM,
    "FINE_LINEAR_BRANCHING": CalcificationMorphology.FINE_LINEAR,
    "LARGE_RODLIKE": CalcificationMorphology.LARGE_ROD_LIKE,
    "LUCENT_CENTER": CalcificationMorphology.RIM,  # BI-RADS, 5th ed., took both together
    "MILK_OF_CALCIUM": CalcificationMorphology.MILK_OF_CALCIUM,
    "PLEOMORPHIC": CalcificationMorphology.FINE_PLEOMORPHIC,
    "PUNCTATE": CalcificationMorphology.PUNCTATE,
    "ROUND_AND_REGULAR": CalcificationMorphology.ROUND,
    "SKIN": CalcificationMorphology.SKIN,
    "VASCULAR": CalcificationMorphology.VASCULAR,
}
_DISTRIBUTIONS = {
    "CLUSTERED": CalcificationDistribution.GROUPED,
    "DIFFUSELY_SCATTERED": CalcificationDistribution.DIFFUSE,
    "LINEAR": CalcificationDistribution.LINEAR,
    "REGIONAL": CalcificationDistribution.REGIONAL,
    "SEGMENTAL": CalcificationDistribution.SEGMENTAL,
}
_WORDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "lesion_shape": ("shape", _SHAPES),
    "lesion_margin": ("margin", _MARGINS),
    "calc_type": ("type", _MORPHOLOGIES),
    "calc_distribution": ("distribution", _DISTRIBUTIONS),
}
_KIND_OF_LESION = {"lesion_shape": False, "lesion_margin": False, "calc_type": True, "calc_distribution": True}


def shared_value(values: Iterable[Any]) -> Any:
    """What all lesions of an image have in common; `None` where they differ, one has none, or there are none.

    Parameters
    ----------
    values : iterable
        One a lesion.

    Returns
    -------
    object or None
    """
    found = set(values)
    return found.pop() if len(found) == 1 else None


def n_findings_of(n_lesions: int) -> int | None:
    """Number of lesions as `monai_mammo.Conditions` holds it; `None` for 0, which says nothing of a place.

    Parameters
    ----------
    n_lesions : int
        Lesions in the image.

    Returns
    -------
    int or None
    """
    return min(n_lesions, WHOLE_NUMBERS["n_findings"][1]) if n_lesions > 0 else None


def described_lesions(lesions: Sequence[tuple[Sequence[FindingCategory], Mapping[str, Sequence[str]]]]) -> dict:
    """Conditions that CBIS-DDSM's words for the lesions of one image give.

    Parameters
    ----------
    lesions : sequence of (categories, words by descriptor)
        Such as ``shape``, ``margin``, ``type``, ``distribution`` and ``subtlety``.

    Returns
    -------
    dict of str to value
        Fields of `Conditions`; without what is open.
    """
    found: dict[str, Any] = {}
    for name, (descriptor, meanings) in _WORDS.items():
        of_kind = [
            words.get(descriptor, ())
            for categories, words in lesions
            if (FindingCategory.CALCIFICATION in categories) == _KIND_OF_LESION[name]
        ]
        found[name] = shared_value(_value(words, meanings) for words in of_kind)
    found["subtlety"] = shared_value(_subtlety(words.get("subtlety", ())) for _, words in lesions)
    return {name: value for name, value in found.items() if value is not None}


def described_words(text: str, *, name: str) -> Any:
    """Condition in a cell with CBIS-DDSM's words: ``|`` between lesions, ``-`` between the words of one.

    Parameters
    ----------
    text : str
        Such as ``OVAL|LOBULATED-IRREGULAR``. A lesion without a word of the lexicon (``N/A``, ``LYMPH_NODE``, the
        classes that other data sets publish) leaves the condition open.
    name : str
        ``lesion_shape``, ``lesion_margin``, ``calc_type`` or ``calc_distribution``.

    Returns
    -------
    Shape, Margin, CalcificationMorphology, CalcificationDistribution or None
    """
    lesions = [[word.strip().upper() for word in part.split("-")] for part in text.split("|")]
    return shared_value(_value(lesion, _WORDS[name][1]) for lesion in lesions)


def described_report(text: str) -> dict[str, Any]:
    """Conditions that the words of a report state of the lesions of an image.

    Parameters
    ----------
    text : str
        As radiologists write it; CDD-CESM puts ``$`` between findings.

    Returns
    -------
    dict of str to value
        Fields of `Conditions`; without what is open, and empty for a text that cannot be read.
    """
    try:
        findings = conditions_of_text(text.replace("$", ". ")).findings
    except RequestError:
        return {}
    found: dict[str, Any] = {}
    for category, names in ((FindingCategory.MASS, ("lesion_shape", "lesion_margin")), _CALCIFICATION):
        lesions = [finding.described() for finding in findings if finding.category is category]
        found |= {name: shared_value(lesion.get(name) for lesion in lesions) for name in names}
    return {name: value for name, value in found.items() if value is not None}


_CALCIFICATION = (FindingCategory.CALCIFICATION, ("calc_type", "calc_distribution"))


def _value(words: Sequence[str], meanings: Mapping[str, Any]) -> Any:
    return of_most_concern(meanings[word] for word in words if word in meanings)


def _subtlety(words: Sequence[str]) -> int | None:
    low, high = WHOLE_NUMBERS["subtlety"]
    return int(words[0]) if words and low <= int(words[0]) <= high else None
