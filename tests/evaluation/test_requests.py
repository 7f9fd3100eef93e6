"""Requests drawn from what acquired images show."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monai_mammo.bundle import find, seal
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import requests_like_acquired
from monai_mammo.evaluation.requests import _drawn_cases
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


@pytest.mark.parametrize("n", [0, 100_001])
def test_a_number_out_of_range_is_refused(datalist, n):
    with pytest.raises(RequestError, match=f"n '{n}' is not a whole number from 1 to 100000"):
        requests_like_acquired(datalist, n=n)


def test_more_than_there_are_ask_for_the_same_cases_again(datalist):
    """Four cases, two of them of contrast: six requests are all of them once and one more of each kind."""
    said = []
    rows = requests_like_acquired(datalist, n=6, announce=said.append)
    of_once = sorted(map(str, requests_like_acquired(datalist, n=4)))
    assert sorted(map(str, rows[:4])) == of_once
    assert sorted(row["kind"] for row in rows[4:]) == ["contrast", "digital"]
    (words,) = said
    assert words.startswith("6 requests of 4 acquired images of 3 persons: more were asked for than there are")
    assert "up to 2 times" in words
    assert sorted(map(str, requests_like_acquired(datalist, n=8))) == sorted(2 * of_once)


def test_no_image_is_taken_twice_before_each_was_taken_once():
    """Kinds of 1, 4 and 7 images: what is left over is 1, 3 and 3 of them."""
    kinds = ["film"] * 1 + ["digital"] * 4 + ["contrast"] * 7
    drawn = _drawn_cases(kinds, 2 * 12 + 7, np.random.default_rng(3))
    times = np.bincount(drawn)
    assert set(times) == {2, 3}
    assert [int((times[[k == kind for k in kinds]] - 2).sum()) for kind in ("film", "digital", "contrast")] == [1, 3, 3]


def test_generate_takes_the_file(datalist, tmp_path, capsys):
    out = tmp_path / "requests.json"
    words = ["--datalist", str(datalist), "--n", "4", "--seed", "2", "--out", str(out)]
    assert main(["evaluate", "requests", *words]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}: 4 requests\n"
    assert said.err.splitlines()[-1] == "4 requests of 4 acquired images of 3 persons"
    rows = json.loads(out.read_text())
    assert conditions_from_file(out) == tuple(Conditions.from_dict(row) for row in rows)
