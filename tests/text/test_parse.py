"""Sentences of reports, with the conditions that a reader takes from them (written by hand)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_mammo.errors import RequestError
from monai_mammo.terms import FindingCategory
from monai_mammo.text import DESCRIBED, ParsedReport, conditions_of_text

SHARED = Path(__file__).parents[3] / "shared" / "data" / "reports" / "dmid.json"

# text, conditions, findings (category first; what is left out is not stated), what is negated
SENTENCES: list[tuple[str, dict[str, Any], list[dict[str, Any]], list[str]]] = [
    (
        "mass in upper left quadrant",
        {"finding": "mass", "laterality": "L"},
        [{"category": "mass", "quadrants": ["upper"]}],
        [],
    ),
    (
        "irregular spiculated mass, upper outer quadrant, left breast, BI-RADS 5",
        {"finding": "mass", "laterality": "L", "birads": 5},
        [{"category": "mass", "shape": "irregular", "margins": ["spiculated"], "quadrants": ["upper_outer"]}],
        [],
    ),
    (
        "12 mm oval circumscribed mass in the UOQ of the right breast at posterior depth, BI-RADS 3.",
        {"finding": "mass", "laterality": "R", "birads": 3},
        [
            {
                "category": "mass",
                "shape": "oval",
                "margins": ["circumscribed"],
                "quadrants": ["upper_outer"],
                "depths": ["posterior"],
                "size_mm": 12,
            }
        ],
        [],
    ),
    (
        "There is a 1.5 cm irregular mass with indistinct margins at 10 o'clock, 5 cm from the nipple, in the right "
        "breast.",
        {"finding": "mass", "laterality": "R"},
        [
            {
                "category": "mass",
                "shape": "irregular",
                "margins": ["indistinct"],
                "clock_hour": 10,
                "quadrants": ["upper_outer"],
                "size_mm": 15,
                "nipple_distance_mm": 50,
            }
        ],
        [],
    ),
    (
        "Grouped fine pleomorphic calcifications in the lower inner quadrant of the left breast. BI-RADS 4C.",
        {"finding": "calcification", "laterality": "L", "birads": 4},
        [
            {
                "category": "calcification",
                "distribution": "grouped",
                "morphologies": ["fine_pleomorphic"],
                "quadrants": ["lower_inner"],
            }
        ],
        [],
    ),
    ("No suspicious calcification.", {"finding": "none"}, [], ["calcification"]),
    (
        "No mass, calcification or architectural distortion.",
        {"finding": "none"},
        [],
        ["mass", "calcification", "architectural_distortion"],
    ),
    (
        "Heterogeneously dense breast tissue without evidence of a mass or suspicious microcalcifications.",
        {"density": "C", "finding": "none"},
        [],
        ["mass", "calcification"],
    ),
    (
        "Scattered fibroglandular densities. Spiculated mass in the retroareolar region, no suspicious calcifications.",
        {"density": "B", "finding": "mass"},
        [{"category": "mass", "margins": ["spiculated"], "quadrants": ["retroareolar"]}],
        ["calcification"],
    ),
    ("The breasts are extremely dense, which lowers the sensitivity of mammography.", {"density": "D"}, [], []),
    (
        "The breasts are almost entirely fatty. Negative mammogram. BI-RADS 1.",
        {"density": "A", "finding": "none", "birads": 1},
        [],
        [],
    ),
    (
        "There are scattered areas of fibroglandular density. No mammographic evidence of malignancy. BI-RADS "
        "category 1: negative.",
        {"density": "B", "finding": "none", "birads": 1},
        [],
        [],
    ),
    (
        "LMLO: partially obscured round nodule in the lower breast, 8 mm",
        {"finding": "mass", "laterality": "L", "view": "MLO"},
        [{"category": "mass", "shape": "round", "margins": ["obscured"], "quadrants": ["lower"], "size_mm": 8}],
        [],
    ),
    (
        "R CC view, focal asymmetry in the outer breast at middle depth",
        {"finding": "asymmetry", "laterality": "R", "view": "CC"},
        [{"category": "focal_asymmetry", "quadrants": ["outer"], "depths": ["middle"]}],
        [],
    ),
    (
        "Architectural distortion in the superolateral left breast, seen on both CC and MLO views.",
        {"finding": "architectural_distortion", "laterality": "L"},
        [{"category": "architectural_distortion", "quadrants": ["upper_outer"]}],
        [],
    ),
    (
        "Ill-defined soft opacity in the upper inner quadrant of the right breast, ACR B, BIRADS 4a",
        {"finding": "mass", "laterality": "R", "density": "B", "birads": 4},
        [{"category": "mass", "margins": ["indistinct"], "quadrants": ["upper_inner"]}],
        [],
    ),
    (
        "Two findings: a spiculated mass in the upper outer quadrant and clustered microcalcifications in the lower "
        "inner quadrant.",
        {"finding": "mass"},
        [
            {"category": "mass", "margins": ["spiculated"], "quadrants": ["upper_outer"]},
            {"category": "calcification", "distribution": "grouped", "quadrants": ["lower_inner"]},
        ],
        [],
    ),
    (
        "An oval mass at 2 o'clock and an irregular mass at 8 o'clock in the left breast.",
        {"finding": "mass", "laterality": "L"},
        [
            {"category": "mass", "shape": "oval", "clock_hour": 2, "quadrants": ["upper_outer"]},
            {"category": "mass", "shape": "irregular", "clock_hour": 8, "quadrants": ["lower_inner"]},
        ],
        [],
    ),
    (
        "Irregular mass with associated pleomorphic calcifications in the left upper outer quadrant.",
        {"finding": "mass", "laterality": "L"},
        [
            {"category": "mass", "shape": "irregular", "quadrants": ["upper_outer"]},
            {"category": "calcification", "morphologies": ["fine_pleomorphic"], "quadrants": ["upper_outer"]},
        ],
        [],
    ),
    (
        "Irregular mass without calcifications in the lower outer quadrant of the right breast",
        {"finding": "mass", "laterality": "R"},
        [{"category": "mass", "shape": "irregular", "quadrants": ["lower_outer"]}],
        ["calcification"],
    ),
    (
        "No mass is seen, but there are segmental fine linear branching calcifications in the right breast.",
        {"finding": "calcification", "laterality": "R"},
        [{"category": "calcification", "distribution": "segmental", "morphologies": ["fine_linear"]}],
        ["mass"],
    ),
    (
        "62-year-old woman, density C, MLO, left, normal",
        {"age_years": 62, "density": "C", "view": "MLO", "laterality": "L", "finding": "none"},
        [],
        [],
    ),
    (
        "High-density spiculated mass measuring 22 x 18 mm, category 5",
        {"finding": "mass", "birads": 5},
        [{"category": "mass", "mass_density": "high", "margins": ["spiculated"], "size_mm": 22}],
        [],
    ),
    (
        "Regional amorphous calcifications, left breast, BI-RADS 4B",
        {"finding": "calcification", "laterality": "L", "birads": 4},
        [{"category": "calcification", "distribution": "regional", "morphologies": ["amorphous"]}],
        [],
    ),
    (
        "Diffuse punctate calcifications in both breasts, BI-RADS 2",
        {"finding": "calcification", "birads": 2},
        [{"category": "calcification", "distribution": "diffuse", "morphologies": ["punctate"]}],
        [],
    ),
    (
        "Benign vascular calcifications. No suspicious mass.",
        {"finding": "calcification"},
        [{"category": "calcification", "morphologies": ["vascular"]}],
        ["mass"],
    ),
    (
        "Popcorn-like calcification in a circumscribed oval mass, in keeping with a fibroadenoma.",
        {"finding": "mass"},
        [
            {"category": "calcification", "morphologies": ["coarse"]},
            {"category": "mass", "shape": "oval", "margins": ["circumscribed"]},
        ],
        [],
    ),
    (
        "Fat-containing circumscribed mass consistent with a hamartoma, BI-RADS 2.",
        {"finding": "mass", "birads": 2},
        [{"category": "mass", "mass_density": "fat_containing", "margins": ["circumscribed"]}],
        [],
    ),
    (
        "Biopsy-proven invasive ductal carcinoma: irregular mass at 12 o'clock of the left breast. BI-RADS 6",
        {"finding": "mass", "laterality": "L", "birads": 6, "pathology": "malignant"},
        [{"category": "mass", "shape": "irregular", "clock_hour": 12, "quadrants": ["upper"]}],
        [],
    ),
    (
        "Irregular mass highly suggestive of malignancy, BI-RADS V",
        {"finding": "mass", "birads": 5},
        [{"category": "mass", "shape": "irregular"}],
        [],
    ),
    (
        "Screen-film mammogram, right CC, circumscribed density in the inner half.",
        {"kind": "film", "laterality": "R", "view": "CC", "finding": "mass"},
        [{"category": "mass", "margins": ["circumscribed"], "quadrants": ["inner"]}],
        [],
    ),
    (
        "Contrast-enhanced mammography: non-mass enhancement, segmental distribution, lower outer left breast.",
        {"kind": "contrast", "finding": "nonmass_enhancement", "laterality": "L"},
        [{"category": "nonmass_enhancement", "distribution": "segmental", "quadrants": ["lower_outer"]}],
        [],
    ),
    (
        "CEM shows an irregular enhancing mass in the axillary tail of the right breast",
        {"kind": "contrast", "finding": "mass", "laterality": "R"},
        [{"category": "mass", "shape": "irregular", "quadrants": ["axillary_tail"]}],
        [],
    ),
    (
        "Full-field digital mammogram. Breast composition: b. Microlobulated mass, central, 9 mm.",
        {"kind": "digital", "density": "B", "finding": "mass"},
        [{"category": "mass", "margins": ["microlobulated"], "quadrants": ["central"], "size_mm": 9}],
        [],
    ),
    (
        "Intramammary lymph node in the upper outer quadrant, BI-RADS 2.",
        {"finding": "lymph_node", "birads": 2},
        [{"category": "lymph_node", "quadrants": ["upper_outer"]}],
        [],
    ),
    (
        "Lobulated mass in the left breast. Margins are obscured. It measures 2 cm.",
        {"finding": "mass", "laterality": "L"},
        [{"category": "mass", "shape": "oval", "margins": ["obscured"], "size_mm": 20}],
        [],
    ),
    (
        "There is a mass in the right breast at 9 o'clock. The mass has spiculated margins.",
        {"finding": "mass", "laterality": "R"},
        [{"category": "mass", "margins": ["spiculated"], "clock_hour": 9, "quadrants": ["outer"]}],
        [],
    ),
    (
        "In the left breast there is a round mass and in the right breast there are grouped calcifications.",
        {"finding": "mass", "laterality": "L"},
        [
            {"category": "mass", "shape": "round", "laterality": "L"},
            {"category": "calcification", "distribution": "grouped", "laterality": "R"},
        ],
        [],
    ),
    (
        "Left breast: no abnormality. Right breast: stellate lesion in the upper half with skin retraction.",
        {"laterality": "R"},
        [
            {"category": None, "margins": ["spiculated"], "quadrants": ["upper"], "laterality": "R"},
            {"category": "skin_retraction", "laterality": "R"},
        ],
        [],
    ),
    (
        "Dense spiculated mass with nipple retraction and skin thickening, right, BI-RADS 5",
        {"finding": "mass", "laterality": "R", "birads": 5},
        [
            {"category": "mass", "mass_density": "high", "margins": ["spiculated"]},
            {"category": "nipple_retraction"},
            {"category": "skin_thickening"},
        ],
        [],
    ),
    (
        "No skin thickening or nipple retraction. No axillary adenopathy.",
        {},
        [],
        ["skin_thickening", "nipple_retraction", "suspicious_lymph_node"],
    ),
    (
        "Linear distribution of round calcifications at anterior depth in the left breast",
        {"finding": "calcification", "laterality": "L"},
        [{"category": "calcification", "distribution": "linear", "morphologies": ["round"], "depths": ["anterior"]}],
        [],
    ),
    (
        "Calcifications are not seen. Circumscribed mass at 6 o'clock.",
        {"finding": "mass"},
        [{"category": "mass", "margins": ["circumscribed"], "clock_hour": 6}],
        ["calcification"],
    ),
    (
        "Developing asymmetry in the inferior breast on the MLO view only, BI-RADS 0",
        {"finding": "asymmetry", "view": "MLO", "birads": 0},
        [{"category": "asymmetry", "quadrants": ["lower"]}],
        [],
    ),
    (
        "Postsurgical changes in the upper outer left breast, stable. BI-RADS 2, benign.",
        {"finding": "postoperative", "laterality": "L", "birads": 2},
        [{"category": "postoperative", "quadrants": ["upper_outer"]}],
        [],
    ),
    (
        "ACR density type 3. Rounded well-circumscribed opacity of 14 mm, right lower inner quadrant",
        {"density": "C", "finding": "mass", "laterality": "R"},
        [
            {
                "category": "mass",
                "shape": "round",
                "margins": ["circumscribed"],
                "quadrants": ["lower_inner"],
                "size_mm": 14,
            }
        ],
        [],
    ),
    (
        "Cluster of coarse heterogeneous calcifications spanning 2.3 cm, 10:30 right breast",
        {"finding": "calcification", "laterality": "R"},
        [
            {
                "category": "calcification",
                "distribution": "grouped",
                "morphologies": ["coarse_heterogeneous"],
                "size_mm": 23,
                "clock_hour": 10.5,
                "quadrants": ["upper_outer"],
            }
        ],
        [],
    ),
    (
        "Global asymmetry of the left breast; no mass or distortion.",
        {"finding": "asymmetry", "laterality": "L"},
        [{"category": "global_asymmetry", "laterality": "L"}],
        ["mass", "architectural_distortion"],
    ),
    (
        "Solitary dilated duct, subareolar, left.",
        {"finding": "duct", "laterality": "L"},
        [{"category": "duct", "quadrants": ["retroareolar"]}],
        [],
    ),
    (
        "Trabecular thickening and skin thickening of the right breast.",
        {"finding": "edema", "laterality": "R"},
        [{"category": "edema"}, {"category": "skin_thickening"}],
        [],
    ),
    (
        "Eggshell calcification, 7mm, left upper inner quadrant; BIRADS-2",
        {"finding": "calcification", "laterality": "L", "birads": 2},
        [{"category": "calcification", "morphologies": ["rim"], "size_mm": 7, "quadrants": ["upper_inner"]}],
        [],
    ),
    (
        "IMPRESSION: 1. Irregular mass, left breast, BI-RADS 4c. 2. Benign calcifications, BI-RADS 2.",
        {"finding": "mass", "laterality": "L", "birads": 4},
        [{"category": "mass", "shape": "irregular"}, {"category": "calcification"}],
        [],
    ),
    ("Unremarkable right MLO view.", {"laterality": "R", "view": "MLO", "finding": "none"}, [], []),
    ("Normal axillary lymph nodes. No focal lesion.", {"finding": "none"}, [], []),
    (
        "Skin and nipple appear normal. Hyperdense mass in the mid third of the lower breast.",
        {"finding": "mass"},
        [{"category": "mass", "mass_density": "high", "depths": ["middle"], "quadrants": ["lower"]}],
        [],
    ),
    (
        "Round, circumscribed, isodense mass. No other suspicious abnormality.",
        {"finding": "mass"},
        [{"category": "mass", "shape": "round", "margins": ["circumscribed"], "mass_density": "equal"}],
        [],
    ),
    (
        "Enhancing focus, 4 mm, 11-12 o'clock left breast, anterior third",
        {"finding": "focus", "laterality": "L"},
        [{"category": "focus", "size_mm": 4, "clock_hour": 11.5, "quadrants": ["upper_inner"], "depths": ["anterior"]}],
        [],
    ),
    (
        "Left craniocaudal view demonstrates a mass in the medial breast.",
        {"laterality": "L", "view": "CC", "finding": "mass"},
        [{"category": "mass", "quadrants": ["inner"]}],
        [],
    ),
    (
        "A mass is present in the right breast, neither spiculated nor calcified.",
        {"finding": "mass", "laterality": "R"},
        [{"category": "mass"}],
        ["calcification"],
    ),
    (
        "Milk of calcium in the left breast, layering calcifications, typically benign, BI-RADS category 2",
        {"finding": "calcification", "laterality": "L", "birads": 2},
        [{"category": "calcification", "morphologies": ["milk_of_calcium"]}],
        [],
    ),
    (
        "Fatty breasts with a solitary 10 mm nodule, lateral, mid depth, right MLO",
        {"density": "A", "finding": "mass", "laterality": "R", "view": "MLO"},
        [{"category": "mass", "size_mm": 10, "quadrants": ["outer"], "depths": ["middle"]}],
        [],
    ),
]

DMID: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[str], str]] = {
    "Img408": (
        {"density": "C", "finding": "mass", "birads": 3},
        [
            {
                "category": "mass",
                "margins": ["circumscribed"],
                "quadrants": ["central"],
                "depths": ["anterior", "posterior"],
            }
        ],
        ["calcification"],
        "",
    ),
    "Img411": (
        {"density": "B", "finding": "mass", "birads": 4},
        [
            {
                "category": "mass",
                "shape": "irregular",
                "margins": ["circumscribed"],
                "quadrants": ["retroareolar", "central"],
            },
            {"category": "nipple_retraction"},
            {"category": "calcification"},
        ],
        [],
        "b",
    ),
    "Img415": (
        {"density": "B", "finding": "mass", "birads": 3},
        [
            {"category": "mass", "margins": ["circumscribed"], "quadrants": ["inner", "outer"], "depths": ["anterior"]},
            {"category": "calcification"},
        ],
        [],
        "",
    ),
    "Img418": (
        {"density": "A", "finding": "mass", "birads": 4},
        [
            {
                "category": "mass",
                "margins": ["circumscribed", "spiculated"],
                "quadrants": ["lower"],
                "depths": ["posterior"],
            },
            {"category": "calcification", "morphologies": ["vascular"]},
        ],
        ["suspicious_lymph_node"],
        "c",
    ),
    "Img420": (
        {"density": "C", "finding": "mass", "birads": 3},
        [{"category": "mass", "margins": ["circumscribed"], "quadrants": ["inner"]}, {"category": "calcification"}],
        [],
        "",
    ),
    "Img423": (
        {"density": "A", "finding": "mass", "birads": 3},
        [
            {"category": "mass", "shape": "oval", "margins": ["circumscribed"], "quadrants": ["inner"]},
            {"category": "calcification"},
        ],
        [],
        "",
    ),
    "Img427": (
        {"density": "C", "finding": "mass", "birads": 4},
        [{"category": "mass", "shape": "irregular", "margins": ["circumscribed"], "quadrants": ["inner"]}],
        ["calcification"],
        "a",
    ),
    "Img429": (
        {"density": "B", "finding": "calcification"},
        [{"category": "calcification", "morphologies": ["amorphous"], "quadrants": ["outer"]}],
        ["mass"],
        "",
    ),
}


def stated(report: ParsedReport) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """Conditions, findings and negated findings as plain values, without what is not stated.

    Descriptors stand once, in the finding; how conditions take them over has a test of its own.
    """
    conditions = {name: value for name, value in report.conditions.to_dict().items() if name not in DESCRIBED}
    del conditions["text"]
    findings = []
    for finding in report.findings:
        values: dict[str, Any] = {"category": finding.category}
        for name in finding.__slots__:
            value = getattr(finding, name)
            if name != "category" and value not in (None, ()):
                values[name] = list(value) if isinstance(value, tuple) else value
        findings.append(values)
    return conditions, findings, list(report.negated)


def check(text: str, conditions: dict[str, Any], findings: list[dict[str, Any]], negated: list[str]) -> ParsedReport:
    """Hold what is read against what a reader takes from it; a side is compared where the table states one."""
    report = conditions_of_text(text)
    read, read_findings, read_negated = stated(report)
    assert read == conditions
    for one, expected in zip(read_findings, findings, strict=True):
        if "laterality" not in expected:
            one.pop("laterality", None)
        assert one == expected
    assert read_negated == negated
    return report


def test_the_table_has_sixty_sentences():
    assert len({row[0] for row in SENTENCES}) == len(SENTENCES) >= 60


@pytest.mark.parametrize(
    ("text", "conditions", "findings", "negated"), SENTENCES, ids=[row[0][:60] for row in SENTENCES]
)
def test_a_sentence_is_read_as_a_reader_reads_it(text, conditions, findings, negated):
    report = check(text, conditions, findings, negated)
    assert report.is_understood and report.not_understood == ()


@pytest.mark.shared
@pytest.mark.parametrize("name", DMID)
def test_reports_of_radiologists(name):
    if not SHARED.exists():
        pytest.skip("the reports of DMID are not here")
    reports = {one["id"]: one for one in json.loads(SHARED.read_text(encoding="utf-8"))["reports"]}
    conditions, findings, negated, letter = DMID[name]
    text = f"{reports[name]['breast_composition']}. {reports[name]['findings']}"
    report = check(text, conditions, findings, negated)
    assert report.birads_letter == letter
    assert report.not_understood == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mass with purple sparkles in the left breast", ("purple", "sparkles")),
        ("irregular mass, not spiculated", ("not spiculated",)),
        ("dense breasts with a mass", ("dense",)),
        ("linear mass", ("linear",)),
        ("mass, BI-RADS 9", ("9",)),
        ("mass of 12", ("12",)),
        ("MASS IN THE LEFT BREAST", ()),
    ],
)
def test_words_that_are_not_understood_are_kept(text, words):
    report = conditions_of_text(text)
    assert report.not_understood == words
    assert report.is_understood and report.conditions.finding == "mass"


@pytest.mark.parametrize("text", ["", "   ", "blue elephants dancing", "the of and", "\x00\x01", "dense"])
def test_nothing_understood_is_said(text):
    assert not conditions_of_text(text).is_understood


@pytest.mark.parametrize(
    ("text", "birads", "letter"),
    [
        ("BI-RADS 4b", 4, "b"),
        ("birads-4B", 4, "b"),
        ("BI RADS category: 4 a", 4, "a"),
        ("BI-RADS IV", 4, ""),
        ("BI-RADS assessment category 0", 0, ""),
        ("category 5", 5, ""),
        ("soft opacity, 4c", 4, "c"),
        ("BI-RADS 4a right, BI-RADS 4c left", 4, "c"),
        ("BI-RADS 2. BI-RADS 0. BI-RADS 3.", 0, ""),
        ("mass", None, ""),
    ],
)
def test_assessment_categories(text, birads, letter):
    report = conditions_of_text(text)
    assert (report.conditions.birads, report.birads_letter) == (birads, letter)
    assert report.not_understood == ()


@pytest.mark.parametrize("words", ["2 cm", "2 CM", "2cm", "20 mm", "20 MM", "2.0 Cm", "1.5 x 2 CM", "20 millimeters"])
def test_a_size_is_read_whatever_the_case_of_its_unit(words):
    assert [one.size_mm for one in conditions_of_text(f"Oval mass, {words}, left breast.").findings] == [20]


@pytest.mark.parametrize(
    ("words", "hour"),
    [("12-1", 12.5), ("11-1", 12), ("12-2", 1), ("10 to 2", 12), ("11-12", 11.5), ("2-4", 3), ("1-12", 12.5)],
)
def test_hours_on_both_sides_of_twelve_have_their_middle_between_them(words, hour):
    (found,) = conditions_of_text(f"Oval mass at {words} o'clock, left breast.").findings
    assert found.clock_hour == hour


@pytest.mark.parametrize("joint", ["but", "however"])
def test_what_stands_behind_but_is_no_longer_negated(joint):
    report = conditions_of_text(f"No mass {joint} grouped calcifications in the left breast.")
    assert [one.category for one in report.findings] == ["calcification"] and report.negated == ("mass",)


@pytest.mark.parametrize(
    ("text", "density"),
    [
        ("ACR C", "C"),
        ("density: b", "B"),
        ("Breast density: category C", "C"),
        ("BI-RADS density D", "D"),
        ("breast composition a.", "A"),
        ("extremely dense (d)", "D"),
        ("type b breasts", "B"),
        ("a 5 mm density", None),
        ("high density mass", None),
        ("density a mass", None),
    ],
)
def test_density_of_the_breast(text, density):
    assert conditions_of_text(text).conditions.density == density


def test_an_opinion_is_no_condition_and_is_kept():
    report = conditions_of_text("malignant mass, left breast")
    assert report.conditions.pathology is None and report.opinions == ("malignant",)
    assert conditions_of_text("mass, biopsy-proven benign").conditions.pathology == "benign"


def test_two_densities_or_ages_are_one_sentence():
    with pytest.raises(RequestError, match="2 breast densities, B and C: it must state one"):
        conditions_of_text("ACR B. Heterogeneously dense.")
    with pytest.raises(RequestError, match="2 ages, 41 and 62"):
        conditions_of_text("41-year-old woman, aged 62")


@pytest.mark.parametrize("text", [None, 7, "mass " * 5000])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(RequestError, match="string of at most 20000 characters"):
        conditions_of_text(text)


def test_main_finding_is_the_one_that_the_conditions_hold():
    report = conditions_of_text("Clustered calcifications, left upper outer quadrant. Oval mass, right breast.")
    assert report.conditions.finding == "mass" and report.conditions.laterality == "R"
    assert report.main_finding is report.findings[1]
    assert report.findings[0].category is FindingCategory.CALCIFICATION
    assert conditions_of_text("No mass.").main_finding is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("irregular spiculated mass, left breast", {"lesion_shape": "irregular", "lesion_margin": "spiculated"}),
        ("oval mass with obscured and indistinct margins", {"lesion_shape": "oval", "lesion_margin": "indistinct"}),
        (
            "Grouped punctate and fine pleomorphic calcifications.",
            {"calc_type": "fine_pleomorphic", "calc_distribution": "grouped"},
        ),
        (
            "Spiculated mass with segmental amorphous calcifications.",
            {"lesion_margin": "spiculated", "calc_type": "amorphous", "calc_distribution": "segmental"},
        ),
        ("Segmental non-mass enhancement.", {}),
        ("Round cyst in the left breast. No calcifications.", {"lesion_shape": "round"}),
        ("Speculated mass.", {"lesion_margin": "spiculated"}),  # a usual misspelling
        ("Normal mammogram.", {}),
    ],
)
def test_conditions_take_the_descriptors_of_their_finding(text, expected):
    conditions = conditions_of_text(text).conditions.to_dict()
    assert {name: value for name, value in conditions.items() if name in DESCRIBED} == expected
