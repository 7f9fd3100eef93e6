"""A lesion over visits: the law in closed form, outlines, measured sizes, dates and studies, pixels, resume."""

from __future__ import annotations

import csv
import hashlib
import json
import math

import numpy as np
import pydicom
import pytest
from PIL import Image
from scipy import ndimage

import monai_mammo
from monai_mammo.cli.main import main
from monai_mammo.editing import GrowthLaw
from monai_mammo.editing.evolution import Evolution
from monai_mammo.editing.growth_law import Growth
from monai_mammo.editing.lesion_size import measured_scale
from monai_mammo.editing.visit_variation import VisitVariation
from monai_mammo.errors import RequestError
from monai_mammo.lesions import GrowingOutline
from monai_mammo.terms import Margin

COURSE = {"visits": 3, "months": 12, "seed": 5, "steps": 2, "size_px": 30, "view": "CC", "laterality": "L"}
STILL = {"compression": False, "exposure": False}


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


def samples_of(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*/*"))}


def test_laws_in_closed_form():
    exponential = GrowthLaw(doubling_days=100)
    assert [exponential.volume_ratio(day) for day in (0, 100, 300)] == pytest.approx([1, 2, 8])
    assert exponential.diameter_ratio(300) == pytest.approx(2)
    gompertz = GrowthLaw(growth=Growth.GOMPERTZ, doubling_days=100, plateau=16)
    # dV/dt = b V ln(K / V), with the exponential's rate at the start
    step = 1e-4
    for day in (0, 80, 500):
        volume = gompertz.volume_ratio(day)
        rate = (gompertz.volume_ratio(day + step) - volume) / step
        b = math.log(2) / 100 / math.log(16)
        assert rate == pytest.approx(b * volume * math.log(16 / volume), rel=1e-3)
    assert gompertz.volume_ratio(1e5) == pytest.approx(16)
    treated = GrowthLaw(doubling_days=100, treated_from_day=200, halving_days=50)
    assert [treated.volume_ratio(day) for day in (200, 250, 400)] == pytest.approx([4, 2, 0.25])
    assert GrowthLaw(growth=Growth.NONE).volume_ratio(1000) == 1


@pytest.mark.parametrize("margin", [None, *Margin])
def test_an_outline_grows_in_place_to_the_area_that_is_asked_for(margin):
    rows, columns = np.mgrid[:200, :200]
    angle = np.arctan2(rows - 100, columns - 90)
    mask = np.hypot(rows - 100, columns - 90) < 24 + 6 * np.cos(9 * angle)
    first = GrowingOutline.of_mask(mask, margin=margin)
    assert first.mask(mask.shape).sum() == pytest.approx(mask.sum(), rel=0.03)
    larger = first.of_diameter(2 * first.diameter)
    assert larger.mask(mask.shape).sum() == pytest.approx(4 * mask.sum(), rel=0.03)
    assert ndimage.center_of_mass(larger.mask(mask.shape)) == pytest.approx((100, 90), abs=1.5)
    ragged = [one.radius.std() / one.radius.mean() for one in (first, larger)]
    if margin is Margin.SPICULATED:
        assert ragged[1] > 1.2 * ragged[0]
    if margin is Margin.CIRCUMSCRIBED:
        assert ragged[1] < 0.9 * ragged[0]


@pytest.mark.parametrize("painted", [0.7, 1.0, 1.2])
def test_a_size_is_measured_where_the_lesion_ends_and_not_where_it_was_asked_for(painted):
    rng = np.random.default_rng(1)
    disc = np.hypot(*np.mgrid[-100:100, -100:100]) < 40
    outline = GrowingOutline.of_mask(disc)
    added = ndimage.gaussian_filter(0.1 * outline.of_diameter(80 * painted).mask(disc.shape), 4.0)
    added = added + 0.01 * rng.standard_normal(disc.shape)
    assert measured_scale(added, outline.level(disc.shape)) == pytest.approx(painted, abs=0.03)
    assert measured_scale(0.001 * added, outline.level(disc.shape)) is None


def test_visits_are_studies_in_order_and_pixels_away_from_the_lesion_stay(tiny, scanned, tmp_path):
    source = scanned(StudyDate="20200131", PatientAge="049Y", AccessionNumber="4711")
    words = {**COURSE, **STILL, "months": 26, "size_px": None, "size_mm": 7, "margin": "spiculated"}
    run = monai_mammo.evolve(source, out=tmp_path / "run", growth="gompertz", **words)
    visits = [pydicom.dcmread(path) for path in run.paths("edited.dcm")]
    dates = [visit.StudyDate for visit in visits]
    assert dates[0] == "20200131" and dates == sorted(set(dates)) and dates[-1] == "20220401"
    uids = [int(visit.StudyInstanceUID.rpartition(".")[2]) for visit in visits]
    assert uids == sorted(set(uids))
    assert [visit.PatientAge for visit in visits] == ["049Y", "050Y", "051Y"]
    assert not any(visit.AccessionNumber for visit in visits)
    assert len({visit.PatientID for visit in visits}) == 1
    before = values_of(source)
    for visit, entry in zip(visits, run.samples, strict=True):
        top, left, bottom, right = entry["window"]
        outside = np.ones(before.shape, dtype=bool)
        outside[top:bottom, left:right] = False
        assert np.array_equal(visit.pixel_array[outside], before[outside])
        assert 0 < entry["n_changed"] <= entry["n_reach"] < before.size / 3
        mask = pydicom.dcmread(run.folder / entry["id"] / "lesion.seg.dcm")
        assert mask.StudyInstanceUID == visit.StudyInstanceUID
    areas = [(values_of(path) > 0).sum() for path in run.paths("requested.png")]
    law = GrowthLaw(growth=Growth.GOMPERTZ)
    days = [entry["visit"]["days"] for entry in run.samples]
    lawful = [law.volume_ratio(day) ** (2 / 3) for day in days]
    assert [area / areas[0] for area in areas] == pytest.approx(lawful, rel=0.04)
    assert monai_mammo.verify(run.folder).problems == ()


def test_compression_and_exposure_are_switched_one_by_one_and_spare_the_first_visit(tiny, picture, tmp_path):
    still = values_of(picture)
    corner = (slice(250, 320), slice(100, 160))
    for name in ("compression", "exposure"):
        run = monai_mammo.evolve(picture, out=tmp_path / name, **COURSE, **{**STILL, name: True})
        pixels = [values_of(path) for path in run.paths("edited.png")]
        assert np.array_equal(pixels[0][corner], still[corner])
        assert all((later != still).mean() > 0.3 for later in pixels[1:])
        entry = run.samples[1]["visit"]["variation"]
        assert (entry["exposure"] == 1) == (name == "compression") == (entry["depth"] != 1)
        assert any("varied by a computer" in warning for warning in run.warnings)
        assert monai_mammo.verify(run.folder).problems == ()
    drawn = [VisitVariation.drawn(seed, 2, compression=True, exposure=True) for seed in range(50)]
    assert max(abs(one.depth - 1) for one in drawn) < 0.016 and len({one.depth for one in drawn}) == 50


def test_a_course_is_resumed_with_the_same_bytes_and_has_its_table(tiny, picture, tmp_path):
    run = monai_mammo.evolve(picture, out=tmp_path / "a", response=2, first_date="1999-12-31", **COURSE)
    made = samples_of(run.folder)
    (run.folder / "sample_0002" / "edited.png").unlink()
    (run.folder / "evolution.csv").unlink()
    again = monai_mammo.evolve(picture, out=run.folder, response=2, first_date="19991231", **COURSE)
    assert again.n_made == 1 and samples_of(run.folder) == made
    with (run.folder / "evolution.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["date"] for row in rows] == ["1999-12-31", "2000-07-01", "2000-12-30"]
    ratios = [float(row["volume_ratio"]) for row in rows]
    assert ratios == pytest.approx([1, 2 ** (183 / 180), 2 ** (183 / 180 - 182 / 90)], rel=1e-4)
    stated = json.loads((run.folder / "evolution.json").read_text())
    assert [row["lawful_px"] for row in stated["visits"]] == [float(row["lawful_px"]) for row in rows]
    strip = values_of(run.folder / "evolution.png")
    assert strip.shape[1] == 3 * strip.shape[0]
    with pytest.raises(RequestError, match="belongs to a run with another request"):
        monai_mammo.evolve(picture, out=run.folder, response=1, **COURSE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"visits": 1}, "visits '1' is not a whole number from 2 to 50"),
        ({"growth": "linear"}, "growth 'linear' is not one of exponential, gompertz, none"),
        ({"response": 3}, "response '3' is not a whole number from 1 to 2"),
        ({"months": 0.5, "visits": 40}, "less than a day apart"),
        ({"first_date": "31.12.1999"}, "first_date '31.12.1999' is not a date"),
        ({"first_date": "2200-06-01"}, "later than the year 2200"),
        ({"doubling_days": 1}, "doubling_days '1' is not a number from 5"),
        ({"response": 1, "halving_days": 20}, "pixels across at visit 3"),
        ({"doubling_days": 20}, "larger than the breast|over the edge"),
        ({"finding": "none"}, "evolve draws a lesion"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_no_sample(tiny, picture, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.evolve(picture, out=tmp_path / "run", **{**COURSE, **words})
    assert not list(tmp_path.glob("run/sample*"))


def test_one_image_is_taken(tiny, picture, tmp_path):
    (picture.parent / "another.png").write_bytes(picture.read_bytes())
    with pytest.raises(RequestError, match="evolve takes one image"):
        monai_mammo.evolve(picture.parent, out=tmp_path / "run")


def test_the_command_prints_the_table(tiny, picture, tmp_path, capsys):
    words = ["--visits", "2", "--months", "6", "--response", "--halving-days", "200", "--no-exposure", "--steps", "2"]
    place = ["--box", "0.1,0.4,0.4,0.6", "--seed", "5"]
    assert main(["evolve", str(picture), "--out", str(tmp_path / "run"), *words, *place]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["visit", "date", "volume", "lawful"] and len(lines) == 4
    request = json.loads((tmp_path / "run" / "manifest.json").read_text())["request"]["evolution"]
    expected = Evolution(visits=2, months=6, response=1, halving_days=200, exposure=False)
    assert request == expected.to_dict()
