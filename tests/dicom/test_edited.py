"""Edited real mammograms: what was acquired is copied, what was changed is said, nothing is invented."""

from __future__ import annotations

import copy

import dicom_encoders
import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, errors_of, lines_of
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import (
    Identity,
    Provenance,
    ReportedFinding,
    WeightsReference,
    complete,
    deidentify,
    read_mammogram,
    write_edited,
    write_report,
    write_segmentation,
)
from monai_mammo.dicom.writing.edited import EDITS
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Annotation
from monai_mammo.terms import ChestWall, Finding, FindingCategory

EDITOR = Provenance(
    weights=(WeightsReference("mammo_edit", "0.1.0", "ab" * 32),),
    method="a lesion drawn in by latent diffusion",
    notes=("No training image stands behind this edit.",),
)
CHANGED = set(
    "SOPInstanceUID SeriesInstanceUID SeriesDescription ImageType ImageComments PixelData DerivationDescription "
    "ContributingEquipmentSequence".split()
)
ADDED = set("SyntheticData SourceImageSequence DerivationCodeSequence".split()) | CHANGED
PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge")


@pytest.fixture
def acquired(make_mammogram, identity, provenance):
    """A file as a scanner writes it, with a person, dates and physics, that validators accept."""

    def make(laterality="L", view="MLO", **changes):
        dataset = mammogram_dataset(make_mammogram(laterality, view), identity=identity, provenance=provenance)
        for keyword in (
            "SyntheticData DerivationDescription PatientIdentityRemoved DeidentificationMethod "
            "ContributingEquipmentSequence StudyDescription"
        ).split():
            del dataset[keyword]
        fields = {
            "ImageType": ["ORIGINAL", "PRIMARY", ""],
            "PatientName": "EXAMPLE^PERSON",
            "PatientID": "EX-0815",
            "PatientBirthDate": "19600102",
            "PatientSex": "F",
            "PatientAge": "055Y",
            "StudyDate": "20150304",
            "StudyTime": "101112",
            "AccessionNumber": "ACC-77",
            "SeriesDescription": "L MLO",
            "ImageComments": "compression released early",
            "Manufacturer": "Scanner Works",
            "ManufacturerModelName": "Model 5",
            "DeviceSerialNumber": "4711",
            "SoftwareVersions": ["5.1", "5.2"],
            "DetectorType": "DIRECT",
            "KVP": "29",
            "ExposureTime": "900",
            "BodyPartThickness": "54",
            "CompressionForce": "98",
            "AnodeTargetMaterial": "TUNGSTEN",
            "EstimatedRadiographicMagnificationFactor": "1.02",
            "ImagerPixelSpacing": ["0.07", "0.085"],
            "WindowCenter": "1900",
            "WindowWidth": "1400",
            "VOILUTFunction": "SIGMOID",
            "SOPInstanceUID": "2.25.111",
            "SeriesInstanceUID": "2.25.112",
            "StudyInstanceUID": "2.25.113",
            **changes,
        }
        for keyword, value in fields.items():
            setattr(dataset, keyword, value)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        return dataset

    return make


@pytest.fixture
def edit(tmp_path):
    """Write an edited image of a source and read it back."""

    def write(pixels, source, *, name="edited.dcm", **options):
        options = {"edits": ["lesion_inserted"], "identity": Identity("run", 7, "0003"), "provenance": EDITOR} | options
        write_edited(pixels, source, tmp_path / name, **options)
        return pydicom.dcmread(tmp_path / name)

    return write


def with_lesion(cells, top=4095):
    """Cells with a bright disc, and where it is."""
    y, x = np.mgrid[: cells.shape[0], : cells.shape[1]]
    disc = (y - 48) ** 2 + (x - 20) ** 2 < 36
    return np.where(disc, top, cells).astype(cells.dtype), disc


def keywords(dataset):
    return {element.keyword for element in dataset}


