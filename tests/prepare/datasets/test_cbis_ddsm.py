"""CBIS-DDSM: from its published trees to prepared films, and the counts of its tables."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from layouts import cbis_ddsm as layout

from monai_mammo.conditions import Box
from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import RequestError
from monai_mammo.prepare import Trace, prepare
from monai_mammo.prepare.datasets import cbis_ddsm, dataset_entries
from monai_mammo.prepare.entry import Entry
from monai_mammo.terms import FindingCategory

GRID = (64, 48)
SHARED = Path(__file__).parents[4] / "shared" / "data"
CALC_TEST = "calc_case_description_test_set.csv"
MASS_TRAIN = "mass_case_description_train_set.csv"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layout.write(tmp_path_factory.mktemp("cbis") / "data")


@pytest.fixture(scope="module")
def prepared(tree: Path, tmp_path_factory: pytest.TempPathFactory):
    return prepare(tree, dataset="cbis-ddsm", out=tmp_path_factory.mktemp("cbis") / "out", shape=GRID)


@pytest.fixture(scope="module")
def kaggle(tmp_path_factory: pytest.TempPathFactory):
    top = tmp_path_factory.mktemp("kaggle")
    source = layout.write_kaggle(top / "data")
    return source, prepare(source, dataset="cbis-ddsm", out=top / "out", shape=GRID)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The tables alone."""
    return Path(shutil.copytree(layout.FIXTURES, tmp_path / "tables"))


def entries_by_id(source: Path) -> dict[str, Entry]:
    return {entry.image_id: entry for entry in dataset_entries("cbis-ddsm", source) if isinstance(entry, Entry)}


def items_of(report) -> dict[str, dict]:
    return {file.image_id: file.record["item"] for file in report.files if file.status == "read"}


def notes_of(report, image_id: str) -> str:
    return " ".join(next(file.record["notes"] for file in report.files if file.image_id == image_id))


def number_of_discs(image_id: str) -> int:
    person, side, view = image_id.rsplit("_", 2)
    name = f"{person}_{ {'L': 'LEFT', 'R': 'RIGHT'}[side] }_{view}"
    rows = [row for rows in layout._tables(layout.FIXTURES).values() for row in rows]
    return sum(layout._view_of(row) == name for row in rows)


def check_masks(report, without: dict[str, int]) -> None:
    """Each prepared mask lies where the discs were put, but for those that have none."""
    for image_id, item in items_of(report).items():
        person, side, view = image_id.rsplit("_", 2)
        name = f"{person}_{ {'L': 'LEFT', 'R': 'RIGHT'}[side] }_{view}"
        shown = [i for i in range(number_of_discs(image_id)) if without.get(image_id) != i]
        if not shown:
            assert "label" not in item and item["mask_kind"] == "unknown"
            continue
        mask = np.load(report.out / item["label"]) > 0
        trace = Trace.from_dict(item["trace"])
        expected = np.zeros(GRID, bool)
        for i in shown:
            x, y = layout.disc_of(name, i)
            r = layout.RADIUS
            box = trace.forward_box(Box(x - 2 * r, y - r, x + 2 * r, y + r))
            rows, columns = (np.arange(size) + 0.5 for size in GRID)
            inside = ((columns[None] / GRID[1] - box.center[0]) / box.width_fraction) ** 2
            expected |= inside + ((rows[:, None] / GRID[0] - box.center[1]) / box.height_fraction) ** 2 < 0.25
        overlap = (mask & expected).sum() / (mask | expected).sum()
        assert overlap > 0.7, (image_id, overlap)  # discs of 5 x 5 pixels
        image = np.load(report.out / item["image"])
        assert image[mask].mean() > 50000 > 2 * 0.9 * image[~mask].mean()
        assert item["mask_kind"] == "contour"


def test_every_film_of_the_tcia_tree_is_listed_once(tree: Path, prepared):
    counts = Counter((file.status, file.reason) for file in prepared.files)
    assert counts == {
        ("read", ""): 20,
        ("failed", "unreadable"): 1,
        ("skipped", "duplicate"): 2,
        ("skipped", "not_in_table"): 1,
        ("skipped", "not_dicom"): 1,
    }
    lost = next(file for file in prepared.files if file.status == "failed")
    assert lost.name.startswith("P_01743_R_MLO") and f"{CALC_TEST} line 24" in lost.detail


