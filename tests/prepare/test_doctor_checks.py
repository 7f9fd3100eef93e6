"""Each check of `doctor` alone: what it tells, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_mammo.conditions import Box, Conditions
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import box_of_mask, breast_mask, resize
from monai_mammo.prepare.inspection import InspectedImage, IssueKind, Severity
from monai_mammo.prepare.inspection.checks import ordered
from monai_mammo.prepare.inspection.copies import check_copies
from monai_mammo.prepare.inspection.counts import LabelCount, check_counts, label_counts, picture_counts
from monai_mammo.prepare.inspection.issue import Issue
from monai_mammo.prepare.inspection.label_contradictions import check_labels
from monai_mammo.prepare.inspection.likeness import alike, signature
from monai_mammo.prepare.inspection.persons import check_persons
from monai_mammo.prepare.inspection.pictures import check_background, check_files, check_notes, check_side
from monai_mammo.prepare.inspection.polarity import INVERTED_BELOW, background_darkness
from monai_mammo.prepare.inspection.private import check_private_tables
from monai_mammo.prepare.inspection.region_faults import box_faults, faults_of_notes, mask_faults
from monai_mammo.prepare.inspection.standard_views import check_views
from monai_mammo.prepare.mask_files import MaskFault
from monai_mammo.terms import AcquisitionKind, ChestWall

SHAPE = (176, 132)


def picture(kind: str = "digital", *, seed: int = 3, **asked) -> np.ndarray:
    return draw_mammogram(Conditions(kind=kind, **asked), seed=seed, shape=SHAPE).pixels


def seen(name: str, person: str = "p", **known) -> InspectedImage:
    """A picture that was read; labels of `Conditions` go there."""
    fields = {field.name for field in dataclasses.fields(Conditions)}
    labels = {key: known.pop(key) for key in list(known) if key in fields}
    return InspectedImage(name=name, person_id=person, conditions=Conditions(**labels), **known)


def told(issues: list[Issue]) -> dict[IssueKind, list[tuple[str, ...]]]:
    out: dict[IssueKind, list[tuple[str, ...]]] = {}
    for issue in issues:
        out.setdefault(issue.kind, []).append(issue.images)
    return out


# background


@pytest.mark.parametrize("kind", list(AcquisitionKind))
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_the_ground_of_a_drawn_picture_is_dark_and_that_of_its_negative_bright(kind, view):
    for seed, side in ((1, "L"), (2, "R")):
        pixels = picture(kind, seed=seed, view=view, laterality=side)
        assert background_darkness(pixels) > 0.5
        assert background_darkness(1 - pixels) < -0.5 < INVERTED_BELOW


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(40, 200), st.integers(40, 200))
def test_a_negative_has_the_opposite_darkness_whatever_the_picture(seed, rows, columns):
    pixels = np.random.default_rng(seed).random((rows // 8, columns // 8), dtype=np.float32)
    pixels = resize(pixels, (rows, columns))
    assert background_darkness(1 - pixels) == pytest.approx(-background_darkness(pixels), abs=1e-5)


def test_a_bright_strip_of_film_beside_the_breast_makes_no_negative():
    pixels = picture("film", view="MLO", laterality="L").copy()
    pixels[:, -35:] = 0.97  # a quarter of the picture, as in some films of mini-MIAS
    assert background_darkness(pixels) > INVERTED_BELOW
    assert background_darkness(1 - pixels) < INVERTED_BELOW


def test_a_white_implant_in_a_film_is_no_air():
    """It is flat and as white as a negative's air, but lies inside the breast."""
    pixels = picture("film", view="CC", laterality="L").copy()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / np.reshape(SHAPE, (2, 1, 1))
    pixels[0.6 * (x - 0.2) ** 2 + (y - 0.5) ** 2 < 0.03] = 1
    assert background_darkness(pixels) > 0.2


def test_a_blank_picture_has_no_ground():
    assert background_darkness(np.full((64, 48), 0.3, np.float32)) == 0


