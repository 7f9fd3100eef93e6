"""DICOM files that name a person wherever text can stand, sound and damaged; and how to find what repeats the name."""

from __future__ import annotations

from io import BytesIO

import dicom_encoders as encoders
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.writing.store import dataset_bytes

NAME = "SECRETNAME"
TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT")
# what the readers look at: a name under each of these must not come back in a sentence
LOOKED_AT = """
    SOPClassUID SOPInstanceUID Modality ImageType ConversionType PresentationIntentType BodyPartExamined
    QualityControlImage ImageLaterality Laterality PatientOrientation ViewPosition SeriesDescription ProtocolName
    PatientAge PatientID StudyID Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel
    NumberOfFrames
    PhotometricInterpretation PixelPaddingValue RescaleSlope RescaleIntercept RescaleType WindowCenter WindowWidth
    VOILUTFunction PresentationLUTShape PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing
    PixelSpacingCalibrationType EstimatedRadiographicMagnificationFactor DistanceSourceToDetector
    DistanceSourceToPatient LossyImageCompression BurnedInAnnotation BreastImplantPresent DetectorType
    SpecificCharacterSet DerivationDescription SyntheticData ViewCodeSequence AnatomicRegionSequence VOILUTSequence
    ModalityLUTSequence ViewModifierCodeSequence FrameAnatomySequence PixelData
""".split()


def raw(keyword, value, representation=None):
    tag = Tag(keyword)
    return RawDataElement(tag, representation or "LO", len(value), value, 0, False, True)


def named():
    """Sound mammogram with a name in attributes of text that the readers do not look at."""
    with suppress_pydicom_messages():
        dataset = dcmread(BytesIO(encoders.encode(encoders.ramp(12), Laterality="L", ViewPosition="CC")))
        for tag, (representation, *_) in DicomDictionary.items():
            keyword = keyword_for_tag(tag)
            is_taken = tag >> 16 == 0x0010 or tag >> 16 in (0x0008, 0x0018, 0x0040) and tag % 8 == 0
            if is_taken and representation in TEXTS and keyword not in LOOKED_AT:
                dataset[tag] = raw(tag, NAME.encode(), representation)
        return dataset


SOUND = dataset_bytes(named())


def with_name_in(keyword):
    """The sound file with a name under one more attribute, of another value representation than it should have."""
    with suppress_pydicom_messages():
        dataset = dcmread(BytesIO(SOUND))
        if keyword.endswith("Sequence"):
            item = Dataset()
            for inner in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning", "FrameLaterality", "LUTExplanation"):
                item[inner] = raw(inner, NAME.encode())
            item["LUTDescriptor"] = raw("LUTDescriptor", NAME.encode())
            item["LUTData"] = raw("LUTData", NAME.encode())
            dataset.add_new(tag_for_keyword(keyword), "SQ", [item])
        else:
            dataset[keyword] = raw(keyword, NAME.encode())
        return dataset_bytes(dataset)


# the same lengths, so that the bytes of a file can be replaced in place
SYNTAX, NAMED_SYNTAX = b"1.2.840.10008.1.2.1\0", b"1.2.840.SECRETNAME.1"
FILES = {
    "sound": SOUND,
    "cut in the pixels": SOUND[:-100],
    "cut in the header": SOUND[: len(SOUND) // 3],
    "cut in an element": SOUND[: SOUND.rfind(NAME.encode()) + 4],
    "transfer syntax": SOUND.replace(SYNTAX, NAMED_SYNTAX, 1),
    "huge length": SOUND.replace(b"LO\x0a\0" + NAME.encode(), b"LO\xff\xff" + NAME.encode(), 1),
    "no value representation": SOUND.replace(b"LO\x0a\0" + NAME.encode(), b"\xf0\xf1\x0a\0" + NAME.encode()),
    "text": NAME.encode() * 100,
    **{keyword: with_name_in(keyword) for keyword in LOOKED_AT},
}
