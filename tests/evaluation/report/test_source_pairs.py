"""Pairs of images: who belongs to whom, and figures of pairs that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import MultiScaleSSIMMetric
from PIL import Image

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.examined_set import examined_set
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.report.measured_side import MeasuredSide
from monai_mammo.evaluation.report.source_pairs import pair_figures, source_items
from monai_mammo.measures import ms_ssim

SHAPE = (192, 180)


def side(images, *, kind="film", persons=None) -> MeasuredSide:
    names = [f"x{i}" for i in range(len(images))]
    some = ImageSet.of(images, kinds=[kind] * len(images), persons=persons or names, names=names)
    items = tuple({"image_id": name, "conditions": {"kind": kind}} for name in names)
    return MeasuredSide(items=items, examined=examined_set(some), readings={}, nearest=None)


def pictures(seed: int, n: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = np.arange(SHAPE[1])
    return [(0.2 + 0.5 * rng.random(SHAPE) * (columns < 120)).astype(np.float32) * (columns < 120) for _ in range(n)]


def test_pairs_that_are_equal_or_lighter_by_a_tenth():
    images = pictures(0)
    sources, acquired = side(images), side(pictures(9, 6))
    same = {row["measure"]: row["figure"]["mean"] for row in pair_figures(sources, sources, acquired)}
    assert same["psnr"] == 100 and same["ssim"] == same["ms_ssim"] == 1 and same["filtered radiomic"] == 0
    lighter = side([image + 0.1 * (image > 0) for image in images])
    found = {row["measure"]: row["figure"] for row in pair_figures(lighter, sources, acquired)}
    assert found["psnr"]["mean"] == pytest.approx(20, abs=0.1), "a tenth nearly everywhere inside"
    assert found["ssim"]["mean"] < 1 and found["filtered radiomic"]["mean"] > 0
    assert found["psnr"]["n"] == 4 and "inner layers" not in found, "no network was there"


def test_pairs_have_rows_by_kind_and_the_persons_of_the_sources():
    images = pictures(0, 6)
    made, acquired = side(images), side(pictures(9, 6))
    for i, item in enumerate(made.items):
        item["conditions"]["kind"] = ("film", "digital")[i % 2]
    sources = side(pictures(1, 6), persons=["a"] * 6)
    rows = pair_figures(made, sources, acquired)
    assert {row["kind"] for row in rows} == {"film", "digital", "all"}
    assert all(row["figure"]["low"] is None for row in rows), "six images of one person have no interval"


def test_a_distance_is_a_share_of_that_of_acquired_images():
    acquired = side(pictures(9, 8))
    others = side(pictures(10, 8))
    found = {row["measure"]: row["figure"]["mean"] for row in pair_figures(others, side(pictures(11, 8)), acquired)}
    assert 0.5 < found["filtered radiomic"] < 2, "images of one law are as far apart as acquired ones"


def test_ms_ssim_is_that_of_monai_and_needs_room():
    first, second = pictures(0, 2)
    theirs = MultiScaleSSIMMetric(spatial_dims=2, data_range=1.0)
    tensors = [torch.from_numpy(x)[None, None] for x in (first, second)]
    assert ms_ssim(first, second) == pytest.approx(float(theirs(*tensors)))
    assert ms_ssim(first[:175], second[:175]) is None and ms_ssim(first, first) == pytest.approx(1)


def test_sources_are_found_by_name(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((20, 16), 90, np.uint8)).save(tmp_path / name)
    items = [{"image_id": name} for name in ("b.png", "c.png", "a_inserted_2")]
    positions, sources = source_items(items, tmp_path)
    assert positions == [0, 2] and [item["image_id"] for item in sources] == ["b.png", "a.png"]
    with pytest.raises(RequestError, match="holds no image of the name of any that is examined, such as c"):
        source_items(items[1:2], tmp_path)


def test_images_that_augment_made_lie_beside_their_sources():
    items = [{"image_id": name} for name in ("a", "a_inserted_1", "a_removed_12", "b_inserted_1", "b_1")]
    positions, sources = source_items(items, None)
    assert positions == [1, 2] and [item["image_id"] for item in sources] == ["a", "a"]
    assert source_items(items[:1], None) == ([], [])
