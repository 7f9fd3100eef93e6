"""One table of attributes: columns, tokens, heads, labels, what is dropped together, and the guide say the same."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from monai_mammo import attributes
from monai_mammo.attributes import COLUMNS, DROPPED_TOGETHER, HEADS, NOT_GIVEN, OPTIONAL, TABLE, Attribute
from monai_mammo.conditions import Conditions
from monai_mammo.networks import ConditionTokens, LesionNetwork, encode_conditions
from monai_mammo.networks.class_heads import PRESENCE

GUIDE = Path(__file__).parents[1] / "docs" / "user_guide.md"
NOT_IN_THE_TABLE = {"text"}  # words have an encoder of their own
EVERYTHING = {
    "kind": "film",
    "density": "C",
    "view": "MLO",
    "laterality": "R",
    "finding": "calcification",
    "birads": 4,
    "box": (0.1, 0.2, 0.3, 0.4),
    "pathology": "malignant",
    "age_years": 61,
    "lesion_shape": "irregular",
    "lesion_margin": "indistinct",
    "subtlety": 4,
    "n_findings": 3,
    "calc_type": "amorphous",
    "calc_distribution": "grouped",
}


def test_every_attribute_of_a_mammogram_is_in_the_table():
    fields = {field.name for field in dataclasses.fields(Conditions)} - NOT_IN_THE_TABLE
    assert {attribute.name for attribute in TABLE} == fields == set(EVERYTHING)


def test_columns_are_the_promised_ones_in_their_order():
    categories = ("kind", "density", "view", "laterality", "finding", "birads")
    first = (*categories, "x0", "y0", "x1", "y1", "pathology", "age_years")
    assert (*first, "lesion_shape", "lesion_margin", "subtlety", "n_findings") == COLUMNS


def test_numbers_by_hand():
    row = dict(zip(COLUMNS, attributes.attribute_row(Conditions(**EVERYTHING)), strict=True))
    expected = {"kind": 0, "density": 2, "view": 1, "laterality": 1, "finding": 1, "birads": 4}
    expected |= {"x0": 0.1, "y0": 0.2, "x1": 0.3, "y1": 0.4, "pathology": 2, "age_years": 0.61}
    expected |= {"lesion_shape": 2, "lesion_margin": 3, "subtlety": 0.8, "n_findings": 0.3}
    assert row == pytest.approx(expected)


@pytest.mark.parametrize("attribute", TABLE, ids=lambda attribute: attribute.name)
def test_what_is_left_out_changes_its_own_columns_alone(attribute):
    whole = attributes.attribute_row(Conditions(**EVERYTHING))
    without = attributes.attribute_row(Conditions(**{**EVERYTHING, attribute.name: None}))
    differing = tuple(i for i, pair in enumerate(zip(whole, without, strict=True)) if pair[0] != pair[1])
    assert differing == attribute.positions
    assert all(without[i] == NOT_GIVEN for i in differing)


def test_each_column_is_dropped_with_its_attribute_and_the_box_comes_last():
    assert sorted(column for group in DROPPED_TOGETHER for column in group) == list(range(len(COLUMNS)))
    assert [COLUMNS[column] for column in DROPPED_TOGETHER[-1]] == ["x0", "y0", "x1", "y1"]


def test_heads_and_labels_go_together():
    assert list(HEADS) == ["finding", "birads", "density", "view", "pathology"]
    assert attributes.class_labels(Conditions(**EVERYTHING)) == [1, 4, 2, 1, 2]
    assert attributes.class_labels(Conditions()) == [attributes.UNKNOWN_LABEL] * len(HEADS)
    named = LesionNetwork((8, 8, 8)).eval()(torch.zeros(1, 1, 64, 48))
    widths = {name: logits.shape[1] for name, logits in named.items() if name not in ("mask", PRESENCE)}
    assert widths == {name: len(head.values) for name, head in HEADS.items()}


def test_a_network_has_a_token_for_each_attribute_it_is_told_of():
    """What is added to the token of another attribute, and what is not learnt, has none of its own."""
    learnt = [one for one in TABLE if one.is_learnt and not one.added_to]
    always = [one for one in learnt if not one.is_optional]
    assert ConditionTokens(8).n_tokens == len(always) + 1 == 8
    assert ConditionTokens(8, more=OPTIONAL).n_tokens == len(learnt) + 1 == 10
    assert encode_conditions([Conditions()]).shape == (1, len(COLUMNS))


def test_a_head_needs_classes():
    with pytest.raises(ValueError, match="has a class head and no classes"):
        Attribute(name="age_years", meaning="age", head=5)


def test_the_guide_shows_the_table():
    """`python -c "from monai_mammo.attributes import markdown_rows; print(markdown_rows())"` makes it anew."""
    shown = re.search(r"<!-- attributes -->\n(.*?)<!-- /attributes -->", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown and shown[1] == attributes.markdown_rows()