def test_only_pictures_that_were_read_can_be_inverted():
    broken = InspectedImage(name="broken", status="failed", reason="damaged", detail="torn", background=-1.0)
    pictures = [seen("a", background=-1.0), seen("b", background=1.0), broken]
    assert told(check_background(pictures)) == {IssueKind.INVERTED: [("a",)]}


# side


@pytest.mark.parametrize(
    ("by_pixels", "expected", "by_table", "kind"),
    [
        ("left", "left", None, None),
        ("right", "left", None, IssueKind.WRONG_SIDE),
        ("left", "right", None, IssueKind.WRONG_SIDE),
        ("right", "left", "right", IssueKind.HANGS_MIRRORED),
        ("left", "left", "right", IssueKind.WRONG_SIDE),
        ("right", None, None, None),
        (None, "left", "right", None),
    ],
)
def test_the_chest_wall_by_pixels_against_side_and_table(by_pixels, expected, by_table, kind):
    sides = [None if word is None else ChestWall(word) for word in (by_pixels, expected, by_table)]
    issues = check_side([seen("a", chest_wall=sides[0], expected=sides[1], by_table=sides[2])])
    assert [issue.kind for issue in issues] == ([] if kind is None else [kind])


# masks and boxes


@pytest.fixture(scope="module")
def breast() -> np.ndarray:
    return breast_mask(picture(view="CC", laterality="L"), kind=AcquisitionKind.DIGITAL)


def disc(breast: np.ndarray, *, inside: bool) -> np.ndarray:
    """A small square in the middle of the breast, or in the corner of the air."""
    mask = np.zeros_like(breast)
    if inside:
        row, column = (int(np.median(index)) for index in np.nonzero(breast))
        mask[row - 4 : row + 4, column - 4 : column + 4] = True
    else:
        mask[2:10, -10:-2] = True
    return mask


def test_masks_that_fit_and_masks_that_do_not(breast):
    assert mask_faults(None, breast) == []
    assert mask_faults(disc(breast, inside=True), breast) == []
    faults = {
        IssueKind.MASK_OUTSIDE: disc(breast, inside=False),
        IssueKind.MASK_EMPTY: np.zeros_like(breast),
        IssueKind.MASK_MISFIT: np.zeros((20, 20), bool),
    }
    assert [mask_faults(mask, breast)[0][0] for mask in faults.values()] == list(faults)
    assert mask_faults(breast, breast)[0][0] is IssueKind.MASK_OUTSIDE  # all of the breast is no finding


def test_boxes_on_and_off_the_breast(breast):
    on, off = (box_of_mask(disc(breast, inside=inside)) for inside in (True, False))
    assert box_faults([on], breast) == []
    assert [kind for kind, _ in box_faults([on, off], breast)] == [IssueKind.MASK_OUTSIDE]
    assert box_faults([Box(0, 0, 1, 1)], breast)[0][0] is IssueKind.MASK_OUTSIDE


def test_a_box_that_lies_half_on_the_breast_is_let_be():
    breast = np.zeros((100, 100), bool)
    breast[:, :50] = True
    assert box_faults([Box(0.4, 0.4, 0.6, 0.6)], breast) == []
    assert box_faults([Box(0.49, 0.4, 0.69, 0.6)], breast) != []  # an eighth, with 2 % for the skin
    assert box_faults([Box(0.51, 0.4, 0.53, 0.42)], breast) == []  # at the skin


@pytest.mark.parametrize("fault", list(MaskFault))
def test_every_fault_of_a_mask_has_a_kind_of_issue(fault):
    faults, others = faults_of_notes([f"{fault}: something, finding 2"])
    assert others == [] and faults[0][0].severity is Severity.FAULT and faults[0][1] == "something, finding 2"


def test_other_notes_stay_notes():
    assert faults_of_notes(["the pixels were compressed with loss"]) == ([], ["the pixels were compressed with loss"])


# views


