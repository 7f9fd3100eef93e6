"""Mammograms as NIfTI: pixels, axes and spacing as other people's readers see them."""

from __future__ import annotations

import gzip
import time

import nibabel
import numpy as np
import pytest
import SimpleITK

from monai_mammo.dicom import read_nifti, write_nifti
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Spacing


@pytest.fixture
def mammogram(make_mammogram):
    """Rows, columns, spacing and mask are all unequal, so that no axis can be taken for another."""
    mask = np.zeros((96, 64), dtype=bool)
    mask[4:30, 8:20] = True
    return make_mammogram("L", "MLO", spacing=Spacing(0.07, 0.085, "imager"), lesion_mask=mask)


@pytest.fixture
def files(mammogram, tmp_path):
    """Paths of image and mask."""
    paths = tmp_path / "image.nii.gz", tmp_path / "mask.nii"
    write_nifti(mammogram, paths[0], mask_path=paths[1])
    return paths


def test_nothing_is_lost(mammogram, files):
    image, mask = map(read_nifti, files)
    assert image.pixels.dtype == np.float32 and mask.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.pixels, mammogram.pixels)
    np.testing.assert_array_equal(mask.pixels.astype(bool), mammogram.lesion_mask)
    assert image.spacing == mask.spacing == mammogram.spacing
    assert image.about["conditions"] == mammogram.conditions.to_dict()


def test_read_and_written_again_it_is_the_same_file(mammogram, files, tmp_path):
    back = read_nifti(files[0])
    again = mammogram.replace(pixels=back.pixels, spacing=back.spacing)
    write_nifti(again, tmp_path / "again.nii.gz")
    assert (tmp_path / "again.nii.gz").read_bytes() == files[0].read_bytes()


def test_axes_and_spacing_by_nibabel(mammogram, files):
    for path, expected in zip(files, (mammogram.pixels, mammogram.lesion_mask), strict=True):
        image = nibabel.load(path)
        np.testing.assert_array_equal(np.asanyarray(image.dataobj), expected.T)  # columns first
        np.testing.assert_allclose(image.header.get_zooms(), (0.085, 0.07), rtol=1e-7)
        assert image.header.get_xyzt_units()[0] == "mm"
        np.testing.assert_allclose(image.get_qform(), image.get_sform())
        assert image.header["descrip"].item() == b"spacing mm, source imager"


def test_axes_and_spacing_by_simpleitk(mammogram, files):
    """The same picture as from the DICOM file: x along the columns, no turn, no shift."""
    for path, expected in zip(files, (mammogram.pixels, mammogram.lesion_mask), strict=True):
        image = SimpleITK.ReadImage(str(path))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), expected)
        np.testing.assert_allclose(image.GetSpacing(), (0.085, 0.07), rtol=1e-7)
        assert image.GetDirection() == (1, 0, 0, 1) and image.GetOrigin() == (0, 0)


@pytest.mark.slow
def test_axes_and_spacing_by_monai(mammogram, files):
    from monai.transforms import EnsureChannelFirst, LoadImage, SaveImage
    from monai.transforms import Spacing as Resample

    image, mask = (LoadImage(image_only=True)(path) for path in files)
    np.testing.assert_array_equal(image.numpy().T, mammogram.pixels)
    np.testing.assert_array_equal(mask.numpy().T.astype(bool), mammogram.lesion_mask)
    np.testing.assert_allclose(np.asarray(image.pixdim)[:2], (0.085, 0.07), rtol=1e-6)
    np.testing.assert_allclose(image.affine, np.diag([-0.085, -0.07, 1, 1]), atol=1e-8)
    # a workflow that goes by millimetres finds the true size: 64 columns of 0.085 and 96 rows of 0.07 mm
    resampled = Resample(pixdim=(0.17, 0.14))(EnsureChannelFirst()(image))
    assert resampled.shape[1:] in {(32, 48), (33, 48), (32, 49), (33, 49)}
    out = files[0].parent
    SaveImage(output_dir=out, output_postfix="monai", separate_folder=False, print_log=False)(image)
    again = LoadImage(image_only=True)(out / "image_monai.nii.gz")
    np.testing.assert_array_equal(again.numpy().T, mammogram.pixels)
    np.testing.assert_allclose(again.affine, image.affine, atol=1e-7)