def test_each_file_of_the_tree_belongs_to_one_line(tree: Path):
    listed = dataset_entries("cbis-ddsm", tree)
    paths = [entry.path for entry in listed if entry.path.is_file()]
    paths += [path for entry in listed if isinstance(entry, Entry) for files in entry.masks for path in files.files]
    on_disk = [path for path in tree.rglob("*.dcm")]
    # crop and mask of the view whose film is missing have no entry to belong to
    orphans = [path for path in on_disk if "P_01743_RIGHT_MLO_1" in str(path)]
    assert len(orphans) == 2 and sorted(paths) == sorted(set(on_disk) - set(orphans))


def test_labels_are_those_of_the_rows(prepared):
    items = items_of(prepared)
    assert items["P_00001_L_CC"]["conditions"] | {"box": None} == {
        "kind": "film",
        "view": "CC",
        "laterality": "L",
        "density": "C",
        "finding": "mass",
        "birads": 4,
        "pathology": "malignant",
        "lesion_shape": "irregular",
        "lesion_margin": "spiculated",
        "subtlety": 4,
        "n_findings": 1,
        "box": None,
    }
    assert "density" not in items["P_01743_R_CC"]["conditions"]  # 0 in the table
    assert items["P_00710_R_CC"]["conditions"]["birads"] == 0
    assert items["P_00038_R_CC"]["conditions"]["pathology"] == "benign"  # BENIGN_WITHOUT_CALLBACK
    assert items["P_00353_L_CC"]["conditions"]["pathology"] == "malignant"  # one of two lesions
    assert items["P_00474_L_CC"]["conditions"]["finding"] == "calcification"
    assert {item["source"] for item in items.values()} == {"CBIS-DDSM"}


def test_findings_carry_the_tables_words(tree: Path):
    found = entries_by_id(tree)
    both = found["P_00001_L_CC"].annotations[0]
    assert both.categories == (FindingCategory.MASS, FindingCategory.ARCHITECTURAL_DISTORTION)
    assert both.descriptors["margin"] == ("SPICULATED",) and both.descriptors["subtlety"] == ("4",)
    without = found["P_00710_R_CC"].annotations[0]
    assert without.categories == (FindingCategory.MASS,) and "shape" not in without.descriptors
    node = found["P_00343_R_CC"].annotations[0]
    assert node.categories == (FindingCategory.MASS,) and node.descriptors["shape"] == ("LYMPH_NODE",)
    vessels = found["P_00038_R_CC"]
    assert [a.descriptors["abnormality_id"] for a in vessels.annotations] == [("1",), ("2",)]
    assert vessels.labels == {"published_split": "test", "pathology_source": "BENIGN_WITHOUT_CALLBACK"}
    assert vessels.annotations[0].descriptors["type"] == ("VASCULAR",)


def test_a_film_that_is_there_twice_is_one_image_with_both_findings(tree: Path):
    twice = entries_by_id(tree)["P_00016_L_CC"]
    assert [a.categories[0] for a in twice.annotations] == [FindingCategory.MASS, FindingCategory.CALCIFICATION]
    assert twice.labels["published_split"] == "train|test" and len(twice.record["films"]) == 2
    assert "train and in test" in twice.notes[0]


def test_values_stand_in_the_record_as_they_are_in_the_file(tree: Path):
    row = entries_by_id(tree)["P_00001_L_MLO"].record["rows"][0]
    assert row["table"] == MASS_TRAIN and (row["row"], row["line"]) == (2, 4)
    assert row["values"]["ROI mask file path"].endswith("000001.dcm\n")
    assert row["values"]["mass shape"] == "IRREGULAR-ARCHITECTURAL_DISTORTION"


def test_masks_lie_on_the_planted_discs(prepared):
    check_masks(prepared, without={"P_00710_R_MLO": 0, "P_00343_R_CC": 1, "P_00353_L_CC": 1})


def test_faults_of_masks_are_named_and_none_is_invented(prepared):
    found = {
        image_id: sorted(code for code in _CODES if f"{code}:" in notes_of(prepared, image_id))
        for image_id in items_of(prepared)
    }
    assert {image_id: codes for image_id, codes in found.items() if codes} == {
        "P_00001_L_MLO": ["mask_swapped"],
        "P_00038_R_CC": ["mask_swapped"],
        "P_00145_L_CC": ["mask_resized"],
        "P_00343_R_CC": ["mask_undecidable"],
        "P_00353_L_CC": ["mask_misfit"],
        "P_00710_R_MLO": ["mask_missing"],
    }


_CODES = ("mask_swapped", "mask_resized", "mask_misfit", "mask_undecidable", "mask_missing", "mask_empty", "mask_unr")


def test_films_that_hang_mirrored_are_turned(prepared):
    items = items_of(prepared)
    assert {name for name, item in items.items() if item["is_mirrored"]} == {"P_00001_L_CC", "P_00016_L_MLO"}
    assert items["P_00016_L_CC"]["trace"]["source_shape"] == [4006, 1846]


