"""Side, view, kind, age and person from the attributes that may tell them."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.labels import find_age, find_kind, person_pseudonym
from monai_mammo.dicom.reading.modifiers import check_modifiers
from monai_mammo.dicom.reading.sides import find_laterality
from monai_mammo.dicom.reading.views import find_view
from monai_mammo.dicom.reasons import Refusal, SkipReason


def code(value, **more):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "no matter"
    for keyword, content in more.items():
        setattr(item, keyword, content)
    return item


def header(**attributes):
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


LEFT_REGION_OF_STRUCTURE = [code("76752008", PrimaryAnatomicStructureModifierSequence=[code("7771000")])]
LEFT_REGION = [code("76752008", AnatomicRegionModifierSequence=[code("7771000")])]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # signs that the type does not allow
@pytest.mark.parametrize(
    ("attributes", "side"),
    [
        ({}, None),
        ({"ImageLaterality": "L"}, "L"),
        ({"Laterality": "R"}, "R"),
        ({"ImageLaterality": "", "Laterality": "R"}, "R"),
        ({"FrameAnatomySequence": [header(FrameLaterality="R")]}, "R"),
        ({"AnatomicRegionSequence": LEFT_REGION}, "L"),
        ({"AnatomicRegionSequence": [code("73056007")]}, "R"),
        ({"PatientOrientation": ["A", "R"]}, "L"),
        ({"PatientOrientation": ["P", "FL"]}, "R"),
        ({"PatientOrientation": ["A", "F"]}, None),
        ({"PatientOrientation": "MLO"}, None),  # CBIS-DDSM: the L in it is no side
        ({"PatientOrientation": "CC"}, None),
        ({"SeriesDescription": "left mlo"}, "L"),
        ({"ProtocolName": "R CC"}, "R"),
        ({"SeriesDescription": "RMLO"}, "R"),
        ({"SeriesDescription": "full mammogram images"}, None),
        # where computed radiography of Fuji and Agfa says it
        ({"AcquisitionDeviceProcessingDescription": "MAMMO, R-MLO"}, "R"),
        ({"PerformedProcedureStepDescription": "Mammo_LT"}, "L"),
        ({"BodyPartExamined": "LBREAST"}, "L"),
        ({"AcquisitionDeviceProcessingCode": "LCC"}, "L"),
        ({"AcquisitionDeviceProcessingDescription": "BREAST,CC(L)"}, "L"),
        ({"AcquisitionDeviceProcessingDescription": "(R)MLO"}, "R"),
        ({"PerformedProcedureStepDescription": "L cranio-caudal"}, "L"),
        ({"ViewPosition": "LCC"}, "L"),
        ({"ViewPosition": "R-MLO"}, "R"),
        ({"ViewPosition": "MLO R"}, "R"),
        ({"ViewPosition": "CCL"}, "L"),
        ({"ViewPosition": "XCCL"}, None),  # an exaggerated view, not a left one
        ({"ViewPosition": "CCRL"}, None),  # rolled laterally
        ({"ViewPosition": "ML"}, None),
        ({"SeriesDescription": "Mammo MLO-R"}, "R"),
        ({"SeriesDescription": "L ML"}, "L"),
        ({"PrimaryAnatomicStructureSequence": LEFT_REGION_OF_STRUCTURE}, "L"),
    ],
)
def test_side(attributes, side):
    assert find_laterality(header(**attributes)) == (side, ())


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # small letters, as some devices write them
@pytest.mark.parametrize(
    ("attributes", "view"),
    [
        ({}, None),
        ({"ViewCodeSequence": [code("399162004")]}, "CC"),
        ({"ViewCodeSequence": [code("R-10226")]}, "MLO"),
        ({"ViewPosition": "MLO"}, "MLO"),
        ({"ViewPosition": "mlo "}, "MLO"),
        ({"ViewPosition": "L-CC"}, "CC"),
        ({"ViewPosition": "RMLO"}, "MLO"),
        ({"ViewPosition": "AP"}, None),
        ({"PatientOrientation": "MLO"}, "MLO"),
        ({"PatientOrientation": ["A", "R"]}, None),
        ({"SeriesDescription": "R CC"}, "CC"),
        ({"ViewCodeSequence": [code("CCV", CodeMeaning="cranio-caudal")]}, "CC"),  # 99SDM and other private codes
        ({"ViewCodeSequence": [code("X", CodeMeaning="Medio-Lateral Oblique")]}, "MLO"),
        ({"ViewPosition": "CCRL"}, "CC"),
        ({"ViewPosition": "RMMLO"}, "MLO"),
        ({"AcquisitionDeviceProcessingDescription": "MAMMO, R-MLO"}, "MLO"),
        ({"PerformedProcedureStepDescription": "L_CC"}, "CC"),
        ({"AcquisitionDeviceProcessingCode": "LCC"}, "CC"),
        ({"AcquisitionDeviceProcessingDescription": "BREAST,CC(L)"}, "CC"),
        ({"ViewPosition": "MLO-R"}, "MLO"),
        ({"ViewPosition": "CCL"}, "CC"),
        ({"SeriesDescription": "Left Cranio-Caudal"}, "CC"),
        ({"PerformedProcedureStepDescription": "RT BREAST MEDIOLATERAL OBLIQUE"}, "MLO"),
        ({"SeriesDescription": "Craniocaudal exaggerated laterally"}, None),
        ({"SeriesDescription": "exaggerated cranio-caudal"}, None),
    ],
)
def test_view(attributes, view):
    assert find_view(header(**attributes)) == (view, ())


MENUS = [
    ("FDMS 1.0", 0x0019, 0x30, "LO", "MAMMO L-CC", "L", "CC"),  # Fuji
    ("FDMS 1.0", 0x0019, 0x32, "UN", b"R MLO ", "R", "MLO"),
    ("SPI-P-PCR Release 2", 0x0019, 0x60, "ST", "RCC", "R", "CC"),  # Philips
    ("GEMS_SENO_02", 0x0045, 0x1B, "LO", "LMLO", "L", "MLO"),
    ("GEMS_SENO_02", 0x0045, 0x1B, "OB", bytes(300), None, None),
    ("GEMS_SENO_02", 0x0045, 0x1B, "OB", b"\xff\xfe LCC", "L", "CC"),
    ("FDMS 1.0", 0x0019, 0x31, "LO", "LCC", None, None),  # other attributes and other vendors say something else
    ("SIEMENS MED", 0x0019, 0x30, "LO", "LCC", None, None),
    ("FDMS 1.0", 0x0021, 0x30, "LO", "LCC", None, None),
]


@pytest.mark.parametrize(("creator", "group", "element", "vr", "value", "side", "view"), MENUS)
@pytest.mark.parametrize("n_blocks_before", [0, 1])
def test_the_vendors_menus_tell_side_and_view(creator, group, element, vr, value, side, view, n_blocks_before):
    dataset = Dataset()
    for number in range(n_blocks_before):
        dataset.private_block(group, f"OTHER {number}", create=True).add_new(element, "LO", "R LM")
    dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    assert find_laterality(dataset) == (side, ())
    assert find_view(dataset) == (view, ())


def test_menus_and_position_are_held_against_the_standards_attributes():
    dataset = header(ImageLaterality="R", ViewCodeSequence=[code("399162004")], ViewPosition="LCC")
    dataset.private_block(0x0019, "FDMS 1.0", create=True).add_new(0x30, "LO", "L-MLO")
    menu = "Menu Character String of FDMS 1.0"
    notes = tuple(DISAGREE.format("ImageLaterality", other, "side") for other in ("ViewPosition", menu))
    assert find_laterality(dataset) == ("R", notes)
    assert find_view(dataset) == ("CC", (DISAGREE.format("ViewCodeSequence", menu, "view"),))


DISAGREE = "contradiction: {} and {} disagree about the {}, the first was taken"


def test_disagreement_is_noted_and_the_better_source_taken():
    dataset = header(
        ImageLaterality="L",
        PatientOrientation=["P", "L"],
        ViewCodeSequence=[code("399162004")],
        ViewPosition="MLO",
        SeriesDescription="LEFT CC",
    )
    side, view = DISAGREE.format("ImageLaterality", "PatientOrientation", "side"), ("ViewCodeSequence", "ViewPosition")
    assert find_laterality(dataset) == ("L", (side,))
    assert find_view(dataset) == ("CC", (DISAGREE.format(*view, "view"),))


def test_the_codes_come_before_the_words_and_each_other_source_is_held_against_them():
    dataset = header(
        ViewCodeSequence=[code("R-10226")], ViewPosition="CC", PatientOrientation="CC", SeriesDescription="R CC"
    )
    view, notes = find_view(dataset)
    assert view == "MLO"
    others = ("ViewPosition", "PatientOrientation", "SeriesDescription")
    assert notes == tuple(DISAGREE.format("ViewCodeSequence", other, "view") for other in others)
    sides = header(
        ImageLaterality="L",
        Laterality="R",
        FrameAnatomySequence=[header(FrameLaterality="R")],
        AnatomicRegionSequence=[code("73056007")],
        PatientOrientation=["P", "L"],
        SeriesDescription="R CC",
        ProtocolName="RIGHT",
    )
    for source in ("Laterality", "FrameLaterality", "AnatomicRegionSequence", "PatientOrientation"):
        side, notes = find_laterality(sides)
        assert side == "L" and DISAGREE.format("ImageLaterality", source, "side") in notes
    for keyword in ("ImageLaterality", "Laterality", "FrameAnatomySequence", "AnatomicRegionSequence"):
        del sides[keyword]
        side, _ = find_laterality(sides)
        assert side == "R"
    assert find_laterality(sides) == ("R", ())


SEVERAL = "contradiction: {} names several {}, of which none was taken"


@pytest.mark.parametrize(
    ("attributes", "side", "notes"),
    [
        ({"ImageLaterality": "L", "Laterality": "B"}, "L", ["says both breasts, ImageLaterality was taken"]),
        ({"FrameAnatomySequence": [header(FrameLaterality="R")], "Laterality": "B"}, "R", ["both breasts, FrameLat"]),
        ({"ImageLaterality": "L", "AnatomicRegionSequence": [code("63762007")]}, "L", ["RegionSequence says both"]),
        ({"SeriesDescription": "RCC LCC RMLO LMLO"}, None, [SEVERAL.format("SeriesDescription", "sides")]),
        ({"ProtocolName": "Mammography bilateral"}, None, [SEVERAL.format("ProtocolName", "sides")]),
        ({"SeriesDescription": "left and right", "ProtocolName": "R CC"}, "R", ["Description names several sides"]),
        ({"ImageLaterality": "L", "SeriesDescription": "both breasts"}, "L", ["SeriesDescription names several sides"]),
    ],
)
def test_a_source_that_names_both_sides_tells_none(attributes, side, notes):
    found, said = find_laterality(header(**attributes))
    assert found == side and len(said) == len(notes)
    assert all(note.startswith("contradiction: ") and words in note for note, words in zip(said, notes, strict=True))


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageLaterality": "B"},
        {"ImageLaterality": "B", "Laterality": "L"},
        {"ImageLaterality": ["L", "R"]},
        {"Laterality": "B"},
        {"Laterality": "B", "PatientOrientation": ["A", "R"], "SeriesDescription": "L CC"},
        {"FrameAnatomySequence": [header(FrameLaterality="B")]},
        {"AnatomicRegionSequence": [code("76752008", AnatomicRegionModifierSequence=[code("51440002")])]},
    ],
)
def test_both_breasts_are_refused_by_the_attribute_that_says_so(attributes):
    with pytest.raises(Refusal, match=f"^{next(iter(attributes))[:5]}|^FrameLat") as caught:
        find_laterality(header(**attributes))
    assert caught.value.reason is SkipReason.BOTH_BREASTS


@pytest.mark.parametrize(
    ("attributes", "view", "source"),
    [
        ({"SeriesDescription": "R CC, R MLO"}, None, "SeriesDescription"),
        ({"SeriesDescription": "4 views CC/MLO", "ViewPosition": "CC"}, "CC", "SeriesDescription"),
        ({"ViewPosition": ["CC", "MLO"]}, None, "ViewPosition"),
        ({"ViewPosition": "LCC/RMLO"}, None, "ViewPosition"),
        ({"ViewPosition": "CC MLO"}, None, "ViewPosition"),
        ({"ViewPosition": "CC+MLO", "SeriesDescription": "L CC"}, "CC", "ViewPosition"),
        ({"ViewCodeSequence": [code("399162004"), code("399368009")]}, None, "ViewCodeSequence"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_a_source_that_names_several_views_tells_none(attributes, view, source):
    assert find_view(header(**attributes)) == (view, (SEVERAL.format(source, "views"),))


def test_a_code_that_is_not_known_is_noted_and_the_next_source_taken():
    dataset = header(ViewCodeSequence=[code("123")], ViewPosition="CC")
    assert find_view(dataset) == ("CC", ("ViewCodeSequence holds a code that is not known",))


@pytest.mark.parametrize("meaning", ["caudo-cranial", "cranio-caudal exaggerated laterally"])
def test_a_meaning_that_only_contains_a_view_is_another_view(meaning):
    assert find_view(header(ViewCodeSequence=[code("X", CodeMeaning=meaning)]))[0] is None


def reason_of(function, **attributes):
    with pytest.raises(Refusal) as caught:
        function(header(**attributes))
    return caught.value.reason


@pytest.mark.parametrize("view", ["ML", "LM", "LMO", "FB", "SIO", "ISO", "XCCL", "XCCM"])
def test_other_views_are_not_read(view):
    assert reason_of(find_view, ViewPosition=view) is SkipReason.UNSUPPORTED_VIEW


def test_specimen_and_both_breasts():
    assert reason_of(find_view, ViewCodeSequence=[code("127457009")]) is SkipReason.SPECIMEN
    assert reason_of(find_laterality, ImageLaterality="B") is SkipReason.BOTH_BREASTS


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (("399163009", "R-102D6"), SkipReason.MAGNIFICATION),
        (("399055006", "R-102D7"), SkipReason.SPOT),
        (("399209000", "R-102D5"), SkipReason.IMPLANT_DISPLACED),
        (("399110001", "R-102C2"), SkipReason.TANGENTIAL),
        (("399161006", "R-102D1", "442580003", "R-40ABE"), SkipReason.PARTIAL_VIEW),
        (("399197002", "R-102D4", "414493004", "R-102C9"), SkipReason.ROLLED),
    ],
)
def test_modifiers_inside_the_view_and_at_top_level(values, reason):
    for value in values:
        inside = [code("399162004", ViewModifierCodeSequence=[code("442581004"), code(value)])]
        assert reason_of(check_modifiers, ViewCodeSequence=inside) is reason
        assert reason_of(check_modifiers, ViewModifierCodeSequence=[code(value)]) is reason


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("MCC", SkipReason.MAGNIFICATION),
        ("MMLO", SkipReason.MAGNIFICATION),
        ("LMCC", SkipReason.MAGNIFICATION),
        ("MXCCL", SkipReason.MAGNIFICATION),
        ("SCC", SkipReason.SPOT),
        ("MLOID", SkipReason.IMPLANT_DISPLACED),
        ("CCRL", SkipReason.ROLLED),
        ("TAN", SkipReason.TANGENTIAL),
        ("AT", SkipReason.PARTIAL_VIEW),
    ],
)
def test_view_position_tells_modifiers_too(position, reason):
    assert reason_of(check_modifiers, ViewPosition=position) is reason


def test_magnification_by_its_factor():
    dataset = {"EstimatedRadiographicMagnificationFactor": "1.8"}
    assert reason_of(check_modifiers, **dataset) is SkipReason.MAGNIFICATION
    check_modifiers(header(EstimatedRadiographicMagnificationFactor="1.05"))


@pytest.mark.parametrize("position", ["CC", "MLO", "", "LMLO", "SIO", "ML", "LM", "LMO"])
def test_common_views_pass(position):
    nipple_in_profile = [code("399162004", ViewModifierCodeSequence=[code("442581004"), code("P2-00161")])]
    assert check_modifiers(header(ViewPosition=position, ViewCodeSequence=nipple_in_profile)) == ()


def test_what_is_accepted_passes_with_a_note_and_nothing_else_does():
    both = header(ViewPosition="SCC", EstimatedRadiographicMagnificationFactor="1.8")
    assert reason_of(check_modifiers, ViewPosition="SCC") is SkipReason.SPOT
    with pytest.raises(Refusal) as caught:
        check_modifiers(both, accept={SkipReason.SPOT})
    assert caught.value.reason is SkipReason.MAGNIFICATION
    notes = check_modifiers(both, accept={SkipReason.SPOT, SkipReason.MAGNIFICATION})
    assert notes == ("ViewPosition says spot", "the magnification is above 1.3")


DIGITAL_CLASS = "1.2.840.10008.5.1.4.1.1.1.2"
CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"SOPClassUID": DIGITAL_CLASS}, "digital"),
        ({"SOPClassUID": DIGITAL_CLASS, "DetectorType": "FILM"}, "film"),
        ({"SOPClassUID": DIGITAL_CLASS, "ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]}, "contrast"),
        ({"SOPClassUID": DIGITAL_CLASS, "ImageType": ["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"]}, "digital"),
        ({"SOPClassUID": CAPTURE_CLASS, "ConversionType": "WSD"}, "film"),
        ({"SOPClassUID": CAPTURE_CLASS, "ConversionType": "DF"}, "film"),
        ({"SOPClassUID": CAPTURE_CLASS, "ConversionType": "DI"}, None),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"}, "digital"),
    ],
)
def test_kind(attributes, kind):
    assert find_kind(header(**attributes)) == kind


@pytest.mark.parametrize(
    ("text", "age"),
    [("055Y", 55), ("100Y", 100), ("120Y", 120), ("121Y", None), ("", None), ("009M", None), ("130Y", None)],
)
def test_age(text, age):
    assert find_age(header(PatientAge=text)) == age


def test_persons_are_pseudonyms_and_the_four_views_of_one_are_together():
    name = "Mass-Test_P_00820_{}"
    persons = {
        person_pseudonym(header(PatientID=name.format(view), StudyID="DDSM"))
        for view in ("LEFT_CC", "LEFT_MLO", "RIGHT_CC", "RIGHT_MLO_1")
    }
    assert len(persons) == 1
    persons.add(person_pseudonym(header(PatientID="Calc-Training_P_00821_LEFT_CC", StudyID="DDSM")))
    persons.add(person_pseudonym(header(PatientID="12345")))
    persons.add(person_pseudonym(header(PatientID="12345", IssuerOfPatientID="other")))
    assert len(persons) == 4
    assert not any("12345" in person or "00820" in person for person in persons)
    assert person_pseudonym(header()) == ""
