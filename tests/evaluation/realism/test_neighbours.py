"""Precision, recall, density and coverage of points whose neighbourhoods are known."""

from __future__ import annotations

import numpy as np

from monai_mammo.evaluation.realism.neighbours import neighbour_figures


def found(features, reference, n_neighbours=1):
    persons, others = [f"s{i}" for i in range(len(features))], [f"p{i}" for i in range(len(reference))]
    figures = neighbour_figures(
        np.asarray(features, float),
        np.asarray(reference, float),
        persons=persons,
        reference_persons=others,
        n_neighbours=n_neighbours,
    )
    return {name: None if figure is None else figure["mean"] for name, figure in figures.items()}


LINE = np.arange(10.0)[:, None]  # each point's closest other point is 1 away


def test_two_points_between_neighbours_of_a_line():
    """0.4 lies in the neighbourhoods of 0 and 1, 30 in none; their own reach 29.6, to all of the line and to half."""
    assert found([[0.4], [30.0]], LINE) == {"precision": 0.5, "recall": 1.0, "density": 1.0, "coverage": 0.2}


def test_the_same_points_cover_all_and_far_ones_nothing():
    same = found(LINE, LINE)
    assert same == {"precision": 1.0, "recall": 1.0, "density": 2.8, "coverage": 1.0}, "two ends lie in 2, others in 3"
    far = found(LINE + 1000, LINE)
    assert far == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_a_collapsed_generator_is_precise_and_covers_little():
    collapsed = found(np.full((8, 1), 4.5), LINE, n_neighbours=2)
    assert collapsed["precision"] == 1.0 and collapsed["recall"] == 0.0 and collapsed["coverage"] == 0.2
    spread = found(LINE + 0.01, LINE, n_neighbours=2)
    assert spread["coverage"] == 1.0 and spread["recall"] == 1.0


def test_sets_that_are_too_small_have_no_figure():
    assert set(found(LINE[:5], LINE, n_neighbours=5).values()) == {None}
