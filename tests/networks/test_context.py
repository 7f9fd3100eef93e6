"""Conditions as numbers, numbers as tokens."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.attributes import COLUMNS
from monai_mammo.conditions import Box, Conditions
from monai_mammo.networks.context import ConditionTokens, encode_conditions
from monai_mammo.terms import BIRADS_CATEGORIES, AcquisitionKind, Density, Finding, Laterality, View

VOCABULARIES = {
    "kind": list(AcquisitionKind),
    "density": list(Density),
    "view": list(View),
    "laterality": list(Laterality),
    "finding": list(Finding),
    "birads": list(BIRADS_CATEGORIES),
}


@st.composite
def some_conditions(draw):
    """Any subset of the attributes that steer the generator."""
    given_values = {name: draw(st.none() | st.sampled_from(values)) for name, values in VOCABULARIES.items()}
    if given_values["finding"] is not Finding.NONE and draw(st.booleans()):
        x0, y0 = draw(st.floats(0, 0.5)), draw(st.floats(0, 0.5))
        given_values["box"] = Box(x0, y0, x0 + draw(st.floats(0.1, 0.5)), y0 + draw(st.floats(0.1, 0.5)))
    return Conditions(**given_values)


@given(conditions=some_conditions())
def test_numbers_say_what_the_conditions_said(conditions):
    row = dict(zip(COLUMNS, encode_conditions([conditions])[0].tolist(), strict=True))
    for name, values in VOCABULARIES.items():
        value = getattr(conditions, name)
        assert row[name] == -1 if value is None else values[int(row[name])] == value
    box = [row[name] for name in ("x0", "y0", "x1", "y1")]
    expected = [-1.0] * 4 if conditions.box is None else torch.tensor(list(conditions.box)).tolist()
    assert box == expected


def test_by_hand():
    box = (0.2, 0.3, 0.4, 0.6)
    values = {"density": "C", "view": "MLO", "finding": "mass", "birads": 5, "pathology": "benign", "age_years": 57}
    conditions = Conditions(**values, box=box)
    rows = encode_conditions([Conditions(), conditions])
    assert rows.shape == (2, len(COLUMNS)) and rows.dtype == torch.float32
    assert rows[0].tolist() == [-1] * len(COLUMNS)
    assert rows[1, 1] == 2 and rows[1, 5] == 5
    torch.testing.assert_close(rows[1, 6:12], torch.tensor([0.2, 0.3, 0.4, 0.6, 1, 0.57]))
    assert set(rows[1, 12:].tolist()) == {-1}


def test_further_attributes_have_tokens_where_a_network_asks_for_them():
    torch.manual_seed(0)
    tokens, plain = ConditionTokens(16, more=("pathology", "age_years")), ConditionTokens(16)
    assert tokens.n_tokens == plain.n_tokens + 2
    rows = torch.full((4, 12), -1.0)
    rows[1, 10], rows[2, 11], rows[3, 11] = 2, 0.4, 0.6
    out = tokens(rows)
    assert not torch.equal(out[0, 7], out[1, 7]) and torch.equal(out[0, 7], out[2, 7])
    assert torch.cdist(out[[0, 2, 3], 8], out[[0, 2, 3], 8]).fill_diagonal_(9).min() > 0.01
    assert torch.equal(plain(rows)[0], plain(rows)[1]) and torch.equal(plain(rows), plain(rows[:, :10]))
    with pytest.raises(ValueError, match="attribute 'weight' is not one of pathology, age_years, lesion_shape"):
        ConditionTokens(16, more=("weight",))


def test_each_value_of_each_attribute_has_a_token_of_its_own_and_so_has_none():
    tokens = ConditionTokens(16)
    for column, values in enumerate(VOCABULARIES.values()):
        rows = torch.full((len(values) + 1, 10), -1.0)
        rows[1:, column] = torch.arange(len(values))
        out = tokens(rows)
        assert torch.cdist(out[:, column], out[:, column]).fill_diagonal_(9).min() > 0.1
        others = [i for i in range(tokens.n_tokens) if i != column]
        assert (out[:, others] == out[:1, others]).all()


def test_a_missing_box_is_one_token_whatever_stands_in_its_other_columns():
    tokens, rows = ConditionTokens(16), torch.full((3, 10), -1.0)
    rows[1, 7:] = 0.7
    rows[2, 6:] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    out = tokens(rows)
    assert torch.equal(out[0], out[1])
    assert torch.equal(out[0, 6], tokens.no_box) and not torch.equal(out[2, 6], tokens.no_box)


def test_a_box_at_the_chest_wall_is_a_box():
    tokens, rows = ConditionTokens(16), torch.full((2, 10), -1.0)
    rows[0, 6:] = torch.tensor([0.0, 0.2, 0.3, 0.4])
    rows[1, 6:] = torch.tensor([0.0, 0.0, 0.3, 0.4])
    out = tokens(rows)[:, 6]
    assert (out - tokens.no_box).abs().amax(dim=1).min() > 0.01 and not torch.allclose(out[0], out[1])


def test_every_place_of_each_side_of_the_box_has_a_token_of_its_own():
    """From one end of the image to the other, both ends included."""
    tokens = ConditionTokens(16)
    for side in range(4):
        rows = torch.tensor([[-1.0] * 6 + [0.2, 0.3, 0.5, 0.6]]).repeat(21, 1)
        rows[:, 6 + side] = torch.linspace(0, 1, 21)
        out = tokens(rows)[:, 6]
        assert torch.cdist(out, out).fill_diagonal_(9).min() > 0.001


def test_shape_and_gradients(silent):
    tokens, rows = ConditionTokens(16), torch.full((4, 10), -1.0)
    rows[1:, 6:] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    out = tokens(rows)
    assert out.shape == (4, 8, 16) and tokens.n_tokens == 8
    assert silent(tokens, out) == []


ADDED = ("lesion_shape", "lesion_margin", "subtlety", "n_findings")


def test_what_is_added_starts_as_nothing_and_then_tells_its_values_in_the_finding_alone():
    torch.manual_seed(0)
    tokens = ConditionTokens(16, more=ADDED)
    rows = torch.full((4, 16), -1.0)
    rows[1, 12], rows[2, 14], rows[3, 14] = 2, 0.2, 0.8
    at_first = tokens(rows)
    assert (at_first == at_first[:1]).all()
    torch.nn.init.normal_(tokens.added["lesion_shape"].table.weight[1:])
    torch.nn.init.normal_(tokens.added["subtlety"].number[-1].weight)
    out = tokens(rows)
    finding, others = 4, [0, 1, 2, 3, 5, 6, 7]
    assert torch.cdist(out[:, finding], out[:, finding]).fill_diagonal_(9).min() > 0.01
    assert torch.equal(out[0], at_first[0]) and torch.equal(out[:, others], at_first[:, others])


def test_learning_leaves_not_given_as_nothing():
    tokens = ConditionTokens(16, more=ADDED)
    rows = torch.tensor([[-1.0] * 12 + [1, 2, 0.6, 0.1], [-1.0] * 16])
    before = tokens(rows)[1].detach()
    optimizer = torch.optim.AdamW(tokens.added.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        tokens(rows).square().sum().backward()
        optimizer.step()
    after = tokens(rows).detach()
    assert torch.equal(after[1], before) and not torch.allclose(after[0, 4], before[4])
