"""Limits of scores that most acquired images meet."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Box
from monai_mammo.evaluation.answers import Answer
from monai_mammo.evaluation.region_limits import kinds_without_lesion, region_limits
from monai_mammo.networks.probable_regions import Region

LESION = Box(0.2, 0.2, 0.4, 0.4)


def region(score, *, at=0.3):
    box = Box(at - 0.05, at - 0.05, at + 0.05, at + 0.05)
    return Region(box=box, score=score, mask=np.ones((2, 2), dtype=bool), center=(at, at))


def answer(index, detections, *, boxes=(LESION,), mask_kind="box", kind="film"):
    return Answer(
        kind=kind,
        person_id=f"p{index}",
        mask_kind=mask_kind,
        boxes=boxes,
        labels={},
        probabilities={},
        detections=tuple(detections),
        dice=None,
    )


def test_lesions_reach_and_all_else_stays_below_the_limits_in_the_stated_shares():
    with_lesion = [answer(i, [region(0.1 * i), region(0.05 * i, at=0.8)]) for i in range(1, 11)]
    without = [answer(i, [region(0.03 * i)], boxes=(), mask_kind="none") for i in range(1, 11)]
    found = region_limits([*with_lesion, *without])
    # 0.2 of the lesions below, 0.1 of the images above, at the score of an image
    assert found == {"lesion": pytest.approx(0.2), "other": pytest.approx(0.5), "clear": pytest.approx(0.3)}


def test_the_probability_of_any_lesion_is_limited_where_it_is_read():
    without = [answer(i, [], boxes=(), mask_kind="none") for i in range(1, 11)]
    for i, one in enumerate(without):
        one.probabilities["presence"] = np.array([1 - 0.05 * i, 0.05 * i])
    # nine of ten stay at or below it, by rank 0.9 * 9 rounded up
    assert region_limits(without) == {"clear": 0.0, "presence": pytest.approx(0.45)}


def test_only_kinds_with_an_image_without_a_lesion_stand_behind_its_limits():
    clear = [answer(i, [], boxes=(), mask_kind="none", kind=kind) for i, kind in enumerate(("digital", "contrast"))]
    unsure = answer(3, [], boxes=(), mask_kind="unknown", kind="film")
    assert kinds_without_lesion([answer(2, []), *clear, *clear, unsure]) == ["contrast", "digital"]
    assert kinds_without_lesion([answer(2, [])]) == []


def test_a_lesion_that_no_detection_meets_scores_nothing():
    assert region_limits([answer(0, [region(0.9, at=0.8)])]) == {"lesion": 0.0, "other": 0.9}


def test_images_whose_lesions_are_somewhere_count_for_nothing():
    assert region_limits([answer(0, [region(0.9)], boxes=(), mask_kind="unknown")]) == {}
