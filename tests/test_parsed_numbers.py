"""Numbers that came as text mean what they say, and what is none is one sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monai_mammo.errors import RequestError
from monai_mammo.parsed_numbers import parse_number, parse_whole


@pytest.mark.parametrize("value, means", [(1, 1), ("1", 1), (" 64 ", 64), (np.int64(7), 7), ("007", 7)])
def test_whole_numbers_and_both_ends(value, means):
    found = parse_whole(value, name="steps", low=1, high=64)
    assert found == means and type(found) is int


@pytest.mark.parametrize("value", [0, 65, -1, 1.0, "1.0", True, None, "", "x", "1e1", "9" * 5000, 10**20, [], "\u00b2"])
def test_what_is_not_a_whole_number_in_the_range_is_refused_by_name(value):
    with pytest.raises(RequestError, match=r"^steps .{0,60} is not a whole number from 1 to 64$"):
        parse_whole(value, name="steps", low=1, high=64)


def test_the_largest_seed_is_a_whole_number():
    assert parse_whole(str(2**63 - 1), name="seed", low=0, high=2**63 - 1) == 2**63 - 1
    with pytest.raises(RequestError, match="seed"):
        parse_whole(2**63, name="seed", low=0, high=2**63 - 1)


@pytest.mark.parametrize("value, means", [(0, 0.0), (20, 20.0), ("1.5", 1.5), (" 2 ", 2.0), (np.float32(0.5), 0.5)])
def test_numbers_and_both_ends(value, means):
    found = parse_number(value, name="guidance", low=0, high=20)
    assert found == means and type(found) is float


@pytest.mark.parametrize(
    "value", [-0.1, 20.1, True, None, "", "x", math.nan, math.inf, "nan", "9" * 400, 10**400, [1.0]]
)
def test_what_is_not_a_number_in_the_range_is_refused_by_name(value):
    with pytest.raises(RequestError, match=r"^guidance .{0,60} is not a number from 0 to 20$"):
        parse_number(value, name="guidance", low=0, high=20)
