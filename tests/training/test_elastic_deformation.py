"""A breast that is bent anew each time it is seen: what is told of it is true, and labels go with it."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.elastic_deformation import ElasticDeformation, with_bias_field

SHAPE = (96, 72)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def _smooth(rng: np.random.Generator) -> np.ndarray:
    picture = ndimage.gaussian_filter(rng.random(SHAPE), 6)
    return ((picture - picture.min()) / np.ptp(picture)).astype(np.float32)


def test_without_a_bend_it_is_the_change_alone(rng: np.random.Generator) -> None:
    picture, one = _smooth(rng), ElasticDeformation.draw(rng)
    one = dataclasses.replace(one, change=dataclasses.replace(Augmentation.draw(rng), gamma=1.0))
    straight = dataclasses.replace(one, bend=np.zeros_like(one.bend))
    assert np.allclose(straight.array(picture), one.change.image(picture), atol=1e-6)
    assert np.abs(one.array(picture) - straight.array(picture)).max() > 0.01


@pytest.mark.parametrize("is_flipped", [False, True])
def test_two_changes_are_told_as_the_one_they_make(rng: np.random.Generator, is_flipped: bool) -> None:
    picture = _smooth(rng)
    for _ in range(4):
        first = dataclasses.replace(Augmentation.draw(rng), is_flipped=is_flipped)
        later = dataclasses.replace(Augmentation.draw(rng), gamma=1.0)
        inside = np.s_[24:-24, :50]  # away from what is drawn in from beyond the edge
        apart = later.image(first.image(picture))[inside]
        assert np.abs(first.followed_by(later).image(picture)[inside] - apart).max() < 0.02


def test_no_strip_of_air_opens_at_an_edge(rng: np.random.Generator) -> None:
    tissue = np.ones(SHAPE, np.float32)
    for _ in range(5):
        one = ElasticDeformation.draw(rng, strength=3)
        assert one.array(tissue).min() > 0.99
        assert one.change.image(tissue).min() > 0.99
        assert one.mask(tissue > 0).all()


def test_some_breasts_are_only_bent(rng: np.random.Generator) -> None:
    drawn = [ElasticDeformation.draw(rng) for _ in range(400)]
    still = [one for one in drawn if not one.change.numbers().any()]
    assert 0.2 < len(still) / len(drawn) < 0.4 and all(one.bend.any() for one in still)


def test_mask_and_box_go_where_the_picture_goes(rng: np.random.Generator) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[40:56, 20:36] = True
    for _ in range(8):
        one = ElasticDeformation.draw(rng, strength=2)
        moved = one.mask(mask)
        assert np.array_equal(moved, one.array(mask.astype(np.float32)) >= 0.5)
        box = one.box(Box(20 / 72, 40 / 96, 36 / 72, 56 / 96), SHAPE)
        rows, columns = np.nonzero(moved)
        assert box is not None
        assert abs(box.center[0] - (columns.mean() + 0.5) / 72) < 0.03
        assert abs(box.center[1] - (rows.mean() + 0.5) / 96) < 0.03


def test_a_latent_is_bent_as_the_picture_it_stands_for(rng: np.random.Generator) -> None:
    picture, one = _smooth(rng), ElasticDeformation.draw(rng)
    latent = np.stack([picture[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    bent = one.latent(latent)
    again = np.empty(SHAPE, np.float32)
    for k, (i, j) in enumerate((i, j) for i in (0, 1) for j in (0, 1)):
        again[i::2, j::2] = bent[k]
    assert np.array_equal(again, one.array(picture))


def test_bias_field_stays_in_range_and_leaves_air(rng: np.random.Generator) -> None:
    picture = _smooth(rng)
    picture[:, 50:] = 0
    lit = with_bias_field(picture, rng, strength=2)
    assert lit.min() >= 0 and lit.max() <= 1 and not lit[:, 50:].any()
    ratio = (lit[:, :50] + 1e-6) / (picture[:, :50] + 1e-6)
    assert np.ptp(ratio[(lit[:, :50] < 1) & (picture[:, :50] > 0.1)]) > 0.05
    assert np.array_equal(with_bias_field(picture, rng, strength=0), picture)