def test_a_source_without_name_and_date_gives_an_edit_where_they_are_empty_and_its_mask(acquired, edit, tmp_path):
    source = acquired()
    left_out = ("PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber")
    for keyword in (*left_out, "ReferringPhysicianName"):
        del source[keyword]
    pixels, disc = with_lesion(source.pixel_array)
    edited = edit(pixels, source)
    assert [str(edited[keyword].value or "") for keyword in left_out] == [""] * len(left_out)
    path = tmp_path / "lesion.seg.dcm"
    mask = write_segmentation(edited, {"requested": disc}, path, finding=Finding.MASS, provenance=EDITOR)
    assert path.is_file() and mask.PatientName == ""


def test_what_was_acquired_is_copied_and_nothing_is_invented(acquired, edit):
    source = acquired()
    pixels, _ = with_lesion(source.pixel_array)
    edited = edit(pixels, source)
    for keyword in keywords(source) - CHANGED:
        assert edited[keyword].value == source[keyword].value, keyword
    assert keywords(edited) - keywords(source) <= ADDED
    assert all(edited.get(keyword) == source.get(keyword) for keyword in PATIENT)


@pytest.mark.parametrize(("laterality", "view"), [("L", "CC"), ("R", "MLO")])
@pytest.mark.parametrize("transfer_syntax", ["jpeg-ls", "native"])
def test_validators_accept_what_they_accepted_before(acquired, edit, tmp_path, laterality, view, transfer_syntax):
    source = acquired(laterality, view)
    source.save_as(tmp_path / "source.dcm", enforce_file_format=True)
    assert not [x for x in lines_of(["dciodvfy", "-new", tmp_path / "source.dcm"]) if x.startswith("Error")]
    wall = ChestWall.LEFT if laterality == "L" else ChestWall.RIGHT
    pixels, _ = with_lesion(source.pixel_array)
    for chosen in (pixels, (pixels / 4095).astype(np.float32)):
        edited = edit(chosen, tmp_path / "source.dcm", transfer_syntax=transfer_syntax)
        assert errors_of(tmp_path / "edited.dcm", kind="MammographyImage") == []
        assert errors_between(tmp_path / "source.dcm", tmp_path / "edited.dcm") == []
        assert complete(edited, chest_wall=wall) == []


def test_the_source_and_the_edits_are_named(acquired, edit):
    source = acquired()
    edited = edit(source.pixel_array, source, edits=["lesion_removed", "smoothing"])
    (item,) = edited.SourceImageSequence
    assert item.ReferencedSOPInstanceUID == "2.25.111" and item.ReferencedSOPClassUID == source.SOPClassUID
    assert item.SpatialLocationsPreserved == "YES"
    purpose = item.PurposeOfReferenceCodeSequence[0]
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")
    assert [c.CodeValue for c in edited.DerivationCodeSequence] == ["lesion_removed", "113087"]
    assert list(edited.ImageType) == ["DERIVED", "SECONDARY", ""]
    assert edited.SyntheticData == "YES"
    assert edited.SeriesDescription == "SYNTHETIC EDIT L MLO"
    for words in ("SYNTHETIC", EDITOR.notes[0], "compression released early"):
        assert words in edited.ImageComments
    for words in ("lesion_removed, smoothing", "latent diffusion", "seed 7, sample 0003"):
        assert words in edited.DerivationDescription
    (equipment,) = edited.ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
    assert "ab" * 32 in equipment.ContributionDescription
    assert edited.Manufacturer == "Scanner Works"


