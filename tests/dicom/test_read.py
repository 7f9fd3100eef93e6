"""Every file ends as read, skipped or failed, and says why."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_encoders import encode
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom import Failed, Limits, Skipped, SkipReason, read_mammogram, write_mammogram
from monai_mammo.dicom.reading import screening
from monai_mammo.dicom.reading.modifiers import MODIFIER_REASONS
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram

REAL_FILES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dicom"
PIXELS = np.arange(48 * 64).reshape(48, 64) + 300
STORAGE = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.shared
def test_real_files_come_out_as_documented(make_dataset, write):
    """The published films where they are, and always one made like CBIS-DDSM's: no view but in PatientOrientation."""
    like_cbis = make_dataset(
        np.arange(48 * 64).reshape(48, 64) * 21,
        bits=16,
        PatientOrientation="MLO",
        Laterality="R",
        ConversionType="WSD",
        StudyID="DDSM",
        PatientID="Mass-Test_P_00820_RIGHT_MLO",
        SeriesDescription="full mammogram images",
    )
    cbis = "CBIS-DDSM_Mass-Test_P_00820_{}_half.dcm"
    expected = {
        write(like_cbis): ((48, 64), "R", "MLO", None),
        REAL_FILES / cbis.format("L_CC"): ((2368, 1312), "L", "CC", None),
        REAL_FILES / cbis.format("L_MLO"): ((2340, 1288), "L", "MLO", None),
        REAL_FILES / cbis.format("R_CC"): ((2344, 1296), "R", "CC", None),
        REAL_FILES / cbis.format("R_MLO"): ((2336, 1316), "R", "MLO", None),
        REAL_FILES / "MG1_J2KI.dcm": ((4664, 3064), "L", "MLO", 1610.8),  # mean of the stored values
    }
    persons = set()
    for path, (shape, laterality, view, mean) in expected.items():
        if not path.exists():
            continue
        found = read_mammogram(path)
        assert isinstance(found, Mammogram), found
        assert found.shape == shape
        assert (found.conditions.laterality, found.conditions.view, found.conditions.kind) == (laterality, view, "film")
        assert found.spacing is None and found.chest_wall is None
        assert found.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        if mean:
            assert found.pixels.mean() == pytest.approx((mean + 0.5) / 4094, abs=1e-4)  # window 2047 / 4095
            assert any("with loss" in note for note in found.notes)
        else:
            assert any("no VOI" in note for note in found.notes)
            persons.add(found.person_id)
    assert len(persons) == 1
    refused = REAL_FILES / "MG1_JPLY.dcm"
    if refused.exists():
        assert read_mammogram(refused).reason is SkipReason.NONCONFORMING_STREAM


