"""Reconstruction figures against closed forms and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from monai_mammo.evaluation.reconstruction_quality import (
    _image_figures,
    bicubic_round_trip,
    reconstruction_figures,
    region_masks,
    same_count_shape,
)

SHAPE = (64, 48)
BREAST = np.zeros(SHAPE, dtype=bool)
BREAST[8:56, :36] = True


def item(*boxes):
    return {"breast": BREAST, "boxes": [list(b) for b in boxes], "conditions": {}, "image_id": "drawn"}


def test_psnr_of_a_constant_error_and_of_each_region():
    """An error of 0.1 is 20 dB; twice as large an error in the lesion is 6.02 dB less there."""
    image = np.full(SHAPE, 0.4, dtype=np.float32)
    result = image + np.float32(0.1)
    result[16:32, 12:24] += np.float32(0.1)
    found = _image_figures(image, result, image, item((0.25, 0.25, 0.5, 0.5)))
    assert found["lesion boxes", "psnr"] == pytest.approx(20 - 20 * np.log10(2), abs=1e-4)
    n_breast, n_lesion = BREAST.sum(), 16 * 12
    in_breast = (n_lesion * 0.04 + (n_breast - n_lesion) * 0.01) / n_breast
    assert found["breast", "psnr"] == pytest.approx(-10 * np.log10(in_breast), abs=1e-4)
    whole = (n_lesion * 0.04 + (64 * 48 - n_lesion) * 0.01) / (64 * 48)
    assert found["whole image", "psnr"] == pytest.approx(-10 * np.log10(whole), abs=1e-4)
    assert found["whole image", "psnr_bicubic"] == 100, "no error at all counts as 100 dB"
    assert found["breast", "psnr_gain"] == pytest.approx(found["breast", "psnr"] - 100)


def test_ssim_is_that_of_scikit_image():
    rng = np.random.default_rng(0)
    image = rng.random(SHAPE, dtype=np.float32)
    result = np.clip(image + 0.1 * rng.standard_normal(SHAPE, dtype=np.float32), 0, 1)
    settings = {"data_range": 1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    mean, similarity = structural_similarity(image.astype(float), result.astype(float), full=True, **settings)
    found = _image_figures(image, result, image, item((0.25, 0.25, 0.5, 0.5)))
    assert found["whole image", "ssim"] == pytest.approx(mean, abs=1e-9)
    assert found["breast", "ssim"] == pytest.approx(similarity[BREAST].mean(), abs=1e-9)
    assert found["lesion boxes", "ssim"] == pytest.approx(similarity[16:32, 12:24].mean(), abs=1e-9)


def test_small_boxes_count_for_psnr_alone_and_overlapping_ones_once():
    six = (0.25, 0.25, 0.25 + 6 / 48, 0.5)
    pixels, window = region_masks(item(six), SHAPE)["lesion boxes"]
    assert pixels.sum() == 6 * 16 and not window.any()
    found = _image_figures(np.zeros(SHAPE), np.full(SHAPE, 0.1), np.zeros(SHAPE), item(six))
    assert ("lesion boxes", "psnr") in found and ("lesion boxes", "ssim") not in found
    seven = (0.25, 0.25, 0.25 + 7 / 48, 0.5)
    pixels, window = region_masks(item(six, seven), SHAPE)["lesion boxes"]
    assert (pixels == window).all() and pixels.sum() == 7 * 16
    pixels, _ = region_masks({**item(), "conditions": {"box": list(six)}}, SHAPE)["lesion boxes"]
    assert pixels.sum() == 6 * 16


@pytest.mark.parametrize(
    ("shape", "n_values", "expected"),
    [
        ((256, 192), 12288, (128, 96)),
        ((256, 192), 6144, (91, 68)),
        ((64, 48), 4 * 16 * 12, (32, 24)),
        ((8, 8), 99, (8, 8)),
    ],
)
def test_the_yardstick_holds_as_many_values_as_the_latent(shape, n_values, expected):
    assert same_count_shape(shape, n_values) == expected


def test_the_round_trip_keeps_what_is_smooth_and_folds_nothing_back():
    """Waves of 0.375 a pixel lie above what half the pixels can hold: they vanish, and do not come back as others."""
    y, x = np.mgrid[:64, :48]
    smooth = (0.5 + 0.3 * np.sin(y / 10) * np.cos(x / 8)).astype(np.float32)
    back = bicubic_round_trip(smooth, (32, 24))
    assert np.abs(back - smooth)[4:-4, 4:-4].max() < 0.01
    waves = (0.5 + 0.4 * np.cos(2 * np.pi * 0.375 * x)).astype(np.float32)
    # without the filter 0.25 remains of 0.4
    assert bicubic_round_trip(waves, (32, 24))[8:-8, 8:-8] == pytest.approx(0.5, abs=0.05)


def test_figures_of_a_split(datalist):
    """The tiny autoencoder's figures are those of its own reconstructions."""
    found = reconstruction_figures(datalist, device="cpu")
    assert found["settings"]["latent_values"] == 4 * 16 * 12
    assert found["settings"]["bicubic_shape"] == [32, 24]
    rows = {(row["kind"], row["region"]): row for row in found["rows"]}
    assert {kind for kind, _ in rows} == {"film", "digital", "contrast", "all"}
    assert rows["all", "breast"]["psnr"]["n"] == 6
    assert rows["digital", "lesion boxes"]["psnr"]["n"] == 1, "one of the two shows no lesion"
    by_kind = [rows[kind, "breast"]["psnr"]["mean"] for kind in ("film", "digital", "contrast")]
    assert rows["all", "breast"]["psnr"]["mean"] == pytest.approx(np.mean(by_kind), abs=1e-3)
    for row in found["rows"]:
        assert row["psnr_gain"]["mean"] == pytest.approx(row["psnr"]["mean"] - row["psnr_bicubic"]["mean"], abs=1e-3)
    assert found["bundles"][0]["sha256"] and found["data"]["n_persons"] == 3
    assert reconstruction_figures(datalist, split="external", device="cpu")["name"] == "reconstruction_external"
