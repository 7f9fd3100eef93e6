"""A try is checked by the regions that the lesion network lists, and the best of several is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.generation.engine.check import (
    LOW_DICE,
    LOW_SCORE,
    NOT_CLEAR,
    OTHER_REGION,
    OUTSIDE,
    RegionLimits,
    best_of,
    check_image,
)
from monai_mammo.networks.probable_regions import regions
from monai_mammo.phantom import draw_layers

SHAPE = (256, 192)
LIMITS = RegionLimits(lesion=0.3, other=0.6, clear=0.4, presence=0.7)


@pytest.fixture(scope="module")
def layers():
    return draw_layers(Conditions(kind="digital", view="CC", laterality="L", finding="mass"), seed=3, shape=SHAPE)


def places(layers):
    """Rows and columns of two places in the breast, far from each other."""
    rows, columns = np.nonzero(layers.breast)
    middle = int(np.median(rows))
    return (middle - 40, 40), (middle + 40, 40)


def square(row, column, side=12):
    mask = np.zeros(SHAPE, bool)
    mask[row : row + side, column : column + side] = True
    return mask


def checked(layers, scores, *, is_requested=True, limits=LIMITS, threshold=0.0, shift=0, presence=None):
    """Check of a picture whose lesion network gives these probabilities at the requested and at the other place."""
    (row, column), other = places(layers)
    probability = np.zeros(SHAPE, np.float32)
    probability[square(row + shift, column)] = scores[0]
    probability[square(*other)] = scores[1]
    requested = square(row, column) if is_requested else np.zeros(SHAPE, bool)
    return check_image(
        layers.mammogram.pixels,
        probability > 0.5,
        {},
        requested=requested,
        breast=layers.breast,
        dice_threshold=threshold,
        regions=regions(probability, within=layers.breast),
        presence=presence,
        limits=limits,
    )


@pytest.mark.parametrize(
    ("scores", "defect"),
    [
        ((0.9, 0.0), ""),
        ((0.31, 0.59), ""),
        ((0.25, 0.0), LOW_SCORE),
        ((0.0, 0.9), LOW_SCORE),
        ((0.9, 0.7), OTHER_REGION),
    ],
)
def test_a_requested_lesion_must_score_and_no_other_place_may(layers, scores, defect):
    found = checked(layers, scores)
    assert found.defect == defect
    assert (found.score, found.other_score) == pytest.approx(scores, abs=1e-6)
    assert found.to_dict()["score"] == pytest.approx(scores[0], abs=1e-4)


@pytest.mark.parametrize(("scores", "defect"), [((0.0, 0.0), ""), ((0.39, 0.1), ""), ((0.1, 0.5), NOT_CLEAR)])
def test_where_no_lesion_is_requested_no_place_may_score(layers, scores, defect):
    found = checked(layers, scores, is_requested=False)
    assert found.defect == defect and found.score is None
    assert found.other_score == pytest.approx(max(scores), abs=1e-6)


@pytest.mark.parametrize(("presence", "defect"), [(None, ""), (0.69, ""), (0.71, NOT_CLEAR)])
def test_where_no_lesion_is_requested_the_image_as_a_whole_must_be_clear_too(layers, presence, defect):
    assert checked(layers, (0.0, 0.0), is_requested=False, presence=presence).defect == defect
    assert checked(layers, (0.9, 0.0), presence=presence).defect == ""


def test_a_region_beside_the_requested_lesion_does_not_count_as_it(layers):
    assert checked(layers, (0.9, 0.0), shift=30).defect == LOW_SCORE


def test_dice_and_place_come_before_scores(layers):
    assert checked(layers, (0.4, 0.9), threshold=0.3).defect == LOW_DICE
    in_air = dataclasses.replace(layers, breast=layers.breast & ~square(*places(layers)[0], side=6))
    assert checked(in_air, (0.25, 0.0)).defect == OUTSIDE


def test_without_limits_scores_decide_nothing(layers):
    found = checked(layers, (0.25, 0.9), limits=None)
    assert found.defect == "" and found.score is None


def test_the_best_of_failed_tries_is_that_whose_lesion_stands_out_most(layers):
    faint, plain, crowded = (checked(layers, scores) for scores in ((0.1, 0.05), (0.28, 0.05), (0.9, 0.89)))
    assert all(one.defect for one in (faint, plain, crowded))
    assert best_of([faint, plain, crowded]) is plain
    passed = checked(layers, (0.4, 0.3))
    assert best_of([faint, plain, crowded, passed]) is passed


def test_the_best_of_tries_that_are_not_clear_is_the_clearest(layers):
    tries = [checked(layers, (score, 0.0), is_requested=False) for score in (0.9, 0.5, 0.7)]
    assert best_of(tries) is tries[1]
