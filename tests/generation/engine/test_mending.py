"""What a try that fails is mended to: painted in the region alone, and left where that is no help."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage
from tiny_bundles import write_painter, write_tiny_bundles

from monai_mammo import bundle
from monai_mammo.conditions import Box, Conditions
from monai_mammo.generation.engine.check import (
    LOW_DICE,
    NO_BREAST,
    NOT_CLEAR,
    OTHER_REGION,
    SUSPECTED_COPY,
    CheckResult,
    RegionLimits,
    best_of,
)
from monai_mammo.generation.engine.drawn_contrast import conspicuity_of
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.mending import Mender
from monai_mammo.generation.engine.plan import plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.made_sample import made_sample
from monai_mammo.networks.probable_regions import Region
from monai_mammo.painting import LesionPainter

NAMES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")
SHAPE = (160, 128)
ROW, COLUMN = np.mgrid[: SHAPE[0], : SHAPE[1]]
IMAGE = np.where(np.hypot(ROW - 80, COLUMN) < 75, 0.4 + 0.1 * np.sin(ROW / 5) * np.cos(COLUMN / 7), 0).astype(
    np.float32
)
LESION, OTHER = np.hypot(ROW - 80, COLUMN - 30) < 8, np.hypot(ROW - 120, COLUMN - 30) < 7
LIMITS = RegionLimits(lesion=0.3, other=0.6, clear=0.5)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mending")
    write_painter(write_tiny_bundles(folder)["mammo_diffusion"])
    return [bundle.find(folder / name) for name in NAMES]


@pytest.fixture(scope="module")
def mender(folders):
    return Mender(LesionPainter.load(*folders[:2]), 0.6, LIMITS)


def sample_of(folders, **asked):
    conditions = Conditions(kind="digital", view="CC", laterality="L", **asked)
    how = {"table": folders[0].support, "spacing_mm": 0.6, "refuse_unsupported": False}
    return plan_sample(conditions, index=3, seed=7, shape=SHAPE, **how)


def region_of(mask, score):
    rows, columns = np.nonzero(mask)
    box = Box(columns.min() / 128, rows.min() / 160, (columns.max() + 1) / 128, (rows.max() + 1) / 160)
    return Region(box=box, score=score, mask=mask, center=box.center)


def result_of(defect, *, requested=LESION, found=None, regions=()):
    nothing = np.zeros(SHAPE, dtype=bool)
    return CheckResult(
        image=IMAGE,
        requested=nothing if requested is None else requested,
        found=nothing if found is None else found,
        probabilities={},
        dice=None if requested is None else 0.1,
        outside_share=0.0,
        defect=defect,
        regions=tuple(regions),
    )


def changed(mended):
    return mended.image != IMAGE


def test_a_lesion_that_was_not_found_is_painted_at_its_place_alone(folders, mender):
    sample = sample_of(folders, finding="mass", box=Box(0.17, 0.45, 0.3, 0.55))
    turns = [mender.mended(result_of(LOW_DICE), sample, seed=7, attempt=0, turn=turn) for turn in (0, 0, 1)]
    first, again, other = turns
    assert first.what == ("painted the requested lesion",)
    assert np.array_equal(first.image, again.image) and not np.array_equal(first.image, other.image)
    assert changed(first)[LESION].mean() > 0.9
    assert not changed(first)[np.hypot(ROW - 80, COLUMN - 30) > 20].any()
    assert not changed(first)[IMAGE == 0].any()
    elsewhere = mender.mended(result_of(LOW_DICE), sample, seed=7, attempt=1, turn=0)
    assert not np.array_equal(first.image, elsewhere.image)


def test_a_painted_lesion_is_as_conspicuous_as_the_drawn_one_was_to_be_then_plain_to_see(folders, mender, monkeypatch):
    sample = sample_of(folders, finding="mass", box=Box(0.17, 0.45, 0.3, 0.55))
    asked = []

    def held(change, *_, conspicuity, **__):
        asked.append(conspicuity)
        return change, True

    monkeypatch.setattr("monai_mammo.generation.engine.mending.held_contrast", held)
    for turn in range(3):
        mender.mended(result_of(LOW_DICE), sample, seed=7, attempt=1, turn=turn)
    assert asked == [conspicuity_of(sample, seed=7), 0.8]
    others = [conspicuity_of(dataclasses.replace(sample, index=i), seed=7) for i in range(400)]
    assert np.histogram(others, bins=4, range=(0, 1))[0].min() > 70  # any real lesion is as likely as another


def test_what_is_seen_beside_the_requested_lesion_is_filled_and_the_lesion_stays(folders, mender):
    sample = sample_of(folders, finding="mass")
    regions = [region_of(OTHER, 0.9), region_of(LESION, 0.8)]
    mended = mender.mended(result_of(OTHER_REGION, regions=regions), sample, seed=7, attempt=0, turn=0)
    assert mended.what == ("filled what was not requested",)
    assert changed(mended)[OTHER].mean() > 0.9 and not changed(mended)[LESION].any()
    faint = [region_of(OTHER, 0.5)]
    assert mender.mended(result_of(OTHER_REGION, regions=faint), sample, seed=7, attempt=0, turn=0) is None
    several = sample_of(folders, finding="mass", n_findings=2)
    assert mender.mended(result_of(OTHER_REGION, regions=regions), several, seed=7, attempt=0, turn=0) is None


def test_where_no_lesion_is_requested_what_is_outlined_is_filled_though_it_passes(folders, mender):
    sample = sample_of(folders, finding="none")
    regions = [region_of(OTHER, 0.4), region_of(LESION, 0.1)]
    found = result_of("", requested=None, found=OTHER, regions=regions)
    mended = mender.mended(found, sample, seed=7, attempt=0, turn=0)
    assert mended.what == ("filled what was not requested",)
    assert changed(mended)[OTHER].any() and not changed(mended)[LESION].any()
    clear = result_of("", requested=None, regions=regions[1:])
    assert mender.mended(clear, sample, seed=7, attempt=0, turn=0) is None
    seen = result_of(NOT_CLEAR, requested=None, regions=[region_of(LESION, 0.9)])
    assert mender.mended(seen, sample, seed=7, attempt=0, turn=0) is not None


@pytest.mark.parametrize("defect", [NO_BREAST, SUSPECTED_COPY, ""])
def test_what_painting_cannot_help_is_left(folders, mender, defect):
    sample = sample_of(folders, finding="mass")
    assert mender.mended(result_of(defect), sample, seed=7, attempt=0, turn=0) is None


def test_a_region_that_is_too_large_for_the_painter_is_left(folders, mender):
    large = (IMAGE > 0) & (ROW > 20) & (ROW < 140)
    sample = sample_of(folders, finding="none")
    seen = result_of(NOT_CLEAR, requested=None, regions=[region_of(large, 0.9)])
    assert mender.mended(seen, sample, seed=7, attempt=0, turn=0) is None


def test_of_what_passes_a_clear_picture_is_taken_where_none_is_requested():
    outlined = result_of("", requested=None, found=OTHER)
    clear, failed = result_of("", requested=None), result_of(NOT_CLEAR, requested=None)
    assert best_of([failed, outlined, clear]) is clear
    assert best_of([failed, outlined]) is outlined
    doubtful = dataclasses.replace(clear, other_score=0.3)
    assert best_of([doubtful, clear]) is clear and best_of([doubtful, outlined]) is doubtful
    lesion, later = result_of("", found=OTHER), result_of("")
    assert best_of([lesion, later]) is lesion


@pytest.mark.parametrize(("mends", "n_results"), [(0, 2), (2, 6), (3, 6)])
def test_each_draw_is_followed_by_what_it_was_mended_to(folders, monkeypatch, mends, n_results):
    generator = Generator.load(*folders, device="cpu")
    assert generator.mender is None, "a lesion network that states no limits of regions leaves nothing to mend by"
    painter = LesionPainter.load(*folders[:2])
    generator = dataclasses.replace(generator, mender=Mender(painter, 0.6, LIMITS), shape=SHAPE, limits=LIMITS)
    monkeypatch.setattr(Generator, "_sample", lambda self, planned, settings, **_: np.stack([IMAGE] * len(planned)))
    sample = sample_of(folders, finding="mass", box=Box(0.17, 0.45, 0.3, 0.55))
    settings = DrawSettings(seed=7, steps=1, guidance=1.0, max_tries=2, dice_threshold=1.0, mends=mends)
    (results,) = generator.draw([sample], settings)
    assert len(results) == n_results
    assert [bool(result.mended) for result in results] == [False, *[True] * min(mends, 2)] * 2
    stated = results[-1].to_dict()
    assert stated.get("mended", []) == list(results[-1].mended)


def test_after_two_draws_that_failed_a_lesion_whose_place_is_open_is_drawn_elsewhere(folders, monkeypatch):
    generator = dataclasses.replace(Generator.load(*folders, device="cpu"), shape=SHAPE)
    conditions = Conditions(kind="digital", view="CC", laterality="R", finding="mass")
    how = {"table": folders[0].support, "spacing_mm": 0.6, "refuse_unsupported": False}
    here, there = (plan_sample(conditions, index=3, seed=7, shape=SHAPE, **how, choice=choice) for choice in (0, 1))
    assert not np.array_equal(here.lesion.mask, there.lesion.mask) and here.conditions.box != there.conditions.box
    asked = []

    def drawn(self, planned, settings, *, attempt, on_step):
        asked.append(bool(np.array_equal(planned[0].lesion.mask, there.lesion.mask)))
        return IMAGE[None]

    monkeypatch.setattr(Generator, "_sample", drawn)
    settings = DrawSettings(seed=7, steps=1, guidance=1.0, max_tries=3, dice_threshold=1.0, mends=0)
    open_ = dataclasses.replace(here, elsewhere=there)
    results = [generator.draw([one], settings)[0] for one in (open_, here)]
    assert asked == [False, False, True, False, False, False]
    assert [one.is_elsewhere for one in results[0]] == [False, False, True]
    assert not any(one.is_elsewhere for one in results[1])
    assert results[0][2].to_dict()["elsewhere"] and "elsewhere" not in results[0][0].to_dict()
    for kept, plan in ((0, here), (2, there)):  # the file states the place that its picture was asked for
        tries = [dataclasses.replace(one, defect="" if i == kept else LOW_DICE) for i, one in enumerate(results[0])]
        made = made_sample(open_, tries, spacing_mm=0.6, seconds=0.0)
        assert made.mammogram.conditions.box == plan.conditions.box and made.about["lesion"] == plan.lesion.source


@pytest.mark.parametrize("mends", [0, 1])
def test_a_drawn_lesion_that_glows_is_toned_down_unless_nothing_is_to_be_mended(folders, monkeypatch, mends):
    generator = dataclasses.replace(Generator.load(*folders, device="cpu"), shape=SHAPE)
    sample = sample_of(folders, finding="mass", box=Box(0.17, 0.45, 0.3, 0.55))
    shape = sample.lesion.mask
    fine = (0.02 * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    glowing = np.where(shape, np.float32(1.2) + fine, IMAGE)  # brighter than white, with a texture
    pictures = {True: glowing, False: IMAGE}
    monkeypatch.setattr(
        Generator, "_sample", lambda self, planned, *_, **__: np.stack([pictures[bool(planned[0].lesion.mask.any())]])
    )
    plain = sample_of(folders, finding="none")
    settings = DrawSettings(seed=7, steps=1, guidance=1.0, max_tries=1, dice_threshold=0.0, mends=mends)
    drawn, untouched = (generator.draw([one], settings)[0][0].image for one in (sample, plain))
    assert np.array_equal(untouched, IMAGE)
    if mends:
        assert drawn[shape].mean() < 0.8 and np.array_equal(drawn[~(IMAGE > 0)], IMAGE[~(IMAGE > 0)])
        core = ndimage.binary_erosion(shape, iterations=5)
        rough = [one - ndimage.gaussian_filter(one, 1) for one in (drawn, glowing)]
        assert np.corrcoef(rough[0][core], rough[1][core])[0, 1] > 0.95
    else:
        assert np.array_equal(drawn, np.clip(glowing, 0, 1))