@pytest.mark.parametrize("code", [code for code in EDITS.values() if code.scheme == "DCM"], ids=lambda c: c.meaning)
def test_codes_of_edits_are_those_of_the_standard(code):
    """Oracle: CID 7203 as pydicom carries it."""
    from pydicom.sr.codedict import codes

    assert (code.value, code.meaning) in {(c.value, c.meaning) for c in codes.cid7203.concepts.values()}


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_stored_values_are_kept_outside_the_edit(acquired, edit, bits, make_mammogram, identity, provenance):
    top = 2**bits - 1
    source = acquired()
    other = mammogram_dataset(make_mammogram(), identity=identity, provenance=provenance, bits_stored=bits)
    for keyword in ("PixelData", "BitsAllocated", "BitsStored", "HighBit"):
        source[keyword] = other[keyword]
    pixels, disc = with_lesion(source.pixel_array, top)
    edited = edit(pixels, source)
    np.testing.assert_array_equal(edited.pixel_array[~disc], source.pixel_array[~disc])
    assert (edited.pixel_array[disc] == top).all() and disc.sum() > 50
    assert (edited.WindowCenter, edited.WindowWidth, edited.VOILUTFunction) == (1900, 1400, "SIGMOID")


def test_brightness_is_written_over_the_whole_range_whatever_the_source_looked_like(acquired, edit, tmp_path):
    """Read as brightness, edited, written, read again: a window, a table or an inversion must not act twice."""
    source = acquired(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    source.PixelIntensityRelationshipSign = 1
    source.PixelPaddingValue = 0
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 12], [0, 1, 2, 4095]
    source.VOILUTSequence = [table]
    brightness = np.linspace(0, 1, 96 * 64, dtype=np.float32).reshape(96, 64)
    edited = edit(brightness, source)
    np.testing.assert_allclose(edited.pixel_array / 4095, brightness, atol=0.5 / 4095 + 1e-7)
    assert (edited.PhotometricInterpretation, edited.PresentationLUTShape) == ("MONOCHROME2", "IDENTITY")
    assert (edited.WindowCenter, edited.WindowWidth, edited.VOILUTFunction) == (2048, 4096, "LINEAR")
    assert edited.PixelIntensityRelationshipSign == -1
    assert not {"VOILUTSequence", "PixelPaddingValue"} & keywords(edited)
    back = read_mammogram(tmp_path / "edited.dcm")
    np.testing.assert_allclose(back.pixels, brightness, atol=0.5 / 4095 + 1e-7)
    assert back.spacing.source == "imager/magnification"


@pytest.mark.parametrize("syntax", dicom_encoders.LOSSLESS, ids=lambda s: uid.UID(s).name[:40])
def test_sources_of_every_transfer_syntax_are_taken(acquired, edit, tmp_path, syntax):
    source = acquired()
    cells = source.pixel_array.astype(np.int64)
    stored = copy.deepcopy(source)
    del stored.PixelData
    if syntax in dicom_encoders.NATIVE:
        data = dicom_encoders.native(cells, 12, order=">" if syntax == uid.ExplicitVRBigEndian else "<")
        content = dicom_encoders.with_pixels(stored, data, syntax=syntax)
    else:
        frame = dicom_encoders.frame(cells, syntax=syntax, bits=12)
        content = dicom_encoders.with_frame(stored, frame, syntax=syntax)
    (tmp_path / "source.dcm").write_bytes(content)
    pixels, _ = with_lesion(source.pixel_array)
    edited = edit(pixels, tmp_path / "source.dcm")
    np.testing.assert_array_equal(edited.pixel_array, pixels)
    for keyword in keywords(source) - CHANGED:
        assert edited[keyword].value == source[keyword].value, keyword


def test_uids_are_new_and_stable(acquired, edit, tmp_path):
    source = acquired()
    pixels = source.pixel_array
    first = edit(pixels, source)
    data = (tmp_path / "edited.dcm").read_bytes()
    edit(pixels, source, name="again.dcm")
    assert (tmp_path / "again.dcm").read_bytes() == data
    assert first.StudyInstanceUID == source.StudyInstanceUID
    seen = {source.SOPInstanceUID, source.SeriesInstanceUID, first.SOPInstanceUID, first.SeriesInstanceUID}
    other = edit(pixels, source, identity=Identity("run", 7, "0004"))
    elsewhere = edit(pixels, acquired(SOPInstanceUID="2.25.114"))
    seen |= {other.SOPInstanceUID, other.SeriesInstanceUID, elsewhere.SOPInstanceUID}
    assert len(seen) == 7
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID


