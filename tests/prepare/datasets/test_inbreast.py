"""INbreast in its published layout."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import inbreast as layout
from layouts.checks import SHAPE, assert_mask_is_where_the_disc_is, items_of, published_folder
from published_layouts import write_tree

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets import dataset_entries
from monai_mammo.prepare.datasets import inbreast as dataset
from monai_mammo.prepare.datasets.inbreast_regions import DOT_RADIUS_PX, findings_of, read_regions
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.preparation import prepare
from monai_mammo.terms import FindingCategory as Category


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree("inbreast", tmp_path_factory.mktemp("inbreast"))


@pytest.fixture(scope="module")
def listed(tree):
    entries = dataset_entries("inbreast", tree)
    return {entry.image_id: entry for entry in entries if isinstance(entry, Entry)}


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "out"
    return out, prepare(tree, dataset="inbreast", out=out, shape=SHAPE)


@pytest.fixture
def copy(tree, tmp_path):
    """The tree once more, to be spoilt; without the one large picture."""
    without = shutil.ignore_patterns("90000005*")
    top = shutil.copytree(tree, tmp_path / "copy", ignore=without)
    path = top / "INbreast.csv"
    lines = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join(line for line in lines if b"90000005" not in line))
    return top


def _change(path, old, new):
    text = path.read_bytes()
    assert text.count(old.encode()) == 1
    path.write_bytes(text.replace(old.encode(), new.encode()))


def _bad(source):
    return [result for result in dataset_entries("inbreast", source) if isinstance(result, Failed)]


def test_each_image_is_read_or_skipped_once(prepared):
    out, report = prepared
    assert len(report.files) == 11 and report.count("read") == 10
    [skipped] = [file for file in report.files if file.status == "skipped"]
    assert Path(skipped.name).name.startswith("90000007_") and skipped.reason == "unsupported_view"
    assert set(items_of(out)) == {str(image.number) for image in layout.IMAGES} - {"90000007"}


@pytest.mark.parametrize("image_id", sorted(layout.DISCS))
def test_the_lesion_mask_lies_where_the_outline_was_drawn(prepared, image_id):
    out, _ = prepared
    item = items_of(out)[image_id]
    assert item["mask_kind"] == "contour"
    assert_mask_is_where_the_disc_is(out, item, fills=0.5 if image_id == "90000006" else 0.9)  # dots lie beside it


def test_one_image_has_the_released_size(prepared):
    assert items_of(prepared[0])["90000005"]["trace"]["source_shape"] == [3328, 2560]


def test_conditions_and_the_letter_of_the_category(listed):
    assert listed["90000001"].conditions.to_dict() == {
        "kind": "digital",
        "view": "CC",
        "laterality": "R",
        "density": "B",
        "finding": "mass",
        "birads": 4,
    }
    letters = {name: entry.labels.get("birads_letter", "") for name, entry in listed.items()}
    assert [letters[f"9000000{i}"] for i in (1, 3, 5, 6)] == ["a", "b", "c", ""]
    assert [listed[f"9000000{i}"].conditions.density for i in (4, 5, 8)] == ["B", "C", "D"]


def test_a_cell_of_blanks_is_no_density(listed):
    entry = listed["90000002"]
    assert entry.conditions.density is None
    assert entry.record["rows"][0]["values"]["ACR"] == " " * 193


def test_the_table_says_mlo_where_the_file_says_ml(listed):
    assert "_ML_" in listed["90000003"].path.name and listed["90000003"].conditions.view == "MLO"


def test_persons_are_the_hashes_and_not_divided(prepared):
    items = items_of(prepared[0])
    ana, eva = f"inbreast_{layout.ANA}", f"inbreast_{layout.EVA}"
    persons = {name: item["person_id"] for name, item in items.items()}
    assert {name for name, person in persons.items() if person == ana} == {f"9000000{i}" for i in range(1, 7)}
    assert set(persons.values()) == {ana, eva}
    for person in (ana, eva):
        assert len({item["split"] for item in items.values() if item["person_id"] == person}) == 1


def test_without_a_property_list_an_image_is_normal_or_not_annotated(listed, prepared):
    normal, missing = listed["90000002"], listed["90000004"]
    assert normal.conditions.finding == "none" and normal.notes == ()
    assert missing.conditions.finding is None and missing.notes == ("annotation_missing",)
    assert missing.annotations == ()  # the pectoral muscle of the same number is no finding
    assert items_of(prepared[0])["90000004"]["mask_kind"] == "unknown"


def test_points_are_dots_and_dots_belong_to_the_cluster_round_them(listed):
    dot, left, right, cluster, member = listed["90000003"].annotations
    assert [a.mask_kind for a in (dot, left, right, cluster, member)] == ["point"] * 3 + ["contour", "point"]
    assert {a.categories for a in (dot, left, right, cluster, member)} == {(Category.CALCIFICATION,)}
    rows, columns = layout.SMALL
    for point in (dot, left, right, member):
        assert point.box.width_fraction * columns == pytest.approx(2 * DOT_RADIUS_PX, rel=1e-6)
        assert point.box.height_fraction * rows == pytest.approx(2 * DOT_RADIUS_PX, rel=1e-6)
    assert (right.box.center[0] - left.box.center[0]) * columns == pytest.approx(30)
    assert member.notes == ("member of cluster 3",)
    assert dot.notes == left.notes == right.notes == ()


@pytest.mark.parametrize(
    ("image_id", "place", "category", "notes"),
    [
        ("90000005", 0, Category.MASS, ("margin spiculated",)),
        ("90000006", 0, Category.ASYMMETRY, ()),
        ("90000006", 1, Category.CALCIFICATION, ()),  # Unnamed
        ("90000006", 2, Category.CALCIFICATION, ()),  # a dot without a name
        ("90000009", 1, Category.ARCHITECTURAL_DISTORTION, ()),
        ("90000011", 0, Category.CALCIFICATION, ()),  # Point 1
    ],
)
def test_names_of_regions(listed, image_id, place, category, notes):
    annotation = listed[image_id].annotations[place]
    assert annotation.categories == (category,) and annotation.notes == notes


def test_a_name_that_nobody_lists_is_told_and_no_lesion(listed):
    entry = listed["90000011"]
    assert entry.notes == ("roi_name_unknown: region 2",) and entry.annotations[1].categories == ()
    assert len(entry.lesions) == 1
    assert entry.record["regions"] == [{"name": "Point 1", "points": 1}, {"name": "no such name", "points": 1}]


def test_regions_off_the_frame_are_cut_by_two_pixels_at_most(listed):
    entry = listed["90000008"]
    inside, outside, exchanged = entry.annotations
    assert inside.box.x1 == 1 and inside.notes == ()
    assert outside.box is None and outside.notes == ("roi_out_of_frame",)
    assert exchanged.box is None and "roi_fits_with_x_and_y_exchanged" in exchanged.notes
    assert entry.notes == (
        "roi_out_of_frame: region 2",
        "roi_out_of_frame: region 3",
        "roi_fits_with_x_and_y_exchanged: region 3",
    )


def test_spacing_is_nominal(listed):
    assert {(e.spacing.row_mm, e.spacing.column_mm, e.spacing.source) for e in listed.values()} == {
        (0.07, 0.07, "nominal:inbreast")
    }


def test_neither_patient_number_nor_age_is_kept(tree, listed):
    assert "Patient ID" in (tree / "INbreast.csv").read_text()
    for entry in listed.values():
        assert {"Patient ID", "Patient age"}.isdisjoint(entry.record["rows"][0]["values"])


def test_the_table_is_used_without_opening_the_workbook(copy):
    (copy / "INbreast.xls").write_bytes(b"no workbook")
    assert len(dataset_entries("inbreast", copy)) == 10


def test_a_workbook_alone_asks_for_its_reader_or_the_table(copy, monkeypatch):
    (copy / "INbreast.csv").unlink()
    monkeypatch.setitem(__import__("sys").modules, "xlrd", None)
    with pytest.raises(RequestError, match="INbreast.xls needs the package xlrd: install it, or put INbreast.csv"):
        dataset_entries("inbreast", copy)


def test_the_first_sheet_says_the_same_as_the_table_and_the_second_stays_closed(copy, monkeypatch):
    xlrd = pytest.importorskip("xlrd", reason="needs xlrd, which reads the workbook; the table is read above")
    by_table = {e.image_id: e for e in dataset_entries("inbreast", copy) if isinstance(e, Entry)}
    (copy / "INbreast.csv").unlink()
    loaded = []
    read = xlrd.sheet.Sheet.read
    monkeypatch.setattr(xlrd.sheet.Sheet, "read", lambda self, bk: (loaded.append(self.name), read(self, bk))[1])
    by_sheet = {e.image_id: e for e in dataset_entries("inbreast", copy) if isinstance(e, Entry)}
    assert loaded == ["Sheet1"]
    assert {k: e.conditions for k, e in by_sheet.items()} == {k: e.conditions for k, e in by_table.items()}
    assert layout.SECRET not in repr([e.record for e in by_sheet.values()])
    counts = dataset.label_counts(copy)
    assert counts["flags"] == {"mass": 3, "calcification": 1, "distortion": 1, "asymmetry": 1}
    assert counts["without_annotation"] == 2 and counts["images"] == 11


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (";R;CC;200801;90000001;2;4a", ";X;CC;200801;90000001;2;4a", "Laterality 'X' in INbreast.csv line 2 is not"),
        (";R;CC;200801;90000001;2;4a", ";R;QQ;200801;90000001;2;4a", "View 'QQ' in .* is not one of CC, MLO, FB"),
        (";R;CC;200801;90000001;2;4a", ";R;CC;200801;90000001;7;4a", "ACR '7' in .* 1, 2, 3, 4, an empty value"),
        (";R;CC;200801;90000001;2;4a", ";R;CC;200801;90000001;2;4d", "Bi-Rads '4d' in .* 4a, 4b, 4c, 5, 6"),
        (";R;CC;200801;90000001;2;4a", ";R;CC;200801;90000001;2", "Bi-Rads '' in INbreast.csv line 2"),
        (";L;CC;200801;90000002;", ";L;CC;200801;90000001;", "INbreast.csv line 2 and line 3 name the same picture"),
    ],
)
def test_a_bad_row_costs_one_image(copy, old, new, told):
    _change(copy / "INbreast.csv", old, new)
    [bad] = _bad(copy)
    assert bad.path.name.startswith("90000001_") and bad.reason is SkipReason.WRONG_ROW
    assert re.search(told, bad.detail)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        layout.property_list([])[:200],
        b"bplist00 binary",
        layout.property_list([{"Name": "Mass", "Point_px": ["(1, two)"]}]),
        layout.property_list([{"Name": "Mass", "Point_px": [7]}]),
        layout.property_list(["Mass"]),
        b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><plist><string>&b;</string></plist>',
    ],
)
def test_a_bad_property_list_costs_one_image(copy, content):
    (copy / "AllXML" / "90000001.xml").write_bytes(content)
    [bad] = _bad(copy)
    assert bad.path.name.startswith("90000001_") and "90000001.xml is not an OsiriX property list" in bad.detail


def test_a_header_that_tells_no_size_costs_one_image(copy):
    [path] = (copy / "AllDICOMs").glob("90000001_*")
    path.write_bytes(path.read_bytes()[:200])
    [bad] = _bad(copy)
    assert bad.path == path and "does not tell rows and columns" in bad.detail


def test_a_file_without_a_person_is_refused(copy):
    [path] = (copy / "AllDICOMs").glob("90000001_*")
    path.rename(path.with_name("90000001.dcm"))
    [bad] = _bad(copy)
    assert bad.path.name == "90000001.dcm" and "no split by person" in bad.detail


def test_a_missing_picture_and_one_without_a_row_are_told(copy):
    [path] = (copy / "AllDICOMs").glob("90000001_*")
    path.rename(path.with_name(path.name.replace("90000001", "95000001")))
    others = [result for result in dataset_entries("inbreast", copy) if not isinstance(result, Entry)]
    assert [(type(o), o.reason) for o in others] == [
        (Failed, SkipReason.UNREADABLE),
        (Skipped, SkipReason.UNSUPPORTED_VIEW),
        (Skipped, SkipReason.NOT_IN_TABLE),
    ]
    assert "INbreast.csv line 2 names is not there" in others[0].detail


def test_side_of_table_and_name_may_disagree(copy):
    _change(copy / "INbreast.csv", ";R;CC;200801;90000001;", ";L;CC;200801;90000001;")
    entry = next(e for e in dataset_entries("inbreast", copy) if getattr(e, "image_id", "") == "90000001")
    assert entry.conditions.laterality == "L" and "side of the table and of the file's name disagree" in entry.notes


def test_missing_tables_columns_and_outlines_are_wrong_requests(copy, tmp_path):
    _change(copy / "INbreast.csv", ";Bi-Rads", ";Birads")
    with pytest.raises(RequestError, match="INbreast.csv has no column 'Bi-Rads'"):
        dataset_entries("inbreast", copy)
    (copy / "AllXML").rename(copy / "XML")
    with pytest.raises(RequestError, match="folder AllXML"):
        dataset_entries("inbreast", copy)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="neither INbreast.csv nor INbreast.xls"):
        dataset_entries("inbreast", tmp_path / "empty")


def test_points_of_pectoral_files_and_of_three_numbers_are_read(tmp_path):
    path = tmp_path / "a.xml"
    old = {"Name": "Pectoral Muscle", "ROIPoints": ["(1.5, 2)", "(3, -4, 0.0)"], "NumberOfPoints": 3}
    path.write_bytes(layout.property_list([old]))
    [region] = read_regions(path)
    np.testing.assert_array_equal(region.points, [[1.5, 2], [3, -4]])
    assert findings_of([region], (64, 48))[1] == (
        "roi_out_of_frame: region 1",
        "roi_point_count_differs: region 1",
        "roi_name_unknown: region 1",
    )


def test_a_region_without_points_keeps_its_name(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(layout.property_list([layout.region("Mass", [])]))
    [annotation], notes = findings_of(read_regions(path), (64, 48))
    assert annotation.categories == (Category.MASS,) and annotation.box is None
    assert notes == ("roi_without_points: region 1",)


def test_counts_of_the_tree(tree):
    counts = dataset.label_counts(tree)
    assert counts["images"] == 11 and counts["acr"] == {"2": 3, "missing": 1, "3": 3, "4": 2, "1": 2}
    assert counts["birads"]["4a"] == 1 and counts["view"] == {"CC": 5, "MLO": 5, "FB": 1}


def test_the_whole_table_has_the_published_counts():
    counts = dataset.label_counts(published_folder("INbreast Release 1.0"))
    assert counts == {key: dataset.PUBLISHED_COUNTS[key] for key in counts}
