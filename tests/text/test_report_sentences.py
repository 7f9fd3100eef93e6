"""Conditions as words, and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monai_mammo.conditions import Conditions
from monai_mammo.terms import (
    BIRADS_CATEGORIES,
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    Density,
    Depth,
    Finding,
    FindingCategory,
    Laterality,
    Margin,
    MassDensity,
    Quadrant,
    Shape,
    View,
)
from monai_mammo.text import ReportedFinding, conditions_of_text, text_of_conditions


def maybe(values):
    return st.none() | st.sampled_from(list(values))


CONDITIONS = st.builds(
    Conditions,
    kind=maybe(AcquisitionKind),
    view=maybe(View),
    laterality=maybe(Laterality),
    density=maybe(Density),
    finding=maybe(Finding),
    birads=maybe(BIRADS_CATEGORIES),
    pathology=maybe(["benign", "malignant"]),
    age_years=st.none() | st.integers(0, 120),
)
PLACES = {
    "quadrants": maybe(Quadrant).map(lambda quadrant: (quadrant,) if quadrant else ()),
    "depths": maybe(Depth).map(lambda depth: (depth,) if depth else ()),
    "size_mm": st.none() | st.integers(1, 99).map(float),
    "nipple_distance_mm": st.none() | st.integers(1, 99).map(float),
}
MASSES = st.builds(
    ReportedFinding,
    category=st.just(FindingCategory.MASS),
    shape=maybe(Shape),
    margins=maybe(Margin).map(lambda margin: (margin,) if margin else ()),
    mass_density=maybe(MassDensity),
    **PLACES,
)
CALCIFICATIONS = st.builds(
    ReportedFinding,
    category=st.just(FindingCategory.CALCIFICATION),
    morphologies=maybe(CalcificationMorphology).map(lambda form: (form,) if form else ()),
    distribution=maybe(CalcificationDistribution),
    **PLACES,
)


def test_words_of_a_report():
    mass = ReportedFinding(
        category=FindingCategory.MASS,
        shape=Shape.IRREGULAR,
        margins=(Margin.SPICULATED,),
        quadrants=(Quadrant.UPPER_OUTER,),
        laterality=Laterality.L,
        size_mm=12.0,
    )
    conditions = Conditions(view="MLO", laterality="L", density="C", finding="mass", birads=4)
    text = text_of_conditions(conditions, findings=[mass], negated=[FindingCategory.CALCIFICATION], birads_letter="c")
    assert text == (
        "Left MLO view. The breast is heterogeneously dense (ACR C). There is a 12 mm irregular mass with spiculated "
        "margins in the upper outer quadrant of the left breast. No calcifications. BI-RADS 4c."
    )
    assert text_of_conditions(Conditions()) == ""


@settings(max_examples=60, deadline=None)
@given(CONDITIONS)
def test_conditions_come_back_from_their_words(conditions):
    text = text_of_conditions(conditions)
    report = conditions_of_text(text)
    assert report.conditions.replace(text=None) == conditions
    assert report.not_understood == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(MASSES, CALCIFICATIONS), min_size=1, max_size=1), maybe(Laterality))
def test_a_finding_comes_back_with_its_descriptors(findings, side):
    conditions = Conditions(laterality=side, finding=findings[0].category.value)
    text = text_of_conditions(conditions, findings=findings)
    report = conditions_of_text(text)
    read = report.findings[0]
    for name in ("category", "shape", "margins", "mass_density", "morphologies", "distribution", *PLACES):
        assert getattr(read, name) == getattr(findings[0], name), (name, text)
    assert len(report.findings) == 1 and report.not_understood == ()


@settings(max_examples=60, deadline=None)
@given(MASSES, CALCIFICATIONS)
def test_two_findings_come_back(mass, calcifications):
    text = text_of_conditions(Conditions(finding="mass"), findings=[mass, calcifications])
    assert conditions_of_text(text).findings == (mass, calcifications), text


def test_a_letter_stands_behind_category_4_alone():
    assert text_of_conditions(Conditions(birads=4), birads_letter="b") == "BI-RADS 4b."
    assert text_of_conditions(Conditions(birads=5), birads_letter="b") == "BI-RADS 5."