def view_code(value, *modifiers):
    """ViewCodeSequence of one item, with modifiers inside it."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "x"
    if modifiers:
        item.ViewModifierCodeSequence = [view_code(modifier)[0] for modifier in modifiers]
    return [item]


CC = "399162004"
SKIPPED = [
    ({"SOPClassUID": STORAGE + "13.1.3"}, "tomosynthesis"),
    ({"SOPClassUID": STORAGE + "13.1.4"}, "projection"),
    ({"SOPClassUID": STORAGE + "13.1.5"}, "projection"),
    ({"SOPClassUID": STORAGE + "1.2.1"}, "for_processing"),
    ({"SOPClassUID": STORAGE + "1.1.1"}, "for_processing"),
    ({"SOPClassUID": STORAGE + "1.2", "PresentationIntentType": "FOR PROCESSING"}, "for_processing"),
    ({"SOPClassUID": STORAGE + "11.1"}, "presentation_state"),
    ({"SOPClassUID": STORAGE + "11.8"}, "presentation_state"),
    ({"SOPClassUID": STORAGE + "88.50"}, "structured_report"),
    ({"SOPClassUID": STORAGE + "88.33"}, "structured_report"),
    ({"SOPClassUID": STORAGE + "66.4"}, "segmentation"),
    ({"SOPClassUID": STORAGE + "66"}, "raw_data"),
    ({"SOPClassUID": STORAGE + "2", "Modality": "CT"}, "not_mammography"),
    ({"SOPClassUID": STORAGE + "104.1", "Modality": "DOC"}, "not_mammography"),
    ({"SOPClassUID": STORAGE + "1.1", "Modality": "DX", "BodyPartExamined": "HAND"}, "not_mammography"),
    ({"SOPClassUID": STORAGE + "1", "Modality": "CR", "Laterality": "L"}, "not_mammography"),
    ({"Modality": "OT"}, "secondary_capture"),
    ({"Modality": "OT", "SeriesDescription": "CC"}, "secondary_capture"),  # words are no evidence
    ({"Modality": "US", "BodyPartExamined": "BREAST"}, "secondary_capture"),
    *[({"SOPClassUID": STORAGE + f"7.{n}", "Modality": "OT"}, "secondary_capture") for n in (1, 2, 3, 4)],
    ({"NumberOfFrames": 2}, "multi_frame"),
    ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "color"),
    ({"PhotometricInterpretation": "PALETTE COLOR"}, "color"),
    ({"ImageType": ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "GENERATED_2D"]}, "synthetic_2d"),
    ({"QualityControlImage": "YES"}, "quality_control"),
    ({"ImageType": ["ORIGINAL", "SECONDARY", "LOCALIZER"]}, "quality_control"),
    ({"SeriesDescription": "ROI mask images"}, "mask_or_crop"),
    ({"SeriesDescription": "cropped images"}, "mask_or_crop"),
    ({"ViewCodeSequence": view_code(CC, "399163009")}, "magnification"),
    ({"ViewCodeSequence": view_code(CC, "R-102D6")}, "magnification"),
    ({"ViewPosition": "MCC"}, "magnification"),
    ({"ViewPosition": "LMCC"}, "magnification"),
    ({"EstimatedRadiographicMagnificationFactor": 1.8}, "magnification"),
    ({"ViewCodeSequence": view_code(CC, "442581004", "399055006")}, "spot"),
    ({"ViewModifierCodeSequence": view_code("R-102D7")}, "spot"),
    ({"ViewPosition": "SMLO"}, "spot"),
    ({"ViewCodeSequence": view_code(CC, "399209000")}, "implant_displaced"),
    ({"ViewPosition": "CCID"}, "implant_displaced"),
    ({"ViewCodeSequence": view_code(CC, "399110001")}, "tangential"),
    ({"ViewCodeSequence": view_code(CC, "399161006")}, "partial_view"),
    ({"ViewCodeSequence": view_code(CC, "399197002")}, "rolled"),
    ({"ViewCodeSequence": view_code("127457009")}, "specimen"),
    ({"BodyPartExamined": "SPECIMEN"}, "specimen"),
    ({"SeriesDescription": "Biopsy_specimen 2x"}, "specimen"),
    ({"ViewPosition": "XCCL"}, "unsupported_view"),
    ({"ViewCodeSequence": view_code("399260004")}, "unsupported_view"),
    ({"ImageLaterality": "B"}, "both_breasts"),
    ({"BitsAllocated": 32}, "unsupported_pixels"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "STEREO_MINUS"]}, "biopsy"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"]}, "high_energy"),
]
"""What a header says, and the code that the file is skipped by."""


@pytest.mark.parametrize(("attributes", "reason"), SKIPPED)
def test_what_is_no_mammogram_of_one_breast_is_skipped_by_code(make_dataset, write, attributes, reason):
    found = read_mammogram(write(make_dataset(PIXELS, **attributes)))
    assert isinstance(found, Skipped) and found.reason == reason, found
    assert found.detail and "\n" not in str(found)


def test_every_code_of_the_reader_is_given_by_some_file():
    rooms = Path(screening.__file__).parent
    text = "".join(path.read_text() for path in rooms.glob("*.py"))
    elsewhere = {"not_dicom", "no_pixels", "damaged", "unreadable", "too_large", "missing_codec"}
    elsewhere |= {"nonconforming_stream", "unsupported_transfer_syntax"}  # here or in test_codecs
    codes = {SkipReason[name].value for name in re.findall(r"SkipReason\.([A-Z_0-9]+)", text)}
    assert {reason for _, reason in SKIPPED} | elsewhere == codes


@pytest.mark.parametrize(
    ("attributes", "reason", "view"),
    [
        ({"ViewCodeSequence": view_code(CC, "399161006")}, "partial_view", "CC"),
        ({"ViewPosition": "RMLORL"}, "rolled", "MLO"),
        ({"ViewPosition": "MCC"}, "magnification", "CC"),
    ],
)
def test_views_of_a_part_are_read_where_they_are_accepted(make_dataset, write, attributes, reason, view):
    path = write(make_dataset(PIXELS, **attributes))
    found = read_mammogram(path, accept={SkipReason(reason)})
    assert found.conditions.view == view
    assert any(reason.replace("_", " ") in note for note in found.notes)
    assert read_mammogram(path, accept=MODIFIER_REASONS - {reason}).reason == reason


def test_what_may_be_asked_for_is_said(tmp_path):
    with pytest.raises(RequestError, match="mode 'pretty' is not one of voi, modality, raw"):
        read_mammogram(tmp_path, mode="pretty")
    with pytest.raises(RequestError, match="accept 'color' is not one of implant_displaced, magnification, partial"):
        read_mammogram(tmp_path, accept=[SkipReason.COLOR])


@pytest.mark.parametrize(
    "attributes", [{"SOPClassUID": STORAGE + "1.2.1"}, {"PresentationIntentType": "FOR PROCESSING"}]
)
def test_images_for_processing_are_read_when_asked_for(make_dataset, write, attributes):
    path = write(make_dataset(PIXELS, **attributes))
    for mode in ("raw", "modality"):
        assert read_mammogram(path, mode=mode).reason == "for_processing"
        found = read_mammogram(path, mode=mode, for_processing=True)
        np.testing.assert_allclose(found.pixels, PIXELS / 4095, atol=1e-6)
        assert "the image is raw data for processing" in found.notes
    refused = read_mammogram(path, for_processing=True)  # there is no VOI to be seen through
    assert refused.reason == "for_processing" and "mode raw or modality" in refused.detail


def test_a_class_that_only_group_2_names_counts(make_dataset, write):
    dataset = make_dataset(PIXELS, SOPClassUID=None)
    dataset.file_meta.MediaStorageSOPClassUID = STORAGE + "13.1.3"
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    data = BytesIO()
    dataset.save_as(data)
    assert read_mammogram(write(data.getvalue())).reason is SkipReason.TOMOSYNTHESIS


def test_a_header_states_the_chest_wall_and_what_is_worth_noting(make_dataset, write):
    found = read_mammogram(
        write(
            make_dataset(
                PIXELS,
                PatientOrientation=["P", "L"],
                ImageType=["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"],
                BurnedInAnnotation="YES",
                BreastImplantPresent="YES",
                LossyImageCompression="01",
            )
        )
    )
    assert found.stated_chest_wall == "right" and found.chest_wall is None
    text = " ".join(found.notes)
    assert all(word in text for word in ("low-energy", "burnt", "implant", "with loss"))


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # small letters, as some devices write them
@pytest.mark.parametrize(
    "attributes",
    [
        {"Modality": "RG", "BodyPartExamined": "BREAST"},  # as NEMA's MG1
        {"Modality": "OT", "ViewPosition": "MLO"},
        {"SOPClassUID": STORAGE + "1"},
        {"SOPClassUID": STORAGE + "1.2", "Modality": "MG"},
        {"SOPClassUID": STORAGE + "1.1", "Modality": "DX", "BodyPartExamined": "breast"},
    ],
)
def test_mammograms_of_other_classes_are_read(make_dataset, write, attributes):
    assert isinstance(read_mammogram(write(make_dataset(PIXELS, **attributes))), Mammogram)


def test_no_pixels(make_dataset, write):
    dataset = make_dataset(PIXELS)
    del dataset.PixelData
    assert read_mammogram(write(dataset)).reason is SkipReason.NO_PIXELS


def test_files_that_are_no_dicom(write, tmp_path):
    assert read_mammogram(write(b"# notes\n" * 40, "README.md")).reason is SkipReason.NOT_DICOM
    assert read_mammogram(write(b"", "empty.dcm")).reason is SkipReason.NOT_DICOM
    for path in (tmp_path, tmp_path / "absent.dcm"):
        found = read_mammogram(path)
        assert isinstance(found, Failed) and found.reason is SkipReason.UNREADABLE


def test_a_file_without_preamble_is_read(make_dataset, write):
    data = dataset_bytes(make_dataset(PIXELS))
    start = 132 + 12 + int.from_bytes(data[140:144], "little")  # past group 2
    np.testing.assert_allclose(read_mammogram(write(data[start:])).pixels, PIXELS / 4095, atol=1e-6)


def test_sizes_are_bounded_before_anything_is_allocated(make_dataset, write):
    plain = dataset_bytes(make_dataset(PIXELS))
    assert read_mammogram(write(plain), limits=Limits(file_bytes=1000)).reason is SkipReason.TOO_LARGE
    assert read_mammogram(write(plain), limits=Limits(pixels=100)).reason is SkipReason.TOO_LARGE
    deflated = dataset_bytes(make_dataset(PIXELS * 0, syntax=uid.DeflatedExplicitVRLittleEndian))
    assert isinstance(read_mammogram(write(deflated)), Mammogram)
    assert read_mammogram(write(deflated), limits=Limits(inflated_bytes=3000)).reason is SkipReason.TOO_LARGE
    assert read_mammogram(write(deflated[:-10])).reason is SkipReason.DAMAGED


def test_bombs_end_quickly_with_a_code(make_dataset, write):
    meta = dataset_bytes(make_dataset(PIXELS, syntax=uid.DeflatedExplicitVRLittleEndian))
    start = 132 + 12 + int.from_bytes(meta[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    inflating = meta[:start] + b"".join(packer.compress(bytes(2**20)) for _ in range(161)) + packer.flush()
    huge_length = dataset_bytes(make_dataset(PIXELS)).replace(
        b"\xe0\x7f\x10\x00OW\x00\x00" + (PIXELS.size * 2).to_bytes(4, "little"),
        b"\xe0\x7f\x10\x00OW\x00\x00\xf0\xff\xff\xff",
    )
    nested = make_dataset(PIXELS)
    inner = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.RequestAttributesSequence = [inner]
        inner = outer
    nested.RequestAttributesSequence = [inner]
    cases = {
        "inflates past the limit of 160 MiB": (inflating, SkipReason.TOO_LARGE),
        "length of 4 GB, half the pixels": (huge_length[:-3000], SkipReason.DAMAGED),
        "header of 60000 x 60000": (
            dataset_bytes(make_dataset(PIXELS, Rows=60000, Columns=60000)),
            SkipReason.TOO_LARGE,
        ),
    }
    for name, (data, reason) in cases.items():
        began = time.process_time()
        found = read_mammogram(write(data))
        assert isinstance(found, Failed) and found.reason is reason, (name, found)
        assert time.process_time() - began < 5, name
    assert isinstance(read_mammogram(write(nested)), Mammogram)
    # all pixels are there, only the length lies: nothing is allocated for it
    np.testing.assert_allclose(read_mammogram(write(huge_length)).pixels, PIXELS / 4095, atol=1e-6)


def test_a_file_cut_anywhere_gives_a_code(make_dataset, write):
    data = dataset_bytes(make_dataset(PIXELS))
    for end in (100, 131, 140, 170, 250, 330, 400, len(data) // 2, len(data) - 4):
        assert isinstance(read_mammogram(write(data[:end])), (Skipped, Failed)), end


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ExplicitVRLittleEndian,
        uid.ImplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEGLossless,
        uid.JPEGLosslessSV1,
        uid.JPEGLSLossless,
        uid.JPEG2000Lossless,
    ],
    ids=lambda s: uid.UID(s).keyword,
)
def test_mutants_never_raise(write, syntax):
    """A decoder that can hang (HTJ2K) is left to the tests of the reading process."""
    data = encode(PIXELS, syntax=syntax, PatientName="DOE^JANE", WindowCenter=2000, WindowWidth=1000)
    draw = np.random.default_rng(11)
    outcomes = set()
    for _ in range(60):
        mutant = bytearray(data)
        for place in draw.integers(132, len(data), draw.integers(1, 6)):
            mutant[place] = draw.integers(256)
        if draw.random() < 0.2:
            mutant = mutant[: draw.integers(132, len(data))]
        found = read_mammogram(write(bytes(mutant)))
        assert isinstance(found, (Mammogram, Skipped, Failed))
        assert not isinstance(found, (Skipped, Failed)) or "DOE" not in str(found)
        outcomes.add(type(found))
    assert len(outcomes) > 1  # the mutants do something


def test_nothing_of_a_patient_is_said(make_dataset, write, capfd, caplog):
    dataset = make_dataset(PIXELS, PatientName="DOE^JANE", PatientID="SECRET7", PatientAge="055Y")
    dataset.add_new("StudyInstanceUID", "UI", "1.2.3")
    data = dataset_bytes(dataset).replace(b"055Y", b"JANE").replace(b"1.2.3\0", b"JANE\0\0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_mammogram(write(data))
    assert isinstance(found, Mammogram)
    text = " ".join([*found.notes, found.person_id, found.source, caplog.text, *capfd.readouterr()])
    assert not any(word in text for word in ("JANE", "DOE", "SECRET7"))


def test_our_own_files_bring_their_conditions_back(tmp_path, make_mammogram, identity, provenance):
    mammogram = make_mammogram("R", "CC")
    path = tmp_path / "a.dcm"
    write_mammogram(mammogram, path, identity=identity, provenance=provenance)
    found = read_mammogram(path)
    assert found.conditions == mammogram.conditions
    assert any("synthetic" in note for note in found.notes)
    changed = pydicom.dcmread(path)
    changed.ImageLaterality = "L"
    changed.save_as(path)
    contradicting = read_mammogram(path)
    assert contradicting.conditions.laterality == "L"  # the header's, as for any file
    assert len([note for note in contradicting.notes if "disagree" in note]) == 3
    changed.SyntheticData = "NO"
    changed.save_as(path)
    assert read_mammogram(path).conditions.finding is None


def test_a_sound_file_has_a_short_report(make_dataset, write):
    found = read_mammogram(write(make_dataset(PIXELS, Modality="OT"), "x.dcm"))
    assert str(found) == ("x.dcm: nothing in the captured picture's header tells of a breast [secondary_capture]")
