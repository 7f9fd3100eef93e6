"""Contract of all vocabularies: each passes the same checks."""

from __future__ import annotations

import pytest
from pydicom.sr.codedict import codes

from monai_mammo import terms
from monai_mammo.errors import RequestError

VOCABULARIES = [
    terms.AcquisitionKind,
    terms.CalcificationDistribution,
    terms.CalcificationMorphology,
    terms.ChestWall,
    terms.Density,
    terms.Depth,
    terms.Finding,
    terms.FindingCategory,
    terms.Laterality,
    terms.Margin,
    terms.MassDensity,
    terms.Modality,
    terms.Pathology,
    terms.Quadrant,
    terms.Shape,
    terms.Split,
    terms.View,
]
MEMBERS = [member for vocabulary in VOCABULARIES for member in vocabulary]
CODED = [terms.Laterality, terms.View, terms.Density, terms.Finding]


def test_this_list_is_complete():
    public = {getattr(terms, name) for name in terms.__all__}
    assert set(VOCABULARIES) == {thing for thing in public if isinstance(thing, type) and issubclass(thing, str)}


@pytest.mark.parametrize("member", MEMBERS, ids=lambda m: f"{type(m).__name__}.{m.name}")
def test_parse_finds_a_member_however_it_is_written(member):
    vocabulary = type(member)
    spellings = [
        member,
        member.value,
        member.value.upper(),
        member.value.lower(),
        member.value.title(),
        f"  {member.value}\n",
        member.value.replace("_", " "),
        member.value.replace("_", "-"),
    ]
    assert [vocabulary.parse(spelling) for spelling in spellings] == [member] * len(spellings)


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.__name__)
@pytest.mark.parametrize("bad", ["E", "", "mas", "L R", None, 0, 3.5, "A\x00"])
def test_a_bad_value_names_itself_its_place_and_all_allowed_values(vocabulary, bad):
    with pytest.raises(RequestError) as caught:
        vocabulary.parse(bad, where="request.csv line 3")
    message = str(caught.value)
    listed = message.split("is not one of ")[1].split(", ")
    assert listed == [member.value for member in vocabulary]
    assert f"{vocabulary.noun()} {str(bad)!r} in request.csv line 3" in message


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.__name__)
def test_values_stay_apart_when_case_is_lost(vocabulary):
    folded = [member.value.casefold() for member in vocabulary]
    assert len(set(folded)) == len(folded)
    assert vocabulary.__doc__


def test_messages_say_the_word_a_user_wrote():
    assert terms.AcquisitionKind.noun() == "kind"
    assert terms.Density.noun() == "density"
    assert "density 'E' is not one of A, B, C, D" in _message(terms.Density.parse, "E")


@pytest.mark.parametrize("vocabulary", CODED, ids=lambda v: v.__name__)
def test_codes_are_snomed_ct_and_tell_members_apart(vocabulary):
    own = [member.code for member in vocabulary]
    assert all(code.scheme == "SCT" and code.value.isdecimal() and code.meaning for code in own)
    if vocabulary is not terms.Finding:  # findings without a code of their own share "Lesion"
        assert len({code.value for code in own}) == len(own)


@pytest.mark.parametrize(
    ("vocabulary", "context_group"),
    [(terms.Laterality, codes.cid244), (terms.View, codes.cid4014), (terms.Density, codes.cid6000)],
    ids=["CID 244", "CID 4014", "CID 6000"],
)
def test_codes_are_those_of_the_standard(vocabulary, context_group):
    """Oracle: the context groups of PS3.16 as pydicom carries them."""
    standard = {concept.value: concept.meaning for concept in context_group.concepts.values()}
    for member in vocabulary:
        assert standard[member.code.value] == member.code.meaning


@pytest.mark.parametrize("finding", [finding for finding in terms.Finding if finding is not terms.Finding.MASS])
def test_nothing_but_a_mass_is_coded_as_a_mass(finding):
    assert finding.code != terms.Finding.MASS.code
    assert terms.Finding.MASS.code.value == codes.SCT.Mass.value


def test_categories_have_codes_of_the_standard():
    """Oracle: findings and associated findings of the breast (CID 6054, 6056) as pydicom carries them."""
    groups = (codes.cid6054, codes.cid6056)
    standard = {c.value: c.meaning for group in groups for c in group.concepts.values()}
    own = [c for c in terms.FindingCategory if c.code != (c.finding or terms.Finding.NONE).code]
    assert len(own) == 6
    for category in own:
        assert standard[category.code.value] == category.code.meaning
    assert terms.FindingCategory.GLOBAL_ASYMMETRY.code == terms.Finding.ASYMMETRY.code


@pytest.mark.parametrize("category", terms.BIRADS_CATEGORIES)
def test_an_assessment_has_the_code_of_its_own_category(category):
    """Oracle: SNOMED CT's names for 0 to 5; ACR's own code for 6, which says the number itself."""
    code = terms.birads_code(category)
    assert code.meaning.startswith(f"{category} - ") and len(code.meaning) <= 64
    if category == 6:
        assert (code.value, code.scheme) == ("MA.II.A.5.6", "BI")
        return
    names = [name for name in codes.SCT.dir() if name.startswith(f"MammographyAssessmentCategory{category}")]
    assert [getattr(codes.SCT, name).value for name in names] == [code.value]


def test_letters_stand_behind_category_4_alone():
    assert [terms.birads_code(4, letter).value[-2:] for letter in "abc"] == ["4A", "4B", "4C"]
    assert "birads assessment '3A' is not one of" in _message(lambda letter: terms.birads_code(3, letter), "a")


def test_the_anatomic_region_is_the_breast():
    assert terms.BREAST_CODE.value == codes.SCT.Breast.value


@pytest.mark.parametrize("value", [*terms.BIRADS_CATEGORIES, *map(str, terms.BIRADS_CATEGORIES), " 5 "])
def test_birads_is_a_number_from_the_list(value):
    assert terms.parse_birads(value) == int(str(value))


@pytest.mark.parametrize("bad", [7, -1, "4a", "", None, 3.0, "05x", "٣x"])
def test_a_bad_birads_names_all_categories(bad):
    assert "is not one of 0, 1, 2, 3, 4, 5, 6" in _message(terms.parse_birads, bad)


def _message(function, value):
    with pytest.raises(RequestError) as caught:
        function(value)
    return str(caught.value)


def test_every_main_finding_is_reached_from_the_words_of_data_sets_and_skin_is_none_of_them():
    reached = {category.finding for category in terms.FindingCategory}
    assert reached == {*terms.Finding, None}
    skin = {category for category in terms.FindingCategory if category.finding is None}
    assert {str(category) for category in skin} == {"skin_thickening", "skin_retraction", "nipple_retraction"}
