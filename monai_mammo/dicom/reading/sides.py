"""Which breast an image shows, from the attributes that may tell it (PS3.3, C.8.11.7, C.7.6.1, 10.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.dicom.orientation import laterality_of_orientation
from monai_mammo.dicom.reading.descriptions import settled, sides_in_words, single
from monai_mammo.dicom.reading.views import sides_of_positions
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.terms import Laterality

__all__ = ["find_laterality"]

# PS3.16, CID 4013 and CID 244: SNOMED CT and SNOMED RT
_SIDE_CODES = {
    **dict.fromkeys(("80248007", "T-04030", "7771000", "G-A101"), {Laterality.L}),
    **dict.fromkeys(("73056007", "T-04020", "24028007", "G-A100"), {Laterality.R}),
    **dict.fromkeys(("63762007", "T-04080", "51440002", "G-A102"), set(Laterality)),
}
_REGIONS = {
    "AnatomicRegionSequence": "AnatomicRegionModifierSequence",
    "PrimaryAnatomicStructureSequence": "PrimaryAnatomicStructureModifierSequence",
}


def find_laterality(dataset: Dataset) -> tuple[Laterality | None, tuple[str, ...]]:
    """Breast that is shown, and the sources that contradict it.

    ImageLaterality, which is of the image, comes first, then Laterality, which is of the series, then codes,
    orientation, the side in ViewPosition, and words. A source that names both sides tells none of them. Both breasts
    are shown where ImageLaterality says so, or where another attribute does and none of them names a side.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    laterality : Laterality or None
    notes : tuple of str

    Raises
    ------
    Refusal
        The image shows both breasts.
    """
    coded = [*_coded_sides(dataset)]
    several = [source for source, sides in coded if len(sides) > 1]
    known, _ = single("sides", coded)
    if "ImageLaterality" in several or (several and not known):
        raise Refusal(SkipReason.BOTH_BREASTS, f"{several[0]} says that both breasts are shown")
    notes = [contradiction(f"{source} says both breasts, {known[0][0]} was taken") for source in several]
    stated = laterality_of_orientation(dataset.get("PatientOrientation"))
    if stated is not None:
        known.append(("PatientOrientation", stated))
    positioned = sides_of_positions(dataset)
    words = [("ViewPosition", positioned)] if positioned else []
    named, word_notes = single("sides", [*words, *sides_in_words(dataset)])
    side, side_notes = settled("the side", [*known, *named])
    return side, (*side_notes, *notes, *word_notes)


def _coded_sides(dataset: Dataset) -> Iterator[tuple[str, set[Laterality]]]:
    for keyword in ("ImageLaterality", "Laterality"):
        if sides := _named(dataset.get(keyword)):
            yield keyword, sides
    for anatomy in dataset.get("FrameAnatomySequence") or []:
        if sides := _named(anatomy.get("FrameLaterality")):
            yield "FrameLaterality", sides
    for keyword, modifiers in _REGIONS.items():
        regions = dataset.get(keyword) or []
        items = [*regions, *(item for region in regions for item in region.get(modifiers) or [])]
        codes = [str(item.get("CodeValue") or "").strip() for item in items]
        if sides := set().union(*(_SIDE_CODES.get(code, set()) for code in codes)):
            yield keyword, sides


def _named(value: Any) -> set[Laterality]:
    """Sides that a laterality names: both for B, and for several values."""
    values = [value] if isinstance(value, str) or value is None else list(value)
    letters = "".join("LR" if str(value).strip() == "B" else str(value or "").strip() for value in values)
    return {side for side in Laterality if side.value in letters} if set(letters) <= {"L", "R"} else set()
