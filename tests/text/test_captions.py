"""Captions say less than the conditions, and never something else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_mammo.conditions import OF_THE_LESION, Conditions
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
from monai_mammo.text import caption_of, conditions_of_text

WORDS = {
    "kind": AcquisitionKind,
    "view": View,
    "laterality": Laterality,
    "density": Density,
    "finding": Finding,
    "birads": BIRADS_CATEGORIES,
    "pathology": Pathology,
    "age_years": range(30, 90),
    "lesion_shape": Shape,
    "lesion_margin": Margin,
    "calc_type": CalcificationMorphology,
    "calc_distribution": CalcificationDistribution,
}
FULL = Conditions(
    kind="film",
    view="MLO",
    laterality="L",
    density="C",
    finding="mass",
    birads=5,
    pathology="malignant",
    age_years=61,
    lesion_shape="irregular",
    lesion_margin="spiculated",
)


@st.composite
def some_conditions(draw):
    values = {name: draw(st.none() | st.sampled_from(list(allowed))) for name, allowed in WORDS.items()}
    if values["finding"] is Finding.NONE:
        values |= {name: None for name in values if name in OF_THE_LESION}
    return Conditions(**values)


@settings(max_examples=150)
@given(some_conditions(), st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.7]))
def test_a_caption_states_nothing_that_the_conditions_do_not(conditions, seed, drop):
    caption = caption_of(conditions, np.random.default_rng(seed), drop=drop)
    report = conditions_of_text(caption)
    stated = report.conditions.to_dict()
    del stated["text"]
    known = conditions.to_dict()
    if known.get("pathology") == "normal":  # which reports say by the absence of a finding
        stated.pop("finding", None) if "finding" not in known else None
    assert report.not_understood == ()
    assert {name: value for name, value in stated.items() if known.get(name) != value} == {}


def test_the_whole_caption_by_hand():
    assert caption_of(FULL) == (
        "Screen-film left MLO view. 61-year-old woman. The breast is heterogeneously dense (ACR C). There is an "
        "irregular mass with spiculated margins in the left breast. Biopsy-proven malignant. BI-RADS 5."
    )


def test_what_is_left_out_grows_with_drop_and_follows_the_generator():
    def words(drop, seed):
        return len(caption_of(FULL, np.random.default_rng(seed), drop=drop).split())

    mean = {drop: np.mean([words(drop, seed) for seed in range(200)]) for drop in (0.0, 0.3, 0.7, 1.0)}
    assert mean[0.0] == len(caption_of(FULL).split()) > mean[0.3] > mean[0.7] > mean[1.0] == 0
    assert caption_of(FULL, np.random.default_rng(5)) == caption_of(FULL, np.random.default_rng(5))


def test_a_negation_is_not_torn_apart():
    captions = {caption_of(Conditions(finding="none"), np.random.default_rng(seed), drop=0.5) for seed in range(50)}
    assert captions == {"", "No abnormality is seen.", "No abnormality seen."}


def test_a_drop_that_is_not_a_probability_is_refused():
    with pytest.raises(RequestError, match=r"drop 1.5 of captions is not a probability from 0 to 1"):
        caption_of(FULL, drop=1.5)
