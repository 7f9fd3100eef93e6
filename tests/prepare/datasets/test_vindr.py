"""VinDr-Mammo in its published layout."""

from __future__ import annotations

import csv
import shutil

import pytest
from layouts import vindr as layout
from layouts.checks import SHAPE, assert_mask_is_where_the_disc_is, items_of, mask_of, published_folder
from published_layouts import write_tree

from monai_mammo.conditions import Box
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets import dataset_entries
from monai_mammo.prepare.datasets import vindr as dataset
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.prepare.preparation import prepare
from monai_mammo.terms import Finding
from monai_mammo.terms import FindingCategory as Category

TABLE = "finding_annotations.csv"


def _id(number):
    return f"{number:032x}"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree("vindr", tmp_path_factory.mktemp("vindr"))


@pytest.fixture(scope="module")
def listed(tree):
    return {entry.image_id: entry for entry in dataset_entries("vindr", tree)}


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "out"
    return out, prepare(tree, dataset="vindr", out=out, shape=SHAPE)


@pytest.fixture
def tables(tree, tmp_path):
    """The tree's tables alone, to be spoilt."""
    shutil.copy(tree / TABLE, tmp_path / TABLE)
    for number in range(0xC01, 0xC11):
        study = (number - 0xC01) // 4
        path = tmp_path / "images" / _id(0xA01 + study) / f"{_id(number)}.dicom"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked into")
    return tmp_path


def _change(path, line, **cells):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    for column, text in cells.items():
        rows[line - 1][rows[0].index(column)] = text
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_each_image_is_read_once(prepared):
    out, report = prepared
    assert sorted(file.image_id for file in report.files) == [_id(n) for n in range(0xC01, 0xC11)]
    assert {file.status for file in report.files} == {"read"}
    assert set(items_of(out)) == {_id(n) for n in range(0xC01, 0xC11)}


@pytest.mark.parametrize("image_id", sorted(layout.DISCS))
def test_the_lesion_mask_lies_where_the_box_was_drawn(prepared, image_id):
    out, _ = prepared
    item = items_of(out)[image_id]
    assert item["mask_kind"] == "box"
    assert_mask_is_where_the_disc_is(out, item, fills=0.7)  # a disc fills 79 % of its box


@pytest.mark.parametrize("image_id", sorted(layout.DISCS))
def test_findings_of_the_datalist_lie_on_the_prepared_grid(prepared, image_id):
    out, _ = prepared
    item = items_of(out)[image_id]
    finding = item["findings"][0]
    drawn = box_of_mask(mask_of(out, item))
    assert finding["box"] == pytest.approx(list(drawn), abs=1 / min(SHAPE))  # the mask ends at whole pixels
    assert finding["mask_kind"] == "box" and item["labels"]["published_split"] in ("training", "test")


def test_conditions_are_those_of_the_breast(prepared):
    items = items_of(prepared[0])
    expected = {"kind": "digital", "view": "CC", "laterality": "L", "density": "B", "finding": "mass", "birads": 4}
    known = items[_id(0xC01)]["conditions"]
    assert {key: known[key] for key in expected} == expected and known["age_years"] == 57
    assert "age_years" not in items[_id(0xC03)]["conditions"]
    assert [items[_id(n)]["conditions"]["density"] for n in (0xC09, 0xC0A, 0xC0B, 0xC0C)] == ["B", "B", "C", "C"]
    clear_view_of_rated_breast = items[_id(0xC10)]["conditions"]
    assert (clear_view_of_rated_breast["finding"], clear_view_of_rated_breast["birads"]) == ("none", 4)
    assert not any("pathology" in item["conditions"] for item in items.values())


@pytest.mark.parametrize(
    ("number", "box"),
    [
        (0xC02, Box(0, 60 / 176, 30 / 140, 90.25 / 176)),
        (0xC0B, Box(110.5 / 140, 50 / 176, 1, 120 / 176)),
        (0xC08, Box(60 / 140, 0, 110 / 140, 40 / 176)),
        (0xC07, Box(40 / 140, 150 / 176, 90 / 140, 1)),
    ],
)
def test_boxes_are_cut_at_the_frame_and_say_so(listed, number, box):
    [annotation] = listed[_id(number)].annotations
    assert tuple(annotation.box) == pytest.approx(tuple(box))
    assert annotation.notes == ("box_clipped",)
    assert listed[_id(0xC01)].annotations[0].notes == ()


def test_a_box_may_carry_two_words_and_an_image_two_boxes(listed):
    [annotation] = listed[_id(0xC02)].annotations
    assert annotation.categories == (Category.CALCIFICATION, Category.MASS)
    assert listed[_id(0xC02)].conditions.finding is Finding.MASS
    mass, skin = listed[_id(0xC0C)].annotations
    assert (mass.birads, skin.birads) == (5, None)
    assert (listed[_id(0xC0C)].lesions, listed[_id(0xC0C)].diffuse) == ((mass.box,), (skin.box,))


def test_a_change_of_the_skin_is_neither_a_lesion_nor_none(listed):
    entry = listed[_id(0xC0B)]
    assert entry.conditions.finding is None and entry.annotations[0].birads is None
    assert entry.lesions == () and len(entry.diffuse) == 1