def four(person: str, **changes) -> list[InspectedImage]:
    return [seen(f"{person}{s}{v}", person, laterality=s, view=v, **changes) for s in "LR" for v in ("CC", "MLO")]


def test_four_views_are_complete_and_three_are_not():
    assert check_views(four("a") + four("b")) == []
    issues = check_views(four("a") + four("b")[:3])
    assert told(issues) == {IssueKind.MISSING_VIEW: [("bLCC", "bLMLO", "bRCC")]}
    assert issues[0].sentence == "the study has no R MLO"


def test_a_view_that_no_study_has_is_told_once():
    only_mlo = [one for person in "abc" for one in four(person) if one.conditions.view.value == "MLO"]
    issues = check_views(only_mlo)
    assert [issue.sentence for issue in issues] == ["no picture of the data set is a view of L CC, R CC"]


def test_two_of_one_view_are_told_and_another_day_or_kind_is_another_study():
    double = [*four("a"), seen("again", "a", laterality="L", view="CC")]
    assert told(check_views(double)) == {IssueKind.DOUBLED_VIEW: [("aLCC", "again")]}
    assert check_views([*four("a"), *four("a", study="2010")]) == []
    assert check_views([*four("a", kind="digital"), *four("a", kind="contrast")]) == []


def test_a_view_that_could_not_be_read_is_not_missing():
    broken = dataclasses.replace(four("a")[0], status="failed", reason="damaged", detail="torn")
    assert check_views([broken, *four("a")[1:], *four("b")]) == []


# copies


def copy_of(name: str, pixels: np.ndarray, person: str = "p", split: str = "") -> InspectedImage:
    return seen(name, person, split=split, signature=signature(pixels), sha256=name, pixels_sha256=name)


@pytest.mark.parametrize(
    "changed",
    [
        lambda pixels: pixels[:, ::-1],
        lambda pixels: resize(pixels, (120, 90)),
        lambda pixels: 0.6 * pixels,
        lambda pixels: np.pad(pixels, ((20, 20), (0, 40))),
    ],
    ids=["mirrored", "smaller", "darker", "padded"],
)
def test_a_changed_copy_under_another_name_is_leakage(changed):
    pixels, other = picture(view="CC", laterality="L"), picture(view="CC", laterality="L", seed=4)
    copies = [copy_of("a", pixels, "p"), copy_of("c", other, "r"), copy_of("b", changed(pixels), "q")]
    assert told(check_copies(copies)) == {IssueKind.DUPLICATE_ACROSS: [("a", "b")]}
    copies[2] = copy_of("b", changed(pixels), "p")
    assert told(check_copies(copies)) == {IssueKind.DUPLICATE: [("a", "b")]}
    copies[2] = copy_of("b", changed(pixels), "p", split="test")
    assert told(check_copies(copies)) == {IssueKind.DUPLICATE_ACROSS: [("a", "b")]}


def test_a_pair_that_is_equal_in_several_ways_is_told_once():
    pixels = picture(view="CC", laterality="L")
    twins = [dataclasses.replace(copy_of(name, pixels), sha256="same", pixels_sha256="same") for name in "ab"]
    issues = check_copies(twins)
    assert len(issues) == 1 and "byte for byte" in issues[0].sentence
    issues = check_copies([dataclasses.replace(twin, sha256=twin.name) for twin in twins])
    assert len(issues) == 1 and "pixel for pixel" in issues[0].sentence


def test_many_copies_are_one_issue():
    pixels = picture(view="CC", laterality="L")
    group = [copy_of(name, pixels, person) for name, person in ("ap", "bp", "cq", "dr")]
    group[3] = copy_of("d", np.ascontiguousarray(pixels[:, ::-1]), "r")
    issues = check_copies([*group, copy_of("e", picture(view="CC", laterality="L", seed=4), "s")])
    assert told(issues) == {IssueKind.DUPLICATE_ACROSS: [("a", "b", "c", "d")]}
    assert "4 pictures" in issues[0].sentence and "mirror images, of 3 persons" in issues[0].sentence