def test_what_was_true_of_the_old_pixels_alone_is_gone(acquired, edit):
    source = acquired(SmallestImagePixelValue=0, ContentDate="20150304", ContentTime="101113")
    source.InstanceCreationDate = "20150304"
    source.IconImageSequence = [Dataset()]
    source.private_block(0x0041, "SCANNER WORKS", create=True).add_new(1, "LO", "a picture of the breast")
    source.ViewCodeSequence[0].private_block(0x0041, "SCANNER WORKS", create=True).add_new(1, "LO", "x")
    edited = edit(source.pixel_array, source)
    gone = {"SmallestImagePixelValue", "ContentDate", "ContentTime", "InstanceCreationDate", "IconImageSequence"}
    assert not gone & keywords(edited)
    assert not [element for element in edited.iterall() if element.tag.is_private]
    assert "IconImageSequence" in source  # the source is not touched


def test_what_was_lost_once_stays_lost(acquired, edit, tmp_path):
    said = {"LossyImageCompressionRatio": "8", "LossyImageCompressionMethod": "ISO_15444_1"}
    source = acquired(LossyImageCompression="01", **said)
    for pixels in (source.pixel_array, (source.pixel_array / 4095).astype(np.float32)):
        edited = edit(pixels, source)
        assert (edited.LossyImageCompression, edited.LossyImageCompressionRatio) == ("01", 8)
    silent, path = acquired(), tmp_path / "silent.dcm"
    pixels, _ = with_lesion(silent.pixel_array)
    frame = dicom_encoders.frame(pixels.astype(np.int64), syntax=uid.JPEG2000, bits=12)
    path.write_bytes(dicom_encoders.with_frame(silent, frame, syntax=uid.JPEG2000))
    assert edit(pixels, path).LossyImageCompression == "01"


def test_a_digitised_film_stays_what_it_is(edit, tmp_path):
    """Secondary Capture with signs of a mammogram, as CBIS-DDSM has it: no class and no spacing is made up."""
    cells = dicom_encoders.ramp(16)
    extra = {"StudyInstanceUID": "2.25.3", "SeriesInstanceUID": "2.25.4", "Laterality": "L", "ConversionType": "WSD"}
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom_encoders.encode(cells, bits=16, **extra))
    edited = edit((cells / 65535).astype(np.float32), path)
    assert edited.SOPClassUID == uid.SecondaryCaptureImageStorage
    np.testing.assert_array_equal(edited.pixel_array, cells)
    invented = {"ImagerPixelSpacing", "PixelSpacing", "ViewCodeSequence", "RescaleType", "PresentationLUTShape"}
    assert not invented & keywords(edited)
    assert edited.Laterality == "L"


@pytest.mark.parametrize("is_named", [True, False])
def test_masks_and_report_of_an_edit_belong_to_the_patient_and_say_synthetic(acquired, edit, tmp_path, is_named):
    source = acquired()
    if not is_named:
        del source.Manufacturer
    pixels, disc = with_lesion(source.pixel_array)
    edited = edit(pixels, source)
    paths = [tmp_path / name for name in ("edited.dcm", "lesion.seg.dcm", "report.dcm")]
    masks = write_segmentation(edited, {"requested": disc}, paths[1], finding=Finding.MASS, provenance=EDITOR)
    annotation = Annotation(categories=(FindingCategory.MASS,), birads=4)
    finding = ReportedFinding(name="requested", annotation=annotation, made_by=EDITOR.weights[0])
    report = write_report(edited, masks, [finding], paths[2], provenance=EDITOR)
    for dataset, path, kind in ((masks, paths[1], "Segmentation"), (report, paths[2], "ComprehensiveSR")):
        assert errors_of(path, kind=kind) == []
        assert complete(dataset) == []
        assert dataset.PatientName == "EXAMPLE^PERSON" and dataset.SyntheticData == "YES"
        purposes = [i.PurposeOfReferenceCodeSequence[0].CodeValue for i in dataset.ContributingEquipmentSequence]
        assert {"109100", "109101"} <= set(purposes)
    assert errors_between(*paths) == []


