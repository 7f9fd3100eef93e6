"""Splits by person: shares, stability, independence."""

from __future__ import annotations

from collections import Counter

import pytest

from monai_mammo.prepare.splits import split_of
from monai_mammo.terms import Split


def test_shares_are_eighty_ten_ten():
    counts = Counter(split_of(f"P{i:05d}") for i in range(5000))
    assert set(counts) == {Split.TRAIN, Split.VAL, Split.TEST}
    # binomial standard deviation of a tenth of 5000 is 21
    assert abs(counts[Split.VAL] - 500) < 85 and abs(counts[Split.TEST] - 500) < 85


@pytest.mark.parametrize(("person", "split"), [("P00000", "train"), ("P00001", "val"), ("P00022", "test")])
def test_a_person_stays_where_it_is(person: str, split: str):
    assert split_of(person) == split_of(person) == split


def test_another_seed_divides_anew():
    moved = sum(split_of(f"P{i}", seed=1) != split_of(f"P{i}") for i in range(1000))
    assert 250 < moved < 430  # independent draws differ in 1 - 0.8**2 - 2 * 0.1**2 = 34 %