def test_likeness_is_found_over_the_edge_of_a_block(monkeypatch):
    monkeypatch.setattr("monai_mammo.prepare.inspection.likeness._BLOCK", 2)
    rng = np.random.default_rng(0)
    stamps = [signature(rng.random((40, 40), dtype=np.float32)) for _ in range(5)]
    mirrored = stamps[3].reshape(32, 32)[:, ::-1].ravel()
    assert list(alike([*stamps, stamps[0], mirrored])) == [(0, 5, False), (3, 6, True)]


def test_blank_pictures_are_no_copies_of_each_other():
    blank = np.zeros((40, 40), np.float32)
    stamp = signature(blank)
    assert check_copies([seen("a", signature=stamp), seen("b", signature=stamp)]) == []


# persons


def test_a_person_in_two_splits_and_one_in_two_published_parts():
    pictures = [
        *(seen("a1", "a", split="train"), seen("a2", "a", split="test")),
        *(seen("b1", "b", split="train", published_split="train"), seen("b2", "b", split="train")),
        seen("c1", "c", published_split="train|test"),
        *(seen("d1", "", split="train"), seen("d2", "", split="test")),
    ]
    assert told(check_persons(pictures)) == {
        IssueKind.PERSON_IN_SPLITS: [("a1", "a2")],
        IssueKind.PERSON_IN_PUBLISHED_SPLITS: [("c1",)],
    }


# labels


@pytest.mark.parametrize(
    ("labels", "is_wrong"),
    [
        ({"finding": "none", "pathology": "malignant"}, True),
        ({"finding": "none", "pathology": "normal", "birads": 1}, False),
        ({"finding": "mass", "birads": 1}, True),
        ({"finding": "mass", "birads": 2, "pathology": "benign"}, False),
        ({"finding": "mass", "birads": 2, "pathology": "malignant"}, True),
        ({"birads": 4, "pathology": "normal"}, True),
        ({"finding": "mass", "birads": 3, "pathology": "malignant"}, False),
        ({"finding": "none", "birads": 5}, True),
        ({"finding": "none", "birads": 3}, False),
    ],
)
def test_labels_that_contradict_each_other(labels, is_wrong):
    assert bool(check_labels([seen("a", **labels)])) is is_wrong


def test_a_finding_in_a_picture_of_finding_none_is_told():
    found = seen("a", finding="none", findings=({"categories": ["mass"]},))
    normal = seen("b", finding="none", findings=({"categories": ["none"]},))
    assert told(check_labels([found, normal])) == {IssueKind.LABEL_CONTRADICTION: [("a",)]}


def test_a_suspicious_breast_may_show_its_finding_on_the_other_view():
    cc, mlo = (seen(view, finding="none", birads=4, laterality="L", view=view) for view in ("CC", "MLO"))
    assert told(check_labels([cc, mlo])) == {IssueKind.LABEL_CONTRADICTION: [("CC", "MLO")]}
    assert check_labels([cc, seen("MLO", finding="mass", birads=4, laterality="L", view="MLO")]) == []


def test_densities_of_one_person_are_compared():
    left, right = seen("l", laterality="L", density="B"), seen("r", laterality="R", density="C")
    assert told(check_labels([left, right])) == {IssueKind.DENSITY_DIFFERS: [("l", "r")]}
    assert "two breasts" in check_labels([left, right])[0].sentence
    assert "one breast" in check_labels([left, seen("m", laterality="L", density="C")])[0].sentence
    assert check_labels([left, seen("r", "q", laterality="R", density="C")]) == []


# files, notes, private data


def test_files_that_were_not_read_have_their_reason():
    pictures = [
        InspectedImage(name="a", status="failed", reason="damaged", detail="torn"),
        InspectedImage(name="b", status="skipped", reason="spot", detail="a spot view"),
        seen("c"),
    ]
    issues = check_files(pictures)
    assert [(issue.kind, issue.reason) for issue in issues] == [
        (IssueKind.UNREADABLE, "damaged"),
        (IssueKind.REFUSED, "spot"),
    ]


