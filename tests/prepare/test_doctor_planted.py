"""Planted faults: all are found, and none is invented."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import numpy as np
import pytest
from layouts import cbis_ddsm as cbis_layout
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import doctor
from monai_mammo.prepare.inspection import DoctorReport, IssueKind
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, Laterality, View

SHARED = Path(__file__).parents[3] / "shared" / "data" / "mammograms"
VIEWS = tuple((side, view) for side in Laterality for view in View)
COLUMNS = "image_id file person_id kind laterality view density birads finding pathology split".split()


def images_of(report: DoctorReport, kind: IssueKind) -> set[str]:
    """Names of all pictures with an issue of a kind."""
    return {Path(name).stem for issue in report.issues if issue.kind is kind for name in issue.images}


def kinds_of(report: DoctorReport) -> set[IssueKind]:
    return {issue.kind for issue in report.issues}


class Plan:
    """Which pictures and persons of a made data set get which fault; no picture gets two."""

    def __init__(self, n_persons: int, n_inverted: int, n_mirrored: int, n_leaking: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.n_persons = n_persons
        self.names = [f"p{person}_{side}_{view}" for person in range(n_persons) for side, view in VIEWS]
        shuffled = rng.permutation(self.names).tolist()
        self.inverted = set(shuffled[:n_inverted])
        self.mirrored = set(shuffled[n_inverted : n_inverted + n_mirrored])
        self.leaking = set(rng.permutation(n_persons)[:n_leaking].tolist())

    def split(self, person: int, place: int) -> str:
        home = ("train", "val", "test")[person % 3]
        return "external" if person in self.leaking and place == 3 else home

    def pixels(self, drawn: Mammogram, name: str) -> np.ndarray:
        pixels = 1 - drawn.pixels if name in self.inverted else drawn.pixels
        return pixels[:, ::-1] if name in self.mirrored else pixels

    @property
    def leaking_images(self) -> set[str]:
        return {name for name in self.names if int(name.split("_")[0][1:]) in self.leaking}


@functools.cache
def drawn(person: int, side: Laterality, view: View) -> Mammogram:
    kind = list(AcquisitionKind)[person % 3]
    asked = Conditions(kind=kind, laterality=side, view=view, density="ABCD"[person % 4], finding="none", birads=1)
    return draw_mammogram(asked, seed=700 + person, shape=(176, 132))


def write_table(folder: Path, plan: Plan) -> Path:
    """Table of drawn persons, four views each, with the plan's faults in pixels and splits."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for person in range(plan.n_persons):
        for place, (side, view) in enumerate(VIEWS):
            picture, name = drawn(person, side, view), f"p{person}_{side}_{view}"
            pixels = np.round(plan.pixels(picture, name) * 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
            known = {key: value for key, value in picture.conditions.to_dict().items() if key in COLUMNS}
            named = {"image_id": name, "file": f"images/{name}.png", "person_id": f"P{person}"}
            rows.append({**known, **named, "split": plan.split(person, place)})
    with open(folder / "metadata.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "metadata.csv"


def assert_all_found_and_none_invented(folder: Path, plan: Plan) -> None:
    report = doctor(write_table(folder, plan))
    assert report.count("read") == len(plan.names)
    assert images_of(report, IssueKind.INVERTED) == plan.inverted
    assert images_of(report, IssueKind.WRONG_SIDE) == plan.mirrored
    assert images_of(report, IssueKind.PERSON_IN_SPLITS) == plan.leaking_images
    assert kinds_of(report) == {IssueKind.INVERTED, IssueKind.WRONG_SIDE, IssueKind.PERSON_IN_SPLITS}
    assert report.has_leakage


def assert_masks_found(folder: Path, *, n_films: int, n_swapped: int, n_wrong_size: int) -> None:
    planted = cbis_layout.write_large(folder, n_films, n_swapped, n_wrong_size, seed=4)
    report = doctor(planted.source, dataset="cbis-ddsm")
    names = {seen.name: seen.image_id for seen in report.pictures}
    found = {
        kind: {names[name] for issue in report.issues if issue.kind is kind for name in issue.images}
        for kind in IssueKind
    }
    assert report.count("read") == n_films
    assert found[IssueKind.MASK_SWAPPED] == set(planted.swapped)
    assert found[IssueKind.MASK_MISFIT] == set(planted.wrong_size)
    about_masks = {kind for kind, images in found.items() if images and kind.value.startswith(("mask", "box"))}
    assert about_masks == {IssueKind.MASK_SWAPPED, IssueKind.MASK_MISFIT}


def test_inverted_mirrored_and_leaking_ones_are_found_and_none_invented(tmp_path: Path):
    assert_all_found_and_none_invented(tmp_path, Plan(n_persons=6, n_inverted=4, n_mirrored=4, n_leaking=2))


def test_a_sound_data_set_has_no_issue(tmp_path: Path):
    report = doctor(write_table(tmp_path, Plan(n_persons=4, n_inverted=0, n_mirrored=0, n_leaking=0)))
    assert report.issues == () and not report.has_leakage


def test_swapped_and_misfitting_masks_are_found_and_none_invented(tmp_path: Path):
    assert_masks_found(tmp_path / "cbis", n_films=10, n_swapped=3, n_wrong_size=3)


@pytest.mark.slow
def test_twenty_inverted_twenty_mirrored_ten_leaking(tmp_path: Path):
    assert_all_found_and_none_invented(tmp_path, Plan(n_persons=30, n_inverted=20, n_mirrored=20, n_leaking=10))


@pytest.mark.slow
def test_a_hundred_swaps_and_size_faults(tmp_path: Path):
    assert_masks_found(tmp_path / "cbis", n_films=160, n_swapped=60, n_wrong_size=40)


def real_rows(every: int) -> list[dict[str, str]]:
    with open(SHARED / "metadata.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows[::every]


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="real mammograms are not here; drawn ones are above")
def test_real_pictures_inverted_and_mirrored(tmp_path: Path):
    """Forty real ones of all sources, half of them made wrong one way, half the other, among 40 untouched ones."""
    rows = real_rows(every=32)
    inverted, mirrored = ({row["image_id"] for row in rows[start:80:4]} for start in (0, 2))
    (tmp_path / "images").mkdir()
    for row in rows[:80]:
        with Image.open(SHARED / row["file"]) as image:
            pixels = np.asarray(image.convert("L"))
        pixels = 255 - pixels if row["image_id"] in inverted else pixels
        pixels = pixels[:, ::-1] if row["image_id"] in mirrored else pixels
        row["file"] = f"images/{row['image_id']}.png"
        Image.fromarray(pixels).save(tmp_path / row["file"])
        row.update(sha256="", mask="")
    with open(tmp_path / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[:80])
    report = doctor(tmp_path / "metadata.csv")
    assert len(inverted) == len(mirrored) == 20
    assert images_of(report, IssueKind.INVERTED) == inverted
    assert images_of(report, IssueKind.WRONG_SIDE) == mirrored
