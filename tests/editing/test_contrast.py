"""Contrast of inserted lesions to their surround: measured on real ones, held, and moved; several lesions a picture."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import monai_mammo
from monai_mammo.conditions import Conditions
from monai_mammo.editing.held_contrast import held_contrast
from monai_mammo.editing.local_edit import Change, joined
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.lesions.contrast_ranges import (
    ContrastRange,
    ContrastRanges,
    build_contrast_ranges,
    ring_round,
    shipped_contrast_ranges,
    visibility,
)

SIDE = 200
ROW, COLUMN = np.mgrid[:SIDE, :SIDE]
OUTLINE = np.hypot(ROW - 100, COLUMN - 100) < 24
BREAST = np.ones((SIDE, SIDE), dtype=bool)
WINDOW = (slice(20, 180), slice(20, 180))
REAL = ContrastRange(of={}, n_lesions=99, n_persons=99, contrast=(0.04, 0.08, 0.1, 0.14, 0.2), highest_peak=0.3)


def contrast_of(picture):
    return visibility(picture, OUTLINE, ring_round(OUTLINE, BREAST), bright=0.5).contrast


def a_change(height):
    soft = ndimage.gaussian_filter(OUTLINE.astype(np.float32), 2)[WINDOW] * np.float32(height)
    return Change(window=WINDOW, added=soft, reach=soft > 0, working_pixels=1.0)


@pytest.mark.parametrize("height", [0.01, 0.5])
@pytest.mark.parametrize(("conspicuity", "wanted"), [(0.0, 0.04), (0.5, 0.1), (1.0, 0.2)])
def test_conspicuity_moves_a_lesion_to_the_quantiles_of_real_ones(height, conspicuity, wanted):
    picture = np.full((SIDE, SIDE), 0.4, dtype=np.float32)
    gain = {"bright": 0.5, "conspicuity": conspicuity}
    change, is_held = held_contrast(a_change(height), picture, OUTLINE, BREAST, REAL, **gain)
    reachable = min(wanted, 6 * contrast_of(a_change(height).laid_over(picture)))
    assert contrast_of(change.laid_over(picture)) == pytest.approx(reachable, abs=2e-3)
    assert is_held == (abs(reachable - wanted) < 0.005)


@pytest.mark.parametrize(("height", "wanted"), [(0.02, 0.04), (0.12, None), (0.5, 0.2)])
def test_without_a_conspicuity_only_what_no_real_lesion_shows_is_changed(height, wanted):
    picture = np.full((SIDE, SIDE), 0.4, dtype=np.float32)
    drawn = a_change(height)
    change, is_held = held_contrast(drawn, picture, OUTLINE, BREAST, REAL, bright=0.5, conspicuity=None)
    assert is_held
    if wanted is None:
        assert np.array_equal(change.added, drawn.added)
    else:
        assert contrast_of(change.laid_over(picture)) == pytest.approx(wanted, abs=2e-3)


def test_a_lesion_near_saturation_is_not_brighter_than_real_ones_beside_the_brightest_tissue():
    picture = np.full((SIDE, SIDE), 0.8, dtype=np.float32)
    real = ContrastRange(of={}, n_lesions=99, n_persons=99, contrast=REAL.contrast, highest_peak=0.03)
    change, _ = held_contrast(a_change(0.5), picture, OUTLINE, BREAST, real, bright=0.85, conspicuity=1.0)
    shown = change.laid_over(picture)
    assert np.percentile(shown[OUTLINE], 95) == pytest.approx(0.88, abs=2e-3)
    darker, is_held = held_contrast(a_change(-0.2), picture, OUTLINE, BREAST, real, bright=0.85, conspicuity=1.0)
    assert not is_held and np.array_equal(darker.added, a_change(-0.2).added)


def test_changes_of_one_picture_are_joined_where_they_are():
    picture = np.zeros((SIDE, SIDE), dtype=np.float32)
    first = Change(
        window=(slice(0, 50), slice(10, 60)),
        added=np.full((50, 50), 0.1, np.float32),
        reach=np.ones((50, 50), bool),
        working_pixels=1.0,
    )
    second = Change(
        window=(slice(40, 90), slice(100, 150)),
        added=np.full((50, 50), 0.2, np.float32),
        reach=np.ones((50, 50), bool),
        working_pixels=2.0,
    )
    both = joined([first, second])
    assert np.array_equal(both.laid_over(picture), second.laid_over(first.laid_over(picture)))
    assert both.reach.sum() == 5000 and both.working_pixels == 2.0


def test_shipped_ranges_are_of_many_lesions_and_leave_out_what_is_rare():
    ranges = shipped_contrast_ranges()
    assert min(one.n_lesions for one in ranges.ranges) >= 20
    assert all(np.all(np.diff(one.contrast) > 0) and abs(one.highest_peak) < 1 for one in ranges.ranges)
    known = ranges.of(Conditions(kind="film", finding="mass", density="C"), size_share=0.1)
    assert known.of == {"kind": "film", "finding": "mass", "size": "medium", "density": "C"}
    rare = ranges.of(Conditions(kind="film", finding="calcification", density="A"), size_share=0.02)
    assert rare.of == {"kind": "film", "size": "small"}
    assert ranges.of(Conditions(), size_share=0.1).of == {}
    # films show lesions with less contrast than digital views, and faint lesions are the small ones
    digital = ranges.of(Conditions(kind="digital", finding="mass"), size_share=0.1)
    assert digital.at(0.5) > known.at(0.5) > rare.at(0.5) > 0


def test_ranges_are_measured_on_outlined_training_lesions(tmp_path):
    heights = np.linspace(0.05, 0.25, 24)
    items = []
    for number, height in enumerate(heights):
        picture = np.full((96, 72), 0.3)
        mask = np.hypot(*(np.mgrid[:96, :72] - np.array([48, 30])[:, None, None])) < 9
        picture[mask] += height
        np.save(tmp_path / f"{number}.npy", np.round(picture * 65535).astype(np.uint16))
        np.save(tmp_path / f"{number}_mask.npy", mask.astype(np.uint8))
        Image.new("L", (72, 96), 255).save(tmp_path / f"{number}.png")
        conditions = {"kind": "film", "view": "CC", "laterality": "L", "finding": "mass"}
        item = {"image": f"{number}.npy", "label": f"{number}_mask.npy", "breast": f"{number}.png"}
        items.append(item | {"conditions": conditions, "person_id": str(number // 2), "mask_kind": "contour"})
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps({"version": 2, "shape": [96, 72], "training": items}))
    built = build_contrast_ranges(datalist, tmp_path / "ranges.json")
    found = built.of(Conditions(kind="film", finding="mass", density="B"), size_share=17 / 96)
    assert (found.n_lesions, found.n_persons) == (24, 12)
    assert found.contrast == pytest.approx(np.quantile(heights, [0.05, 0.25, 0.5, 0.75, 0.95]), abs=1e-4)
    assert ContrastRanges.from_dict(json.loads((tmp_path / "ranges.json").read_text())) == built
    datalist.write_text(json.dumps({"version": 2, "shape": [96, 72], "training": items[:19]}))
    with pytest.raises(RequestError, match="outlines 19 training lesions, and 20 are least"):
        build_contrast_ranges(datalist, tmp_path / "few.json")
    assert not (tmp_path / "few.json").exists()
    with pytest.raises(MammoError, match="no contrast ranges"):
        ContrastRanges.from_dict({"ranges": [{"of": {}}]})


def test_several_lesions_lie_apart_and_a_known_lesion_is_kept_clear(tiny, picture, tmp_path):
    words = {"view": "CC", "laterality": "L", "size_px": 28, "steps": 2, "seed": 5, "n_lesions": 3}
    run = monai_mammo.insert(picture, out=tmp_path / "run", **words)
    folder = run.folder / "sample_0000"
    entry = run.samples[0]
    boxes = [one["box"] for one in entry["lesions"]]
    assert len(boxes) == 3
    assert all(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for a, b in combinations(boxes, 2))
    assert all(one["real_contrast"]["low"] < one["real_contrast"]["high"] for one in entry["lesions"])
    assert monai_mammo.verify(run.folder).problems == ()
    changed = np.asarray(Image.open(folder / "changed.png")) > 0
    assert ndimage.label(ndimage.binary_closing(changed, iterations=2))[1] >= 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"n_lesions": 2, "box": "0.1,0.4,0.4,0.6"}, "a box or mask says where one lesion lies"),
        ({"n_lesions": 9}, "n_lesions"),
        ({"conspicuity": 1.5}, "conspicuity"),
        ({"n_lesions": 8, "size_px": 70, "view": "CC", "laterality": "L"}, "another lesion|every place"),
    ],
)
def test_bad_requests_are_one_sentence(tiny, picture, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.insert(picture, out=tmp_path / "run", steps=1, **words)
    assert not list(tmp_path.glob("run/sample*"))
