"""What ImageType and the vendors' own words say of the sort of an image (PS3.3, C.8.11.7.1.4 and C.8.21.6.1.1)."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.descriptions import descriptions
from monai_mammo.dicom.reasons import SkipReason

__all__ = ["image_types", "sort_of_image"]

_BIOPSY = re.compile(r"(?:STEREO|PRE_?FIRE|POST_?FIRE|POST_?BIOPSY|POST_?MARKER|TOMO_SCOUT|BIOPSY)\w*")
_TERMS = (  # in this order: a biopsy's scout can be a tomosynthesis, a generated view names the one it comes from
    (_BIOPSY, SkipReason.BIOPSY, "the image was taken to guide a biopsy"),
    (re.compile(r"GENERATED_2D"), SkipReason.SYNTHETIC_2D, "the image is computed from a tomosynthesis"),
    (re.compile(r"TOMO_PROJ\w*"), SkipReason.PROJECTION, "the image is a projection of a tomosynthesis"),
    (re.compile(r".*TOMO.*"), SkipReason.SYNTHETIC_2D, "the image is computed from a tomosynthesis"),
    (re.compile(r"HIGH_ENERGY"), SkipReason.HIGH_ENERGY, "the image is the high-energy one of a contrast mammography"),
    (re.compile(r".*LOCALIZER.*"), SkipReason.QUALITY_CONTROL, "the image is a localizer"),
)
# Hologic's C-View and Intelligent 2D, GE's V-Preview, Siemens' Insight 2D and 3D, Fuji's S-View, IMS Giotto's G-View
_VENDORS = re.compile(
    r"\b[CSG][ -]?VIEW\b|\bV[ -]?PREVIEW\b|\bINTELLIGENT[ -]?2D\b|\bI2D\b|\bINSIGHT\b"
    r"|\bSYNTHESI[SZ]ED\b|\bSYNTH(?:ETIC)?[ -]?(?:2D|VIEW)|\bS2D\b|\bGENERATED[ -]?2D\b"
)


def image_types(dataset: Dataset) -> tuple[str, ...]:
    """Values of ImageType, in capitals.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    tuple of str
    """
    value = dataset.get("ImageType") or ()
    return tuple(str(term).strip().upper() for term in ([value] if isinstance(value, str) else value))


def sort_of_image(dataset: Dataset) -> tuple[SkipReason, str] | None:
    """Why an image is not an acquired view to be looked at, and a sentence; `None` where nothing says so.

    Words of vendors are looked for in ImageType, descriptions and DerivationDescription, but in a file that says that
    it is synthetic, as ours do.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    reason : SkipReason
    detail : str
    """
    types = image_types(dataset)
    for pattern, reason, detail in _TERMS:
        if any(pattern.fullmatch(term) for term in types):
            return reason, detail
    if dataset.get("SyntheticData") == "YES":
        return None
    texts = [*types, *(text for _, text in descriptions(dataset))]
    texts.append(str(dataset.get("DerivationDescription") or "").upper())
    if any(_VENDORS.search(text.replace("_", " ")) for text in texts):
        return SkipReason.SYNTHETIC_2D, "the image is computed from a tomosynthesis, by its vendor's word for it"
    return None
