"""A second view of a breast, translated from the first: what is refused, said and planned of it."""

from __future__ import annotations

import dataclasses
from typing import Any

from monai_mammo.bundle import VIEW_TRANSLATOR, BundleFolder
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.generation.runs.manifest import sample_name
from monai_mammo.terms import AcquisitionKind, Modality

__all__ = [
    "NOT_MEASURED",
    "kinds_of",
    "notes_of_translator",
    "refuse_untranslated",
    "second_view",
    "trained_modalities",
]

NOT_MEASURED = {
    Modality.CONTRAST: "uptake of contrast agent cannot be read off a low-energy view: where it shows it was drawn, "
    "not measured",
    Modality.DIGITAL: "tissue that a subtracted view hides was drawn, not measured",
    Modality.ULTRASOUND: "no echo was measured: what shows was drawn",
    Modality.BIOPSY: "no tissue was taken: what shows was drawn",
}
"""What a picture of each modality does not tell where it was translated."""


def kinds_of(kind: str | None) -> tuple[str | None, AcquisitionKind | None]:
    """First kind of a request, and that of a second view of each breast.

    Parameters
    ----------
    kind : str or None
        Such as ``film`` or ``digital+contrast``.

    Returns
    -------
    kind : str or None
    also : AcquisitionKind or None

    Raises
    ------
    RequestError
        More than two kinds are named, or one that is none.
    """
    if kind is None or "+" not in str(kind):
        return kind, None
    named = [AcquisitionKind.parse(word) for word in str(kind).split("+")]
    if len(named) > 2 or named[0] is named[1]:
        raise RequestError(f"kind {str(kind)[:40]!r} is not one kind, or two of them such as digital+contrast")
    return str(named[0]), named[1]


def trained_modalities(folder: BundleFolder) -> tuple[str, ...]:
    """Modalities that a bundle's translator was trained with.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    tuple of str

    Raises
    ------
    RequestError
        The bundle has no translator.
    """
    if not folder.has_weights(VIEW_TRANSLATOR):
        raise RequestError(folder.without_weights(VIEW_TRANSLATOR))
    stated: Any = folder.network_definition(*VIEW_TRANSLATOR[1:])[1].get("modalities", ("digital", "contrast"))
    return tuple(map(str, stated))


def notes_of_translator(folder: BundleFolder) -> tuple[str, ...]:
    """What a bundle states of the pictures of its translator, under ``translator_note``; a warning of each.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    tuple of str
        Empty where it states nothing.
    """
    note = folder.metadata.get("translator_note")
    return (note,) if isinstance(note, str) and note else ()


def refuse_untranslated(folder: BundleFolder, *modalities: str) -> None:
    """Refuse, before anything is loaded, what a bundle's translator was not trained with.

    Parameters
    ----------
    folder : BundleFolder
    *modalities : str

    Raises
    ------
    RequestError
    """
    stated = trained_modalities(folder)
    for one in modalities:
        if one not in stated:
            why = "" if one in ("film", "digital", "contrast") else f": for {one} there are no open paired data"
            raise RequestError(
                f"the translator of bundle {folder.name} was trained with pairs of {', '.join(stated)}, and not of "
                f"{one}{why}; train one with pairs of your own by configs/translate.json"
            )


def second_view(first: PlannedSample, kind: AcquisitionKind, folder: BundleFolder) -> PlannedSample:
    """What the second sample of a breast shows: the same, of another kind.

    Parameters
    ----------
    first : PlannedSample
    kind : AcquisitionKind
    folder : BundleFolder
        Of the generator and its translator.

    Returns
    -------
    PlannedSample
        Of the next number.
    """
    conditions = first.conditions.replace(kind=kind)
    said = f"the {kind} view was translated from that of {sample_name(first.index)}"
    return dataclasses.replace(
        first,
        index=first.index + 1,
        conditions=conditions,
        support=folder.support.check(conditions),
        warnings=(*first.warnings, said, NOT_MEASURED[Modality.parse(kind.value)], *notes_of_translator(folder)),
    )
