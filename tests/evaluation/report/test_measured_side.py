"""What is measured of images that a report compares."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

from monai_mammo import bundle
from monai_mammo.evaluation.lesion_readings import read_items
from monai_mammo.evaluation.report import measured_ahead
from monai_mammo.evaluation.report.compared_sides import compared_sides
from monai_mammo.evaluation.report.instruments import instruments_of
from monai_mammo.evaluation.report.kept_figures import KeptFigures
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.report.measured_side import is_measured, loaded_items, measured_side
from monai_mammo.prepare.datalist_items import load_items


@pytest.fixture(params=[False, True], ids=["kept nowhere", "kept"])
def cache(request, tmp_path):
    return MeasureCache(tmp_path) if request.param else None


def test_the_judge_is_run_once_on_an_image_that_it_reads_and_whose_features_are_compared(datalist, cache, monkeypatch):
    instruments = instruments_of(bundle.find("mammo_lesion_segmentation"), (), torch.device("cpu"))
    items, _ = loaded_items(load_items(datalist, split="validation"))
    judge, (family,) = instruments.examiners["judge"], instruments.families
    readings = tuple(read_items(judge, items))
    features = family.features([item["image"].astype(np.float32) / 65535 for item in items])
    assert features.std(axis=0).max() > 0
    n_images = []
    encoder = type(judge.encoder).features

    def counted(network, image):
        n_images.extend([len(image)] if network is judge.encoder else [])
        return encoder(network, image)

    monkeypatch.setattr(type(judge.encoder), "features", counted)
    side = measured_side(items, instruments, is_read=True, cache=cache)
    assert sum(n_images) == len(items) == 6
    assert side.readings["judge"] == readings
    assert np.array_equal(side.examined.features["full"]["judge"], features), "as where it does not read them"
    if cache is not None:
        assert all(is_measured(item, instruments, cache, is_read=True) for item in items)
    unread = measured_side(items, instruments, is_read=False)
    assert np.array_equal(unread.examined.features["full"]["judge"], features)


def test_workers_compare_sets_and_leave_nothing_to_compare(datalist, tmp_path, monkeypatch):
    home = bundle.find("mammo_lesion_segmentation")
    instruments = instruments_of(home, (), torch.device("cpu"))
    items, _ = loaded_items(load_items(datalist, split="validation"))
    synthetic, reference, control = (
        measured_side(
            [{**item, "person_id": f"{side} {i}"} for i, item in enumerate(items)], instruments, is_read=False
        )
        for side in ("synthetic", "reference", "control")
    )
    expected = compared_sides(synthetic, reference, control)
    ahead = measured_ahead.Ahead(home.root, (), "cpu", tmp_path, workers=2)
    ahead.compare(synthetic, reference, control)
    assert not any(tmp_path.iterdir()), "so few images are not worth a process"
    monkeypatch.setattr(measured_ahead, "_WORTH_COMPARING_APART", 2)
    ahead.compare(synthetic, reference, control)

    def refuse(*_):
        raise AssertionError("sets were compared here and not by a worker")

    monkeypatch.setattr(MeasureCache, "put", refuse)
    found = compared_sides(synthetic, reference, control, kept=KeptFigures(MeasureCache(tmp_path)))
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize(("stated", "expected"), [(None, "3"), ("5", "5")])
def test_threads_of_linear_algebra_are_shared_among_processes(stated, expected, monkeypatch):
    name = "OPENBLAS_NUM_THREADS"
    if stated is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, stated)
    monkeypatch.setattr(measured_ahead.machine, "n_cores", lambda: 6)
    with measured_ahead._spread_on_cores(os.getenv, [name], 2) as done:
        assert [found for _, found in done] == [expected]
    assert os.environ.get(name) == stated
