"""Reconstructions beside their images, with figures of a known scale."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation import reconstruct
from monai_mammo.measures.similarity import psnr, ssim_map
from monai_mammo.phantom import draw_mammogram

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def picture(tmp_path):
    """A drawn right breast as PNG, with a JSON file beside it."""
    asked = Conditions(kind="digital", view="MLO", laterality="R", density="B", finding="mass", birads=4)
    drawn = draw_mammogram(asked, seed=1, shape=(128, 96))
    path = tmp_path / "one.png"
    Image.fromarray(np.rint(drawn.pixels * 255).astype(np.uint8)).save(path)
    path.with_suffix(".json").write_text(drawn.conditions.to_json())
    return path


def test_psnr_has_peak_one():
    image = np.zeros((16, 16))
    assert psnr(image, image + 0.1) == pytest.approx(20)
    assert psnr(image, image) == math.inf
    where = np.zeros((16, 16), bool)
    where[:, :8] = True
    assert psnr(image, np.where(where, 0.01, 0.5), where) == pytest.approx(40)


def test_ssim_of_equal_and_of_constant_pictures():
    rng = np.random.default_rng(0)
    image = rng.random((32, 32))
    assert ssim_map(image, image) == pytest.approx(1)
    # two constants: (2ab + c1) / (a^2 + b^2 + c1) with c1 = 0.01^2
    flat = ssim_map(np.full((32, 32), 0.2), np.full((32, 32), 0.4))
    assert flat == pytest.approx((2 * 0.08 + 1e-4) / (0.04 + 0.16 + 1e-4), rel=1e-6)


def test_a_folder_and_a_row_for_each_image(picture, tmp_path):
    report = reconstruct([picture, picture], out=tmp_path / "out")
    rows = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert [row["name"] for row in rows] == ["one", "one_2"]
    assert tuple(rows) == report.rows and report.not_read == ()
    for row in rows:
        pictures = {
            n: np.asarray(Image.open(tmp_path / "out" / row["name"] / f"{n}.png"))
            for n in ("image", "reconstruction", "difference")
        }
        assert {p.shape for p in pictures.values()} == {(64, 48)}
        image, result = (pictures[n].astype(float) / 255 for n in ("image", "reconstruction"))
        assert row["psnr_whole"] == pytest.approx(psnr(image, result), abs=0.2)  # previews are rounded to 8 bit
        wanted = np.clip(np.rint(127.5 + 2 * (result - image) * 255), 0, 255)
        assert np.abs(pictures["difference"] - wanted).max() <= 3
        assert all(
            row[f"{figure}_{place}"] is not None
            for figure in ("psnr", "ssim")
            for place in ("whole", "breast", "lesion_box")
        )


def test_a_file_that_is_no_mammogram_costs_only_itself(picture, tmp_path):
    (tmp_path / "bad.dcm").write_bytes(b"nothing")
    report = reconstruct([tmp_path / "bad.dcm", picture], out=tmp_path / "out")
    assert len(report.rows) == 1 and "bad.dcm" in report.not_read[0]


def test_bad_places_are_request_errors(picture, tmp_path):
    with pytest.raises(RequestError, match="one image at least"):
        reconstruct([], out=tmp_path / "out")
    with pytest.raises(RequestError, match="is a file"):
        reconstruct(picture, out=picture)
    with pytest.raises(RequestError, match="neither a folder nor one of"):
        reconstruct(picture, out=tmp_path / "out", autoencoder="nix")


def test_a_folder_with_other_things_is_refused_and_one_of_its_own_gone_on_with(picture, tmp_path):
    out = tmp_path / "other"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="other"):
        reconstruct(picture, out=out)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
    own = tmp_path / "own"
    reconstruct(picture, out=own)
    (own / "figures.json").unlink()  # as a call that was stopped leaves it
    assert len(reconstruct(picture, out=own).rows) == len(reconstruct(picture, out=own).rows) == 1
