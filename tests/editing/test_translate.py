"""Another acquisition of the breast of a file: drawn at the file's own size, its lesion kept, all else untouched."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, errors_of
from PIL import Image
from scipy import ndimage
from tiny_bundles import write_tiny_bundles, write_view_translator

import monai_mammo
from monai_mammo.cli.main import main
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.png import png_bytes
from monai_mammo.generation.second_view import NOT_MEASURED
from monai_mammo.terms import Modality

WORDS = {"to": "contrast", "seed": 5, "steps": 1}


@pytest.fixture(scope="session")
def folder_of_pairs(tmp_path_factory):
    """Folder with the tiny bundles, the generator's with a translator of digital and contrast views."""
    folder = tmp_path_factory.mktemp("translator_bundles")
    write_view_translator(write_tiny_bundles(folder)["mammo_diffusion"])
    return folder


@pytest.fixture
def translator(folder_of_pairs, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder_of_pairs))
    return folder_of_pairs


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


def test_a_dicom_file_becomes_a_derived_one_that_is_new_in_the_breast_alone(translator, scanned, drawn, tmp_path):
    source = scanned()
    run = monai_mammo.translate(source, out=tmp_path / "run", kind="digital", box="0.2,0.4,0.4,0.5", **WORDS)
    folder, entry = run.folder / "sample_0000", run.samples[0]
    before, after = values_of(source), values_of(folder / "edited.dcm")
    changed = values_of(folder / "changed.png") > 0
    assert np.array_equal(before != after, changed) and changed.sum() > 1000
    air = ~ndimage.binary_dilation(drawn.pixels > 0, iterations=3)
    assert air.sum() > 10_000 and np.array_equal(before[air], after[air])
    requested = values_of(folder / "requested.png") > 0
    rows, columns = np.flatnonzero(requested.any(axis=1)), np.flatnonzero(requested.any(axis=0))
    assert (rows[0], rows[-1] + 1) == (128, 160) and (columns[0], columns[-1] + 1) == (48, 96)
    edited, acquired = pydicom.dcmread(folder / "edited.dcm"), pydicom.dcmread(source)
    assert edited.DerivationCodeSequence[0].CodeValue == "translated"
    assert edited.SyntheticData == "YES" and list(edited.ImageType)[0] == "DERIVED"
    assert (edited.BitsStored, edited.PhotometricInterpretation) == (
        acquired.BitsStored,
        acquired.PhotometricInterpretation,
    )
    assert NOT_MEASURED[Modality.CONTRAST] in edited.ImageComments
    assert errors_of(folder / "edited.dcm", kind="MammographyImage") == []
    assert errors_between(source, folder / "edited.dcm", folder / "lesion.seg.dcm") == []
    assert json.loads((folder / "conditions.json").read_text())["kind"] == "contrast"
    assert entry["translated"]["from"] == "digital" and entry["translated"]["to"] == "contrast"
    assert monai_mammo.verify(run.folder).problems == ()


def test_the_lesion_reaches_the_drawing_and_chance_is_the_seeds_alone(translator, picture, tmp_path):
    def drawn(name, **changes):
        run = monai_mammo.translate(picture, out=tmp_path / name, kind="digital", **{**WORDS, **changes})
        return values_of(run.folder / "sample_0000" / "edited.png")

    first = drawn("a")
    assert monai_mammo.translate(picture, out=tmp_path / "a", kind="digital", **WORDS).n_made == 0
    assert not np.array_equal(first, drawn("c", seed=6))
    assert not np.array_equal(first, drawn("d", box="0.2,0.4,0.4,0.5"))
    both = monai_mammo.translate(picture, out=tmp_path / "two", kind="digital", count=2, **WORDS)
    one, other = (values_of(both.folder / f"sample_000{k}" / "edited.png") for k in (0, 1))
    assert np.array_equal(one, first) and not np.array_equal(other, first)


def test_requests_that_are_not_carried_out(translator, painter_folder, picture, scanned, tmp_path, monkeypatch):
    for words, said in (
        ({"kind": "contrast", "to": "contrast"}, "is a contrast view as it is"),
        ({"kind": "film"}, "trained with pairs of digital, contrast, and not of film"),
        ({}, "does not state its kind"),
        ({"kind": "digital", "to": "ultrasound"}, "no open paired data"),
        ({"kind": "digital", "to": "x-ray"}, "not one of digital, contrast, ultrasound, biopsy"),
        ({"kind": "digital", "box": "0.9,0.9,0.95,0.95"}, "lies outside the breast"),
    ):
        out = tmp_path / f"refused_{len(list(tmp_path.iterdir()))}"
        with pytest.raises(RequestError, match=said):
            monai_mammo.translate(picture, out=out, **{**WORDS, **words})
        assert not list(out.glob("sample_*"))
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(painter_folder))
    with pytest.raises(RequestError, match="has no weights of a translator"):
        monai_mammo.translate(picture, out=tmp_path / "none", kind="digital", **WORDS)


def test_a_bad_file_among_several_costs_itself_alone(translator, picture, tmp_path, capsys):
    (tmp_path / "black.png").write_bytes(png_bytes(np.zeros((64, 48), dtype=np.uint16)))
    files = [str(picture), str(tmp_path / "black.png")]
    with pytest.raises(MammoError, match="1 of 2 images were not edited"):
        monai_mammo.translate(files, out=tmp_path / "run", kind="digital", **WORDS)
    assert [one.name for one in sorted((tmp_path / "run").glob("sample_*"))] == ["sample_0000"]
    command = ["translate", files[0], "--kind", "digital", "--seed", "5", "--steps", "1", "--out", str(tmp_path / "c")]
    assert main(command) == 2 and "--to" in capsys.readouterr().err
    assert main([*command, "--to", "contrast"]) == 0
    assert NOT_MEASURED[Modality.CONTRAST] in capsys.readouterr().err


def test_what_is_no_mammogram_is_written_as_a_picture(scanned, tmp_path, monkeypatch):
    write_view_translator(write_tiny_bundles(tmp_path / "own")["mammo_diffusion"], ("digital", "ultrasound", "biopsy"))
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path / "own"))
    for to in ("ultrasound", "biopsy"):
        run = monai_mammo.translate(scanned(), out=tmp_path / to, kind="digital", to=to, seed=5, steps=1)
        folder = run.folder / "sample_0000"
        assert (folder / "edited.png").is_file() and not list(folder.glob("*.dcm"))
        assert "kind" not in run.samples[0]["conditions"]
        assert monai_mammo.verify(run.folder).problems == ()
