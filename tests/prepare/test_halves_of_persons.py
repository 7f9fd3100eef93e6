"""Halves of the persons, one for the lesion network and one for the judge; needs no torch."""

from __future__ import annotations

import pytest

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datalist_items import half_of_persons

HALVES = ("lesion_network", "judge")


def test_halves_share_no_person_and_lose_none():
    items = [{"person_id": f"p{i % 50}"} for i in range(200)]
    one, other = (half_of_persons(items, half) for half in HALVES)
    assert not {i["person_id"] for i in one} & {i["person_id"] for i in other}
    assert len(one) + len(other) == 200 and min(len(one), len(other)) > 50
    assert half_of_persons(items, "all") == items


def test_a_set_too_small_for_a_half_is_one_sentence():
    items = [{"person_id": "p"}] * 3
    said = []
    for half in HALVES:
        try:
            assert half_of_persons(items, half) == items
        except RequestError as error:
            said.append(str(error))
    (sentence,) = said
    assert sentence.startswith("none of the one person of these images is in the half of the ")


@pytest.mark.parametrize(
    ("items", "half", "sentence"),
    [
        ([{"person_id": "p"}], "left", "half 'left' of the persons is not one of lesion_network, judge, all"),
        ([{"image_id": "i"}], "judge", "an item does not state person_id"),
        ([], "judge", "none of the 0 persons of these images is in the half of the judge"),
    ],
)
def test_what_cannot_be_halved_is_one_sentence(items, half, sentence):
    with pytest.raises(RequestError, match=sentence):
        half_of_persons(items, half)
