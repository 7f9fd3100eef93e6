"""Weights of guidance as words."""

from __future__ import annotations

import json

import pytest

from monai_mammo.attributes import GUIDED
from monai_mammo.errors import RequestError
from monai_mammo.generation import Request
from monai_mammo.generation.guidance_weights import guidance_json, parse_guidance, parse_interval

PAIRS = (("others", 1.0), ("density", 1.5), ("mask", 2.0))


@pytest.mark.parametrize(
    "words",
    [
        "mask=2,density=1.5,others=1",
        " mask = 2 ".replace(" ", "") + " density=1.5 all=1",
        {"mask": 2, "density": "1.5", "all": 1},
        [("density", 1.5), ["mask", 2], ("others", 1)],
        PAIRS,
    ],
)
def test_groups_are_read_from_words_mappings_and_pairs(words):
    assert parse_guidance(words) == PAIRS


@pytest.mark.parametrize("number", [1.5, "1.5", 2, "0"])
def test_a_number_is_the_weight_of_all(number):
    assert parse_guidance(number) == float(number)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("colour=2", "guidance of 'colour' is not one of kind, density"),
        ("mask=2,mask=3", "guidance of 'mask' is stated twice"),
        ("all=1,others=1", "guidance of 'others' is stated twice"),
        ("mask=", "guidance of mask '' is not a number from 0 to 20"),
        ("mask=21", "guidance of mask '21' is not a number from 0 to 20"),
        ("strong", "guidance 'strong' is not a number from 0 to 20"),
        (True, "guidance 'True' is not a number"),
        ({}, "guidance states no weight"),
        ([1, 2], "neither a number nor weights"),
    ],
)
def test_what_is_no_weight_is_one_sentence(wrong, sentence):
    with pytest.raises(RequestError, match=sentence) as caught:
        parse_guidance(wrong)
    assert "\n" not in str(caught.value)


def test_every_group_that_training_drops_can_be_weighed():
    assert {"kind", "density", "box", "mask", "text"} <= set(GUIDED) and "calc_type" not in GUIDED


def test_an_interval_is_two_rising_noise_levels():
    assert parse_interval("0.2,5") == parse_interval([0.2, 5]) == (0.2, 5.0)
    for wrong in ("5,0.2", "1", "a,b", "-1,2", "1,2,3", None, "1,inf"):
        with pytest.raises(RequestError, match="guidance_interval"):
            parse_interval(wrong)


def test_what_is_open_is_filled_in_and_a_number_stays_one():
    assert guidance_json(None, None, default=1.5) == 1.5
    assert guidance_json(3.0, None, default=1.5) == 3.0
    assert guidance_json((("mask", 2.0),), None, default=1.5) == {"all": 1.5, "mask": 2.0}
    assert guidance_json(PAIRS, (0.2, 5.0), default=9.0) == {
        "all": 1.0,
        "density": 1.5,
        "mask": 2.0,
        "interval": [0.2, 5.0],
    }
    assert guidance_json((("others", 2.0),), None, default=9.0) == 2.0


def test_a_request_states_its_weights_as_json_and_a_default_one_has_the_identity_that_it_had():
    request = Request(guidance="mask=2,others=1", guidance_interval="0.2,5")
    stated = json.loads(json.dumps(request.to_dict()))
    assert stated["guidance"] == {"others": 1.0, "mask": 2.0} and stated["guidance_interval"] == [0.2, 5.0]
    assert Request(guidance=stated["guidance"], guidance_interval=stated["guidance_interval"]) == request
    assert hash(request) == hash(Request(guidance={"mask": 2, "all": 1}, guidance_interval=(0.2, 5)))
    assert "guidance_interval" not in Request().identity() and request.identity()["guidance_interval"] == [0.2, 5.0]