def test_the_edit_of_a_deidentified_image_holds_nobody(acquired, edit, tmp_path):
    clean = deidentify(acquired(), secret=b"a secret of this test, 32 bytes long")
    edit(with_lesion(clean.pixel_array)[0], clean)
    data = (tmp_path / "edited.dcm").read_bytes()
    for secret in (b"EXAMPLE", b"PERSON", b"EX-0815", b"19600102", b"ACC-77", b"2.25.111", b"2.25.113"):
        assert secret not in data


def test_faults_of_an_edit_are_named(acquired, edit):
    edited = edit(acquired().pixel_array, acquired())
    edited.SourceImageSequence[0].SpatialLocationsPreserved = "NO"
    edited.SourceImageSequence[0].ReferencedSOPInstanceUID = edited.SOPInstanceUID
    del edited.DerivationCodeSequence
    assert complete(edited) == [
        "DerivationCodeSequence has no value.",
        "SourceImageSequence does not say that locations are preserved.",
        "SourceImageSequence does not name another object as source.",
    ]
    del edited.SourceImageSequence
    assert any("PatientName" in sentence for sentence in complete(edited))  # a patient without a source


@pytest.mark.parametrize(
    ("pixels", "options", "words"),
    [
        (np.zeros((96, 63), np.uint16), {}, "not on the source's grid"),
        (np.full((96, 64), 4096, np.uint16), {}, "the source has 12 bits"),
        (np.full((96, 64), 1.01, np.float32), {}, r"lie in \[0, 1\]"),
        (np.full((96, 64), np.nan, np.float32), {}, r"lie in \[0, 1\]"),
        (np.zeros((96, 64), np.int16), {}, "neither unsigned integers nor floats"),
        (np.zeros((96, 64), np.uint16), {"edits": []}, "edits none are not all of lesion_inserted"),
        (np.zeros((96, 64), np.uint16), {"edits": ["magic"]}, "'magic' are not all of"),
        (np.zeros((96, 64), np.uint16), {"conditions": Conditions(laterality="R")}, "laterality 'R' of the edited"),
        (np.zeros((96, 64), np.uint16), {"conditions": Conditions(view="CC")}, "view 'CC' of the edited"),
    ],
)
def test_what_does_not_fit_is_refused(acquired, edit, tmp_path, pixels, options, words):
    with pytest.raises(RequestError, match=words):
        edit(pixels, acquired(), **options)
    assert list(tmp_path.iterdir()) == []


def test_sources_that_can_not_be_edited_are_one_sentence_without_the_patient(acquired, edit, tmp_path):
    zeros = np.zeros((96, 64), np.uint16)
    raw = acquired(SOPClassUID=uid.DigitalMammographyXRayImageStorageForProcessing)
    with pytest.raises(RequestError, match="image for processing has no brightness"):
        edit(zeros.astype(np.float32), raw)
    for keyword, value in (("SamplesPerPixel", 3), ("NumberOfFrames", 2), ("StudyInstanceUID", None)):
        with pytest.raises(MammoError) as raised:
            edit(zeros, acquired(**{keyword: value}))
        assert "EXAMPLE" not in str(raised.value)
    (tmp_path / "note.dcm").write_text("no DICOM at all")
    with pytest.raises(MammoError, match="note.dcm cannot be edited"):
        edit(zeros, tmp_path / "note.dcm")
    with pytest.raises(MammoError, match="absent.dcm cannot be edited"):
        edit(zeros, tmp_path / "absent.dcm")


def test_codes_of_edits_fit_their_attributes():
    """CodeValue and CodingSchemeDesignator are SH of 16 characters, CodeMeaning is LO of 64."""
    assert all(len(code.value) <= 16 and len(code.scheme) <= 16 and len(code.meaning) <= 64 for code in EDITS.values())
