"""Radiomic features of filtered pictures: figures of pyradiomics 3.0.1, closed forms, and regions of few pixels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pyradiomics_values import PATH, picture_and_region

from monai_mammo.evaluation.realism.filtered_radiomics import (
    FILTERED_FEATURE_NAMES,
    FILTERS,
    filtered_pictures,
    filtered_radiomic_features,
)
from monai_mammo.evaluation.realism.texture_matrices import (
    CO_OCCURRENCE_FEATURES,
    RUN_LENGTH_FEATURES,
    co_occurrence_features,
    grey_levels,
    run_length_features,
)

THEIRS = json.loads(PATH.read_text())
EXACT = [name for name in FILTERS if not name.startswith("log")]
LAPLACIANS = [name for name in FILTERS if name.startswith("log")]


def ours() -> dict[str, float]:
    picture, region = picture_and_region()
    return dict(zip(FILTERED_FEATURE_NAMES, filtered_radiomic_features(picture / 4095, region), strict=True))


@pytest.mark.parametrize("name", EXACT)
def test_features_are_those_of_pyradiomics(name):
    mine = {key: value for key, value in ours().items() if key.startswith(name)}
    assert len(mine) == 53
    theirs = {key: THEIRS["features"][key] for key in mine}
    assert mine == pytest.approx(theirs, rel=2e-9, abs=1e-12), "ten figures of theirs are kept"


@pytest.mark.parametrize("name", LAPLACIANS)
def test_laplacians_are_close_to_those_of_pyradiomics(name):
    """ITK's recursive filter is an approximation, off by up to 1.6 % of its largest value here."""
    picture, region = picture_and_region()
    found = filtered_pictures(picture / 4095)[name][region][:: THEIRS["every"]]
    theirs = np.array(THEIRS["responses"][name])
    assert np.abs(found - theirs).max() < 0.02 * np.abs(theirs).max()
    mine = ours()
    keys = [key for key in mine if key.startswith(name)]
    assert all(mine[key] == pytest.approx(THEIRS["features"][key], rel=0.05) for key in keys)


def test_laplacian_of_a_wave():
    period, rows = 12, 96
    frequency = 2 * np.pi / period
    wave = np.tile(np.cos(frequency * np.arange(rows))[:, None], (1, 40))
    for sigma in (1, 2, 4):
        found = filtered_pictures(wave)[f"log-sigma-{sigma}-px"][24:72]
        factor = -((sigma * frequency) ** 2) * np.exp(-((sigma * frequency) ** 2) / 2)
        assert found == pytest.approx(factor * wave[24:72], abs=1e-5), "what six deviations leave out"


def test_wavelets_keep_energy_and_leave_a_flat_picture_alone():
    rng = np.random.default_rng(0)
    inner = rng.random((40, 40))
    picture = np.zeros((60, 60))
    picture[10:50, 10:50] = inner
    bands = [x for name, x in filtered_pictures(picture).items() if name.startswith("wavelet")]
    assert sum((x**2).sum() for x in bands) == pytest.approx(4 * (picture**2).sum()), "each pass doubles it"
    flat = filtered_pictures(np.full((20, 20), 0.3))
    assert flat["wavelet-LL"] == pytest.approx(np.full((20, 20), 0.6))
    assert np.abs(flat["wavelet-HL"]).max() < 1e-12 and np.abs(flat["log-sigma-2-px"]).max() < 1e-7


def test_fine_columns_and_fine_rows_have_bands_of_their_own():
    columns = np.tile(np.arange(40) % 2, (40, 1)).astype(float)
    found = filtered_pictures(columns)
    assert (found["wavelet-HL"] ** 2).mean() > 100 * (found["wavelet-LH"] ** 2).mean()
    assert filtered_pictures(columns.T)["wavelet-LH"] == pytest.approx(found["wavelet-HL"].T)


def test_run_lengths_of_stripes():
    stripes = np.tile(np.array([1, 2])[:, None].repeat(3, 0), (2, 8))[:12, :8]  # three rows of each level in turn
    found = dict(zip(RUN_LENGTH_FEATURES, run_length_features(stripes), strict=True))
    along, across, slanted = 8.0, 3.0, _mean_slanted_square(12, 8)
    expected = np.mean([along**2, across**2, slanted, slanted])
    assert found["LongRunEmphasis"] == pytest.approx(expected)
    assert found["GrayLevelVariance"] == pytest.approx(0.25, abs=0.01)


def _mean_slanted_square(rows: int, columns: int) -> float:
    """Mean squared length of the diagonal runs of stripes of three rows, counted one by one."""
    lengths = []
    for start in range(-(columns - 1), rows):
        stripes = [(start + c) // 3 for c in range(columns) if 0 <= start + c < rows]
        lengths += [stripes.count(s) for s in set(stripes)]
    return float(np.mean(np.square(lengths)))


def test_runs_end_at_the_region_and_at_the_picture():
    levels = np.ones((4, 6), dtype=int)
    levels[:, 3] = 0
    found = dict(zip(RUN_LENGTH_FEATURES, run_length_features(levels), strict=True))
    runs = [(8, 20), (5, 20), (11, 20), (11, 20)]  # runs in each direction, of 20 pixels
    assert found["RunPercentage"] == pytest.approx(np.mean([n / pixels for n, pixels in runs]))


def test_co_occurrence_of_checks():
    checks = 1 + np.indices((16, 16)).sum(axis=0) % 2 * 4
    found = dict(zip(CO_OCCURRENCE_FEATURES, co_occurrence_features(checks), strict=True))
    assert found["Contrast"] == pytest.approx(16 / 2), "along rows and columns, not along diagonals"
    assert found["MCC"] == pytest.approx(1) and found["JointAverage"] == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("n_pixels", [1, 2, 5])
def test_regions_of_few_pixels_have_features(n_pixels):
    region = np.zeros((20, 20), dtype=bool)
    region[7, 7 : 7 + n_pixels] = True
    picture = np.random.default_rng(1).random((20, 20))
    for image in (picture, np.full((20, 20), 0.4), np.zeros((20, 20))):
        found = filtered_radiomic_features(image, region)
        assert found.shape == (424,) and np.isfinite(found).all()


def test_levels_are_between_the_lowest_and_the_highest_of_the_region():
    picture = np.array([[5.0, 0.0, 1.0, -3.0]])
    found = grey_levels(picture, np.array([[False, True, True, True]]), n_levels=4)
    assert found.tolist() == [[0, 4, 4, 1]]


def test_what_lies_outside_the_breast_changes_the_filters_alone():
    picture, region = picture_and_region()
    brighter = np.where(region, picture, 4095) / 4095
    changed = dict(zip(FILTERED_FEATURE_NAMES, filtered_radiomic_features(brighter, region), strict=True))
    mine = ours()
    assert all(changed[key] == mine[key] for key in mine if key.startswith("original"))
    assert changed["wavelet-HH_firstorder_Variance"] != mine["wavelet-HH_firstorder_Variance"]


@pytest.mark.parametrize("spread", [1.0, 1e-13])
def test_levels_are_those_that_a_search_among_the_edges_gives(spread):
    rng = np.random.default_rng(0)
    values = 0.5 + spread * np.concatenate([rng.random(4000), np.linspace(0, 1, 33), np.linspace(0, 1, 65)])
    edges = np.histogram_bin_edges(values, 32)
    values = np.concatenate([values, edges, np.nextafter(edges[1:], 0), np.nextafter(edges[:-1], 1)])[None]
    expected = np.clip(np.searchsorted(edges, values, side="right"), 1, 32)
    assert np.array_equal(grey_levels(values, np.ones(values.shape, bool)), expected)
