"""A run as NIfTI: written by `generate`, read back, looked after by `verify`."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from monai_mammo.cli.main import main
from monai_mammo.dicom import read_nifti
from monai_mammo.generation import OutputFormat, generate, verify
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.runs.manifest_seal import sealed

FILES = {
    "mammogram.nii.gz",
    "lesion.nii.gz",
    "mammogram.png",
    "lesion.png",
    "conditions.json",
    "prepared.npy",
    "prepared_lesion.npy",
    "prepared_breast.png",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory, tiny_folder, drawn_generator):
    """Two drawn mammograms of a left and a right breast; not to be changed."""
    folder = tmp_path_factory.mktemp("nifti")
    (folder / "r.csv").write_text("kind,density,view,finding,laterality\ndigital,C,CC,mass,L\ndigital,C,MLO,mass,R\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
        patch.setattr(Generator, "load", lambda *_, **__: drawn_generator)
        words = ["generate", "--conditions", str(folder / "r.csv"), "--format", "nifti", "--out", str(folder / "run")]
        assert main([*words, "--quiet"]) == 0
        before = {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()}
        generate(conditions=folder / "r.csv", format=OutputFormat.NIFTI, out=folder / "again")
        for path, data in before.items():
            if path.name != "manifest.json":  # it holds times
                assert (folder / "again" / path.relative_to(folder / "run")).read_bytes() == data
    return folder / "run"


@pytest.fixture
def run(sound, tmp_path):
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "run"))


def restate(run, name):
    """Make the manifest state a changed file of the first sample, so that only its content gives it away."""
    manifest = json.loads((run / "manifest.json").read_text())
    path = run / "sample_0000" / name
    manifest["samples"][0]["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (run / "manifest.json").write_text(json.dumps(sealed(manifest)))


def change(run, name, function):
    """Apply a function to the array of a NIfTI file."""
    path = run / "sample_0000" / name
    image = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(function(np.asarray(image.dataobj)), image.affine, image.header), path)
    restate(run, name)


def test_a_run_holds_what_its_previews_show(sound):
    for sample in ("sample_0000", "sample_0001"):
        assert {path.name for path in (sound / sample).iterdir()} == FILES
        mammogram, mask = (read_nifti(sound / sample / f"{name}.nii.gz") for name in ("mammogram", "lesion"))
        preview = np.asarray(Image.open(sound / sample / "mammogram.png")) / 255
        lesion = np.asarray(Image.open(sound / sample / "lesion.png")) > 127
        assert mammogram.pixels.dtype == np.float32
        assert np.abs(mammogram.pixels - preview).max() <= 0.5 / 255 + 1e-6
        assert lesion.any() and np.array_equal(mask.pixels > 0, lesion)
        assert mammogram.spacing == mask.spacing and mammogram.spacing.source == "nominal"
        stated = json.loads((sound / sample / "conditions.json").read_text())
        assert mammogram.about["conditions"] == {**stated, "text": None} or mammogram.about["conditions"] == stated
        assert "mammo_diffusion" in mammogram.about["synthetic"]["weights"][0]


def test_sides_are_where_readers_expect_them(sound):
    for sample, is_left in (("sample_0000", True), ("sample_0001", False)):
        pixels = read_nifti(sound / sample / "mammogram.nii.gz").pixels
        assert ((pixels[:, :8] > 0).mean() > (pixels[:, -8:] > 0).mean()) == is_left


def test_monai_loads_image_and_mask_on_one_grid(sound):
    from monai.transforms import LoadImaged

    sample = sound / "sample_0001"
    keys = {"image": str(sample / "mammogram.nii.gz"), "label": str(sample / "lesion.nii.gz")}
    loaded = LoadImaged(keys=("image", "label"), image_only=False)(keys)
    expected = read_nifti(sample / "mammogram.nii.gz")
    np.testing.assert_array_equal(np.asarray(loaded["image"]).squeeze(), expected.pixels.T)
    assert loaded["image"].shape == loaded["label"].shape
    zooms = np.abs(np.diag(np.asarray(loaded["image"].affine)))[:2]
    np.testing.assert_allclose(zooms, [expected.spacing.column_mm, expected.spacing.row_mm], rtol=1e-6)


def test_a_run_in_order_verifies(sound):
    report = verify(sound)
    assert (report.problems, report.notes, report.n_sides_read) == ((), (), 2)


@pytest.mark.parametrize(
    ("name", "function", "sentence"),
    [
        ("mammogram.nii.gz", lambda pixels: pixels[::-1], "another one than mammogram.png"),
        ("mammogram.nii.gz", lambda pixels: pixels[::-1], "the pixels show the chest wall right"),
        ("mammogram.nii.gz", lambda pixels: pixels[:-1], "another one than mammogram.png"),
        ("lesion.nii.gz", lambda mask: mask * 0, "lesion.nii.gz and lesion.png show different lesions"),
        ("lesion.nii.gz", lambda mask: mask[:, :-1], "lesion.nii.gz and lesion.png show different lesions"),
    ],
)
def test_a_changed_picture_or_mask_is_found(run, name, function, sentence):
    change(run, name, function)
    assert any(sentence in problem for problem in verify(run).problems)


def test_a_file_that_is_not_ours_and_other_conditions_are_found(run):
    path = run / "sample_0000" / "mammogram.nii.gz"
    data = path.read_bytes()
    shutil.copy(run / "sample_0001" / "mammogram.nii.gz", path)
    restate(run, "mammogram.nii.gz")
    assert any("its conditions are not those of the manifest" in problem for problem in verify(run).problems)
    path.write_bytes(data[:100])
    restate(run, "mammogram.nii.gz")
    assert any("the NIfTI files cannot be read" in problem for problem in verify(run).problems)


def test_another_spacing_is_found(run):
    import gzip

    path = run / "sample_0000" / "mammogram.nii.gz"
    plain = gzip.decompress(path.read_bytes())
    assert b'"source":"nominal"' in plain
    path.write_bytes(gzip.compress(plain.replace(b'"source":"nominal"', b'"source":"unknown"')))
    restate(run, "mammogram.nii.gz")
    assert verify(run).problems


def test_the_formats_are_a_closed_list(tmp_path, capsys):
    assert main(["generate", "--format", "nrrd", "--out", str(tmp_path / "run")]) == 2
    assert "format 'nrrd' is not one of dicom, nifti, png" in capsys.readouterr().err
