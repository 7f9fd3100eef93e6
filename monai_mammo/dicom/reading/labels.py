"""Side, view, kind and person of an image, from the attributes that may tell them.

Code sequences come first, then text. Two sources that disagree are never settled in silence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator

from pydicom.dataset import Dataset

from monai_mammo.dicom.orientation import laterality_of_orientation
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.terms import AcquisitionKind, Laterality, View

__all__ = [
    "MODIFIER_REASONS",
    "check_modifiers",
    "find_age",
    "find_kind",
    "find_laterality",
    "find_view",
    "names_a_view",
    "person_pseudonym",
]

# PS3.16, CID 4014: SNOMED CT, SNOMED RT and the older Y codes
_VIEW_CODES = {
    **dict.fromkeys(("399162004", "R-10242"), "CC"),
    **dict.fromkeys(("399368009", "R-10226"), "MLO"),
    **dict.fromkeys(("399260004", "R-10224"), "ML"),
    **dict.fromkeys(("399352003", "R-10228"), "LM"),
    **dict.fromkeys(("399196006", "R-10244"), "FB"),
    **dict.fromkeys(("399099002", "R-10230"), "LMO"),
    **dict.fromkeys(("399188001", "R-102D0"), "SIO"),
    **dict.fromkeys(("441555000", "R-40AAA"), "ISO"),
    **dict.fromkeys(("399192008", "R-1024A", "Y-X1770"), "XCCL"),
    **dict.fromkeys(("399101009", "R-1024B", "Y-X1771"), "XCCM"),
    **dict.fromkeys(("127457009", "G-8310"), "SPECIMEN"),
}
_VIEW_NAMES = frozenset({*_VIEW_CODES.values(), "XCC"})
_VIEW_MEANINGS = {re.compile(r"CRANIO[\s-]*CAUDAL"): "CC", re.compile(r"MEDIO[\s-]*LATERAL[\s-]*OBLIQUE"): "MLO"}

# PS3.16, CID 4015
_MODIFIER_CODES = {
    **dict.fromkeys(("399163009", "R-102D6"), SkipReason.MAGNIFICATION),
    **dict.fromkeys(("399055006", "R-102D7"), SkipReason.SPOT),
    **dict.fromkeys(("399209000", "R-102D5"), SkipReason.IMPLANT_DISPLACED),
    **dict.fromkeys(("399110001", "R-102C2"), SkipReason.TANGENTIAL),
    **dict.fromkeys(("399161006", "R-102D2", "399011000", "R-102D1"), SkipReason.PARTIAL_VIEW),
    **dict.fromkeys(("442580003", "R-40AB2", "442593008", "R-40ABE"), SkipReason.PARTIAL_VIEW),
    **dict.fromkeys(("399197002", "R-102D3", "399226006", "R-102D4"), SkipReason.ROLLED),
    **dict.fromkeys(("414493004", "R-102CA", "415670009", "R-102C9"), SkipReason.ROLLED),
}
MODIFIER_REASONS = frozenset(_MODIFIER_CODES.values())
"""Reasons that a view modifier gives, which a caller may accept."""

_ANY_VIEW = "(CC|MLO|ML|LM|LMO|XCC|XCCL|XCCM)"
_POSITION_PATTERNS = {
    re.compile(rf"M{_ANY_VIEW}"): SkipReason.MAGNIFICATION,
    re.compile(rf"S{_ANY_VIEW}"): SkipReason.SPOT,
    re.compile(rf"{_ANY_VIEW}ID"): SkipReason.IMPLANT_DISPLACED,
    re.compile(rf"{_ANY_VIEW}R[LMIS]"): SkipReason.ROLLED,
    re.compile(r"TAN"): SkipReason.TANGENTIAL,
    re.compile(r"AT|CV"): SkipReason.PARTIAL_VIEW,
}
_SIDE_CODES = {
    **dict.fromkeys(("80248007", "T-04030", "7771000", "G-A101"), Laterality.L),
    **dict.fromkeys(("73056007", "T-04020", "24028007", "G-A100"), Laterality.R),
}
_SIDE_WORD = re.compile(r"\b(LEFT|RIGHT)\b|\b([LR])[\s_-]?(?:CC|MLO)\b")
_VIEW_WORD = re.compile(r"\b[LR]?[\s_-]?(CC|MLO)\b")
_DDSM_PERSON = re.compile(r"(?:Mass|Calc)-(?:Training|Test)_(P_\d+)_(?:LEFT|RIGHT)_")
_MOST_MAGNIFICATION = 1.3  # contact views state up to about 1.1


def find_laterality(dataset: Dataset) -> tuple[Laterality | None, tuple[str, ...]]:
    """Breast that is shown, and the sources that contradict it.

    Raises
    ------
    Refusal
        The image shows both breasts.
    """
    if "B" in (dataset.get("ImageLaterality"), dataset.get("Laterality")):
        raise Refusal(SkipReason.BOTH_BREASTS, "the image shows both breasts")
    return _settle("the side", [*_sides(dataset)])


def find_view(dataset: Dataset) -> tuple[View | None, tuple[str, ...]]:
    """Projection, and the sources that contradict it.

    Raises
    ------
    Refusal
        The image is of a specimen, or of a projection other than those of `View`.
    """
    sources = [*_views(dataset), *_views_in_words(dataset)]
    name, notes = _settle("the view", sources)
    if dataset.get("ViewCodeSequence") and not any(source == "ViewCodeSequence" for source, _ in sources):
        notes = (*notes, "ViewCodeSequence holds a code that is not known")
    if name == "SPECIMEN":
        raise Refusal(SkipReason.SPECIMEN, "the image shows a specimen")
    if name is not None and name not in tuple(View):
        raise Refusal(SkipReason.UNSUPPORTED_VIEW, f"view {name} is not one of {View.allowed()}")
    return (View(name) if name else None), notes


def names_a_view(dataset: Dataset) -> bool:
    """Whether an attribute made for it names a mammographic view; words of a description are no evidence."""
    return next(_views(dataset), None) is not None


def check_modifiers(dataset: Dataset, *, accept: Collection[SkipReason] = ()) -> tuple[str, ...]:
    """Notes on modifiers that are accepted; other views of a part of the breast are refused.

    Parameters
    ----------
    dataset : Dataset
    accept : collection of SkipReason
        Out of `MODIFIER_REASONS`.

    Raises
    ------
    Refusal
        A view modifier, the view position or the magnification says what is not accepted.
    """
    notes = []
    for reason, detail in _modifiers(dataset):
        if reason not in accept:
            raise Refusal(reason, detail)
        notes.append(detail)
    return tuple(notes)


def _modifiers(dataset: Dataset) -> Iterator[tuple[SkipReason, str]]:
    """What makes this view one of its own, with a sentence each."""
    places = [dataset, *(dataset.get("ViewCodeSequence") or [])]  # old files hold modifiers at top level
    for code in (c for place in places for c in _codes(place, "ViewModifierCodeSequence")):
        if code in _MODIFIER_CODES:
            yield _MODIFIER_CODES[code], f"the view modifier says {_words(_MODIFIER_CODES[code])}"
    position = _position(dataset)
    for pattern, reason in _POSITION_PATTERNS.items():
        if pattern.fullmatch(position):
            yield reason, f"ViewPosition says {_words(reason)}"
    if _factor(dataset) > _MOST_MAGNIFICATION:
        yield SkipReason.MAGNIFICATION, f"the magnification is above {_MOST_MAGNIFICATION}"


def find_kind(dataset: Dataset) -> AcquisitionKind | None:
    """How the picture came about; `None` for a captured picture that was never on film."""
    image_type = " ".join(str(value) for value in dataset.get("ImageType") or ())
    if "RECOMBINED" in image_type or "SUBTRACT" in image_type:
        return AcquisitionKind.CONTRAST
    conversion = dataset.get("ConversionType")
    if conversion in ("DF", "SI") or dataset.get("DetectorType") == "FILM":
        return AcquisitionKind.FILM
    if conversion in ("DI", "DV", "SYN", "DRW"):
        return None
    is_capture = str(dataset.get("SOPClassUID", "")).startswith("1.2.840.10008.5.1.4.1.1.7")
    return AcquisitionKind.FILM if is_capture else AcquisitionKind.DIGITAL


def find_age(dataset: Dataset) -> int | None:
    """Age in years from PatientAge, such as ``055Y``; `None` where it is absent or of another form."""
    match = re.fullmatch(r"(\d{3})Y", str(dataset.get("PatientAge") or ""))
    return int(match[1]) if match and int(match[1]) <= 120 else None


def person_pseudonym(dataset: Dataset) -> str:
    """Pseudonym that splits go by: a hash of PatientID and its issuer, empty where there is none.

    CBIS-DDSM writes a PatientID for each image; its person is taken out of it, or one person's
    four images would fall into several splits. A hash of a short number can be guessed: it
    keeps names out of logs and file names and is no de-identification.
    """
    number = str(dataset.get("PatientID") or "").strip()
    if not number:
        return ""
    match = _DDSM_PERSON.match(number) if dataset.get("StudyID") == "DDSM" else None
    issuer = "" if match else str(dataset.get("IssuerOfPatientID") or "").strip()
    digest = hashlib.sha256(f"{issuer}\x1f{match[1] if match else number}".encode()).hexdigest()
    return f"person-{digest[:16]}"


def _settle(noun: str, sources: list[tuple[str, str]]) -> tuple:
    """First value found, and a note for every other source that says something else."""
    if not sources:
        return None, ()
    first_source, value = sources[0]
    others = [source for source, other in sources[1:] if other != value]
    return value, tuple(f"{first_source} and {other} disagree about {noun}" for other in others)


def _sides(dataset: Dataset) -> Iterator[tuple[str, Laterality]]:
    for keyword in ("ImageLaterality", "Laterality"):
        if dataset.get(keyword) in tuple(Laterality):
            yield keyword, Laterality(dataset.get(keyword))
    for anatomy in dataset.get("FrameAnatomySequence") or []:
        if anatomy.get("FrameLaterality") in tuple(Laterality):
            yield "FrameLaterality", Laterality(anatomy.FrameLaterality)
    regions = dataset.get("AnatomicRegionSequence") or []
    codes = [*_codes(dataset, "AnatomicRegionSequence")]
    codes += [code for region in regions for code in _codes(region, "AnatomicRegionModifierSequence")]
    for side in dict.fromkeys(_SIDE_CODES[code] for code in codes if code in _SIDE_CODES):
        yield "AnatomicRegionSequence", side
    stated = laterality_of_orientation(dataset.get("PatientOrientation"))
    if stated is not None:
        yield "PatientOrientation", stated
    for keyword, text in _descriptions(dataset):
        for match in _SIDE_WORD.finditer(text):
            yield keyword, Laterality((match[1] or match[2])[0])


def _views(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for item in dataset.get("ViewCodeSequence") or []:
        name = _VIEW_CODES.get(str(item.get("CodeValue") or "").strip()) or _view_of_meaning(item)
        if name:
            yield "ViewCodeSequence", name
    position = _position(dataset)
    bare = next((m[1] for pattern in _POSITION_PATTERNS if (m := pattern.fullmatch(position)) and m.groups()), position)
    if bare in _VIEW_NAMES:
        yield "ViewPosition", bare
    orientation = dataset.get("PatientOrientation")
    if isinstance(orientation, str) and orientation.strip().upper() in _VIEW_NAMES:
        yield "PatientOrientation", orientation.strip().upper()


def _views_in_words(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for keyword, text in _descriptions(dataset):
        for match in _VIEW_WORD.finditer(text):
            yield keyword, match[1]


def _view_of_meaning(item: Dataset) -> str | None:
    """View of an item whose code is a private or an unknown one."""
    meaning = str(item.get("CodeMeaning") or "").strip().upper()
    return next((name for pattern, name in _VIEW_MEANINGS.items() if pattern.fullmatch(meaning)), None)


def _codes(dataset: Dataset, keyword: str) -> Iterator[str]:
    for item in dataset.get(keyword) or []:
        if item.get("CodeValue"):
            yield str(item.CodeValue).strip()


def _descriptions(dataset: Dataset) -> Iterable[tuple[str, str]]:
    for keyword in ("SeriesDescription", "ProtocolName"):
        yield keyword, str(dataset.get(keyword) or "").upper()


def _position(dataset: Dataset) -> str:
    """ViewPosition without blanks and without a leading side, ``L-MLO`` as ``MLO``."""
    text = re.sub(r"[\s_-]", "", str(dataset.get("ViewPosition") or "").upper())
    is_sided = text[:1] in ("L", "R") and not _is_position(text) and _is_position(text[1:])
    return text[1:] if is_sided else text


def _is_position(text: str) -> bool:
    return text in _VIEW_NAMES or any(pattern.fullmatch(text) for pattern in _POSITION_PATTERNS)


def _factor(dataset: Dataset) -> float:
    try:
        return float(dataset.get("EstimatedRadiographicMagnificationFactor") or 1)
    except (TypeError, ValueError):
        return 1.0


def _words(reason: SkipReason) -> str:
    return reason.value.replace("_", " ")
