"""From planted figures to lights and to the sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_figures import figure, planted

from monai_mammo.evaluation.report.criteria import CRITERIA, HEADINGS, QUESTIONS, limits_table, verdicts_of
from monai_mammo.evaluation.report.html_parts import figure_text
from monai_mammo.evaluation.report.lights import Light, light_of, worst
from monai_mammo.evaluation.report.uses import (
    USES,
    answers_to_questions,
    how_many_outside,
    sentence_of,
    uses_of,
    uses_table,
)

GOOD, UNCLEAR, BAD, NONE = Light.GOOD, Light.UNCLEAR, Light.BAD, Light.NOT_MEASURED


@pytest.mark.parametrize(
    ("value", "reach", "light"),
    [
        (0.50, 0.10, GOOD),
        (0.60, 0.10, GOOD),  # the interval ends at the limit
        (0.65, 0.10, UNCLEAR),
        (0.76, 0.02, UNCLEAR),  # between good and tolerated
        (0.85, 0.10, UNCLEAR),
        (0.91, 0.10, BAD),
    ],
)
def test_a_light_is_that_of_the_whole_interval(value, reach, light):
    assert light_of(figure(value, reach), good=(0, 0.7), tolerated=(0, 0.8)) is light


def test_a_light_has_two_sides_and_needs_an_interval():
    assert light_of(figure(-4, 0.5), good=(-3, 3), tolerated=(-3, 3)) is BAD
    assert light_of({"value": 0.0, "low": None, "high": None}, good=(-3, 3), tolerated=(-3, 3)) is UNCLEAR
    assert light_of(None, good=(-3, 3), tolerated=(-3, 3)) is NONE
    assert light_of({"value": float("nan"), "low": 0.0, "high": 1.0}, good=(-3, 3), tolerated=(-3, 3)) is NONE


def test_rules_are_said_without_bounds_that_no_value_passes():
    rules = {criterion.name: criterion.rule for criterion in CRITERIA}
    assert rules["auc_network"] == "figure 0.7 at most; outside if all above 0.75"
    assert rules["side"] == "figure 0.9 at least" and rules["identical"] == "figure 0"
    assert rules["suspected_copies"] == "difference 0.1 at most; outside if all above 0"
    assert rules["fine_texture"] == "difference -3 to 3" and rules["origin"] == "figure 1; outside never"
    assert rules["precision_network"] == "ratio 0.8 at least; outside if all below 0.6"


def test_numbers_have_no_more_digits_than_say_something():
    large = {"value": 283519390.46, "low": 56558311.9, "high": 1283548356.3}
    assert figure_text(large) == "2.84e+08 (5.66e+07 to 1.28e+09)"
    assert figure_text({"value": 321.06, "low": -228.89, "high": 2211.9}) == "321 (-229 to 2212)"
    assert figure_text({"value": 0.5, "low": 0.45, "high": 99.994}, sign="+") == "+0.50 (+0.45 to +99.99)"
    assert figure_text({"value": -0.003, "low": -0.16, "high": 0.25}) == "0.00 (-0.16 to 0.25)", "not -0.00"
    assert figure_text({"mean": 0.5, "low": None, "high": None}, 1) == "0.5 (no interval)"


def test_the_worst_light_leaves_out_what_was_not_measured():
    assert worst([NONE, GOOD]) is GOOD and worst([GOOD, UNCLEAR, NONE]) is UNCLEAR and worst([BAD, GOOD]) is BAD
    assert worst([NONE]) is NONE and worst([]) is NONE


def judged(figures):
    verdicts = verdicts_of(figures)
    answers = answers_to_questions(verdicts)
    return {row["name"]: row for row in verdicts}, answers, sentence_of(uses_of(answers))


def test_how_many_figures_are_outside_tells_one_fault_from_many():
    rows = [
        {"question": "realism", "heading": "congruence", "light": light} for light in (BAD, GOOD, UNCLEAR, BAD, NONE)
    ]
    other = {"question": "copies", "heading": "compliance", "light": BAD}
    assert how_many_outside([*rows, other], "realism") == "2 of 4 figures outside limits"
    assert how_many_outside([*rows, other], "compliance") == "1 of 1 figures outside limits"
    assert how_many_outside(rows[-1:], "realism") == "", "none was measured"


def test_criteria_have_names_of_their_own_and_known_headings():
    assert len({c.name for c in CRITERIA}) == len(CRITERIA)
    assert {c.heading for c in CRITERIA} == set(HEADINGS), "each of the seven has a figure"
    assert {c.question for c in CRITERIA} <= {*QUESTIONS, "substitution", ""}
    for c in CRITERIA:
        assert c.name == "suspected_copies" or (c.tolerated[0] <= c.good[0] and c.good[1] <= c.tolerated[1]), c.name


def test_figures_that_could_not_be_better_allow_all_but_what_was_not_measured():
    rows, answers, sentence = judged(planted())
    assert {name: row["light"] for name, row in rows.items()} == dict.fromkeys(rows, "within limits")
    lights = {name: answer["light"] for name, answer in answers.items()}
    assert set(lights.values()) == {"within limits"}
    assert sentence == (
        "These images may be used for testing software, sharing with others, a training beside acquired images whose "
        "gain is then measured, a training of the sort that is shown to gain by them, measuring a detector in place of "
        "acquired images and a training in place of acquired images; they may not be used for diagnosis."
    )


def test_a_judge_that_was_trained_on_the_reference_is_not_heard():
    rows, answers, _ = judged({**planted(), "judge_trained_on": 3})
    read = [row for name, row in rows.items() if name.startswith("judge_")]
    assert read and {row["light"] for row in read} == {"not measured"}
    assert {row["reason"] for row in read} == {"the judge was trained on images of the reference"}
    assert rows["frechet_radiomic"]["light"] == rows["side"]["light"] == "within limits"
    assert answers["request"]["light"] == "within limits", "by the side in the pixels"


BESIDE, SHOWN, IN_PLACE = (use.name for use in USES if use.name.startswith("a training"))


@pytest.mark.parametrize(
    ("gain", "alone", "light", "allowed"),
    [
        (figure(0.03, 0.02), figure(-0.2, 0.05), GOOD, [BESIDE, SHOWN]),
        (figure(0.01, 0.02), figure(0.0, 0.01), UNCLEAR, [BESIDE, IN_PLACE]),
        (figure(-0.03, 0.02), figure(0.0, 0.01), BAD, []),
    ],
)
def test_what_a_training_gains_decides_on_trainings(gain, alone, light, allowed):
    figures = planted()
    figures["utility"]["recipes"] |= {"better": {"gain": gain, "n": 250}, "alone": {"gain": alone, "n": 250}}
    answers = answers_to_questions(verdicts_of(figures))
    assert answers["help"]["light"] == light
    uses = [use["use"] for use in uses_of(answers) if use["is_allowed"]]
    assert [use for use in uses if use.startswith("a training")] == allowed


def test_without_trainings_nobody_knows_whether_they_help():
    figures = planted()
    figures["utility"] = {"reason": "all 60 synthetic images are of one class"}
    rows, answers, sentence = judged(figures)
    assert answers["help"]["light"] == answers["substitution"]["light"] == "not measured"
    assert rows["utility_gain"]["reason"] == "all 60 synthetic images are of one class" in answers["help"]["because"]
    assert sentence.endswith(
        "they may not be used for a training of the sort that is shown to gain by them, a training in place of "
        "acquired images or diagnosis."
    )
    del figures["utility"]
    assert judged(figures)[0]["utility_gain"]["reason"] == "this report trains no network"


def test_what_a_classifier_tells_at_once_is_for_testing_software():
    figures = planted()
    figures["realism"]["auc"][0]["synthetic"] = figure(0.95, 0.03)
    rows, answers, sentence = judged(figures)
    assert rows["auc_radiomic"]["light"] == "outside limits" and answers["realism"]["light"] == "outside limits"
    assert answers["realism"]["because"] == rows["auc_radiomic"]["title"]
    assert sentence == (
        "These images may be used for testing software, sharing with others and a training of the sort that is shown "
        "to gain by them; they may not be used for a training beside acquired images whose gain is then measured, "
        "measuring a detector in place of acquired images, a training in place of acquired images or diagnosis."
    )


def test_copies_may_be_used_for_nothing():
    figures = planted()
    figures["memorisation"]["rows"][0]["n_suspected"] = 12
    rows, answers, sentence = judged(figures)
    assert rows["suspected_copies"]["light"] == "outside limits"
    assert answers["copies"]["light"] == "outside limits"
    assert sentence.startswith("These images may not be used for testing software, sharing with others,")
    assert sentence.endswith("or diagnosis.")


@pytest.mark.parametrize(("n_suspected", "light"), [(0, GOOD), (1, GOOD), (2, UNCLEAR), (12, BAD)])
def test_one_suspected_in_sixty_is_what_acquired_images_show_too(n_suspected, light):
    figures = planted()
    figures["memorisation"]["rows"][0]["n_suspected"] = n_suspected
    assert judged(figures)[0]["suspected_copies"]["light"] == light


def test_closeness_that_misses_planted_copies_says_nothing():
    figures = planted()
    figures["memorisation"]["rows"][2]["n_suspected"] = 60
    rows, answers, _ = judged(figures)
    assert rows["suspected_copies"]["light"] == "not measured"
    assert rows["suspected_copies"]["reason"] == "closeness found 60 of 100 planted copies, too few"
    assert answers["copies"]["light"] == "not measured"
    assert "closeness found 60 of 100 planted copies" in answers["copies"]["because"]
    assert "sharing with others" in judged(figures)[2].partition("; they may not be used for ")[2]
    figures["identity"]["n_identical"] = 3
    assert judged(figures)[1]["copies"]["light"] == "outside limits", "what was measured stays"


def test_nothing_right_is_a_ratio_of_nought():
    figures = planted()
    dice = next(row for row in figures["adherence"]["rows"] if row["measure"] == "Dice")
    dice["synthetic"] = figure(0.0, 0.0)
    assert judged(figures)[0]["judge_dice"]["light"] == "outside limits"
    dice["acquired"] = figure(0.0, 0.0)
    row = judged(figures)[0]["judge_dice"]
    assert (row["light"], row["reason"]) == (
        "not measured",
        "the figure of the judge on acquired images is 0, and there is no ratio to it",
    )


def test_a_difference_is_judged_beside_the_control():
    """A Fréchet distance of 1.5 with few images is no fault where acquired images have it too."""
    figures = planted()
    figures["realism"]["frechet"][0] |= {"synthetic": figure(1.5, 0.1), "control": figure(1.5, 0.1)}
    rows = judged(figures)[0]
    assert rows["frechet_radiomic"]["light"] == "within limits"
    assert rows["frechet_radiomic"]["judged"] == {"value": 0.0, "low": -0.1414, "high": 0.1414}
    figures["realism"]["frechet"][0]["control"] = figure(0.5, 0.1)
    assert judged(figures)[0]["frechet_radiomic"]["light"] == "outside limits"


def test_what_the_judge_cannot_tell_on_acquired_images_is_not_held_against_generated_ones():
    figures = planted()
    density = next(row for row in figures["adherence"]["rows"] if row["measure"] == "density")
    density["synthetic"], density["acquired"]["most_frequent"] = figure(0.2, 0.05), 0.68
    row = judged(figures)[0]["judge_density"]
    assert (row["light"], row["reason"]) == ("not measured", "the judge is not shown to tell it on acquired images")
    density["acquired"]["most_frequent"] = 0.5
    assert judged(figures)[0]["judge_density"]["light"] == "outside limits"


def test_too_few_images_have_no_figure_but_a_reason():
    figures = planted()
    figures["realism"]["auc"][0]["synthetic"] = figure(1.0, 0.0, n=7)
    row = judged(figures)[0]["auc_radiomic"]
    assert (row["light"], row["figure"]) == ("not measured", None)
    assert row["reason"] == "7 images, and 20 at least are needed"


def test_one_sort_of_features_is_not_enough_to_call_images_real():
    figures = planted()
    for home, *names in ((figures["realism"], "auc", "frechet", "kernel"), (figures, "neighbours")):
        for rows in names:
            home[rows] = [row for row in home[rows] if "radiomic" in row["features"]]
    assert {row["features"] for row in figures["neighbours"]} == {"radiomic", "filtered radiomic"}, "but one sort"
    answer = judged(figures)[1]["realism"]
    assert (answer["light"], answer["because"]) == ("not measured", "features of two sorts or more are needed")
    figures["realism"]["auc"][0]["synthetic"] = figure(0.95, 0.03)
    assert judged(figures)[1]["realism"]["light"] == "outside limits", "but to call them unreal it is"


def test_a_kernel_distance_and_precision_are_judged_beside_the_control():
    figures = planted()
    kernel = next(row for row in figures["realism"]["kernel"] if row["features"] == "inner layers")
    kernel["synthetic"] = figure(0.7, 0.1)
    near = next(
        row for row in figures["neighbours"] if (row["features"], row["measure"]) == ("inner layers", "precision")
    )
    near["synthetic"] = figure(0.3, 0.04)
    rows, answers, _ = judged(figures)
    assert rows["kernel_network"]["light"] == rows["precision_network"]["light"] == "outside limits"
    assert rows["kernel_network"]["judged"]["value"] == pytest.approx(0.71)
    assert answers["realism"]["light"] == "outside limits"


def test_what_does_not_tell_blurred_copies_by_the_judge_has_no_light():
    """Its distances and precision are as for acquired images; the classifier on the same features tells them."""
    figures = planted()
    for name in ("frechet", "kernel"):
        row = next(row for row in figures["realism"][name] if row["features"] == "judge")
        row["synthetic"] = figure(9, 0.1)
    assert [name for name in judged(figures)[0] if name.endswith("_judge")] == ["auc_judge", "coverage_judge"]
    assert judged(figures)[1]["realism"]["light"] == "within limits"
    told = next(row for row in figures["realism"]["auc"] if row["features"] == "judge")
    told["synthetic"] = figure(0.92, 0.02)
    rows, answers, _ = judged(figures)
    assert rows["auc_judge"]["light"] == answers["realism"]["light"] == "outside limits"


def test_features_of_a_file_are_judged_as_the_built_in_ones():
    figures = planted()
    for name in ("auc", "frechet", "kernel"):
        twin = {**figures["realism"][name][0], "features": "file mine.onnx"}
        figures["realism"][name].append({**twin, "synthetic": figure(3, 0.1)})
    rows = judged(figures)[0]
    assert {rows[f"{name}_file mine.onnx"]["light"] for name in ("auc", "frechet", "kernel")} == {"outside limits"}
    assert rows["coverage_file mine.onnx"]["reason"] == "too few images"
    assert rows["frechet_file mine.onnx"]["title"] == "Fréchet distance of features of the network in mine.onnx"


def test_images_of_the_reference_itself_are_outside_limits():
    figures = planted()
    figures["identity"]["n_identical"] = 1
    rows, answers, _ = judged(figures)
    assert rows["identical"]["light"] == "outside limits" and answers["copies"]["light"] == "outside limits"


def test_the_furthest_subgroup_is_judged():
    figures = planted()
    bad = {"synthetic": figure(-7, 0.5, 20), "control": figure(0, 0.5, 20)}
    figures["subgroups"]["rows"].append({"subgroup": {"kind": "contrast"}, "texture": bad})
    row = judged(figures)[0]["subgroups"]
    assert row["figure"]["value"] == -7 and row["light"] == "outside limits"


def test_measures_of_single_images_are_those_of_the_commonest_kind():
    """Means over kinds tell of their mix: here all together would be within limits."""
    figures = planted()
    row = next(row for row in figures["realism"]["measures"] if row["measure"] == "ridge length")
    figures["realism"]["measures"].append({**row, "kind": "film", "share": figure(0.5, 0.05)})
    figures["realism"]["measures"].append({**row, "kind": "digital", "share": figure(1.5, 0.05)})
    figures["realism"]["settings"]["n_of_kinds"] = {"synthetic": {"film": 40, "digital": 20}, "control": {"film": 38}}
    found = judged(figures)[0]["ridge_length"]
    assert (found["kind"], found["figure"]["value"], found["light"]) == ("film", 0.5, "outside limits")
    assert found["beside"]["n"] == 38


@pytest.mark.parametrize(("name", "table"), [("limits", limits_table), ("uses", uses_table)])
def test_the_page_shows_the_tables_of_the_code(name, table):
    page = (Path(__file__).parents[3] / "docs/how_to/evaluate_report.md").read_text(encoding="utf-8")
    assert f"<!-- {name} -->\n{table()}<!-- /{name} -->" in page


def test_each_use_needs_at_least_what_the_one_before_needs_of_copies_and_realism():
    order = (GOOD, UNCLEAR, NONE, BAD)
    for name in ("realism",):
        needs = [max(map(order.index, use.needs[name])) for use in USES if name in use.needs]
        assert needs == sorted(needs, reverse=True)
