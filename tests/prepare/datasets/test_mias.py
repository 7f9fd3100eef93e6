"""mini-MIAS in its published layout."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import mias as layout
from layouts.checks import assert_mask_is_where_the_disc_is, items_of, mask_of
from PIL import Image
from published_layouts import write_tree
from scipy import ndimage

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets import dataset_entries
from monai_mammo.prepare.datasets import mias as dataset
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.preparation import prepare
from monai_mammo.terms import FindingCategory as Category

SHAPE = (128, 96)  # the circles of mdb226 have radii of 7, 8 and 25 of 1024 pixels
WHOLE_TABLE = Path(__file__).parents[4] / "shared" / "data" / "tables" / "mini-mias"
REAL_FILMS = WHOLE_TABLE.parents[1] / "fullsize"
FILMS = {f"mdb{number:03d}" for number in (1, 2, 3, 4, 5, 6, 59, 60, 215, 216, 225, 226)}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree("mias", tmp_path_factory.mktemp("mias"))


@pytest.fixture(scope="module")
def listed(tree):
    return {entry.image_id: entry for entry in dataset_entries("mias", tree)}


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "out"
    return out, prepare(tree, dataset="mias", out=out, shape=SHAPE)


@pytest.fixture
def copy(tree, tmp_path):
    """The tree once more, to be spoilt."""
    return shutil.copytree(tree, tmp_path / "copy")


def _change(folder, old, new):
    path = folder / "Info.txt"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_each_film_is_read_once(prepared):
    out, report = prepared
    assert [file.status for file in report.files] == ["read"] * 12
    assert set(items_of(out)) == FILMS


@pytest.mark.parametrize("film", ["mdb001", "mdb002", "mdb005", "mdb226"])
def test_circles_count_from_the_bottom(prepared, film):
    out, _ = prepared
    item = items_of(out)[film]
    assert item["mask_kind"] == "circle"
    assert_mask_is_where_the_disc_is(out, item, fills=0.85)


def test_a_circle_is_where_the_table_says(listed):
    [annotation] = listed["mdb001"].annotations  # 535 425 197
    x, y = annotation.box.center
    assert x * 1024 == pytest.approx(535.5) and y * 1024 == pytest.approx(1023 - 425 + 0.5)
    assert annotation.box.width_fraction * 1024 == pytest.approx(2 * 197, rel=1e-3)
    assert annotation.box.height_fraction * 1024 == pytest.approx(2 * 197, rel=1e-3)


def test_one_film_has_the_released_size(prepared):
    assert items_of(prepared[0])[layout.RELEASED]["trace"]["source_shape"] == [1024, 1024]


def test_sides_persons_and_splits_go_in_pairs(prepared):
    items = items_of(prepared[0])
    for odd in ("mdb001", "mdb003", "mdb005", "mdb059", "mdb215", "mdb225"):
        even = f"mdb{int(odd[3:]) + 1:03d}"
        assert items[odd]["conditions"]["laterality"] == "R" and items[even]["conditions"]["laterality"] == "L"
        assert items[odd]["person_id"] == items[even]["person_id"] and items[odd]["split"] == items[even]["split"]
    assert len({item["person_id"] for item in items.values()}) == 6


def test_a_breast_that_fills_the_film_lies_at_its_published_side(copy, tmp_path):
    y, x = np.mgrid[:256, :256] / 256
    full = np.where((y - 0.1 < x) & (y > 0.4 * x - 0.2), 180, 10).astype(np.uint8)  # the pixels tell the right edge
    Image.fromarray(full).save(copy / "mdb002.pgm")
    report = prepare(copy, dataset="mias", out=tmp_path / "out", shape=SHAPE)
    items = items_of(tmp_path / "out")
    assert {name: item["trace"]["is_mirrored"] for name, item in items.items()} == {
        name: int(name[3:]) % 2 == 1 for name in FILMS
    }
    assert report.to_dict()["chest_wall"]["contradicts_table"] == 1


def test_background_letters_are_no_density(listed):
    assert {entry.conditions.density for entry in listed.values()} == {None}
    assert [listed[film].labels["density_source"] for film in ("mdb001", "mdb003", "mdb005")] == ["G", "D", "F"]


def test_conditions(listed):
    mass, normal, calcification = (listed[film].conditions for film in ("mdb001", "mdb003", "mdb226"))
    assert mass.to_dict() == {
        "kind": "film",
        "view": "MLO",
        "laterality": "R",
        "finding": "mass",
        "pathology": "benign",
    }
    assert (normal.finding, normal.pathology) == ("none", "normal")
    assert (calcification.finding, calcification.pathology) == ("calcification", "benign")
    assert listed["mdb216"].conditions.pathology == "malignant"
    assert {(s.row_mm, s.source) for s in (e.spacing for e in listed.values())} == {(0.2, "nominal:mini-mias")}


def test_films_may_have_several_lines_and_lines_no_circle(listed):
    assert [len(listed[film].annotations) for film in ("mdb005", "mdb226", "mdb003")] == [2, 3, 1]
    for film, category in (("mdb059", Category.MASS), ("mdb216", Category.CALCIFICATION)):
        [annotation] = listed[film].annotations
        assert annotation.categories == (category,) and annotation.box is None and annotation.outlines == ()
        assert listed[film].conditions.finding == category.value
    assert listed["mdb005"].annotations[0].notes == ("margin circumscribed",)


def test_a_lesion_without_a_circle_is_not_taken_for_none(prepared):
    items = items_of(prepared[0])
    assert [items[film]["mask_kind"] for film in ("mdb059", "mdb216", "mdb003")] == ["unknown", "unknown", "none"]


def test_untouched_lines_are_kept_with_their_number(tree, listed):
    lines = (tree / "Info.txt").read_text().split("\n")
    for film in ("mdb003", "mdb226"):
        for row in listed[film].record["rows"]:
            assert row["values"]["line"] == lines[row["line"] - 1]
    assert listed["mdb003"].record["rows"][0]["values"]["line"].endswith("NORM ")


def test_the_text_may_be_called_readme_and_have_a_heading(copy):
    text = (copy / "Info.txt").read_text().replace("mdb001", "REFNUM BG CLASS SEVERITY X Y RADIUS \nmdb001", 1)
    (copy / "Info.txt").unlink()
    (copy / "README").write_text(text)
    assert sum(isinstance(entry, Entry) for entry in dataset_entries("mias", copy)) == 12


def test_pictures_may_lie_in_a_subfolder(copy):
    (copy / "pgm").mkdir()
    for path in sorted(copy.glob("*.pgm")):
        path.rename(copy / "pgm" / path.name)
    entries = dataset_entries("mias", copy.parent)
    assert sorted(entry.name for entry in entries) == sorted(f"pgm/{film}.pgm" for film in FILMS)


def test_one_film_may_be_benign_and_malignant(copy):
    _change(copy, "mdb005 F CIRC B 500", "mdb005 F SPIC M 500")
    entry = next(entry for entry in dataset_entries("mias", copy) if entry.image_id == "mdb005")
    assert entry.conditions.pathology == "malignant"
    assert [annotation.pathology for annotation in entry.annotations] == ["benign", "malignant"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRCLE B 535 425 197", "class 'CIRCLE' in Info.txt line 7 is not"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC X 535 425 197", "severity 'X' in .* is not one of B, M"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 Q CIRC B 535 425 197", "background 'Q' .* is not one of F, G, D"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC B 535 425", "three whole numbers"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC B 535 -25 197", "three whole numbers"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC B 535 1024 197", "do not name a circle in 1024 x 1024"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC B 535 425 0", "do not name a circle in 1024 x 1024"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G NORM B", "goes on after NORM"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G CIRC", "severity '' in"),
        ("mdb001 G CIRC B 535 425 197", "mdb001 G", "class '' in"),
        ("mdb005 F CIRC B 500", "mdb005 G CIRC B 500", r"background 'F\|G' of"),
    ],
)
def test_a_bad_line_costs_one_film(copy, old, new, told):
    _change(copy, old, new)
    results = dataset_entries("mias", copy)
    [bad] = [result for result in results if isinstance(result, Failed)]
    assert len(results) == 12 and bad.path.name == f"{old[:6]}.pgm" and bad.reason is SkipReason.WRONG_ROW
    assert re.search(told, bad.detail)


def test_missing_torn_and_unlisted_pictures(copy, tmp_path):
    (copy / "mdb001.pgm").rename(copy / "mdb999.pgm")
    torn = (copy / "mdb002.pgm").read_bytes()[:2000]
    (copy / "mdb002.pgm").write_bytes(torn)
    Image.fromarray(np.zeros((256, 200), np.uint8)).save(copy / "mdb003.pgm")
    report = prepare(copy, dataset="mias", out=tmp_path / "out", shape=SHAPE)
    told = {Path(file.name).stem: (file.status, file.reason) for file in report.files if file.status != "read"}
    assert told == {
        "mdb001": ("failed", "unreadable"),
        "mdb002": ("failed", "damaged"),
        "mdb003": ("failed", "unreadable"),
        "mdb999": ("skipped", "not_in_table"),
    }
    assert len(report.files) == 13


def test_what_is_being_written_is_not_looked_into(copy):
    shutil.copytree(copy, copy / "out")
    assert sum(isinstance(result, Skipped) for result in dataset_entries("mias", copy)) == 12
    assert not any(isinstance(r, Skipped) for r in dataset.entries(copy, leave_out=copy / "out"))


def test_a_missing_table_is_a_wrong_request(tmp_path):
    (tmp_path / "README").write_text("another text")
    with pytest.raises(RequestError, match="no Info.txt or README or README.txt with lines such as"):
        dataset_entries("mias", tmp_path)


def test_counts_of_the_excerpt(tree):
    assert dataset.label_counts(tree) == {
        "films": 12,
        "persons": 6,
        "lines": 15,
        "classes": {"CIRC": 5, "NORM": 6, "CALC": 4},
        "severity": {"B": 8, "M": 1},
        "circles": 7,
        "background_films": {"G": 2, "D": 6, "F": 4},
    }


@pytest.mark.shared
@pytest.mark.skipif(not WHOLE_TABLE.is_dir(), reason="../shared is not here; the excerpt is counted above")
def test_the_whole_table_has_the_published_counts():
    assert dataset.label_counts(WHOLE_TABLE) == dataset.PUBLISHED_COUNTS


@pytest.mark.shared
@pytest.mark.skipif(not WHOLE_TABLE.is_dir(), reason="../shared is not here; lines of each sort are read above")
def test_every_line_of_the_whole_table_is_understood(tmp_path):
    shutil.copy(WHOLE_TABLE / "Info.txt", tmp_path)
    for number in range(1, 323):
        (tmp_path / f"mdb{number:03d}.pgm").write_bytes(b"P5\n1024 1024\n255\n")
    entries = dataset_entries("mias", tmp_path)
    assert len(entries) == 322 and all(isinstance(entry, Entry) for entry in entries)
    assert sum(len(entry.lesions) for entry in entries) == 119
    assert len({entry.person_id for entry in entries}) == 161
    assert all(box.x0 > 0 and box.x1 < 1 and box.y0 > 0 and box.y1 < 1 for e in entries for box in e.lesions)


@pytest.mark.shared
@pytest.mark.skipif(not REAL_FILMS.is_dir(), reason="../shared is not here; discs are drawn at the circles above")
@pytest.mark.parametrize("film", ["mdb001", "mdb028", "mdb184"])
def test_real_masses_are_brighter_than_the_ring_round_them(film, tmp_path):
    shutil.copy(WHOLE_TABLE / "Info.txt", tmp_path)
    with Image.open(REAL_FILMS / f"mias_{film}_native.png") as picture:
        picture.convert("L").save(tmp_path / f"{film}.pgm")
    out = tmp_path / "out"
    prepare(tmp_path, dataset="mias", out=out, shape=(256, 192))
    item = items_of(out)[film]
    mask, image = mask_of(out, item), np.load(out / item["image"])
    ring = ndimage.binary_dilation(mask, iterations=max(3, int(mask.sum() ** 0.5 / 3))) & ~mask & (image > 0)
    assert image[mask].mean() > 1.05 * image[ring].mean()
