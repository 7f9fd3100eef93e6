"""The written mammogram: valid, complete, marked, on the right side, and the same bytes each time."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from monai_mammo.dicom import (
    Identity,
    Provenance,
    WeightsReference,
    complete,
    read_mammogram,
    stable_uid,
    write_mammogram,
)
from monai_mammo.dicom.writing.greyscale import BITS_STORED
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.errors import MammoError
from monai_mammo.study import Spacing
from monai_mammo.terms import ChestWall


@pytest.mark.parametrize("bits", BITS_STORED)
def test_pixels_come_back_within_half_a_step(tmp_path, make_mammogram, identity, provenance, bits):
    mammogram = make_mammogram("R", "CC")
    write_mammogram(mammogram, tmp_path / "a.dcm", identity=identity, provenance=provenance, bits_stored=bits)
    back = read_mammogram(tmp_path / "a.dcm")
    # rounding to the nearest of 2**bits levels, and float32's own step
    np.testing.assert_allclose(back.pixels, mammogram.pixels, rtol=0, atol=0.5 / (2**bits - 1) + 1e-7)
    assert back.conditions == mammogram.conditions
    assert back.spacing == mammogram.spacing


@pytest.mark.parametrize(("age", "text"), [(7, "007Y"), (57, "057Y"), (104, "104Y")])
def test_an_age_is_three_digits_and_a_y(make_mammogram, identity, provenance, age, text):
    mammogram = make_mammogram()
    mammogram = mammogram.replace(conditions=mammogram.conditions.replace(age_years=age))
    assert mammogram_dataset(mammogram, identity=identity, provenance=provenance).PatientAge == text


def test_an_odd_number_of_bytes_is_padded_in_memory_too(make_mammogram, identity, provenance):
    """33 x 21 pixels of 8 bits; a file is padded by pydicom, a dataset in memory by us alone."""
    odd = make_mammogram(shape=(33, 21))
    dataset = mammogram_dataset(odd, identity=identity, provenance=provenance, bits_stored=8)
    assert len(dataset.PixelData) == 694 and complete(dataset) == []


def test_read_write_read_loses_nothing(tmp_path, make_mammogram, identity, provenance):
    first, second = tmp_path / "a.dcm", tmp_path / "b.dcm"
    write_mammogram(make_mammogram(), first, identity=identity, provenance=provenance)
    back = read_mammogram(first).replace(chest_wall=ChestWall.LEFT)
    write_mammogram(back, second, identity=identity, provenance=provenance)
    assert first.read_bytes() == second.read_bytes()


def test_simpleitk_reads_the_same_pixels_and_spacing(tmp_path, make_mammogram, identity, provenance):
    mammogram = make_mammogram()
    write_mammogram(mammogram, tmp_path / "a.dcm", identity=identity, provenance=provenance, bits_stored=12)
    image = SimpleITK.ReadImage(str(tmp_path / "a.dcm"))
    expected = np.rint(mammogram.pixels.astype(float) * 4095)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image)[0], expected)
    assert image.GetSpacing()[:2] == (0.8, 0.9)  # x, y


def test_equal_requests_give_equal_bytes_and_others_do_not(tmp_path, make_mammogram, identity, provenance):
    def data(name, **changes):
        arguments = {"identity": identity, "provenance": provenance, **changes}
        write_mammogram(make_mammogram(), tmp_path / name, **arguments)
        return (tmp_path / name).read_bytes()

    first = data("a.dcm")
    assert data("b.dcm") == first
    assert data("c.dcm", identity=Identity("request-hash", 8, "0001")) != first
    assert data("d.dcm", provenance=Provenance(weights=(WeightsReference("mammo_diffusion", "0.2.0"),))) != first


def test_uids_are_stable_and_part_of_one_study_by_person():
    # a promise to archives: these numbers must never change
    assert stable_uid("a", 1) == "2.25.174949608156323017618369687619991673517"
    assert stable_uid("ab") != stable_uid("a", "b")
    one, two = Identity("run", 7, "0001", "person-1"), Identity("run", 7, "0002", "person-1")
    assert one.study_uid == two.study_uid and one.person == two.person
    assert one.uid("instance") != two.uid("instance") != two.uid("series")
    assert Identity("run", 7, "0001").study_uid != Identity("run", 7, "0002").study_uid


def test_everything_says_that_it_is_synthetic(tmp_path, make_mammogram, identity):
    notes = ("No training image stands behind this request.",)
    weights = (WeightsReference("mammo_diffusion", "0.1.0", "ab" * 32), WeightsReference("phantom", "1"))
    provenance = Provenance(weights=weights, notes=notes)
    dataset = write_mammogram(make_mammogram(), tmp_path / "a.dcm", identity=identity, provenance=provenance)
    for keyword in ("PatientName", "PatientID", "StudyDescription", "SeriesDescription", "ImageComments"):
        assert "SYNTHETIC" in str(dataset.get(keyword))
    assert (dataset.SyntheticData, dataset.PatientIdentityRemoved, dataset.ImageType[0]) == ("YES", "YES", "DERIVED")
    first, second = dataset.ContributingEquipmentSequence
    assert first.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
    assert "ab" * 32 in first.ContributionDescription and "mammo_diffusion" in first.ContributionDescription
    assert "no weights" in second.ContributionDescription
    assert "0.9 x 0.8 mm is nominal" in dataset.ImageComments and notes[0] in dataset.ImageComments
    assert "PixelSpacing" not in dataset and dataset.ImagerPixelSpacing == [0.9, 0.8]


@pytest.mark.parametrize("source", ["imager", "calibrated", "imager/magnification", "scanned"])
def test_a_known_spacing_is_not_called_nominal_and_keeps_its_source(
    tmp_path, make_mammogram, identity, provenance, source
):
    mammogram = make_mammogram(spacing=Spacing(0.07, 0.07, source))
    dataset = write_mammogram(mammogram, tmp_path / "a.dcm", identity=identity, provenance=provenance)
    assert "nominal" not in dataset.ImageComments
    assert read_mammogram(tmp_path / "a.dcm").spacing == Spacing(0.07, 0.07, source)


@pytest.mark.parametrize(
    ("laterality", "view", "wall", "expected"),
    [
        ("L", "CC", "left", ["A", "R"]),
        ("L", "MLO", "left", ["A", "FR"]),
        ("R", "CC", "right", ["P", "L"]),
        ("R", "MLO", "right", ["P", "FL"]),
        ("R", "CC", "left", ["A", "L"]),
        ("L", "MLO", "right", ["P", "FR"]),
    ],
)
def test_orientation_states_side_view_and_pixels(
    tmp_path, make_mammogram, identity, provenance, laterality, view, wall, expected
):
    mammogram = make_mammogram(laterality, view, chest_wall=ChestWall(wall))
    dataset = write_mammogram(mammogram, tmp_path / "a.dcm", identity=identity, provenance=provenance)
    assert list(dataset.PatientOrientation) == expected
    assert complete(dataset) == []


@pytest.mark.parametrize(
    ("changes", "options", "word"),
    [
        ({"chest_wall": None}, {}, "chest wall"),
        ({"spacing": None}, {}, "spacing"),
        ({}, {"bits_stored": 11}, "8, 10, 12, 14, 16"),
        ({}, {"transfer_syntax": "jpeg"}, "jpeg-ls, native, deflated, rle, jpeg-lossless, jpeg-2000, htj2k"),
        ({}, {"intent": "viewing"}, "intent 'viewing' is not one of presentation, processing"),
    ],
)
def test_what_is_not_known_is_not_written(tmp_path, make_mammogram, identity, provenance, changes, options, word):
    with pytest.raises(MammoError, match=word):
        write_mammogram(
            make_mammogram(**changes), tmp_path / "a.dcm", identity=identity, provenance=provenance, **options
        )
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_sentence(tmp_path, make_mammogram, identity, provenance):
    with pytest.raises(MammoError, match=r"a\.dcm could not be written: No such file"):
        write_mammogram(make_mammogram(), tmp_path / "no" / "a.dcm", identity=identity, provenance=provenance)
