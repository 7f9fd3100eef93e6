"""Splits by person: shares, stability, independence."""

from __future__ import annotations

from collections import Counter

import pytest

from monai_mammo.prepare.splits import persons_of_studies, split_of, splits_of_persons
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


def test_a_person_in_several_published_splits_is_in_one_and_counted():
    published = [
        ("P00001", Split.TRAIN),
        ("P00001", Split.VAL),
        ("P00001", None),
        ("P00002", Split.VAL),
        ("P00002", None),
        ("P00022", None),
    ]
    splits, n_redivided = splits_of_persons(published)
    assert splits == {"P00001": split_of("P00001"), "P00002": Split.VAL, "P00022": Split.TEST}
    assert n_redivided == 1
    moved = [splits_of_persons(published, seed=seed)[0] for seed in range(20)]
    assert {splits["P00002"] for splits in moved} == {Split.VAL} and len({splits["P00001"] for splits in moved}) > 1


def test_a_study_is_of_the_one_person_whom_its_files_name():
    images = [("person-a", "study-1"), ("study-1", "study-1"), ("study-2", "study-2"), ("person-b", "")]
    images += [("study-3", "study-3"), ("person-a", "study-3"), ("person-b", "study-3")]
    assert persons_of_studies(images) == {"study-1": "person-a"}
