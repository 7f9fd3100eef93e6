"""CDD-CESM: from its published tree to prepared views, and the counts of its workbook."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from layouts import cdd_cesm as layout
from layouts.checks import assert_mask_is_where_the_disc_is, items_of, mask_of

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import RequestError
from monai_mammo.prepare import Trace, prepare
from monai_mammo.prepare.datasets import cdd_cesm, dataset_entries
from monai_mammo.prepare.entry import Entry
from monai_mammo.terms import Finding, FindingCategory

GRID = (64, 48)
SHARED = Path(__file__).parents[4] / "shared" / "data"
REGIONS = "Radiology_hand_drawn_segmentations_v2.csv"
WORKBOOK = "Radiology-manual-annotations.xlsx"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layout.write(tmp_path_factory.mktemp("cesm") / "data")


@pytest.fixture(scope="module")
def prepared(tree: Path, tmp_path_factory: pytest.TempPathFactory):
    return prepare(tree, dataset="cdd-cesm", out=tmp_path_factory.mktemp("cesm") / "out", shape=GRID)


@pytest.fixture
def copy(tree: Path, tmp_path: Path) -> Path:
    """A tree to change, without the large picture."""
    return Path(shutil.copytree(tree, tmp_path / "copy", ignore=shutil.ignore_patterns("P2_R_DM_CC.jpg")))


def entries_by_id(source: Path) -> dict[str, Entry]:
    return {entry.image_id: entry for entry in dataset_entries("cdd-cesm", source) if isinstance(entry, Entry)}


def failures(source: Path) -> list[Failed]:
    return [e for e in dataset_entries("cdd-cesm", source) if isinstance(e, Failed) and "not there" not in e.detail]


def test_every_picture_is_listed_once(tree: Path, prepared):
    assert Counter((file.status, file.reason) for file in prepared.files) == {
        ("read", ""): 25,
        ("failed", "unreadable"): 1,
        ("skipped", "not_in_table"): 1,
        ("skipped", "duplicate"): 1,
    }
    listed = dataset_entries("cdd-cesm", tree)
    paths = [entry.path for entry in listed if entry.path.is_file()]
    assert sorted(paths) == sorted(tree.rglob("*.jpg"))
    lost = next(entry for entry in listed if isinstance(entry, Failed))
    assert lost.path.stem == layout.MISSING and "sheet all line" in lost.detail
    skipped = {entry.path.name: entry.reason.value for entry in listed if isinstance(entry, Skipped)}
    assert skipped == {"P400_L_DM_CC.jpg": "not_in_table", "P1_L_DM_MLO.jpg": "duplicate"}


def test_labels_are_those_of_the_workbook(prepared):
    items = items_of(prepared.out)
    assert {**items["P2_R_DM_CC"]["conditions"], "box": 0} == {
        "kind": "digital",
        "view": "CC",
        "laterality": "R",
        "density": "C",
        "finding": "mass",
        "birads": 3,
        "pathology": "benign",
        "age_years": 31,
        "n_findings": 1,
        "box": 0,
    }
    subtracted = items["P2_R_CM_MLO"]
    assert subtracted["conditions"]["kind"] == "contrast" and subtracted["conditions"]["density"] == "C"
    assert subtracted["labels"]["density_source"] == "low-energy view of the same breast"
    assert subtracted["labels"]["acquisition"] == "subtracted"
    assert items["P2_R_DM_CC"]["labels"] == {"acquisition": "low_energy", "machine": "2", "birads_lesions": "3$2"}
    assert "density" not in items["P2_L_DM_CC"]["conditions"]  # a flap, "_" in the table
    assert "density" not in items["P2_L_CM_CC"]["conditions"]  # and so its subtracted view
    assert items["P121_L_DM_CC"]["conditions"]["birads"] == 4
    assert items["P2_L_DM_CC"]["conditions"]["finding"] == "postoperative"
    assert items["P6_R_CM_CC"]["conditions"]["finding"] == "none"
    assert items["P3_L_CM_CC"]["person_id"] == "P3"
    assert {item["source"] for item in items.values()} == {"CDD-CESM"}


def test_categories_come_from_the_sheets(tree: Path):
    found = {image_id: entry.annotations for image_id, entry in entries_by_id(tree).items()}
    category = FindingCategory
    assert found["P2_R_DM_MLO"][0].categories == (category.MASS, category.CALCIFICATION)
    assert found["P1_L_CM_MLO"][0].categories == (category.NONMASS_ENHANCEMENT,)
    assert found["P96_R_DM_CC"][0].categories == (category.GLOBAL_ASYMMETRY,)
    assert found["P50_L_DM_CC"][0].categories == (category.FOCAL_ASYMMETRY,)
    assert found["P106_L_DM_MLO"][0].categories == (category.ARCHITECTURAL_DISTORTION, category.SKIN_THICKENING)
    assert found["P6_R_CM_CC"] == () == found["P138_L_DM_CC"][:0]
    mass = found["P3_L_CM_CC"][0]
    assert mass.birads == 5 and mass.descriptors["margin"] == ("spiculated",)
    assert found["P2_R_DM_CC"][0].birads is None  # 3$2: one number a lesion
    assert found["P2_R_DM_CC"][0].descriptors["shape"] == ("round", "oval")


def test_masks_lie_on_the_discs(prepared):
    items = items_of(prepared.out)
    drawn = {image_id for image_id, item in items.items() if "label" in item}
    assert drawn == set(layout.REGIONS)
    for image_id in drawn - {"P45_L_DM_MLO"}:
        fills = 0.65 if "ellipse" in layout.REGIONS[image_id] else 0.8  # drawn 1.4 times as high as the disc
        assert_mask_is_where_the_disc_is(prepared.out, items[image_id], fills=fills)
    assert items["P2_R_DM_CC"]["trace"]["source_shape"] == [2355, 1315]
    kinds = {image_id: items[image_id]["findings"][0]["mask_kind"] for image_id in drawn}
    assert {k: v for k, v in kinds.items() if v != "contour"} == {
        "P2_R_CM_CC": "circle",
        "P121_L_DM_CC": "circle",
        "P6_R_DM_CC": "point",
    }


def test_shapes_have_their_sizes_in_pixels_of_the_picture(tree: Path):
    found = entries_by_id(tree)
    for image_id, factors in {"P2_R_DM_MLO": (1, 1.4), "P2_R_CM_CC": (1, 1), "P6_R_DM_CC": (25 / 23, 25 / 23)}.items():
        picture = layout.picture_of(image_id)
        rows, columns = picture.pixels.shape
        box = found[image_id].annotations[0].box
        assert abs(box.center[0] * columns - picture.x) < 1 and abs(box.center[1] * rows - picture.y) < 1
        expected = 2 * np.ceil(picture.radius) * np.array(factors)
        assert np.abs([box.width_fraction * columns, box.height_fraction * rows] - expected).max() < 2


def test_a_polygon_that_reaches_outside_is_cut(tree: Path, prepared):
    entry = entries_by_id(tree)["P45_L_DM_MLO"]
    assert entry.annotations[1].box is not None and entry.annotations[1].box.x0 == 0
    assert any(note.startswith("region_clipped") and note.endswith("region 1") for note in entry.notes)
    mask = mask_of(prepared.out, items_of(prepared.out)["P45_L_DM_MLO"])
    box = Trace.from_dict(items_of(prepared.out)["P45_L_DM_MLO"]["trace"]).forward_box(entry.annotations[1].box)
    assert mask[int(box.center[1] * GRID[0]), int(box.center[0] * GRID[1])]


def test_a_shape_that_is_there_twice_counts_once(tree: Path):
    entry = entries_by_id(tree)["P1_L_DM_MLO"]
    assert len(entry.annotations) == 1 and any(note.startswith("region_repeated") for note in entry.notes)


def test_a_normal_image_with_a_region_keeps_mask_and_leaves_the_finding_open(prepared):
    item = items_of(prepared.out)["P138_L_DM_CC"]
    assert "finding" not in item["conditions"] and item["conditions"]["pathology"] == "normal"
    assert item["conditions"]["box"] and mask_of(prepared.out, item).any()
    notes = next(file.record["notes"] for file in prepared.files if file.image_id == "P138_L_DM_CC")
    assert any(note.startswith("normal_with_region") for note in notes)


@pytest.mark.parametrize("suffixed", [False, True])
def test_repeated_rows_are_one_image_in_both_styles_of_names(tmp_path: Path, suffixed: bool):
    found = entries_by_id(layout.write(tmp_path / "data", suffixed=suffixed))
    assert len(found) == 25
    for image_id in ("P99_L_DM_MLO", "P99_L_CM_MLO", "P281_L_DM_MLO", "P281_L_CM_MLO"):
        names = [row["values"]["Image_name"] for row in found[image_id].record["rows"]]
        assert len(names) == 2 and (names[0] != names[1]) == suffixed
        assert any(note.startswith("name_repeated") for note in found[image_id].notes)


def test_a_second_row_with_a_picture_of_its_own_is_an_image_of_its_own(tmp_path: Path):
    source = layout.write(tmp_path / "data", suffixed=True)
    first = next(source.rglob("P99_L_DM_MLO.jpg"))
    shutil.copyfile(first, first.with_name("P99_L_DM_MLO_2.jpg"))
    found = entries_by_id(source)
    assert len(found) == 26 and found["P99_L_DM_MLO_2"].path.name == "P99_L_DM_MLO_2.jpg"


def test_values_stand_in_the_record_as_they_are_in_the_file(tree: Path):
    entry = entries_by_id(tree)["P3_L_CM_CC"]
    rows = {row["table"]: row for row in entry.record["rows"]}
    assert set(rows) == {"sheet all", "sheet mass enhancement_description"}
    assert rows["sheet all"]["values"]["Image_name"] == "P3_L_CM_CC "
    assert rows["sheet all"]["values"]["Findings"].endswith("speculated margin ")
    assert entry.path.name == "P3_L_CM_CC .jpg"


def test_splits_are_by_person(prepared):
    splits: dict[str, set[str]] = {}
    for item in items_of(prepared.out).values():
        splits.setdefault(item["person_id"], set()).add(item["split"])
    assert len(splits) == 13 and all(len(parts) == 1 for parts in splits.values())


def change_region(source: Path, image: str, attributes: str) -> None:
    with open(source / REGIONS, newline="") as file:
        rows = list(csv.DictReader(file))
    next(row for row in rows if row["#filename"] == f"{image}.jpg")["region_shape_attributes"] = attributes
    layout._write_regions(source / REGIONS, rows)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ("[" * 100_000, "is not a JSON object of: polygon"),
        ("{", "is not a JSON object of: polygon with all_points_x, all_points_y; ellipse"),
        ('{"name":"rect","x":1,"y":1,"width":4,"height":4}', "is not a JSON object of: polygon"),
        ('{"name":"circle","cx":5,"cy":5}', "is not a JSON object of"),
        ('{"name":"circle","cx":5,"cy":5,"r":-3}', "needs finite numbers"),
        ('{"name":"polygon","all_points_x":[1,2,3],"all_points_y":[1,2]}', "needs finite numbers"),
        ('{"name":"polygon","all_points_x":[1,2,"a"],"all_points_y":[1,2,3]}', "needs finite numbers"),
        ('{"name":"point","cx":NaN,"cy":5}', "needs finite numbers"),
        ('{"name":"point","cx":[5],"cy":5}', "needs finite numbers"),
    ],
)
def test_a_wrong_region_costs_its_image_alone(copy: Path, attributes: str, words: str):
    change_region(copy, "P2_R_CM_CC", attributes)
    failed = failures(copy)
    assert [entry.path.name for entry in failed] == ["P2_R_CM_CC.jpg"]
    assert words in failed[0].detail and f"{REGIONS} line 6" in failed[0].detail and failed[0].reason == "wrong_row"
    assert len(entries_by_id(copy)) == 23


@pytest.mark.parametrize(
    "attributes",
    [
        '{"name":"circle","cx":5,"cy":5,"r":0}',
        '{"name":"circle","cx":5000,"cy":5,"r":30}',
        '{"name":"polygon","all_points_x":[-9,-4,-5],"all_points_y":[4,5,9]}',
        '{"name":"polygon","all_points_x":[],"all_points_y":[]}',
    ],
)
def test_a_region_outside_the_picture_is_left_out_and_noted(copy: Path, attributes: str):
    if "[]" in attributes:
        change_region(copy, "P2_R_CM_CC", attributes)
        assert "needs finite numbers" in failures(copy)[0].detail
        return
    change_region(copy, "P2_R_CM_CC", attributes)
    entry = entries_by_id(copy)["P2_R_CM_CC"]
    assert entry.outlines == () and entry.annotations[0].mask_kind == "none"
    assert any(note.startswith("region_outside") for note in entry.notes)


def change_sheet(source: Path, image: str, column: str, value: str) -> None:
    sheets = {
        sheet: layout._rows(layout.FIXTURES / f"Radiology-manual-annotations_{name}.csv")
        for sheet, name in layout._SHEETS.items()
    }
    header, *rows = sheets["all"]
    next(row for row in rows if row[0] == image)[header.index(column)] = value
    layout.write_workbook(source / WORKBOOK, sheets)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("BIRADS", "9", "birads '9' in sheet all line 2 is not one of 0, 1, 2, 3, 4, 5, 6"),
        ("BIRADS", "4$x", "birads 'x' in sheet all line 2"),
        ("Breast density (ACR)", "E", "'E' in sheet all line 2 is not one of A, B, C, D, _, an empty value"),
        ("Pathology Classification/ Follow up", "cancer", "is not one of Normal, Benign, Malignant"),
        ("Type", "XX", "Type 'XX' in sheet all line 2 is not one of DM, CESM"),
        ("Side", "R", "says another thing than Image_name"),
        ("View", "CC", "says another thing than Image_name"),
        ("Patient_ID", "7", "says another thing than Image_name"),
        ("Age", "200", "Age '200' in sheet all line 2 is not a whole number from 0 to 120"),
    ],
)
def test_a_wrong_cell_costs_its_image_alone(copy: Path, column: str, value: str, words: str):
    change_sheet(copy, "P1_L_DM_MLO", column, value)
    failed = failures(copy)
    assert len(failed) == 1 and failed[0].path.stem.strip() == "P1_L_DM_MLO" and words in failed[0].detail
    assert len(entries_by_id(copy)) == 23


def test_rows_and_regions_of_unknown_images_are_told(copy: Path):
    change_sheet(copy, "P1_L_DM_MLO", "Image_name", "P1_L_XX_MLO")
    details = " ".join(failure.detail for failure in failures(copy))
    assert "Image_name in sheet all line 2 is not P<number>" in details
    assert f"#filename in {REGIONS} line 2 does not name an image of the sheet all" in details
    assert "Image_name in sheet distortion line 2 does not name an image of the sheet all" in details


def test_a_table_of_regions_for_other_files_is_noted(copy: Path):
    path = next(copy.rglob("P2_R_DM_MLO.jpg"))
    path.write_bytes(path.read_bytes() + b"\0")
    assert any(note.startswith("file_size") for note in entries_by_id(copy)["P2_R_DM_MLO"].notes)


def test_a_damaged_picture_costs_only_itself(copy: Path):
    next(copy.rglob("P30_R_DM_MLO.jpg")).write_bytes(b"\xff\xd8\xff\xe0 no picture")
    assert [(e.path.stem, e.reason) for e in failures(copy)] == [("P30_R_DM_MLO", "damaged")]


def test_missing_files_sheets_and_columns_are_refused(copy: Path, tmp_path: Path):
    with pytest.raises(RequestError, match="is not there"):
        dataset_entries("cdd-cesm", tmp_path / "nowhere")
    (copy / REGIONS).rename(copy / "kept.csv")
    with pytest.raises(RequestError, match=f"table {REGIONS} is not in"):
        dataset_entries("cdd-cesm", copy)
    (copy / REGIONS).write_text("#filename,file_size\n")
    with pytest.raises(RequestError, match="no column 'region_count'; needed are #filename"):
        dataset_entries("cdd-cesm", copy)
    layout.write_workbook(copy / WORKBOOK, {"all": [["Image_name"], ["P1_L_DM_MLO"]]})
    with pytest.raises(RequestError, match="has no sheet 'mass_description'; needed are all, mass_description"):
        dataset_entries("cdd-cesm", copy)
    (copy / WORKBOOK).unlink()
    with pytest.raises(RequestError, match=f"workbook {WORKBOOK} is not in"):
        dataset_entries("cdd-cesm", copy)


def test_the_workbook_is_found_under_its_other_name(copy: Path):
    (copy / WORKBOOK).rename(copy / "Radiology manual annotations.xlsx")
    assert len(entries_by_id(copy)) == 24


def test_counts_of_the_excerpt(tree: Path):
    counts = cdd_cesm.label_counts(tree)
    assert counts["rows"] == 30 and counts["persons"] == 13
    assert counts["type"] == {"DM": 18, "CESM": 12}
    assert counts["density_dm"] == {"_": 2, "B": 5, "C": 11}
    assert counts["birads"] == {"1": 10, "2": 6, "3": 4, "4": 3, "5": 4, "3$2": 2, "4$2": 1}
    assert counts["sheets"]["mass_description"] == 4 and counts["sheets"]["postoperative"] == 4
    assert (counts["regions"], counts["images_with_regions"]) == (12, 10)
    assert counts["shapes"] == {"polygon": 6, "ellipse": 2, "circle": 2, "point": 1, "polyline": 1}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole workbook is not here")
def test_counts_of_the_whole_workbook():
    """The table of regions is not passed on with it: its counts are those that were published with the notes."""
    counts = cdd_cesm.label_counts(SHARED / "tables" / "cdd-cesm")
    notes = (SHARED.parent / "reference" / "datasets.md").read_text(encoding="utf-8")
    block = json.loads(notes[notes.rindex("```json") + 7 : notes.rindex("```")])
    assert block["cdd_cesm"] == cdd_cesm.PUBLISHED_COUNTS
    assert counts == {key: cdd_cesm.PUBLISHED_COUNTS[key] for key in counts}
    assert set(cdd_cesm.PUBLISHED_COUNTS) - set(counts) == {"regions", "images_with_regions", "shapes"}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")
def test_real_views_are_read_with_the_whole_workbook(tmp_path: Path):
    source = tmp_path / "data"
    source.mkdir()
    shutil.copyfile(SHARED / "tables" / "cdd-cesm" / WORKBOOK, source / WORKBOOK)
    (source / REGIONS).write_text("#filename,file_size,region_count,region_id,region_shape_attributes\n")
    for path in (SHARED / "fullsize").glob("P*_MLO.jpg"):
        shutil.copyfile(path, source / path.name)
    report = prepare(source, dataset="cdd-cesm", out=tmp_path / "out", shape=GRID)
    assert Counter(file.status for file in report.files) == {"read": 8, "failed": 2002 - 8}
    items = items_of(report.out)
    seen = {name: item["conditions"] for name, item in items.items()}
    assert {name: (shown.get("finding"), shown["density"], shown["birads"]) for name, shown in seen.items()} == {
        "P3_L_DM_MLO": ("mass", "C", 5),
        "P3_L_CM_MLO": ("mass", "C", 5),
        "P3_R_DM_MLO": (None, "C", 2),
        "P3_R_CM_MLO": ("nonmass_enhancement", "C", 2),
        "P40_R_DM_MLO": ("mass", "B", 4),
        "P40_R_CM_MLO": ("mass", "B", 3),
        "P40_L_DM_MLO": ("mass", "B", 2),
        "P40_L_CM_MLO": ("mass", "B", 2),
    }
    assert not any(item["is_mirrored"] for item in items.values())
    every = [entry for entry in dataset_entries("cdd-cesm", source)]
    assert len(every) == 2002 and not any(isinstance(e, Failed) and e.reason == "wrong_row" for e in every)


def test_no_finding_is_only_said_of_normal_images_on_no_sheet(tree: Path):
    found = entries_by_id(tree)
    none = {image_id for image_id, entry in found.items() if entry.conditions.finding is Finding.NONE}
    assert none == {"P6_R_CM_CC", "P99_L_DM_MLO", "P99_L_CM_MLO", "P281_L_DM_MLO", "P281_L_CM_MLO"}
    assert np.isfinite([entry.conditions.birads for entry in found.values()]).all()


def test_a_region_nested_deep_counts_as_no_shape(copy: Path):
    before = cdd_cesm.label_counts(copy)
    change_region(copy, "P2_R_CM_CC", "[" * 100_000)
    after = cdd_cesm.label_counts(copy)
    assert after["regions"] == before["regions"]
    assert after["shapes"][""] == 1 and "" not in before["shapes"]
