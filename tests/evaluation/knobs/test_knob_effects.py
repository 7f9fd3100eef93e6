"""Effects of a knob, against figures whose slopes and gains are known."""

from __future__ import annotations

import pytest

from monai_mammo.evaluation.knobs.knob_effects import knob_effects
from monai_mammo.evaluation.knobs.knob_page import knob_page
from monai_mammo.evaluation.knobs.knob_table import BASE, KNOBS, Knob, Level
from monai_mammo.evaluation.tables import markdown_table

ORDERED = Knob(
    name="density",
    levels=tuple(Level(label=label, value=value) for label, value in (("A", 1.0), ("B", 2.0), ("C", 4.0))),
    decides="read",
    direction=1,
    still=("area",),
)
NAMED = Knob(name="view", levels=(Level(label="CC"), Level(label="MLO")), reads="view")


def images(make, knob=ORDERED, n_seeds=8):
    return [[make(level.value, k) for k in range(n_seeds)] for level in knob.levels]


def rows(effects):
    return {row["measure"]: row for row in effects["rows"]}


def test_a_slope_is_that_from_the_first_level_to_the_last_whatever_each_seed_adds():
    found = knob_effects(ORDERED, images(lambda x, k: {"read": 0.5 * x + 10 * k, "area": 3.0 + 10 * k}))
    read, area = rows(found)["read"], rows(found)["area"]
    assert read["effect"]["mean"] == pytest.approx(0.5 * 3) and read["effect"]["low"] == pytest.approx(1.5)
    assert read["moved"] and read["expected"] == "moves"
    assert area["effect"]["mean"] == pytest.approx(0) and area["moved"] is False and area["expected"] == "still"
    assert found["responds"] is True and found["decides"]["measure"] == "read"
    assert [level["mean"] for level in read["levels"]] == pytest.approx([35.5, 36.0, 37.0])


def test_the_interval_is_over_seeds_and_decides():
    def with_slope(slope):
        return knob_effects(ORDERED, images(lambda x, k: {"read": (slope + (-1) ** k) * x}))  # half the seeds each way

    weak, strong, falling = with_slope(0.1), with_slope(2.0), with_slope(-2.0)
    assert (weak["responds"], strong["responds"], falling["responds"]) == (False, True, False)
    assert falling["decides"]["high"] < 0  # it moves, the wrong way
    assert strong["decides"]["low"] < strong["decides"]["mean"] < strong["decides"]["high"]


def test_spearman_is_that_of_all_images():
    found = knob_effects(ORDERED, images(lambda x, k: {"read": x**3 + 0.001 * k}))
    assert rows(found)["read"]["effect"]["spearman"] == pytest.approx(0.943, abs=0.01)  # ties within the levels
    falling = knob_effects(ORDERED, images(lambda x, k: {"read": -x}))
    assert rows(falling)["read"]["effect"]["spearman"] == -1.0


def test_levels_without_order_are_judged_by_how_much_better_they_are_read_where_requested():
    def figures(view):
        return lambda _, k: {"view=CC": 0.9 if view == "CC" else 0.3, "view=MLO": 0.1 if view == "CC" else 0.7}

    found = knob_effects(NAMED, [[figures(view)(None, k) for k in range(6)] for view in ("CC", "MLO")])
    assert found["decides"]["form"] == "gain" and found["decides"]["mean"] == pytest.approx(0.6)
    assert found["responds"] is True
    swapped = knob_effects(NAMED, [[figures(view)(None, k) for k in range(6)] for view in ("MLO", "CC")])
    assert swapped["decides"]["mean"] == pytest.approx(-0.6) and swapped["responds"] is False
    dead = knob_effects(NAMED, [[figures("CC")(None, k) for k in range(6)] for _ in range(2)])
    assert dead["decides"]["mean"] == 0 and dead["responds"] is False


def test_a_range_has_the_share_of_exchanges_within_seeds_that_give_as_much():
    knob = Knob(name="kind", levels=(Level(label="a"), Level(label="b")), decides="brightness")
    apart = knob_effects(knob, [[{"brightness": level + 5.0 * k} for k in range(8)] for level in (0.0, 1.0)])
    # all of 2**8 exchanges but two give less: p about 2 / 256
    assert rows(apart)["brightness"]["effect"]["p"] == pytest.approx(2 / 256, abs=0.006)
    assert apart["responds"] is True
    alike = knob_effects(knob, [[{"brightness": (-1.0) ** (k + level)} for k in range(8)] for level in (0, 1)])
    assert rows(alike)["brightness"]["effect"]["p"] > 0.9 and alike["responds"] is False


def test_what_could_not_be_measured_gives_no_verdict():
    found = knob_effects(ORDERED, images(lambda x, k: {"read": None, "area": 1.0}))
    assert found["responds"] is None and found["decides"] is None
    single = knob_effects(ORDERED, images(lambda x, k: {"read": x}, n_seeds=1))
    assert single["responds"] is None and single["decides"]["low"] is None


def test_a_figure_that_is_missing_in_some_images_counts_where_it_is_known():
    found = knob_effects(ORDERED, images(lambda x, k: {"read": None if k == 3 else 2 * x}))
    assert rows(found)["read"]["effect"]["mean"] == pytest.approx(6) and rows(found)["read"]["levels"][0]["n"] == 7


def test_the_page_says_what_responds_and_marks_what_is_not_as_expected():
    moved = knob_effects(ORDERED, images(lambda x, k: {"read": float(k), "area": x}))
    figures = {"command": "knobs", "settings": {"n_seeds": 8, "base": BASE.to_dict()}, "knobs": [moved]}
    page = knob_page(figures)
    assert page == markdown_table(figures)
    assert "| density | A, B, C | read, slope | +0.000 (+0.000 to +0.000) | does not respond |" in page
    assert "| density | area | 1, 2, 4 | +3.000 (+3.000 to +3.000) | 1.00 | still | moved ! |" in page
    assert "| density | read | 3.5, 3.5, 3.5 | +0.000 (+0.000 to +0.000) | 0.00 | moves | still ! |" in page


def test_the_knobs_change_one_condition_each_and_name_measures_once():
    names = [knob.name for knob in KNOBS]
    assert len(set(names)) == len(names)
    for knob in KNOBS:
        assert len(knob.levels) >= 2 and bool(knob.decides) != bool(knob.reads)
        for level in knob.levels:
            changed = BASE.replace(**level.changes)
            others = {"box", "birads"} if level.label == "none" else set()
            differing = {k for k in (*changed.to_dict(), *BASE.to_dict()) if getattr(changed, k) != getattr(BASE, k)}
            assert differing - others <= {knob.name}
        assert not {knob.decides, *knob.moves} & set(knob.still)
