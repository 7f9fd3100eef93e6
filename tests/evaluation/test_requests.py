"""Requests drawn from what acquired images show."""

from __future__ import annotations

import json

import pytest

from monai_mammo.bundle import find, seal
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import requests_like_acquired
from monai_mammo.generation.conditions_file import conditions_from_file


@pytest.fixture(autouse=True)
def support(bundles):
    """Support of the tiny diffusion bundle: films are not among its training images."""
    folder = find("mammo_diffusion")
    before = folder.metadata["support"]
    columns = before["columns"]
    row = {"density": "C", "images": 3, "persons": 3}
    shown = [("digital", "CC", "mass", 5), ("contrast", "CC", "mass", 5), ("digital", "MLO", "none", None)]
    shown += [("contrast", "MLO", "mass", 5)]
    rows = [
        [{**row, "kind": kind, "view": view, "finding": finding, "birads": birads}[name] for name in columns]
        for kind, view, finding, birads in shown
    ]
    seal(folder, support={"columns": columns, "rows": rows})
    yield
    seal(folder, support=before)


def test_they_are_what_supported_images_show_and_no_place_is_asked_for(datalist):
    rows = requests_like_acquired(datalist, n=4)
    asked = {"kind", "view", "laterality", "density", "finding"}
    assert all(asked <= set(row) <= asked | {"birads"} for row in rows)
    assert sorted((row["kind"], row["finding"]) for row in rows) == [
        ("contrast", "mass"),
        ("contrast", "mass"),
        ("digital", "mass"),
        ("digital", "none"),
    ]


def test_a_seed_draws_the_same(datalist):
    draws = [requests_like_acquired(datalist, n=3, seed=seed) for seed in (1, 1, 2, 3, 4)]
    assert draws[0] == draws[1] and any(draw != draws[0] for draw in draws[2:])


@pytest.mark.parametrize("n", [0, 5])
def test_more_than_there_are_is_refused(datalist, n):
    with pytest.raises(RequestError, match=f"{n} requests cannot be drawn from 4 images"):
        requests_like_acquired(datalist, n=n)


def test_generate_takes_the_file(datalist, tmp_path, capsys):
    out = tmp_path / "requests.json"
    words = ["--datalist", str(datalist), "--n", "4", "--seed", "2", "--out", str(out)]
    assert main(["evaluate", "requests", *words]) == 0
    assert capsys.readouterr().out == f"{out}: 4 requests\n"
    rows = json.loads(out.read_text())
    assert conditions_from_file(out) == tuple(Conditions.from_dict(row) for row in rows)
