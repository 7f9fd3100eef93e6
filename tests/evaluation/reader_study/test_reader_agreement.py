"""Kappas against published examples and against chance."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.reader_study.reader_agreement import agreement_figures, cohen_kappa, fleiss_kappa


def test_fleiss_kappa_of_a_published_table():
    """Ten cases, 14 raters, five classes: kappa 0.210 (the worked table in encyclopedias)."""
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    answers = np.array([np.repeat(np.arange(5), row) for row in counts])
    assert fleiss_kappa(answers, n_classes=5)[0] == pytest.approx(0.210, abs=0.0005)


def test_cohen_kappa_of_two_classes_and_its_weights():
    one, other = np.repeat([0, 0, 1, 1], [20, 5, 10, 15]), np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    assert cohen_kappa(one, other, n_classes=2)[0] == pytest.approx(0.4), "seen 0.7, by chance 0.5"
    near, far = np.array([0, 1, 2, 3, 4, 1]), np.array([0, 1, 2, 3, 4, 4])
    closer = np.array([0, 1, 2, 3, 4, 2])
    assert cohen_kappa(near, far, n_classes=5)[0] < cohen_kappa(near, closer, n_classes=5)[0] < 1


def test_intervals_hold_the_value_and_readers_by_chance_hold_zero():
    rng = np.random.default_rng(3)
    answers = rng.integers(0, 2, (80, 3))
    figures = agreement_figures(answers, n_classes=2, persons=[str(i) for i in range(80)], readers=["a", "b", "c"])
    assert figures["all"]["low"] < 0 < figures["all"]["high"] and figures["all"]["n"] == 80
    assert [pair["readers"] for pair in figures["pairs"]] == [["a", "b"], ["a", "c"], ["b", "c"]]
    same = agreement_figures(answers[:, [0, 0]], n_classes=2, persons=[str(i) for i in range(80)], readers=["a", "b"])
    assert same["all"]["value"] == same["pairs"][0]["kappa"]["value"] == 1.0


def test_one_class_throughout_has_no_kappa_and_one_reader_no_agreement():
    flat = np.zeros((10, 2), dtype=int)
    persons = [str(i) for i in range(10)]
    assert agreement_figures(flat, n_classes=2, persons=persons, readers=["a", "b"])["all"] is None
    assert agreement_figures(flat[:, :1], n_classes=2, persons=persons, readers=["a"]) is None