def test_a_note_is_told_once_with_all_its_pictures():
    noted = [seen("a", notes=("x",)), seen("b", notes=("x", "y")), seen("c", identifying=("PatientName",), n_private=3)]
    found = told(check_notes(noted))
    assert found == {IssueKind.NOTICED: [("a", "b"), ("b",)], IssueKind.PRIVATE_DATA: [("c",), ("c",)]}


def test_a_second_sheet_and_reports_are_named_and_no_cell_is_told(tmp_path: Path):
    (tmp_path / "INbreast.xls").write_bytes(b"\xd0\xcf" + b"\0" * 90 + b"\x06\0Sheet2" + b"Jane Doe 1950")
    (tmp_path / "other.xls").write_bytes(b"\xd0\xcf" + b"\0" * 90 + b"\x06\0Sheet1")
    with zipfile.ZipFile(tmp_path / "INbreast.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", '<workbook><sheets><sheet name="Sheet2" sheetId="2"/></sheets></workbook>')
    (tmp_path / "torn.xlsx").write_bytes(b"PK")
    (tmp_path / "MedicalReports").mkdir()
    (tmp_path / "MedicalReports" / "one.txt").write_text("Jane Doe")
    (tmp_path / "README.txt").write_text("no report")
    issues = check_private_tables(tmp_path)
    sentences = " ".join(issue.sentence for issue in issues)
    assert len(issues) == 3 and all(issue.kind is IssueKind.PRIVATE_DATA for issue in issues)
    assert "INbreast.xls " in sentences and "INbreast.xlsx " in sentences and "free text lie here (1)" in sentences
    assert "Jane" not in sentences and "other.xls" not in sentences


# counts


def test_counts_that_differ_make_one_issue():
    same = LabelCount(name="rows", found=3, published=3)
    assert check_counts([same, LabelCount(name="new word", found=1)]) == []
    issues = check_counts([same, LabelCount(name="birads / 4", found=1, published=2)])
    assert len(issues) == 1 and "birads / 4: 1 here, 2 there" in issues[0].sentence


def test_pictures_are_counted_by_each_word_that_is_known():
    read = [seen("a", density="B"), seen("b", density="B"), seen("c")]
    assert picture_counts([*read, InspectedImage(name="d", status="failed")]) == {"density": {"B": 2, "not known": 1}}
    described = seen("e", findings=({"categories": ["mass", "calcification"]}, {"categories": ["mass"]}, {}))
    assert picture_counts([described]) == {"categories": {"calcification": 1, "mass": 2}}


TABLES = Path(__file__).parents[3] / "shared" / "data" / "tables"


@pytest.mark.shared
@pytest.mark.skipif(not TABLES.is_dir(), reason="the whole tables are not here; excerpts are counted in test_doctor")
@pytest.mark.parametrize(("dataset", "folder"), [("cbis-ddsm", "cbis-ddsm"), ("mias", "mini-mias")])
def test_the_whole_published_tables_have_the_published_counts(dataset, folder):
    counts = label_counts(dataset, TABLES / folder)
    assert len(counts) > 10 and all(count.is_equal and count.published is not None for count in counts)


def test_a_set_without_published_counts_has_none(tmp_path: Path):
    assert label_counts("folder", tmp_path) == ()


# order


def test_the_gravest_come_first():
    kinds = [IssueKind.NOTICED, IssueKind.INVERTED, IssueKind.REFUSED, IssueKind.DUPLICATE_ACROSS]
    issues = ordered([Issue(kind=kind, sentence="x") for kind in kinds])
    assert [issue.severity for issue in issues] == list(Severity)


@pytest.mark.parametrize("kind", list(IssueKind))
def test_every_kind_has_words_for_a_reader(kind):
    assert kind.heading and kind.meaning.endswith(".") and kind.severity.meaning.endswith(".")
