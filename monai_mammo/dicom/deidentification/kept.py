"""The named list of what de-identification keeps of a mammogram: everything else goes.

Each attribute stands with the form that its value must have and the reason why it stays. None of them is removed or
replaced by the basic profile of DICOM PS3.15, table E.1-1; what that profile replaces is in `EMPTIED`, `HASHED_UIDS`
and `PERSON`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydicom import uid

from monai_mammo.dicom.deidentification import known_words as known
from monai_mammo.dicom.deidentification.forms import Codes, Form, Items, Matching, Number, SomeTerms, Table, Terms

__all__ = [
    "CLASSES",
    "EMPTIED",
    "HASHED_UIDS",
    "KEPT",
    "LIST_NAME",
    "PERSON",
    "PERSON_IN_BANDS",
    "Kept",
    "kept_list_as_markdown",
]

LIST_NAME = "monai_mammo kept list 1"
"""Name and version of the list, as DeidentificationMethod says them; a change of the list changes the number."""

CLASSES = (
    uid.DigitalMammographyXRayImageStorageForPresentation,
    uid.DigitalMammographyXRayImageStorageForProcessing,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.ComputedRadiographyImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)
"""Storage classes that are de-identified; reports, presentation states and volumes are refused."""

EMPTIED = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "PatientBirthDate",
    "PatientSex",
    "PositionReferenceIndicator",
    "AcquisitionContextSequence",
)
"""Attributes that a class demands, even if empty: where they are there, they stay without their value."""

HASHED_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
"""UIDs that are replaced by keyed hashes, so that a study stays together; all other UIDs go."""

PERSON = ("PatientName", "PatientID")
"""Attributes that are replaced by one keyed hash of PatientID and its issuer."""

PERSON_IN_BANDS = ("PatientSex", "PatientAge")
"""Attributes that stay on request: sex, and age rounded down to a multiple of 5, from 90 years on as 90."""


class Kept(NamedTuple):
    """An attribute that stays.

    Parameters
    ----------
    topic : str
        What the attribute is about.
    form : Form
        What its value may be; another value goes.
    reason : str
        Why it stays.
    is_demanded : bool
        Whether a class demands the attribute: one of another form is emptied and stays.
    """

    topic: str
    form: Form
    reason: str
    is_demanded: bool = False


_YES_NO = Terms("YES, NO")
_EDGE = Number(-65536, 65536)
_BITS = Number(0, 32)
_STORED = Number(-65536, 65536)
_PIXEL_MM = Number(0, 10, most=2)
_DOSE = Number(0, 100_000)

_PIXELS = {
    "Rows": Kept("pixels", Number(1, 65535), "size of the picture"),
    "Columns": Kept("pixels", Number(1, 65535), "size of the picture"),
    "SamplesPerPixel": Kept("pixels", Number(1, 1), "grey pictures only"),
    "NumberOfFrames": Kept("pixels", Number(1, 1), "single pictures only"),
    "PhotometricInterpretation": Kept("pixels", Terms("MONOCHROME1, MONOCHROME2"), "polarity"),
    "BitsAllocated": Kept("pixels", _BITS, "layout of the stored values"),
    "BitsStored": Kept("pixels", _BITS, "layout of the stored values"),
    "HighBit": Kept("pixels", _BITS, "layout of the stored values"),
    "PixelRepresentation": Kept("pixels", Number(0, 1), "signedness"),
    "SmallestImagePixelValue": Kept("pixels", _STORED, "range of the stored values"),
    "LargestImagePixelValue": Kept("pixels", _STORED, "range of the stored values"),
    "PixelPaddingValue": Kept("pixels", _STORED, "what is not tissue"),
    "PixelPaddingRangeLimit": Kept("pixels", _STORED, "what is not tissue"),
    "PixelAspectRatio": Kept("pixels", Number(1, 65535, most=2), "form of a pixel where no spacing is stated"),
    "LossyImageCompression": Kept("pixels", Terms("00, 01"), "history of the pixels, which must not be lost"),
    "LossyImageCompressionRatio": Kept("pixels", Number(1, 1000, most=8), "history of the pixels"),
    "LossyImageCompressionMethod": Kept(
        "pixels",
        Terms("ISO_10918_1, ISO_14495_1, ISO_15444_1, ISO_15444_2, ISO_15444_15, ISO_18181_1", most=8),
        "history of the pixels",
    ),
    "DerivationCodeSequence": Kept("pixels", Codes(known.DERIVATIONS, "CID 7203"), "history of the pixels"),
    "BurnedInAnnotation": Kept("pixels", _YES_NO, "warns of text in the picture"),
    "RecognizableVisualFeatures": Kept("pixels", _YES_NO, "warns of what a picture shows"),
    "QualityControlImage": Kept("pixels", Terms("YES, NO, BOTH"), "tells a phantom from a breast"),
    "SyntheticData": Kept("pixels", _YES_NO, "a synthetic picture must stay marked"),
}

_DISPLAY = {
    "RescaleIntercept": Kept("display", Number(-1e6, 1e6), "modality step"),
    "RescaleSlope": Kept("display", Number(-1e6, 1e6), "modality step"),
    "RescaleType": Kept("display", Terms("US, OD, HU, UNSPECIFIED"), "modality step"),
    "ModalityLUTSequence": Kept("display", Items(), "modality step"),
    "ModalityLUTType": Kept("display", Terms("US, OD, HU, UNSPECIFIED"), "modality step"),
    "WindowCenter": Kept("display", Number(-1e6, 1e6, most=16), "VOI step"),
    "WindowWidth": Kept("display", Number(0, 1e6, most=16), "VOI step"),
    "VOILUTFunction": Kept("display", Terms("LINEAR, LINEAR_EXACT, SIGMOID"), "VOI step"),
    "VOILUTSequence": Kept("display", Items(), "VOI step"),
    "LUTDescriptor": Kept("display", Number(-65536, 65536, most=3), "modality or VOI step"),
    "LUTData": Kept("display", Table(), "modality or VOI step"),
    "PresentationLUTShape": Kept("display", Terms("IDENTITY, INVERSE"), "polarity"),
    "PixelIntensityRelationship": Kept("display", Terms("LIN, LOG, DISP"), "what a stored value stands for"),
    "PixelIntensityRelationshipSign": Kept("display", Number(-1, 1), "what a stored value stands for"),
    "ShutterShape": Kept("display", Terms("RECTANGULAR, CIRCULAR", most=2), "what is to be covered"),
    "ShutterLeftVerticalEdge": Kept("display", _EDGE, "what is to be covered"),
    "ShutterRightVerticalEdge": Kept("display", _EDGE, "what is to be covered"),
    "ShutterUpperHorizontalEdge": Kept("display", _EDGE, "what is to be covered"),
    "ShutterLowerHorizontalEdge": Kept("display", _EDGE, "what is to be covered"),
    "CenterOfCircularShutter": Kept("display", Number(-65536, 65536, most=2), "what is to be covered"),
    "RadiusOfCircularShutter": Kept("display", _EDGE, "what is to be covered"),
    "ShutterPresentationValue": Kept("display", Number(0, 65535), "what is to be covered"),
}

_GEOMETRY = {
    "ImagerPixelSpacing": Kept("geometry", _PIXEL_MM, "size of a pixel at the detector"),
    "PixelSpacing": Kept("geometry", _PIXEL_MM, "size of a pixel"),
    "NominalScannedPixelSpacing": Kept("geometry", _PIXEL_MM, "size of a pixel of digitised film"),
    "PixelSpacingCalibrationType": Kept("geometry", Terms("GEOMETRY, FIDUCIAL"), "what the size of a pixel refers to"),
    "EstimatedRadiographicMagnificationFactor": Kept("geometry", Number(0, 10), "size of a pixel in the breast"),
    "DistanceSourceToDetector": Kept("geometry", Number(0, 10_000), "magnification"),
    "DistanceSourceToPatient": Kept("geometry", Number(0, 10_000), "magnification"),
    "DistanceSourceToEntrance": Kept("geometry", Number(0, 10_000), "magnification and dose"),
    "FieldOfViewShape": Kept("geometry", Terms("RECTANGLE, ROUND, HEXAGONAL"), "part of the detector that is shown"),
    "FieldOfViewDimensions": Kept("geometry", Number(0, 1000, most=2), "part of the detector that is shown"),
    "FieldOfViewOrigin": Kept("geometry", Number(-65536, 65536, most=2), "part of the detector that is shown"),
    "FieldOfViewRotation": Kept("geometry", Number(0, 270), "part of the detector that is shown"),
    "FieldOfViewHorizontalFlip": Kept("geometry", _YES_NO, "part of the detector that is shown"),
    "DetectorBinning": Kept("geometry", Number(0, 100, most=2), "pixels of the detector in one of the picture"),
    "DetectorElementPhysicalSize": Kept("geometry", _PIXEL_MM, "sharpness"),
    "DetectorElementSpacing": Kept("geometry", _PIXEL_MM, "sharpness"),
    "DetectorActiveShape": Kept("geometry", Terms("RECTANGLE, ROUND, HEXAGONAL"), "part of the detector that is shown"),
    "DetectorActiveDimensions": Kept("geometry", Number(0, 1000, most=2), "part of the detector that is shown"),
    "CollimatorShape": Kept("geometry", Terms("RECTANGULAR, CIRCULAR", most=2), "part that was exposed"),
    "CollimatorLeftVerticalEdge": Kept("geometry", _EDGE, "part that was exposed"),
    "CollimatorRightVerticalEdge": Kept("geometry", _EDGE, "part that was exposed"),
    "CollimatorUpperHorizontalEdge": Kept("geometry", _EDGE, "part that was exposed"),
    "CollimatorLowerHorizontalEdge": Kept("geometry", _EDGE, "part that was exposed"),
    "CenterOfCircularCollimator": Kept("geometry", Number(-65536, 65536, most=2), "part that was exposed"),
    "RadiusOfCircularCollimator": Kept("geometry", _EDGE, "part that was exposed"),
    "PositionerType": Kept("geometry", Terms("MAMMOGRAPHIC, NONE, CARM, COLUMN"), "kind of stand", True),
    "PositionerPrimaryAngle": Kept("geometry", Number(-360, 360), "angle of the projection"),
    "PositionerSecondaryAngle": Kept("geometry", Number(-360, 360), "angle of the projection"),
    "PositionerPrimaryAngleDirection": Kept("geometry", Terms("CW, CC"), "angle of the projection"),
}

_BREAST_SHOWN = {
    "ImageLaterality": Kept("breast", Terms("L, R, U, B"), "side"),
    "Laterality": Kept("breast", Terms("L, R, U, B"), "side"),
    "PatientOrientation": Kept(
        "breast",
        Matching(r"(?!.*(.).*\1)[APRLHF]{1,3}|CC|MLO|ML|LM", "letters A P R L H F; the view in CBIS-DDSM", most=2),
        "where the chest wall is",
        True,
    ),
    "ViewPosition": Kept(
        "breast", Matching(known.VIEW_PATTERN, "acronym of a view (CID 4014), with M, S, ID, R"), "view", True
    ),
    "ViewCodeSequence": Kept("breast", Codes(known.VIEWS, "CID 4014"), "view"),
    "ViewModifierCodeSequence": Kept(
        "breast", Codes(known.VIEW_MODIFIERS, "CID 4015"), "magnified, spot, rolled, implant displaced", True
    ),
    "AnatomicRegionSequence": Kept("breast", Codes(known.BREASTS, "breast, left, right"), "organ"),
    "AnatomicRegionModifierSequence": Kept("breast", Codes(known.SIDES, "CID 244"), "side"),
    "BodyPartExamined": Kept("breast", Terms("BREAST"), "organ"),
    "OrganExposed": Kept("breast", Terms("BREAST"), "organ"),
    "BreastImplantPresent": Kept("breast", _YES_NO, "implants look unlike tissue"),
    "PartialView": Kept("breast", _YES_NO, "part of a large breast"),
    "BodyPartThickness": Kept("breast", Number(0, 500), "compressed thickness, which density depends on"),
    "CompressionForce": Kept("breast", Number(0, 1000), "compression"),
}

_ACQUISITION = {
    "Modality": Kept("acquisition", Terms("MG, RG, CR, DX, DR, OT, SC"), "kind of picture", True),
    "ImageType": Kept(
        "acquisition",
        SomeTerms(
            "ORIGINAL, DERIVED, PRIMARY, SECONDARY, LEFT, RIGHT, LOW_ENERGY, HIGH_ENERGY, RECOMBINED, SUBTRACTION, "
            "SUBTRACTED, TOMOSYNTHESIS, TOMO_2D, GENERATED_2D, PROCESSED, POST_CONTRAST, AXIAL, NONE",
            most=8,
        ),
        "acquired, derived, contrast, or synthesised from a volume",
    ),
    "PresentationIntentType": Kept("acquisition", Terms("FOR PRESENTATION, FOR PROCESSING"), "raw or for reading"),
    "ConversionType": Kept("acquisition", Terms("DV, DI, DF, WSD, SD, SI, DRW, SYN"), "film or captured"),
    "SeriesNumber": Kept("acquisition", Number(0, 99_999), "order of a study", True),
    "InstanceNumber": Kept("acquisition", Number(0, 99_999), "order of a series", True),
    "AcquisitionNumber": Kept("acquisition", Number(0, 99_999), "pictures of one exposure", True),
    "KVP": Kept("acquisition", Number(0, 150), "beam"),
    "XRayTubeCurrent": Kept("acquisition", Number(0, 10_000), "beam"),
    "XRayTubeCurrentInuA": Kept("acquisition", Number(0, 1e7), "beam"),
    "ExposureTime": Kept("acquisition", Number(0, 100_000), "beam"),
    "ExposureTimeInuS": Kept("acquisition", Number(0, 1e7), "beam"),
    "Exposure": Kept("acquisition", Number(0, 10_000), "beam"),
    "ExposureInuAs": Kept("acquisition", Number(0, 1e7), "beam"),
    "AnodeTargetMaterial": Kept("acquisition", Terms("MOLYBDENUM, RHODIUM, TUNGSTEN, SILVER, COPPER"), "beam"),
    "FilterType": Kept("acquisition", Terms("STRIP, WEDGE, BUTTERFLY, MULTIPLE, FLAT, NONE"), "beam"),
    "FilterMaterial": Kept(
        "acquisition",
        Terms("MOLYBDENUM, RHODIUM, ALUMINUM, ALUMINIUM, SILVER, COPPER, TITANIUM, TIN, TUNGSTEN, NIOBIUM", most=4),
        "beam",
    ),
    "FilterThicknessMinimum": Kept("acquisition", Number(0, 100, most=4), "beam"),
    "FilterThicknessMaximum": Kept("acquisition", Number(0, 100, most=4), "beam"),
    "FocalSpots": Kept("acquisition", Number(0, 10, most=4), "sharpness"),
    "HalfValueLayer": Kept("acquisition", Number(0, 100), "beam"),
    "Grid": Kept(
        "acquisition",
        Terms("FIXED, FOCUSED, RECIPROCATING, PARALLEL, CROSSED, NONE, HTC_IN, HTC_OUT", most=4),
        "scatter",
    ),
    "ExposureControlMode": Kept("acquisition", Terms("MANUAL, AUTOMATIC"), "beam"),
    "RelativeXRayExposure": Kept("acquisition", Number(0, 100_000), "noise"),
    "Sensitivity": Kept("acquisition", Number(0, 100_000), "noise"),
    "EntranceDose": Kept("acquisition", _DOSE, "dose"),
    "EntranceDoseInmGy": Kept("acquisition", _DOSE, "dose"),
    "OrganDose": Kept("acquisition", _DOSE, "dose"),
    "DetectorType": Kept("acquisition", Terms("DIRECT, SCINTILLATOR, STORAGE, FILM"), "kind of detector", True),
    "DetectorConfiguration": Kept("acquisition", Terms("AREA, SLOT"), "kind of detector"),
    "DetectorConditionsNominalFlag": Kept("acquisition", _YES_NO, "detector in order"),
    "DetectorTemperature": Kept("acquisition", Number(-50, 100), "noise"),
    "Manufacturer": Kept(
        "acquisition", Matching(known.MAKER_PATTERN, "a known maker"), "brightness differs by maker", True
    ),
    "ManufacturerModelName": Kept(
        "acquisition", Matching(known.MODEL_PATTERN, "a known model"), "brightness differs by model"
    ),
    "ContributingEquipmentSequence": Kept("acquisition", Items(), "a synthetic picture must stay marked"),
    "PurposeOfReferenceCodeSequence": Kept(
        "acquisition",
        Codes(known.SYNTHESIZING, "109100 Synthesizing Equipment"),
        "a synthetic picture must stay marked",
    ),
}

KEPT: dict[str, Kept] = {**_PIXELS, **_DISPLAY, **_GEOMETRY, **_BREAST_SHOWN, **_ACQUISITION}
"""The list: keyword to form and reason."""


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for keyword, kept in KEPT.items():
        yield kept.topic, keyword, kept.form.words(), kept.reason


def kept_list_as_markdown() -> str:
    """The list as a table for the documentation.

    Returns
    -------
    str
    """
    lines = ["| about | attribute | value | why it stays |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {topic} | {keyword} | {form} | {why} |" for topic, keyword, form, why in _rows())])
