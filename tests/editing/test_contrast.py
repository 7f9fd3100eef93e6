"""Contrast of inserted lesions to their surround: measured on real ones, held, and moved; several lesions a picture."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

import monai_mammo
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.lesions.contrast_ranges import (
    ContrastRanges,
    build_contrast_ranges,
    shipped_contrast_ranges,
)


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
    rows, columns = changed.shape
    for x0, y0, x1, y1 in boxes:
        assert changed[round(y0 * rows) : round(y1 * rows), round(x0 * columns) : round(x1 * columns)].mean() > 0.2


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
