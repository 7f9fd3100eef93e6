"""A few attributes from the head of a file, and files that have none to give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts.cbis_ddsm import Picture, write_dicom
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.dicom.reading.header import read_header
from monai_mammo.dicom.reading.stored_pixels import read_stored_pixels
from monai_mammo.study import StoredImage

KEYWORDS = ("PatientID", "SeriesInstanceUID", "SeriesDescription", "StudyDescription")
PIXELS = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 54


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.dcm"
    picture = Picture(
        patient_id="Mass-Test_P_00001_LEFT_CC",
        study_uid="1.2.3",
        series_uid="1.2.3.4",
        number=0,
        description="cropped images",
        pixels=PIXELS,
    )
    write_dicom(path, picture)
    return path


def test_values_come_back_and_absent_ones_are_empty(file: Path):
    assert read_header(file, KEYWORDS) == {
        "PatientID": "Mass-Test_P_00001_LEFT_CC",
        "SeriesInstanceUID": "1.2.3.4",
        "SeriesDescription": "cropped images",
        "StudyDescription": "",
    }


def test_only_the_head_of_the_file_is_looked_at(file: Path):
    whole = read_header(file, KEYWORDS)
    file.write_bytes(file.read_bytes()[:-2000])
    assert read_header(file, KEYWORDS) == whole


def test_files_without_a_header_have_a_code(file: Path, tmp_path: Path):
    assert read_header(tmp_path / "nowhere", KEYWORDS).reason == "unreadable"
    (tmp_path / "text").write_text("no DICOM" * 100)
    assert read_header(tmp_path / "text", KEYWORDS).reason == "not_dicom"
    dataset = dcmread(file)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    assert isinstance(read_header(tmp_path / "deflated.dcm", KEYWORDS), Skipped)


@pytest.mark.parametrize("seed", range(40))
def test_mutants_end_with_values_or_a_code(file: Path, seed: int):
    random = np.random.default_rng(seed)
    data = bytearray(file.read_bytes())
    for place in random.integers(132, len(data) - PIXELS.nbytes, size=8):
        data[place] = random.integers(256)
    file.write_bytes(bytes(data[: random.integers(140, len(data))]))
    assert isinstance(read_header(file, KEYWORDS), (dict, Skipped, Failed))


def test_cells_are_given_as_they_are_stored(file: Path):
    stored = read_stored_pixels(file)
    assert isinstance(stored, StoredImage) and np.array_equal(stored.pixels, PIXELS)
    assert np.array_equal(np.round(stored.brightness() * 65535).astype(np.uint16), PIXELS)
    file.write_bytes(file.read_bytes()[:-2000])
    assert read_stored_pixels(file).reason == "damaged"