def test_no_person_is_in_two_splits_and_published_test_persons_stay_out_of_training(prepared):
    content = json.loads((prepared.out / "datalist.json").read_text())
    persons = {part: {item["person_id"] for item in content[part]} for part in ("training", "validation", "test")}
    assert persons["test"] == {"P_00016", "P_00145", "P_00343", "P_00038", "P_00353", "P_01743"}
    assert persons["training"] | persons["validation"] == {"P_00001", "P_00710", "P_02092", "P_00474"}
    assert not persons["training"] & persons["validation"]


def test_the_jpeg_copy_gives_the_same(kaggle, prepared):
    source, report = kaggle
    assert Counter(file.status for file in report.files) == {"read": 20, "skipped": 2, "failed": 1}
    check_masks(report, without={"P_00343_R_CC": 1, "P_00353_L_CC": 1})
    ours, theirs = items_of(prepared), items_of(report)
    for image_id, item in theirs.items():
        assert {**item["conditions"], "box": 0} == {**ours[image_id]["conditions"], "box": 0}
    without = entries_by_id(source)
    assert {k: v.labels for k, v in without.items()} == {
        k: v.labels for k, v in entries_by_id(source.parent / "data").items()
    }
    assert "mask_misfit" in notes_of(report, "P_00353_L_CC") and "mask_resized" in notes_of(report, "P_00145_L_CC")


def test_planted_swaps_and_sizes_are_all_found(tmp_path: Path):
    planted = layout.write_large(tmp_path / "many", 24, 6, 5, seed=3)
    found = {
        image_id: " ".join(entry.with_masks(layout.SMALL).notes)
        for image_id, entry in entries_by_id(planted.source).items()
    }
    assert len(found) == 24
    assert {name for name, notes in found.items() if "mask_swapped" in notes} == set(planted.swapped)
    assert {name for name, notes in found.items() if "mask_misfit" in notes} == set(planted.wrong_size)


def replace_in(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b",SPICULATED,4,", b",SPICULATED,7,", ("birads '7'", "line 2", "0, 1, 2, 3, 4, 5, 6")),
        (b",MALIGNANT,4", b",CANCER,4", ("pathology 'CANCER'", "line 2", "BENIGN_WITHOUT_CALLBACK")),
        (b"P_00001,3,", b"P_00001,E,", ("breast_density 'E'", "line 2", "0, 1, 2, 3, 4")),
        (b",SPICULATED,", b",SPIKED,", ("mass margins 'SPIKED'", "line 2", "CIRCUMSCRIBED")),
        (b"/000000.dcm,Mass", b",Mass", ("image file path", "line 2", "PatientID/Study UID/Series UID")),
        (b"LEFT,CC,1,mass", b"RIGHT,CC,1,mass", ("image file path", "line 2", "another person, side or view")),
        (b",CC,1,mass", b",CC,1,nodule", ("abnormality type 'nodule'", "line 2", "mass")),
    ],
)
def test_a_wrong_cell_costs_its_view_alone(tables: Path, old: bytes, new: bytes, words: tuple[str, ...]):
    before = dataset_entries("cbis-ddsm", tables)
    replace_in(tables / MASS_TRAIN, old, new)
    listed = dataset_entries("cbis-ddsm", tables)
    failed = [entry for entry in listed if isinstance(entry, Failed) and "is there" not in entry.detail]
    assert len(failed) == 1 and len(listed) == len(before) and failed[0].reason == "wrong_row"
    for word in words:
        assert word in failed[0].detail


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b"P_00001,3,LEFT", b"P00001,3,LEFT", "patient_id"),
        (b"P_00001,3,LEFT,CC", b"P_00001,3,LEFT,ML", "image view 'ML'"),
    ],
)
def test_a_row_without_a_view_is_a_failure_of_the_table(tables: Path, old: bytes, new: bytes, word: str):
    replace_in(tables / MASS_TRAIN, old, new)
    named = [entry for entry in dataset_entries("cbis-ddsm", tables) if entry.path.name == MASS_TRAIN]
    assert len(named) == 1 and word in named[0].detail and "line 2" in named[0].detail


def test_missing_tables_and_columns_are_refused(tables: Path, tmp_path: Path):
    with pytest.raises(RequestError, match="is not there"):
        dataset_entries("cbis-ddsm", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="none of the tables mass_case_description_train_set.csv"):
        dataset_entries("cbis-ddsm", tmp_path / "empty")
    replace_in(tables / CALC_TEST, b"breast density", b"breast_density")
    with pytest.raises(RequestError, match=f"{CALC_TEST} has no column 'breast density'; needed are patient_id"):
        dataset_entries("cbis-ddsm", tables)


