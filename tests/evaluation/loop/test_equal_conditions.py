"""Partners of equal conditions, each once."""

from __future__ import annotations

from monai_mammo.evaluation.loop.equal_conditions import pairs_of_equal_conditions

SHOWN = {"kind": "film", "view": "CC", "density": "B", "finding": "mass"}
LEFT, RIGHT = [0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.8, 0.8]


def item(box=None, **conditions):
    return {"conditions": {**SHOWN, **conditions}, "boxes": [] if box is None else [box]}


def test_conditions_are_equal_and_no_image_stands_twice():
    synthetic = [item(), item(density="C"), item(), item(view="MLO")]
    acquired = [item(density="C"), item(), item(density="A"), item(kind="digital", view="MLO")]
    assert pairs_of_equal_conditions(synthetic, acquired) in ([(0, 1), (1, 0)], [(1, 0), (2, 1)])
    assert pairs_of_equal_conditions([item()], [item(density="D")]) == []


def test_among_them_lesions_lie_alike_and_grades_agree():
    assert pairs_of_equal_conditions([item(LEFT), item(RIGHT)], [item(RIGHT), item(LEFT)]) == [(0, 1), (1, 0)]
    assert pairs_of_equal_conditions([item(birads=4)], [item(birads=2), item(birads=4)]) == [(0, 1)]
    assert pairs_of_equal_conditions([item(LEFT, birads=4)], [item(RIGHT, birads=4), item(LEFT, birads=2)]) == [(0, 1)]
