"""`Box` and `Conditions`: laws for any value, and one sentence for each bad one."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.terms import (
    BIRADS_CATEGORIES,
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    Density,
    Finding,
    Laterality,
    Margin,
    Pathology,
    Shape,
    View,
)

FRACTIONS = st.floats(0, 1, allow_nan=False)
VOCABULARIES = {
    "kind": AcquisitionKind,
    "view": View,
    "laterality": Laterality,
    "density": Density,
    "finding": Finding,
    "pathology": Pathology,
}
OF_LESIONS = {
    "lesion_shape": Shape,
    "lesion_margin": Margin,
    "calc_type": CalcificationMorphology,
    "calc_distribution": CalcificationDistribution,
    "subtlety": range(1, 6),
    "n_findings": range(1, 11),
}


@st.composite
def boxes(draw) -> Box:
    x0, x1 = sorted(draw(st.tuples(FRACTIONS, FRACTIONS)))
    y0, y1 = sorted(draw(st.tuples(FRACTIONS, FRACTIONS)))
    assume(x0 < x1 and y0 < y1)
    return Box(x0, y0, x1, y1)


@st.composite
def conditions(draw) -> Conditions:
    values = {name: draw(st.none() | st.sampled_from(vocabulary)) for name, vocabulary in VOCABULARIES.items()}
    box = None if values["finding"] is Finding.NONE else draw(st.none() | boxes())
    described = {} if values["finding"] is Finding.NONE else OF_LESIONS
    return Conditions(
        **values,
        **{name: draw(st.none() | st.sampled_from(allowed)) for name, allowed in described.items()},
        box=box,
        birads=draw(st.none() | st.sampled_from(BIRADS_CATEGORIES)),
        age_years=draw(st.none() | st.integers(0, 120)),
        text=draw(st.none() | st.text(min_size=1)),
    )


class TestBox:
    @given(boxes())
    def test_is_its_four_numbers_in_order(self, box):
        assert Box(*box) == box
        assert Box.parse(",".join(map(repr, box))) == box
        assert Box.parse(list(box)) == box == Box.parse("  ".join(map(repr, box)))

    @given(boxes())
    def test_width_height_and_center_agree_with_the_corners(self, box):
        assert box.width_fraction > 0 and box.height_fraction > 0
        x, y = box.center
        assert box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1
        assert math.isclose(x + box.width_fraction / 2, box.x1, abs_tol=1e-12)
        assert math.isclose(y - box.height_fraction / 2, box.y0, abs_tol=1e-12)

    def test_x_runs_along_the_columns(self):
        box = Box(0.1, 0.5, 0.2, 0.9)
        assert box.width_fraction == pytest.approx(0.1)
        assert box.height_fraction == pytest.approx(0.4)

    def test_may_be_the_whole_image(self):
        assert list(Box(0, 0, 1, 1)) == [0, 0, 1, 1]

    @pytest.mark.parametrize(
        "numbers",
        [
            (-0.01, 0, 1, 1),
            (0, -0.01, 1, 1),
            (0, 0, 1.01, 1),
            (0, 0, 1, 1.01),
            (0.5, 0.2, 0.5, 0.4),
            (0.2, 0.5, 0.4, 0.5),
            (0.6, 0.2, 0.5, 0.4),
            (0.2, 0.6, 0.4, 0.5),
            (math.nan, 0, 1, 1),
            (0, 0, math.inf, 1),
            ("0", 0, 1, 1),
            (None, 0, 1, 1),
        ],
    )
    def test_does_not_exist_empty_or_outside_the_image(self, numbers):
        with pytest.raises(RequestError, match="box"):
            Box(*numbers)

    @pytest.mark.parametrize(
        "text", ["", "0.1,0.2,0.3", "0.1,0.2,0.3,0.4,0.5", "a,b,c,d", "0.1;0.2;0.3;0.4", [0.1, None, 1, 1]]
    )
    def test_parse_says_what_it_wants_and_where(self, text):
        with pytest.raises(RequestError, match="request.csv line 3 must be four numbers x0,y0,x1,y1"):
            Box.parse(text, where="request.csv line 3")

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            Box(0, 0, 1, 1).x0 = 0.5


class TestConditions:
    @given(conditions())
    def test_json_round_trip(self, wanted):
        assert Conditions.from_json(wanted.to_json()) == wanted
        assert Conditions.from_dict(wanted.to_dict()) == wanted

    @given(conditions())
    def test_dictionary_is_plain_and_holds_what_is_known(self, wanted):
        plain = wanted.to_dict()
        assert {name for name in plain} == {
            field.name for field in dataclasses.fields(wanted) if getattr(wanted, field.name) is not None
        }
        assert all(type(value) in (str, int, list) for value in plain.values())

    @given(conditions())
    def test_a_line_of_a_table_reads_alike(self, wanted):
        """In a CSV all is text and what is unknown is an empty cell."""
        assume(wanted.text is None)
        row = {field.name: "" for field in dataclasses.fields(Conditions)}
        row |= {k: ",".join(map(repr, v)) if k == "box" else str(v) for k, v in wanted.to_dict().items()}
        assert Conditions.from_dict(row) == wanted

    @given(conditions(), st.sampled_from(Density))
    def test_replace_changes_one_thing_and_leaves_the_original(self, wanted, density):
        before = wanted.to_dict()
        changed = wanted.replace(density=density)
        assert changed.density is density
        assert wanted.to_dict() == before
        assert changed.replace(density=wanted.density) == wanted

    def test_plain_words_become_terms(self):
        wanted = Conditions(view="mlo", laterality="l", density="c", finding="Lymph node", birads="5", box="0,0,1,1")
        assert wanted.view is View.MLO
        assert wanted.laterality is Laterality.L
        assert wanted.density is Density.C
        assert wanted.finding is Finding.LYMPH_NODE
        assert wanted.birads == 5
        assert wanted.box == Box(0, 0, 1, 1)

    @pytest.mark.parametrize(("name", "vocabulary"), VOCABULARIES.items(), ids=list(VOCABULARIES))
    def test_a_bad_value_names_all_allowed_ones(self, name, vocabulary):
        for build in (lambda: Conditions(**{name: "E5"}), lambda: Conditions.from_dict({name: "E5"})):
            with pytest.raises(RequestError) as caught:
                build()
            assert str(caught.value) == f"{name} 'E5' is not one of {vocabulary.allowed()}"

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"birads": 7}, "birads '7' in a.csv line 2 is not one of 0, 1, 2, 3, 4, 5, 6"),
            ({"density": "E"}, "density 'E' in a.csv line 2 is not one of A, B, C, D"),
            ({"box": "1,2,3"}, "in a.csv line 2 must be four numbers"),
            ({"side": "L"}, "condition 'side' in a.csv line 2 is not one of kind, view, laterality, density, finding"),
        ],
    )
    def test_messages_name_the_place(self, values, told):
        with pytest.raises(RequestError) as caught:
            Conditions.from_dict(values, where="a.csv line 2")
        assert told in str(caught.value)

    @pytest.mark.parametrize("age", [-1, 121, "old", 5.5, "1e2"])
    def test_age_is_a_whole_number_of_years(self, age):
        with pytest.raises(RequestError, match="whole number from 0 to 120"):
            Conditions.from_dict({"age_years": age})

    def test_a_box_needs_a_finding_that_is_there(self):
        with pytest.raises(RequestError, match="a box is given with finding 'none'"):
            Conditions(finding="none", box=(0, 0, 1, 1))
        with pytest.raises(RequestError, match="a box is given"):
            Conditions(finding="mass", box=(0, 0, 1, 1)).replace(finding=Finding.NONE)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "3", '"A"', "null", '{"text": 5}', '{"density": }', '{"density": ["A"]}']
    )
    def test_what_is_no_json_object_of_conditions_is_refused(self, text):
        with pytest.raises(RequestError):
            Conditions.from_json(text, where="a.json")

    def test_json_is_readable(self):
        text = Conditions(density="C", box=(0.1, 0.2, 0.3, 0.4)).to_json()
        assert json.loads(text) == {"density": "C", "box": [0.1, 0.2, 0.3, 0.4]}

    def test_nothing_is_known_by_default(self):
        assert Conditions().to_dict() == {}
        assert Conditions() == Conditions.from_dict({"density": "", "view": None})

    def test_equal_conditions_hash_alike(self):
        assert len({Conditions(density="C"), Conditions(density=Density.C)}) == 1


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("lesion_shape", "lobulated", "oval, round, irregular"),
        ("lesion_margin", "smooth", "circumscribed, obscured, microlobulated, indistinct, spiculated"),
        ("calc_type", "big", "skin, vascular, coarse"),
        ("calc_distribution", "clustered", "diffuse, regional, grouped, linear, segmental"),
        ("subtlety", 0, "a whole number from 1 to 5"),
        ("subtlety", "6", "a whole number from 1 to 5"),
        ("n_findings", 11, "a whole number from 1 to 10"),
        ("n_findings", True, "a whole number from 1 to 10"),
    ],
)
def test_descriptors_of_a_lesion_are_of_the_lexicon(name, value, allowed):
    with pytest.raises(RequestError, match=rf"^{name} '?{value}'? in request.csv line 3 is not (one of )?{allowed}"):
        Conditions.from_dict({name: value}, where="request.csv line 3")


@pytest.mark.parametrize("name", OF_LESIONS)
def test_no_lesion_has_no_descriptors(name):
    value = next(iter(OF_LESIONS[name]))
    with pytest.raises(RequestError, match=f"^a {name} is given with finding 'none': leave out the {name} or name"):
        Conditions(finding="none", **{name: value})
