"""The support table against figures counted by hand."""

from __future__ import annotations

import pytest

from monai_mammo.bundle import FEW_PERSONS, SupportRow, SupportTable, describe, support_rows
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.terms import AcquisitionKind, Density, Finding


def item(person: str, **conditions) -> dict:
    return {"image_id": f"{person}-{len(conditions)}", "person_id": person, "conditions": conditions}


MASS_C = {"kind": "film", "density": "C", "view": "MLO", "finding": "mass", "birads": 4}


@pytest.fixture
def table() -> SupportTable:
    """Film C MLO mass 4 of 25 persons (one twice), 2 in CC, 1 digital D without BI-RADS, 1 without lesion."""
    items = [item(f"p{i}", **MASS_C) for i in range(25)] + [item("p0", **MASS_C)]
    items += [item("p0", **MASS_C | {"view": "CC"}), item("p1", **MASS_C | {"view": "CC"})]
    items += [item("q", kind="digital", density="D", view="MLO", finding="calcification")]
    items += [item("r", kind="contrast", density="C", view="CC", finding="none", birads=1)]
    return support_rows(items)


def test_counts_images_and_persons_of_a_full_request(table):
    request = Conditions(**MASS_C)
    assert table.images(request) == 26
    assert table.persons(request) == 25


def test_other_attributes_do_not_count(table):
    asked = Conditions(**MASS_C, laterality="L", box=(0.1, 0.1, 0.4, 0.4), pathology="malignant", age_years=50)
    assert table.images(asked) == 26


def test_an_open_attribute_matches_all_and_persons_are_a_lower_bound(table):
    request = Conditions(kind="film", density="C", finding="mass")
    assert table.images(request) == 28
    assert table.persons(request) == 25
    assert table.images(Conditions()) == 30


@pytest.mark.parametrize("name, value", [("kind", "digital"), ("density", "B"), ("view", "CC"), ("birads", 5)])
def test_each_attribute_is_looked_at(table, name, value):
    expected = 2 if name == "view" else 0
    assert table.images(Conditions(**MASS_C | {name: value})) == expected


def test_an_unknown_label_supports_no_stated_one(table):
    asked = Conditions(kind="digital", density="D", view="MLO", finding="calcification")
    assert table.images(asked) == 1
    assert table.images(asked.replace(birads=4)) == 0
    assert table.images(asked.replace(birads=0)) == 0


def test_birads_0_is_a_value(table):
    zero = support_rows([item("p", birads=0), item("q")])
    assert len(zero.rows) == 2
    assert zero.images(Conditions(birads=0)) == 1


def test_a_well_supported_request_brings_no_warning(table):
    support = table.check(Conditions(**MASS_C))
    assert (support.images, support.persons, support.warning, support.alternatives) == (26, 25, "", ())
    assert support.is_supported


@pytest.mark.parametrize("n, warns", [(FEW_PERSONS - 1, True), (FEW_PERSONS, False)])
def test_the_warning_begins_under_twenty_persons(n, warns):
    table = support_rows(item(f"p{i}", **MASS_C) for i in range(n))
    assert bool(table.check(Conditions(**MASS_C)).warning) is warns


def test_the_warning_counts_and_says_where_it_is_a_bound(table):
    assert table.check(Conditions(**MASS_C | {"view": "CC"})).warning == (
        "only 2 training persons (2 images) stand behind kind film, density C, view CC, finding mass, birads 4"
    )
    both = support_rows([item("p", view="CC"), item("p", view="MLO"), item("p", view="CC", density="A")])
    assert "only at least 1 training person (3 images)" in both.check(Conditions()).warning


def test_an_unsupported_request_names_the_nearest_by_what_changes(table):
    support = table.check(Conditions(**MASS_C | {"density": "A", "view": "CC"}))
    assert not support.is_supported
    first = support.alternatives[0]
    assert (first.density, first.view, first.kind) == (Density.C, "CC", AcquisitionKind.FILM)
    assert support.warning.startswith("no training image shows kind film, density A, view CC")
    assert describe(first) in support.warning


def test_nearest_keeps_open_what_is_open_and_orders_by_density_steps(table):
    nearest = table.nearest(Conditions(density="A", box=(0.1, 0.1, 0.2, 0.2)))
    assert [other.density for other in nearest] == [Density.C, Density.D]
    assert all(other.kind is None and other.box is not None for other in nearest)


def test_a_step_of_density_is_nearer_than_two_whatever_the_images():
    table = support_rows([item("p", density="B")] + [item(f"q{i}", density="C") for i in range(9)])
    assert table.nearest(Conditions(density="A"))[0].density is Density.B


def test_of_equally_near_ones_that_with_most_images_comes_first_then_the_first_by_name():
    items = [item("p", density="A"), *(item(f"q{i}", density="C") for i in range(9))]
    assert [other.density for other in support_rows(items).nearest(Conditions(density="B"))] == ["C", "A"]
    items += [item(f"r{i}", density="A") for i in range(8)]
    assert [other.density for other in support_rows(items).nearest(Conditions(density="B"))] == ["A", "C"]


def test_an_alternative_without_lesion_has_no_box(table):
    asked = Conditions(kind="contrast", density="C", view="CC", finding="focus", birads=1, box=(0.1, 0.1, 0.2, 0.2))
    best = table.nearest(asked, 1)[0]
    assert best.finding is Finding.NONE and best.box is None


def test_an_alternative_with_an_unknown_label_is_not_offered(table):
    asked = Conditions(kind="digital", density="D", view="MLO", finding="calcification", birads=4)
    assert all(other.birads is not None for other in table.nearest(asked, 9))
    assert Conditions(kind="digital", density="D", view="MLO", finding="calcification", birads=4) not in table.nearest(
        asked, 9
    )


def test_json_round_trip_is_exact(table):
    again = SupportTable.from_dict(table.to_dict())
    assert again == table
    assert sum(row[-2] for row in table.to_dict()["rows"]) == 30


@pytest.mark.parametrize(
    "values, names",
    [
        ({}, "columns"),
        ({"columns": ["kind"], "rows": []}, "columns must be kind, density, view, finding, birads"),
        ({"columns": None, "rows": []}, "cannot be read"),
        ({"rows": [["film", "E", "CC", "mass", 4, 1, 1]]}, "density 'E'"),
        ({"rows": [["film", "C", "CC", "mass", 4, 1]]}, "has not 7 values"),
        ({"rows": [["film", "C", "CC", "mass", 4, 1, 2]]}, "1 images and 2 persons"),
        ({"rows": [["film", "C", "CC", "mass", 4, 0, 0]]}, "cannot be"),
        ({"rows": [["film", "C", "CC", "mass", 4, "x", 1]]}, "cannot be read"),
        ({"rows": [["film", "C", "CC", "mass", 4, 1, 1]] * 2}, "twice"),
        ({"rows": 7}, "cannot be read"),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(values, names):
    columns = ["kind", "density", "view", "finding", "birads", "images", "persons"]
    if "rows" in values:
        values = {"columns": columns} | values
    with pytest.raises(MammoError, match="bad.json") as caught:
        SupportTable.from_dict(values, where="bad.json")
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_item_without_person_is_refused():
    with pytest.raises(MammoError, match="no person_id"):
        support_rows([item("", **MASS_C)])


def test_a_row_needs_an_image():
    with pytest.raises(MammoError):
        SupportRow(Conditions(), 0, 0)
