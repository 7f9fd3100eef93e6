"""Written mammograms of every side, view, depth and lossless transfer syntax before other people's judges.

Two hundred objects are many: the unmarked test takes every tenth one, so that each side, view, depth and transfer
syntax is among them, the slow one all.
"""

from __future__ import annotations

import itertools

import dicom_encoders
import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_tools import UNKNOWN_TO_DCIODVFY, cells_by_dcmtk, errors_of, native_copy
from pydicom import uid

from monai_mammo.dicom import complete, read_mammogram, write_mammogram
from monai_mammo.dicom.writing.encode import TRANSFER_SYNTAXES
from monai_mammo.dicom.writing.greyscale import BITS_STORED
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.study import Spacing
from monai_mammo.terms import ChestWall

SYNTAXES = tuple(s for s in dicom_encoders.LOSSLESS if s != uid.HTJ2KLosslessRPCL)
ALL = list(itertools.product("LR", ("CC", "MLO"), BITS_STORED, SYNTAXES))
# a step of 9 is coprime to 5 depths, 10 transfer syntaxes, 2 views and 2 sides, so that all of them turn up
SHARE = [ALL[(9 * index) % len(ALL)] for index in range(20)]
NAMES = {syntax: name for name, syntax in TRANSFER_SYNTAXES.items()}


def named(case):
    laterality, view, bits, syntax = case
    return f"{laterality}{view}-{bits}-{uid.UID(syntax).name.split('(')[0].strip().replace(' ', '_')[:40]}"


def wall_of(cells):
    """Edge at which the picture is bright: the chest wall of a breast on dark air."""
    third = cells.shape[1] // 3
    return ChestWall.LEFT if cells[:, :third].mean() > cells[:, -third:].mean() else ChestWall.RIGHT


@pytest.fixture
def check(tmp_path, make_mammogram, identity, provenance):
    """Write one object in a transfer syntax, by the product where it can, and show it to all judges."""

    def transcoded(mammogram, bits, syntax):
        dataset = mammogram_dataset(mammogram, identity=identity, provenance=provenance, bits_stored=bits)
        cells = dataset.pixel_array.astype(np.int64)
        del dataset.PixelData
        if syntax in dicom_encoders.NATIVE:
            order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
            data = dicom_encoders.native(cells, bits, order=order)
            return dicom_encoders.with_pixels(dataset, data, syntax=syntax)
        return dicom_encoders.with_frame(dataset, dicom_encoders.frame(cells, syntax=syntax, bits=bits), syntax=syntax)

    def all_judges(case):
        laterality, view, bits, syntax = case
        # odd sizes, so that 8-bit pixels need a padding byte
        mammogram = make_mammogram(laterality, view, shape=(33, 21), spacing=Spacing(0.07, 0.085, "imager"))
        path = tmp_path / "object.dcm"
        if syntax in NAMES:
            options = {"bits_stored": bits, "transfer_syntax": NAMES[syntax]}
            write_mammogram(mammogram, path, identity=identity, provenance=provenance, **options)
        else:
            path.write_bytes(transcoded(mammogram, bits, syntax))
        expected = np.rint(mammogram.pixels.astype(np.float64) * (2**bits - 1)).astype(np.uint16)

        dataset = pydicom.dcmread(path)
        assert dataset.file_meta.TransferSyntaxUID == syntax
        judged = native_copy(path) if syntax in UNKNOWN_TO_DCIODVFY else path
        assert errors_of(judged, kind="MammographyImage") == []

        image = SimpleITK.ReadImage(str(path))
        cells = SimpleITK.GetArrayFromImage(image)[0]
        np.testing.assert_array_equal(cells, expected)
        assert image.GetSpacing()[:2] == (0.085, 0.07)  # x, y
        by_dcmtk = cells_by_dcmtk(path)
        assert (by_dcmtk is None) == (syntax in (uid.JPEG2000Lossless, uid.HTJ2KLossless))
        if by_dcmtk is not None:
            np.testing.assert_array_equal(by_dcmtk, expected)

        assert complete(dataset, chest_wall=wall_of(cells)) == []
        back = read_mammogram(path)
        np.testing.assert_array_equal(np.rint(back.pixels.astype(np.float64) * (2**bits - 1)), expected)
        assert back.conditions == mammogram.conditions and back.spacing == mammogram.spacing
        if syntax in NAMES:  # read, write: the same file
            again = tmp_path / "again.dcm"
            back = back.replace(chest_wall=mammogram.chest_wall)
            write_mammogram(back, again, identity=identity, provenance=provenance, **options)
            assert again.read_bytes() == path.read_bytes()

    return all_judges


def test_the_share_has_all_sides_views_depths_and_transfer_syntaxes():
    assert len(ALL) == 200 and len(set(SHARE)) == 20
    for part, values in enumerate(("LR", ("CC", "MLO"), BITS_STORED, SYNTAXES)):
        assert {case[part] for case in SHARE} == set(values)
    assert set(TRANSFER_SYNTAXES.values()) < set(SYNTAXES)


