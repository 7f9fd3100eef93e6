"""Requests drawn from what acquired images show."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_bundles import write_vae

from monai_mammo.bundle import find, seal
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import requests_like_acquired
from monai_mammo.evaluation.requests import _drawn_cases
from monai_mammo.evaluation.run_items import items_of_run
from monai_mammo.evaluation.utility.read_targets import TARGETS
from monai_mammo.generation import generate
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


OPTIONAL = {"pathology": "malignant", "lesion_shape": "irregular", "age_years": 61, "subtlety": 4}
DRAWN_BEFORE = [("contrast", "MLO"), ("contrast", "CC"), ("digital", "MLO"), ("digital", "CC")]
"""Kinds and views that seed 5 drew when requests stated no pathology."""


@pytest.fixture
def stating(datalist, tmp_path):
    """The same images, those with a lesion and the attributes that are not in every request; and what each shows."""
    content = json.loads(datalist.read_text())
    for item in content["validation"]:
        lesion = item["conditions"]["finding"] != "none"
        item["conditions"] |= OPTIONAL if lesion else {"pathology": "normal"}
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def told_of(*names, **measured) -> None:
    """Have the tiny generator be told of further attributes, and state what was measured of them."""
    folder = find("mammo_diffusion")
    path = folder.root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["network_def"]["more_attributes"] = list(names)
    path.write_text(json.dumps(config))
    seal(folder, responds_to={name: {"responds": responds} for name, responds in measured.items()})


@pytest.fixture
def as_it_was():
    folder = find("mammo_diffusion")
    path = folder.root / "configs" / "inference.json"
    before, metadata = path.read_text(), (folder.root / "configs" / "metadata.json").read_text()
    yield
    path.write_text(before)
    (folder.root / "configs" / "metadata.json").write_text(metadata)


def test_the_same_images_are_drawn_and_their_pathology_is_requested_beside_what_they_always_were(
    datalist, stating, as_it_was
):
    before = [requests_like_acquired(datalist, n=n, seed=seed) for n in (2, 4, 7) for seed in range(6)]
    assert [(row["kind"], row["view"]) for row in requests_like_acquired(datalist, n=4, seed=5)] == DRAWN_BEFORE
    assert [requests_like_acquired(stating, n=n, seed=s) for n in (2, 4, 7) for s in range(6)] == before, "told of none"
    told_of("pathology", "lesion_shape", "age_years", "subtlety", pathology=True, age_years=False, subtlety=None)
    after = [requests_like_acquired(stating, n=n, seed=seed) for n in (2, 4, 7) for seed in range(6)]
    added = [[{key: row.pop(key) for key in list(row) if key in OPTIONAL} for row in rows] for rows in after]
    assert after == before, "nothing else is requested otherwise"
    asked = {"pathology": "malignant", "lesion_shape": "irregular", "subtlety": 4}
    for rows, others in zip(after, added, strict=True):
        for row, other in zip(rows, others, strict=True):
            assert other == (asked if row["finding"] == "mass" else {"pathology": "normal"}), (
                "of the age it was measured"
            )


def test_what_an_image_does_not_state_is_not_requested(datalist, as_it_was):
    told_of("pathology", pathology=True)
    assert not any("pathology" in row for row in requests_like_acquired(datalist, n=4))


def test_a_run_of_requests_with_a_pathology_can_be_trained_on_for_it(stating, tmp_path):
    vae = str(write_vae(tmp_path / "vae", conditional=True))
    rows = requests_like_acquired(stating, n=2, bundle=vae)
    run = generate(conditions=rows, bundle=vae, max_tries=1, format="png", out=tmp_path / "run")
    target = TARGETS["pathology"]
    assert [target.classes[target.class_of(item)] for item in items_of_run(run.folder)] == ["malignant"] * 2


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