def test_splits_go_by_study_and_the_published_one_is_a_label(prepared, listed):
    items = items_of(prepared[0])
    by_study = {}
    for number in range(0xC01, 0xC11):
        item = items[_id(number)]
        assert item["person_id"] == _id(0xA01 + (number - 0xC01) // 4)
        by_study.setdefault(item["person_id"], set()).add(item["split"])
    assert all(len(splits) == 1 for splits in by_study.values())
    assert [entry.split for entry in listed.values()] == [None] * 16
    assert [listed[_id(n)].labels["published_split"] for n in (0xC01, 0xC05)] == ["training", "test"]


def test_untouched_values_are_kept_with_their_line(tree, listed):
    [row] = listed[_id(0xC02)].record["rows"]
    with open(tree / TABLE, newline="") as file:
        published = list(csv.reader(file))
    assert row["table"] == TABLE and row["line"] == 3
    assert row["values"] == dict(zip(published[0], published[2], strict=True))


def test_the_scanner_comes_from_metadata_and_is_not_needed(tables, tree):
    without = dataset_entries("vindr", tables)
    assert all("model" not in entry.labels and entry.conditions.age_years is None for entry in without)
    shutil.copy(tree / "metadata.csv", tables)
    assert {entry.labels["model"] for entry in dataset_entries("vindr", tables)} == {"Model 1"}


def test_the_folder_above_will_do(tree):
    assert len(dataset_entries("vindr", tree.parent)) == 16


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"laterality": "X"}, "laterality 'X' in finding_annotations.csv line 2 is not one of L, R"),
        ({"view_position": "ML"}, "view_position 'ML' in .* line 2 is not one of CC, MLO"),
        ({"breast_density": "DENSITY E"}, "is not one of DENSITY A, DENSITY B, DENSITY C, DENSITY D"),
        ({"breast_birads": "BI-RADS 7"}, "BI-RADS 1, .*, BI-RADS 5"),
        ({"finding_birads": "4"}, "not one of an empty value, BI-RADS 1"),
        ({"finding_categories": "['Cyst']"}, "'Cyst' in .* line 2 is not one of No Finding, Mass"),
        ({"finding_categories": "Mass"}, "not a list of words"),
        ({"finding_categories": "__import__('os').getcwd()"}, "not a list of words"),
        ({"finding_categories": "[" * 5000}, "not a list of words"),
        ({"finding_categories": "[]"}, "not a list of words"),
        ({"xmin": ""}, "xmin '' in .* line 2 is not a number"),
        ({"ymax": "nan"}, "ymax 'nan' in .* line 2 is not a number"),
        ({"xmax": "1"}, "empty, or lies outside"),
        ({"xmin": "5000", "xmax": "6000"}, "empty, or lies outside"),
        ({"height": "0"}, "not above 0"),
        ({"split": "val"}, "split 'val' in .* line 2 is not one of training, test"),
        ({"study_id": "../../etc"}, "study_id in .* line 2 is not made of 32"),
        ({"image_id": "C" * 32}, "image_id in .* line 2 is not made of 32"),
    ],
)
def test_a_bad_cell_costs_one_image(tables, cells, told):
    _change(tables / TABLE, 2, **cells)
    results = dataset_entries("vindr", tables)
    bad = [result for result in results if isinstance(result, Failed)]
    assert len(bad) == 1 and sum(isinstance(result, Entry) for result in results) == 15
    assert bad[0].reason is SkipReason.WRONG_ROW
    with pytest.raises(RequestError, match=told):
        raise RequestError(bad[0].detail)


def test_rows_of_one_image_must_agree(tables):
    _change(tables / TABLE, 14, breast_density="DENSITY A")  # second box of 0xc0c
    [bad] = [result for result in dataset_entries("vindr", tables) if isinstance(result, Failed)]
    assert bad.path.stem == _id(0xC0C) and "breast_density in finding_annotations.csv line 14 differs" in bad.detail


def test_a_missing_picture_and_one_without_a_row_are_told(tables):
    lost = tables / "images" / _id(0xA01) / f"{_id(0xC01)}.dicom"
    lost.rename(lost.with_name("0.dicom"))
    others = [result for result in dataset_entries("vindr", tables) if not isinstance(result, Entry)]
    assert [(type(o), o.path.name, o.reason) for o in others] == [
        (Failed, lost.name, SkipReason.UNREADABLE),
        (Skipped, "0.dicom", SkipReason.NOT_IN_TABLE),
    ]


def test_a_missing_table_or_column_is_a_wrong_request(tables, tmp_path_factory):
    with pytest.raises(RequestError, match="table finding_annotations.csv is not in"):
        dataset_entries("vindr", tmp_path_factory.mktemp("empty"))
    _change(tables / TABLE, 1, ymax="ymaximum")
    with pytest.raises(RequestError, match="finding_annotations.csv has no column 'ymax'"):
        dataset_entries("vindr", tables)


def test_images_are_counted_and_not_rows(tree):
    counts = dataset.label_counts(tree)
    assert {key: counts[key] for key in ("studies", "images", "rows", "boxes", "boxes_outside")} == {
        "studies": 4,
        "images": 16,
        "rows": 17,
        "boxes": 10,
        "boxes_outside": 4,
    }
    assert counts["split_images"] == {"training": 8, "test": 8}
    assert counts["birads_images"] == {"4": 5, "2": 2, "1": 4, "5": 2, "3": 3}
    assert counts["density_images"] == {"B": 6, "D": 4, "C": 2, "A": 4}
    assert counts["categories"]["No Finding"] == 7 and counts["categories"]["Mass"] == 4


def test_the_whole_table_has_the_published_counts():
    assert dataset.label_counts(published_folder("vindr-mammo")) == dataset.PUBLISHED_COUNTS
