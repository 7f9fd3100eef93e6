"""`doctor` from data set to page: the trees of all data sets, a prepared folder, JSON, HTML, bad input."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from published_layouts import LAYOUTS, write_tree

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.phantom import draw_mammogram, draw_study
from monai_mammo.prepare import doctor, prepare
from monai_mammo.prepare.inspection import DoctorReport, InspectedImage, Issue, IssueKind, report_page
from monai_mammo.prepare.inspection.counts import LabelCount

GRID = (64, 48)


class Page(HTMLParser):
    """Tags of a page, and what they refer to."""

    VOID = frozenset({"meta", "img", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open[-1:] != ["style"] else ""

    def of(self, tag: str, name: str) -> list[str]:
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def kinds(report: DoctorReport) -> dict[IssueKind, int]:
    return {kind: len(issues) for kind, issues in report.kinds.items()}


def images_of(report: DoctorReport, kind: IssueKind) -> list[tuple[str, ...]]:
    return [issue.images for issue in report.issues if issue.kind is kind]


@pytest.fixture
def examined(folder: Path, tmp_path: Path) -> DoctorReport:
    """Report on a folder with a file of each sort."""
    return doctor(folder, out=tmp_path / "out")


def test_every_file_of_a_folder_is_told_once(examined: DoctorReport):
    outcome = {seen.name: (seen.status, seen.reason) for seen in examined.pictures}
    assert len(outcome) == len(examined.pictures) == 8 and list(outcome) == sorted(outcome)
    assert outcome["torn.png"] == ("failed", "damaged")
    assert outcome["notes.txt"] == ("skipped", "not_dicom")
    assert outcome["right.png"] == outcome["deep/er/one.dcm"] == ("read", "")
    assert images_of(examined, IssueKind.NO_BREAST) == [("black.png",)]
    assert {images[0] for images in images_of(examined, IssueKind.REFUSED)} == {"notes.txt", "colour.png"}
    assert not examined.has_leakage


def test_json_holds_the_report_and_no_person(examined: DoctorReport, tmp_path: Path, picture):
    text = (tmp_path / "out" / "doctor.json").read_text()
    assert json.loads(text) == json.loads(json.dumps(examined.to_dict()))
    assert json.loads(text)["counts"] == {"read": 5, "skipped": 2, "failed": 1}
    assert picture.person_id not in text and str(tmp_path) not in text
    page = (tmp_path / "out" / "doctor.html").read_text()
    assert picture.person_id not in page and str(tmp_path) not in page


def test_the_page_is_whole_refers_to_nothing_and_describes_its_pictures(examined: DoctorReport):
    text = report_page(examined)
    page = Page(text)
    assert page.open == [] and page.tags["script"] == 0 and page.tags["h1"] == page.tags["main"] == 1
    assert all(value.startswith("data:image/jpeg;base64,") for value in page.of("img", "src"))
    assert page.tags["img"] >= 1 and len([alt for alt in page.of("img", "alt") if alt]) == page.tags["img"]
    targets = {value for _, name, value in page.attributes if name == "id"}
    assert {value.removeprefix("#") for value in page.of("a", "href")} <= targets
    assert page.tags["link"] == 0 and not re.search(r"https?://|url\(|@import", text)
    for kind in examined.kinds:
        assert kind.heading in page.text and kind.meaning in page.text


def test_values_on_the_page_are_escaped(tmp_path: Path):
    evil = "<script>alert(1)</script>\"'&"
    name = evil.replace("/", "_")
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L"), seed=5, shape=(160, 120))
    top = tmp_path / "<b>set"
    top.mkdir()
    for i, pixels in enumerate((1 - drawn.pixels, drawn.pixels[::-1])):
        Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(top / f"{name}{i}.png")
    (top / f"{name}.txt").write_text("no picture")
    report = doctor(top, out=tmp_path / "out")
    assert images_of(report, IssueKind.INVERTED) == [(f"{name}0.png",)]
    page = Page((tmp_path / "out" / "doctor.html").read_text())
    assert page.tags["script"] == page.tags["b"] == 0
    titles = page.of("figcaption", "title")
    assert {f"{name}0.png", f"{name}.txt"} <= set(titles) and "<b>set" in page.text


def test_sentences_reasons_and_counts_on_the_page_are_escaped():
    evil = "<script>alert('x')</script>"
    names = [f"{evil}{i}" for i in range(30)]
    report = DoctorReport(
        name=evil,
        dataset=evil,
        pictures=tuple(
            InspectedImage(name=name, status="failed", reason=evil, detail=evil, split=evil) for name in names
        ),
        issues=tuple(
            Issue(kind=kind, sentence=evil, images=(name,), reason=evil)
            for kind in (IssueKind.UNREADABLE, IssueKind.NOTICED)
            for name in names
        ),
        label_counts=(LabelCount(name=evil, found=1, published=2, stated=3),),
    )
    page = Page(report_page(report))
    assert page.tags["script"] == 0 and page.open == [] and page.text.count(evil) > 100


def test_a_negative_is_looked_at_as_what_it_shows(tmp_path: Path):
    """Its mirror and its copies are found as those of any picture."""
    drawn = draw_mammogram(Conditions(kind="digital", view="CC", laterality="L"), seed=6, shape=(160, 120))
    mammograms = {"a": drawn.pixels, "b": 1 - drawn.pixels[:, ::-1]}
    for name, pixels in mammograms.items():
        (tmp_path / name).mkdir()
        Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(tmp_path / name / "left.png")
        (tmp_path / name / "left.json").write_text(json.dumps({"laterality": "L", "kind": "digital"}))
    report = doctor(tmp_path)
    assert images_of(report, IssueKind.INVERTED) == images_of(report, IssueKind.WRONG_SIDE) == [("b/left.png",)]
    assert images_of(report, IssueKind.DUPLICATE_ACROSS) == [("a/left.png", "b/left.png")]


def test_workers_change_nothing(folder: Path, tmp_path: Path):
    doctor(folder, out=tmp_path / "one")
    doctor(folder, out=tmp_path / "two", workers=2)
    for name in ("doctor.json", "doctor.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_nothing_is_written_without_a_folder_and_nothing_in_the_source(folder: Path):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert doctor(folder).out is None
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_progress_counts_to_the_end(folder: Path):
    calls: list[tuple[int, int]] = []
    doctor(folder, progress=lambda progress: calls.append((progress.n_done, progress.n_all)))
    assert calls == [(n, 8) for n in range(1, 9)]


def test_a_table_with_a_mask_of_another_size_one_of_everything_and_a_missing_one(table: Path):
    report = doctor(table)
    assert kinds(report).keys().isdisjoint({IssueKind.MASK_MISFIT, IssueKind.MASK_MISSING})
    mask = table.parent / "masks" / "case_0.png"
    Image.fromarray(np.tri(40, 30, dtype=bool)).save(mask)
    assert images_of(doctor(table), IssueKind.MASK_MISFIT) == [("images/case_0.png",)]
    Image.new("1", (30, 40), 1).save(mask)
    report = doctor(table)
    assert images_of(report, IssueKind.MASK_FULL) == [("images/case_0.png",)]
    assert IssueKind.MASK_MISSING not in kinds(report)
    mask.unlink()
    assert images_of(doctor(table), IssueKind.MASK_MISSING) == [("images/case_0.png",)]


MASKS_OF_SIDECARS = {
    "full": (np.ones((160, 120), bool), IssueKind.MASK_FULL),
    "missing": (None, IssueKind.MASK_MISSING),
    "of another size": (np.tri(40, 30, dtype=bool), IssueKind.MASK_MISFIT),
    "empty": (np.zeros((160, 120), bool), IssueKind.MASK_EMPTY),
}


@pytest.mark.parametrize("case", MASKS_OF_SIDECARS)
def test_a_mask_of_a_sidecar_is_a_finding_of_its_own_and_its_picture_is_examined(tmp_path: Path, save_picture, case):
    mask, kind = MASKS_OF_SIDECARS[case]
    shown = Conditions(kind="digital", view="CC", laterality="L", finding="mass")
    drawn = draw_mammogram(shown, seed=5, shape=(160, 120))
    save_picture(drawn.replace(lesion_mask=None), tmp_path / "a.png")
    (tmp_path / "a.json").write_text(json.dumps({"laterality": "R", "finding": "mass", "lesion_mask": "m.png"}))
    if mask is not None:
        Image.fromarray(mask).save(tmp_path / "m.png")
    report = doctor(tmp_path)
    assert images_of(report, kind) == [("a.png",)]
    assert images_of(report, IssueKind.WRONG_SIDE) == [("a.png",)]
    assert IssueKind.UNREADABLE not in kinds(report)
    masks = {one for one in kinds(report) if one.value.startswith("mask")}
    assert masks == {kind}
    if case == "empty":
        (tmp_path / "a.json").write_text(json.dumps({"laterality": "L", "finding": "none", "lesion_mask": "m.png"}))
        assert not {one for one in kinds(doctor(tmp_path)) if one.value.startswith("mask")}


def test_a_picture_that_hangs_mirrored_as_its_table_says_is_only_noted(table: Path):
    with Image.open(table.parent / "images" / "case_0.png") as image:
        flipped = np.asarray(image)[:, ::-1]
    Image.fromarray(flipped).save(table.parent / "images" / "case_0.png")
    assert images_of(doctor(table), IssueKind.WRONG_SIDE) == [("images/case_0.png",)]
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], lines[1].replace("L,CC,left", "L,CC,right"), *lines[2:]]))
    report = doctor(table)
    assert images_of(report, IssueKind.WRONG_SIDE) == []
    assert images_of(report, IssueKind.HANGS_MIRRORED) == [("images/case_0.png",)]


def test_a_prepared_folder_is_looked_at_with_its_own_splits(tmp_path: Path):
    studies = [draw_study(seed, shape=(160, 120), kind="digital", finding="none") for seed in (31, 32)]
    out = tmp_path / "prepared"
    prepare([image for study in studies for image in study], out=out, shape=GRID)
    report = doctor(out)
    assert report.dataset == "prepared" and report.count("read") == 8 and report.n_persons == 2
    assert {issue.kind for issue in report.issues} <= {IssueKind.EMPTY_SPLIT}  # two persons do not fill three splits
    datalist = json.loads((out / "datalist.json").read_text())
    moved = next(key for key in ("training", "validation", "test") if datalist[key])
    other = "external"
    datalist[other].append(datalist[moved].pop())
    (out / "datalist.json").write_text(json.dumps(datalist))
    report = doctor(out, out=out)
    assert report.has_leakage and (out / "doctor.html").is_file()
    assert sum(n["images"] for n in report.splits.values()) == 8


def test_faults_in_a_prepared_folder_are_results(tmp_path: Path):
    study = draw_study(33, shape=(160, 120), kind="digital", finding="mass")
    out = tmp_path / "prepared"
    prepare(study, out=out, shape=GRID)
    files = sorted((out / "images").iterdir())
    files[0].write_bytes(b"torn")
    np.save(files[1], np.load(files[1])[:, ::-1])
    files[2].unlink()
    report = doctor(out)
    assert (report.count("read"), report.count("failed")) == (2, 2)
    assert images_of(report, IssueKind.WRONG_SIDE) == [(f"images/{files[1].name}",)]
    (out / "datalist.json").write_text("{")
    with pytest.raises(RequestError, match="datalist.json"):
        doctor(out)


@pytest.fixture(scope="module")
def report_of(tmp_path_factory: pytest.TempPathFactory):
    """Report on the tree of a data set, made once."""

    @functools.cache
    def report(dataset: str) -> DoctorReport:
        top = tmp_path_factory.mktemp(dataset)
        return doctor(write_tree(dataset, top / "data"), dataset=dataset, out=top / "out")

    return report


@pytest.mark.parametrize("dataset", list(LAYOUTS))
def test_the_tree_of_each_data_set_is_told(dataset: str, report_of):
    report = report_of(dataset)
    names = [seen.name for seen in report.pictures]
    assert len(set(names)) == len(names) and report.count("read") >= 2
    not_read = {seen.name for seen in report.pictures if not seen.is_read}
    listed = [*images_of(report, IssueKind.REFUSED), *images_of(report, IssueKind.UNREADABLE)]
    assert {name for images in listed for name in images} == not_read
    assert IssueKind.INVERTED not in kinds(report)
    assert report.label_counts and kinds(report)[IssueKind.LABEL_COUNT] == 1  # an excerpt has other counts
    assert all(count.found >= 0 for count in report.label_counts)
    assert Page((report.out / "doctor.html").read_text()).open == []
    for issue in report.issues:
        assert set(issue.images) <= set(names)


def test_what_the_cbis_tree_hides(report_of):
    report = report_of("cbis-ddsm")
    short = {seen.name: seen.image_id for seen in report.pictures}

    def ids(kind: IssueKind) -> set[str]:
        return {short[name] for images in images_of(report, kind) for name in images}

    assert ids(IssueKind.PERSON_IN_PUBLISHED_SPLITS) == {"P_00016_L_CC", "P_00016_L_MLO"}
    assert ids(IssueKind.WRONG_SIDE) == {"P_00001_L_CC", "P_00016_L_MLO"}
    assert ids(IssueKind.MASK_SWAPPED) == {"P_00001_L_MLO", "P_00038_R_CC"}
    assert ids(IssueKind.MASK_RESIZED) == {"P_00145_L_CC"}
    assert ids(IssueKind.MASK_MISFIT) == {"P_00353_L_CC"}
    assert ids(IssueKind.MASK_UNDECIDABLE) == {"P_00343_R_CC"}
    assert ids(IssueKind.MASK_MISSING) == {"P_00710_R_MLO"}
    assert kinds(report)[IssueKind.PERSON_IN_PUBLISHED_SPLITS] == 1 and report.has_leakage
    assert IssueKind.PERSON_IN_SPLITS not in kinds(report)


def test_what_the_vindr_tree_hides(report_of):
    report = report_of("vindr")
    found = {issue.sentence for issue in report.issues if issue.kind is IssueKind.MISSING_VIEW}
    assert "the study has no L MLO" in found
    assert len(images_of(report, IssueKind.DOUBLED_VIEW)) == 1
    assert len(images_of(report, IssueKind.BOX_OUTSIDE)) >= 1
    assert len(images_of(report, IssueKind.DENSITY_DIFFERS)) >= 1


def test_a_wrong_request_is_refused_before_anything_is_read(folder: Path, tmp_path: Path):
    for words, sentence in [
        ({"source": tmp_path / "nowhere"}, "is not there"),
        ({"source": folder, "dataset": "ddsm"}, "is not one of"),
        ({"source": folder, "out": folder / "right.png"}, "is a file"),
        ({"source": folder, "out": folder}, "is the data set itself"),
    ]:
        with pytest.raises(RequestError, match=sentence):
            doctor(words.pop("source"), **words)


def test_a_folder_that_holds_other_things_is_refused_before_a_picture_is_read(folder: Path, tmp_path: Path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    with pytest.raises(RequestError, match="taken holds other files"):
        doctor(folder, out=taken, progress=lambda done, of: pytest.fail("a picture was read"))
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]
    report = tmp_path / "report"
    doctor(folder, out=report)
    doctor(folder, out=report)  # its own report is written anew
    assert sorted(path.name for path in report.iterdir()) == ["doctor.html", "doctor.json"]