def test_an_unknown_spacing_is_refused_or_stated(mammogram, tmp_path):
    unknown, path = mammogram.replace(spacing=None), tmp_path / "image.nii"
    with pytest.raises(RequestError, match="unknown spacing is not written"):
        write_nifti(unknown, path)
    assert not path.exists()
    write_nifti(unknown, path, unknown_spacing="state")
    assert read_nifti(path).spacing is None
    header = nibabel.load(path).header
    assert header["descrip"].item() == b"spacing UNKNOWN, 1 is not mm"
    assert header.get_xyzt_units()[0] == "unknown"


def test_a_nominal_spacing_keeps_its_name(make_mammogram, tmp_path):
    write_nifti(make_mammogram(), tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii").spacing == Spacing(0.9, 0.8, "nominal")
    assert b"source nominal" in nibabel.load(tmp_path / "a.nii").header["descrip"].item()


def test_a_synthetic_image_says_so(mammogram, provenance, tmp_path):
    path = tmp_path / "a.nii.gz"
    write_nifti(mammogram, path, provenance=provenance)
    assert nibabel.load(path).header["descrip"].item().startswith(b"SYNTHETIC, ")
    about = read_nifti(path).about["synthetic"]
    assert "mammo_diffusion 0.1.0 sha256 " + "ab" * 32 in about["weights"]
    assert b"SYNTHETIC" in gzip.decompress(path.read_bytes())[:400]  # readable without any library


def test_equal_requests_give_equal_bytes_whatever_the_clock_and_the_name(mammogram, tmp_path):
    write_nifti(mammogram, tmp_path / "a.nii.gz")
    time.sleep(1.05)  # gzip writes the second and the name
    write_nifti(mammogram, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_nothing_of_a_person_is_in_the_file(mammogram, tmp_path):
    named = mammogram.replace(person_id="EX-0815", source="EXAMPLE_PERSON.dcm", source_sha256="00" * 32)
    named = named.replace(conditions=named.conditions.replace(text="Mrs Example has a lump"))
    write_nifti(named, tmp_path / "a.nii")
    data = (tmp_path / "a.nii").read_bytes()
    assert not any(words in data for words in (b"EX-0815", b"EXAMPLE", b"Example"))


def test_wrong_requests_and_files_are_one_sentence(mammogram, make_mammogram, tmp_path, files):
    with pytest.raises(RequestError, match=r"image.png does not end on .nii or .nii.gz"):
        write_nifti(mammogram, tmp_path / "image.png")
    with pytest.raises(RequestError, match="no lesion mask"):
        write_nifti(make_mammogram(), tmp_path / "a.nii", mask_path=tmp_path / "m.nii")
    with pytest.raises(RequestError, match="not one of refuse, state"):
        write_nifti(mammogram, tmp_path / "a.nii", unknown_spacing="guess")
    (tmp_path / "note.nii").write_text("no NIfTI")
    other = nibabel.Nifti1Image(np.zeros((9, 9), np.float32), np.eye(4))
    nibabel.save(other, tmp_path / "other.nii")
    (tmp_path / "half.nii.gz").write_bytes(files[0].read_bytes()[:300])
    for name in ("note.nii", "other.nii", "half.nii.gz"):
        with pytest.raises(MammoError, match=f"{name} is not a NIfTI file by write_nifti"):
            read_nifti(tmp_path / name)
    with pytest.raises(MammoError, match="No such file"):
        read_nifti(tmp_path / "absent.nii")
    assert not (tmp_path / "a.nii").exists()