@pytest.mark.parametrize("case", SHARE, ids=named)
def test_judges_accept_an_object(check, case):
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=named)
def test_judges_accept_all_200(check, case):
    check(case)


@pytest.mark.parametrize(("laterality", "view"), list(itertools.product("LR", ("CC", "MLO"))))
def test_planted_contradictions_of_side_and_view_are_found(make_mammogram, identity, provenance, laterality, view):
    """dciodvfy accepts all of these: PatientOrientation, ImageLaterality, view and pixels are compared by us."""
    mammogram = make_mammogram(laterality, view)

    def sentences(plant):
        dataset = mammogram_dataset(mammogram, identity=identity, provenance=provenance)
        plant(dataset)
        return complete(dataset, chest_wall=wall_of(dataset.pixel_array))

    def mirror(dataset):
        dataset.PixelData = dataset.pixel_array[:, ::-1].tobytes()

    def turn_over(dataset):
        row, column = dataset.PatientOrientation
        dataset.PatientOrientation = ["P" if row == "A" else "A", column]

    def other_side(dataset):
        dataset.ImageLaterality = "R" if laterality == "L" else "L"

    def other_view(dataset):
        other = "MLO" if view == "CC" else "CC"
        dataset.ViewPosition = other
        dataset.ViewCodeSequence[0].CodeValue = {"MLO": "399368009", "CC": "399162004"}[other]

    def other_position(dataset):
        dataset.ViewPosition = "MLO" if view == "CC" else "CC"

    def other_sternum(dataset):
        letters = str(dataset.PatientOrientation[1]).translate(str.maketrans("LR", "RL"))
        dataset.PatientOrientation = [dataset.PatientOrientation[0], letters]

    assert sentences(lambda dataset: None) == []
    assert any("the pixels show it" in s for s in sentences(mirror))
    assert any("the pixels show it" in s for s in sentences(turn_over))
    assert sentences(other_side) == ["PatientOrientation does not fit ImageLaterality and view."]
    assert sentences(other_view) == ["PatientOrientation does not fit ImageLaterality and view."]
    assert sentences(other_position) == ["ViewPosition and ViewCodeSequence name different views."]
    assert sentences(other_sternum) == ["PatientOrientation does not fit ImageLaterality and view."]


@pytest.mark.parametrize("bits", BITS_STORED)
def test_an_image_for_processing_has_no_window(tmp_path, make_mammogram, identity, provenance, bits):
    path = tmp_path / "raw.dcm"
    mammogram = make_mammogram("R", "MLO", shape=(33, 21))
    write_mammogram(mammogram, path, identity=identity, provenance=provenance, bits_stored=bits, intent="processing")
    dataset = pydicom.dcmread(path)
    assert dataset.SOPClassUID == uid.DigitalMammographyXRayImageStorageForProcessing
    assert dataset.PresentationIntentType == "FOR PROCESSING"
    assert not {"WindowCenter", "WindowWidth", "VOILUTFunction"} & set(dataset.dir())
    assert errors_of(path, kind="MammographyImageForProcessing") == []
    assert complete(dataset, chest_wall=ChestWall.RIGHT) == []
    expected = np.rint(mammogram.pixels.astype(np.float64) * (2**bits - 1))
    np.testing.assert_array_equal(dataset.pixel_array, expected)
    shown = mammogram_dataset(mammogram, identity=identity, provenance=provenance, bits_stored=bits)
    assert shown.StudyInstanceUID == dataset.StudyInstanceUID
    assert shown.SeriesInstanceUID != dataset.SeriesInstanceUID  # both may lie in one archive
    assert shown.SOPInstanceUID != dataset.SOPInstanceUID


@pytest.mark.parametrize("name", TRANSFER_SYNTAXES)
@pytest.mark.parametrize("bits", BITS_STORED)
def test_noise_over_the_whole_range_and_the_smallest_picture_come_back(
    tmp_path, make_mammogram, identity, provenance, name, bits
):
    """Oracle: pydicom with its own choice of decoder; noise leaves no code of an entropy coder unused."""
    top = 2**bits - 1
    cells = np.random.default_rng(bits).integers(0, top, (8, 9), endpoint=True)
    cells[0, :2] = 0, top
    mammogram = make_mammogram(pixels=(cells / top).astype(np.float32))
    options = {"bits_stored": bits, "transfer_syntax": name}
    write_mammogram(mammogram, tmp_path / "a.dcm", identity=identity, provenance=provenance, **options)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == identity.uid("instance")
    if name == "jpeg-lossless":  # pydicom has no plugin for it without GPL or gdcm
        stored = np.rint(read_mammogram(tmp_path / "a.dcm").pixels.astype(np.float64) * top)
    else:
        stored = dataset.pixel_array
    np.testing.assert_array_equal(stored, cells)
