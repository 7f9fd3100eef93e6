"""Power of texture: fields of a known spectrum, and pictures whose smoothing is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monai_mammo.cli.main import main
from monai_mammo.evaluation import intervals, texture_power
from monai_mammo.evaluation.tables import markdown_table

WHOLE = np.ones((256, 192), dtype=bool)


def field(beta, seed=0, shape=(256, 192)):
    """Gaussian noise with a power of 1 / f**beta, f in cycles a pixel (0.5: 1)."""
    rng = np.random.default_rng(seed)
    f = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij"))
    f[0, 0] = 1
    return np.real(np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) * (2 * f) ** (-beta / 2)))


def test_white_noise_has_its_variance_at_each_frequency():
    power = np.mean([texture_power.power_spectrum(field(0, seed) * 0.05, WHOLE)[1] for seed in range(8)], axis=0)
    assert power == pytest.approx(0.05**2, rel=0.05)


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_the_exponent_of_a_power_law_is_found(beta):
    spectra = [texture_power.power_spectrum(field(beta, seed), WHOLE) for seed in range(8)]
    found = [texture_power.spectral_exponent(*spectrum) for spectrum in spectra]
    assert np.mean(found) == pytest.approx(beta, abs=0.15)  # the window's own lobe takes 0.1 of a steep law


def test_smoothing_shows_as_the_gain_of_its_filter():
    """Mean of each pixel and its right and lower neighbours: 4 factors of a known gain (cos of half the angle)."""
    image = field(0, 3, (512, 512))
    smooth = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) + np.roll(image, (1, 1), (0, 1))) / 4
    whole = np.ones(image.shape, dtype=bool)
    frequency, before = texture_power.power_spectrum(image, whole)
    _, after = texture_power.power_spectrum(smooth, whole)
    rows, columns = np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32))
    gain = np.cos(np.pi * rows) ** 2 * np.cos(np.pi * columns) ** 2
    radius = np.rint(32 * np.hypot(rows, columns))
    expected = np.array([gain[radius == step].mean() for step in range(2, 17)])
    assert after / before == pytest.approx(expected, abs=0.03)
    assert frequency[0] == 2 / 32 and frequency[-1] == 0.5


def test_only_tiles_inside_the_breast_count():
    image, breast = field(0, 1) * 0.05, np.zeros((256, 192), dtype=bool)
    breast[64:192, 0:68] = True
    inside = texture_power.power_spectrum(image, breast)[1]
    loud = np.where(breast, image, 10 * image)
    assert np.array_equal(texture_power.power_spectrum(loud, breast)[1], inside)
    breast[:, 35:] = False
    assert texture_power.power_spectrum(image, breast) is None


def test_differences_know_the_uncertainty_of_both():
    values = np.random.default_rng(4).random(50)
    found = intervals.difference_of_means(values + 0.5, values)
    assert found["mean"] == 0.5 and found["low"] < 0.5 < found["high"] and found["n"] == 50
    assert found["high"] - found["low"] > 0.15
    assert intervals.difference_of_means([1.0], [0.25]) == {"mean": 0.75, "low": None, "high": None, "n": 1}
    assert intervals.difference_of_means([], [1.0]) is None and intervals.difference_of_means([1.0], []) is None


def test_figures_of_reconstructed_and_generated_images(datalist, make_run, drawn, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(texture_power, "TILE_PX", 16)  # for a small picture
    monkeypatch.setattr(texture_power, "BANDS", ((1 / 8, 1 / 4), (1 / 4, 1 / 2)))
    still = [(side, np.where(drawn(0)[0] > 0, 0.5, 0).astype(np.float32), drawn(0)[1]) for side in "LR"]
    out = tmp_path / "texture.json"
    words = ["texture", str(make_run(still)), "--datalist", str(datalist), "--device", "cpu"]
    assert main(["evaluate", *words, "--out", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert capsys.readouterr().out == markdown_table(figures)
    rows = {(row["kind"], row["measure"]): row for row in figures["rows"]}
    assert figures["settings"]["n_generated"] == 2 and set(rows) == {
        (kind, measure)
        for kind in ("film", "digital", "contrast", "all")
        for measure in ("1/8 to 1/4", "1/4 to 1/2", "exponent")
    }
    noisy = rows["digital", "1/4 to 1/2"]
    assert noisy["acquired"]["n"] == 2 and noisy["acquired"]["mean"] > -25  # noise of 0.3 to 0.7: a variance of 1/75
    assert noisy["generated"]["n"] == 2 and noisy["generated"]["mean"] < -60  # the run has none
    assert (
        rows["film", "1/4 to 1/2"]["generated"] is None
        and rows["all", "exponent"]["acquired"]["n"] == 6
        and rows["all", "exponent"]["generated"]["n"] == 2
    )
    assert noisy["reconstructed"]["n"] == 2


def test_a_run_of_one_kind_is_compared_with_that_kind_among_all_too(datalist, make_run, drawn, monkeypatch):
    monkeypatch.setattr(texture_power, "TILE_PX", 16)
    monkeypatch.setattr(texture_power, "BANDS", ((1 / 8, 1 / 4), (1 / 4, 1 / 2)))
    run = make_run([(side, *drawn(i)) for i, side in enumerate("LRL")])  # digital
    found = texture_power.texture_figures(datalist, [run], device="cpu")
    rows = {(row["kind"], row["measure"]): row["generated"]["mean"] for row in found["rows"] if row["generated"]}
    assert rows["all", "1/4 to 1/2"] == rows["digital", "1/4 to 1/2"]
