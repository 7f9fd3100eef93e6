"""Pairs, differences, corrections and power against closed forms and simulations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.reader_study.reader_intervals import ReadersMean, area_jackknife, mean_over_readers
from monai_mammo.evaluation.utility.arm_scores import ArmScores, Cases
from monai_mammo.evaluation.utility.concordance import concordance_jackknife, spearman_jackknife
from monai_mammo.evaluation.utility.gain_statistics import (
    detectable_gain,
    difference_jackknife,
    holm_adjusted,
    probit_of,
    two_sided_p,
)
from monai_mammo.evaluation.utility.utility_comparisons import utility_figures


def cases_of(truth, *, persons=None, kinds=None):
    n = len(truth)
    return Cases(
        names=tuple(f"i{i:04d}" for i in range(n)),
        persons=tuple(persons or (f"p{i:04d}" for i in range(n))),
        kinds=tuple(kinds or ("film",) * n),
        truth=tuple(float(one) for one in truth),
    )


def by_hand(scores, cases):
    """Share of pairs, one after the other."""
    found = []
    for i in range(len(cases)):
        for j in range(len(cases)):
            if cases.kinds[i] == cases.kinds[j] and cases.truth[i] > cases.truth[j]:
                found.append(1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return np.mean(found)


def without(cases, scores, person):
    kept = [i for i, one in enumerate(cases.persons) if one != person]
    some = cases_of(
        [cases.truth[i] for i in kept],
        persons=[cases.persons[i] for i in kept],
        kinds=[cases.kinds[i] for i in kept],
    )
    return some, scores[kept]


def test_pairs_count_within_a_kind_and_persons_go_whole():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 4, 40), rng.integers(0, 6, (40, 2)).astype(float)
    cases = cases_of(truth, persons=[f"p{i // 3:02d}" for i in range(40)], kinds=["film", "digital"] * 20)
    areas, left = concordance_jackknife(scores, cases)
    assert areas == pytest.approx([by_hand(scores[:, r], cases) for r in range(2)])
    assert left.shape == (14, 2)
    for row, person in ((0, "p00"), (5, "p05"), (13, "p13")):
        some, of_some = without(cases, scores, person)
        assert left[row] == pytest.approx([by_hand(of_some[:, r], some) for r in range(2)])


def test_for_two_classes_of_one_kind_it_is_the_area_of_reader_studies():
    rng = np.random.default_rng(1)
    is_high, scores = np.arange(30) < 12, rng.random((30, 3))
    cases = cases_of(is_high)
    ours, theirs = concordance_jackknife(scores, cases), area_jackknife(scores, is_high, persons=cases.persons)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other)


def test_what_cannot_be_told_apart_has_no_area():
    with pytest.raises(RequestError, match="too few images of different classes within one acquisition kind"):
        concordance_jackknife(np.zeros((2, 1)), cases_of([0, 1], kinds=["film", "digital"]))


def test_ranks_agree_where_scores_are_the_classes():
    cases = cases_of([0, 1, 2, 3] * 3, kinds=["film"] * 4 + ["digital"] * 8)
    truth = np.array(cases.truth)
    whole, left = spearman_jackknife(np.stack([truth, -truth, np.ones(12)], axis=1), cases)
    assert whole.tolist() == [1.0, -1.0, 0.0] and left.shape == (12, 3)
    np.testing.assert_allclose(left, np.tile(whole, (12, 1)))


def test_holm_steps_down():
    """Worked by hand: 4 times the lowest, 3 times the next, and never less than the one before."""
    assert holm_adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_adjusted([0.6, 0.9]) == [1.0, 1.0] and holm_adjusted([]) == []


def test_four_in_five_studies_show_what_could_be_seen():
    known = ReadersMean(0.0, 0.01, np.inf)
    assert detectable_gain(known) == pytest.approx(0.01 * (norm.ppf(0.975) + norm.ppf(0.8)), rel=1e-3)
    rng = np.random.default_rng(2)
    for n, alpha in ((5, 0.05), (8, 0.01)):
        gain = detectable_gain(ReadersMean(0.0, 1 / np.sqrt(n), n - 1), alpha=alpha)
        draws = gain + rng.standard_normal((2000, n))
        means = [ReadersMean(d.mean(), d.std(ddof=1) / np.sqrt(n), n - 1) for d in draws]
        assert np.mean([two_sided_p(mean) < alpha for mean in means]) == pytest.approx(0.8, abs=0.03)
    assert detectable_gain(known, alpha=0.05 / 24) > detectable_gain(known)
    assert detectable_gain(None) is None and two_sided_p(None) == 1.0


def test_the_effect_is_the_distance_of_two_normal_distributions():
    area = norm.cdf(1.2 / np.sqrt(2))
    values, left = probit_of((np.array([area]), np.array([[0.5], [1.0]])))
    assert values[0] == pytest.approx(1.2) and left[0, 0] == pytest.approx(0) and np.isfinite(left).all()


def arms(rng, *, gain=0.0, n_readers=5, n=60, shared=0.8, names=("acquired", "dose_1")):
    """Scores of networks that see the same images alike, one arm telling more than the other."""
    truth = np.arange(n) % 2
    image, cases = shared * rng.standard_normal(n)[:, None], cases_of(truth)
    out = []
    for arm, more in zip(names, (0.0, gain), strict=True):
        own = np.sqrt(1 - shared**2) * rng.standard_normal((n, n_readers))
        skill = 1.0 + more + 0.1 * rng.standard_normal(n_readers)
        seeds = tuple(range(n_readers))
        scores = image + own + truth[:, None] * skill
        out.append(ArmScores(arm=arm, architecture="small", seeds=seeds, cases=cases, scores=scores))
    return out


def test_a_difference_is_found_as_often_as_stated_where_there_is_none():
    """Paired by seed and image; an interval for two studies apart would be three times as wide."""
    rng, p_values, reaches = np.random.default_rng(3), [], []
    for _ in range(200):
        one, other = (concordance_jackknife(arm.scores, arm.cases) for arm in arms(rng))
        paired = mean_over_readers(*difference_jackknife(one, other, is_paired=True))
        apart = mean_over_readers(*difference_jackknife(one, other, is_paired=False))
        p_values.append(two_sided_p(paired))
        reaches.append(apart.error / paired.error)
    assert 0.005 <= np.mean(np.array(p_values) < 0.05) <= 0.09
    assert np.median(reaches) > 2


def test_a_gain_is_shown_and_its_figures_fit_together():
    figures = utility_figures(arms(np.random.default_rng(4), gain=1.0))
    (row,) = figures["comparisons"]
    assert (row["arm"], row["than"]) == ("dose_1", "acquired") and row["is_shown"] and figures["n_comparisons"] == 1
    areas = {one["arm"]: one["area"]["value"] for one in figures["arms"]}
    assert row["gain"]["value"] == pytest.approx(areas["dose_1"] - areas["acquired"], abs=2e-4)
    assert 0 < row["gain"]["low"] < row["gain"]["value"] < row["gain"]["high"] and row["effect"]["low"] > 0
    assert 0 < row["could_see"] == row["could_see_holm"] < row["gain"]["value"]
    assert figures["recipes"]["added"]["gain"] == row["gain"] and figures["recipes"]["better"]["gain"] == row["gain"]
    assert figures["recipes"]["alone"] is None and "a gain is shown" in figures["sentence"]


def test_the_better_of_two_recipes_pays_for_the_choice():
    rng = np.random.default_rng(5)
    first, added = arms(rng, gain=0.3)
    pretrained = arms(rng, gain=0.1)[1]
    third = ArmScores(
        arm="pretrained", architecture="small", seeds=first.seeds, cases=first.cases, scores=pretrained.scores
    )
    figures = utility_figures([first, added, third])
    better, own = figures["recipes"]["better"], figures["recipes"]["added"]["gain"]
    assert better["arm"] == "dose_1" and better["gain"]["value"] == own["value"]
    assert better["gain"]["low"] < own["low"] and better["gain"]["high"] > own["high"]


def test_arms_that_cannot_be_compared_are_refused():
    first, added = arms(np.random.default_rng(6))
    with pytest.raises(RequestError, match="'small' has no arm 'acquired' to compare with"):
        utility_figures([added])
    fewer = ArmScores(arm="dose_1", architecture="small", seeds=(0, 1), cases=first.cases, scores=added.scores[:, :2])
    with pytest.raises(RequestError, match="arm 'dose_1' of 'small' has other seeds than arm 'acquired'"):
        utility_figures([first, fewer])
    some = cases_of(first.cases.truth[:50])
    short = ArmScores(arm="dose_1", architecture="small", seeds=first.seeds, cases=some, scores=added.scores[:50])
    with pytest.raises(RequestError, match="arm 'dose_1' of 'small' has other images"):
        utility_figures([first, short])
    single = ArmScores(arm="acquired", architecture="small", seeds=(0,), cases=first.cases, scores=first.scores[:, :1])
    with pytest.raises(RequestError, match="has one seed: two at least"):
        utility_figures([single])


def test_nothing_varies_nothing_is_shown():
    first, _ = arms(np.random.default_rng(7))
    same = ArmScores(arm="dose_1", architecture="small", seeds=first.seeds, cases=first.cases, scores=first.scores)
    (row,) = utility_figures([first, same])["comparisons"]
    assert row["gain"] == {"value": 0.0, "low": None, "high": None} and row["p_holm"] == 1.0 and not row["is_shown"]


def test_images_of_a_kind_that_shows_one_class_count_nowhere():
    """As if they were not there: not in the area, nor in its interval, nor among the images of which a study says n."""
    rng = np.random.default_rng(5)
    whole = []
    for one in arms(rng, gain=0.4):
        more = cases_of([1] * 90, persons=[f"f{i // 2}" for i in range(90)], kinds=["other"] * 90)
        fields = {name: getattr(one.cases, name) + getattr(more, name) for name in ("persons", "kinds", "truth")}
        cases = Cases(names=one.cases.names + tuple(f"o{i}" for i in range(90)), **fields)
        scores = np.concatenate([one.scores, rng.standard_normal((90, one.scores.shape[1]))])
        whole.append((one, dataclasses.replace(one, cases=cases, scores=scores)))
    alone, beside = (utility_figures(some) for some in zip(*whole, strict=True))
    assert beside == alone
    assert "studies of 60 images of 60 persons and 5 networks" in beside["sentence"]
    assert whole[0][1].cases.plain_kinds == ("other",) and whole[0][0].compared() is whole[0][0]


def test_no_gain_that_is_larger_than_any_can_be_is_said_to_have_been_visible():
    """Four networks of unlike skill: a study of them shows only gains far above what is lacking of an area of 1."""
    few = arms(np.random.default_rng(6), n_readers=4, n=24)
    unlike = [few[0], dataclasses.replace(few[1], scores=few[1].scores * (1, -1, 1, -1))]
    figures = utility_figures(unlike)
    (row,) = figures["comparisons"]
    assert row["could_see"] is row["could_see_holm"] is None and figures["recipes"]["added"]["could_see"] is None
    said = "No possible gain could have been seen: 24 images of 24 persons and 4 networks an arm are few."
    assert said in figures["sentence"]
    near = few[0].scores + 0.2 * np.random.default_rng(7).standard_normal(few[0].scores.shape)
    both = utility_figures([*unlike, dataclasses.replace(few[0], arm="pretrained", scores=near)])
    assert f"A gain of {both['recipes']['pretrained']['could_see']:.3f} could have been seen of one" in both["sentence"]
    same = utility_figures([few[0], dataclasses.replace(few[0], arm="dose_1")])
    assert "could have been seen" not in same["sentence"], "where nothing varies nothing is known"