def test_files_are_matched_by_what_is_in_them_and_not_by_name(tree: Path, tmp_path: Path):
    """All files in one folder, under random names, as some copies have them."""
    flat = Path(shutil.copytree(layout.FIXTURES, tmp_path / "flat"))
    for i, path in enumerate(sorted(tree.rglob("1-*.dcm"), key=lambda p: hash(p.name) % 7)):
        if path.stat().st_size < 1_000_000:
            shutil.copyfile(path, flat / f"{i:04d}")
    found, expected = entries_by_id(flat), entries_by_id(tree)
    assert set(found) == set(expected) - {"P_00016_L_CC"}
    for image_id in ("P_00001_L_MLO", "P_00474_L_MLO"):
        masks = [entries[image_id].with_masks(layout.SMALL).lesion_mask for entries in (found, expected)]
        assert np.array_equal(*masks)


def test_a_damaged_mask_costs_only_itself(tree: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy, ignore=lambda _, names: [n for n in names if "P_00016_LEFT_CC" in n])
    for path in copy.rglob("Mass-Training_P_00001_LEFT_CC_1/**/*.dcm"):
        path.write_bytes(path.read_bytes()[:-200])
    entry = entries_by_id(copy)["P_00001_L_CC"].with_masks(layout.SMALL)
    assert entry.lesion_mask is None and any(note.startswith("mask_unreadable") for note in entry.notes)
    outcomes = [entry for entry in dataset_entries("cbis-ddsm", copy) if isinstance(entry, (Failed, Skipped))]
    assert not any("P_00001" in str(outcome.path) for outcome in outcomes)


def test_counts_of_the_excerpt():
    counts = cbis_ddsm.label_counts(layout.FIXTURES)
    assert counts["mass_train"] == {
        "rows": 6,
        "persons": 3,
        "files": 6,
        "pathology": {"BENIGN": 2, "MALIGNANT": 4},
        "assessment": {"0": 2, "3": 2, "4": 2},
    }
    assert counts["calc_test"]["pathology"] == {"BENIGN": 4, "BENIGN_WITHOUT_CALLBACK": 4, "MALIGNANT": 4}
    assert {key: value for key, value in counts.items() if isinstance(value, int)} == {
        "persons": 10,
        "views": 21,
        "files": 23,
        "double_films": 2,
        "rows_with_two_series": 5,
        "persons_in_train_and_test": 1,
        "views_in_train_and_test": 2,
        "dicom_patients": 51,
        "dicom_series": 56,
        "dicom_images": 79,
    }


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole tables are not here")
def test_counts_of_the_whole_tables():
    assert cbis_ddsm.label_counts(SHARED / "tables" / "cbis-ddsm") == cbis_ddsm.PUBLISHED_COUNTS
    notes = (SHARED.parent / "reference" / "datasets.md").read_text(encoding="utf-8")
    block = json.loads(notes[notes.rindex("```json") + 7 : notes.rindex("```")])
    assert block["cbis_ddsm"] == cbis_ddsm.PUBLISHED_COUNTS


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole tables are not here")
def test_every_row_of_the_whole_tables_is_understood():
    listed = dataset_entries("cbis-ddsm", SHARED / "tables" / "cbis-ddsm")
    assert len(listed) == 3032
    assert all(isinstance(entry, Failed) and entry.detail.endswith("names is there") for entry in listed)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")
def test_real_files_are_read_and_matched(tmp_path: Path):
    source = tmp_path / "data"
    source.mkdir()
    table = (SHARED / "tables" / "cbis-ddsm" / "mass_case_description_test_set.csv").read_bytes().split(b"\r\n")
    kept = [table[0], *(record for record in table if record.startswith(b"P_00820"))]
    (source / "mass_case_description_test_set.csv").write_bytes(b"\r\n".join(kept) + b"\r\n")
    for path in (SHARED / "dicom").glob("CBIS*.dcm"):
        shutil.copyfile(path, source / path.name)
    report = prepare(source, dataset="cbis-ddsm", out=tmp_path / "out", shape=GRID)
    items = items_of(report)
    assert {name: item["conditions"]["birads"] for name, item in items.items()} == {
        "P_00820_L_CC": 5,
        "P_00820_L_MLO": 5,
        "P_00820_R_CC": 3,
        "P_00820_R_MLO": 3,
    }
    assert report.count("read") == 4 == len(report.files) and not any(item["is_mirrored"] for item in items.values())
    assert all("mask_missing" in notes_of(report, name) for name in items)
