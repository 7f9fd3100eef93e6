"""Which objects hold one mammogram: what is left out, by its class and by what its header says."""

from __future__ import annotations

import re
from collections.abc import Collection

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from monai_mammo.dicom.reading.descriptions import descriptions, menu_texts
from monai_mammo.dicom.reading.image_type import sort_of_image
from monai_mammo.dicom.reading.modifiers import check_modifiers
from monai_mammo.dicom.reading.views import find_view, names_a_view
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["check_is_mammogram", "is_for_processing"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_MAMMOGRAPHY = _STORAGE + "1.2"
_SECONDARY_CAPTURE = tuple(_STORAGE + number for number in ("7", "7.1", "7.2", "7.3", "7.4"))
_RADIOGRAPHY = tuple(_STORAGE + number for number in ("1", "1.1"))
_MAMMOGRAPHY_FOR_PROCESSING = _STORAGE + "1.2.1"
_RADIOGRAPHY_FOR_PROCESSING = _STORAGE + "1.1.1"
_BY_CLASS = {
    _STORAGE + "13.1.3": (SkipReason.TOMOSYNTHESIS, "the object is a tomosynthesis volume"),
    _STORAGE + "13.1.4": (SkipReason.PROJECTION, "the object holds tomosynthesis projections"),
    _STORAGE + "13.1.5": (SkipReason.PROJECTION, "the object holds tomosynthesis projections"),
    _STORAGE + "66": (SkipReason.RAW_DATA, "the object is raw data"),
    _STORAGE + "66.4": (SkipReason.SEGMENTATION, "the object is a segmentation"),
    _STORAGE + "66.7": (SkipReason.SEGMENTATION, "the object is a segmentation"),
}
_BY_FAMILY = {
    _STORAGE + "11.": (SkipReason.PRESENTATION_STATE, "the object is a presentation state"),
    _STORAGE + "88.": (SkipReason.STRUCTURED_REPORT, "the object is a structured report"),
}
_OTHER_MODALITIES = frozenset({"US", "MR", "CT", "NM", "PT", "SEG", "SR", "PR"})
_BREAST = re.compile(r"BREAST|MAMMA|MAMMO")
_PRIVATE_PIXEL_GROUPS = (0x7E01, 0x7F01)  # of Hologic's tomosynthesis in secondary captures
_BULK_BYTES = 2**16  # a private attribute of more is not a setting
_SPECIMEN = re.compile(r"\bSPECIMENS?\b")
_PARTS_OF_CBIS_DDSM = ("ROI MASK IMAGES", "CROPPED IMAGES")


def check_is_mammogram(
    dataset: Dataset, *, for_processing: bool = False, accept: Collection[SkipReason] = ()
) -> tuple[str, ...]:
    """Notes on an image of one breast that a reader would look at as a mammogram; others are refused.

    Parameters
    ----------
    dataset : Dataset
    for_processing : bool
        Whether images for processing pass as well.
    accept : collection of SkipReason
        View modifiers that pass; see `monai_mammo.dicom.reading.modifiers.check_modifiers`.

    Returns
    -------
    tuple of str

    Raises
    ------
    Refusal
        The class, the pixels or the view are of another sort.
    """
    if is_for_processing(dataset) and not for_processing:
        raise Refusal(SkipReason.FOR_PROCESSING, "the image is raw data for processing")
    _check_class(dataset)
    _check_sort(dataset)
    notes = check_modifiers(dataset, accept=accept)
    find_view(dataset)  # a specimen is one, whatever its pixels are
    _check_pixels(dataset)
    return notes


def is_for_processing(dataset: Dataset) -> bool:
    """Whether an image is meant for a machine's processing, by its class or its intent.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    bool
    """
    is_of_class = _class(dataset) in (_MAMMOGRAPHY_FOR_PROCESSING, _RADIOGRAPHY_FOR_PROCESSING)
    return is_of_class or dataset.get("PresentationIntentType") == "FOR PROCESSING"


def _class(dataset: Dataset) -> str:
    """Class of the object, out of group 2 where the dataset has lost it."""
    meta = getattr(dataset, "file_meta", None) or {}
    return str(dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID") or "")


def _check_class(dataset: Dataset) -> None:
    sop_class = _class(dataset)
    if sop_class in _BY_CLASS:
        raise Refusal(*_BY_CLASS[sop_class])
    for family, refusal in _BY_FAMILY.items():
        if sop_class.startswith(family):
            raise Refusal(*refusal)
    if sop_class in (_MAMMOGRAPHY, _MAMMOGRAPHY_FOR_PROCESSING):
        return
    if sop_class and sop_class not in (*_SECONDARY_CAPTURE, *_RADIOGRAPHY, _RADIOGRAPHY_FOR_PROCESSING):
        raise Refusal(SkipReason.NOT_MAMMOGRAPHY, "the object is of a class that holds no mammograms")
    if not _is_of_a_breast(dataset):
        if sop_class in _SECONDARY_CAPTURE:
            raise Refusal(SkipReason.SECONDARY_CAPTURE, "nothing in the captured picture's header tells of a breast")
        raise Refusal(SkipReason.NOT_MAMMOGRAPHY, "nothing in the header tells of a mammogram")


def _is_of_a_breast(dataset: Dataset) -> bool:
    """Modality MG, or a breast, a mammographic view or menu beside a modality that may be radiography."""
    modality = dataset.get("Modality")
    if modality == "MG":
        return True
    if modality in _OTHER_MODALITIES:
        return False
    texts = [str(dataset.get("BodyPartExamined") or "").upper(), *(text for _, text in menu_texts(dataset))]
    if any(_BREAST.search(text) for text in texts):
        return True
    regions = dataset.get("AnatomicRegionSequence") or []
    if any(region.get("CodeValue") in ("76752008", "T-04000") for region in regions):
        return True
    return names_a_view(dataset)


def _check_pixels(dataset: Dataset) -> None:
    if _has_private_pixels(dataset):
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the pixels lie in private attributes, in a format of the vendor")
    if any(keyword in dataset for keyword in ("FloatPixelData", "DoubleFloatPixelData")):
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the pixels are floating-point numbers")
    if "PixelData" not in dataset:
        if "PixelDataProviderURL" in dataset:
            raise Refusal(SkipReason.NO_PIXELS, "the pixels lie on a server")
        raise Refusal(SkipReason.NO_PIXELS, "the image ends before its pixels, or has none")
    if _count(dataset, "NumberOfFrames") > 1:
        raise Refusal(SkipReason.MULTI_FRAME, "the object has more than one frame")
    is_grey = dataset.get("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
    if _count(dataset, "SamplesPerPixel") > 1 or ("PhotometricInterpretation" in dataset and not is_grey):
        raise Refusal(SkipReason.COLOR, "the pixels are not grey")
    if not is_grey:
        raise Refusal(SkipReason.DAMAGED, "PhotometricInterpretation is missing")


def _has_private_pixels(dataset: Dataset) -> bool:
    """Whether the image lies in private attributes: Hologic's, or any large ones where there are no other pixels."""
    private = [tag for tag in dataset.keys() if tag.is_private]  # noqa: SIM118 - iterating would convert the values
    if _class(dataset) in _SECONDARY_CAPTURE and any(tag.group in _PRIVATE_PIXEL_GROUPS for tag in private):
        return True
    is_empty = "PixelData" not in dataset or not dataset.get_item("PixelData").value
    return is_empty and any(_length(dataset, tag) >= _BULK_BYTES for tag in private)


def _length(dataset: Dataset, tag: BaseTag) -> int:
    value = dataset.get_item(tag).value
    return len(value) if isinstance(value, bytes) else 0


def _count(dataset: Dataset, keyword: str) -> int:
    value = dataset.get(keyword)
    return 1 if value in (None, "") else int(value)


def _check_sort(dataset: Dataset) -> None:
    sort = sort_of_image(dataset)
    if sort is not None:
        raise Refusal(*sort)
    if dataset.get("SpecimenDescriptionSequence") or any(_SPECIMEN.search(text) for _, text in descriptions(dataset)):
        raise Refusal(SkipReason.SPECIMEN, "the image shows a specimen")
    if "YES" in (dataset.get("QualityControlImage"), dataset.get("CalibrationImage")):
        raise Refusal(SkipReason.QUALITY_CONTROL, "the image is of a quality control or a calibration")
    if str(dataset.get("SeriesDescription") or "").strip().upper() in _PARTS_OF_CBIS_DDSM:
        raise Refusal(SkipReason.MASK_OR_CROP, "the picture is a mask or a crop of another one")
