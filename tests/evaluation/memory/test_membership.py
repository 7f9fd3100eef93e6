"""Whether losses tell who was trained on, of the networks of a bundle; an over-fitted one stands in a file beside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundles import write_stages, write_tiny_bundles, write_vae

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate, markdown_table
from monai_mammo.evaluation.memory.membership import membership_area
from monai_mammo.phantom import draw_mammogram

SHAPE = (64, 48)
N = 24
NAMES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    """24 drawn films that are trained on, 24 that are not."""
    folder = tmp_path_factory.mktemp("drawn")
    items = []
    for i in range(2 * N):
        image = draw_mammogram(Conditions(laterality="L", kind="film"), seed=i, shape=SHAPE).pixels
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        item = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        items.append(
            {**item, "source": "drawn", "mask_kind": "none", "conditions": {"kind": "film", "laterality": "L"}}
        )
    path = folder / "datalist.json"
    few = [{**items[0], "person_id": "few"}]
    splits = {"training": items[:N], "validation": items[N:], "test": few, "external": items[:N]}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def test_the_area_is_that_of_pairs_of_one_kind():
    trained, other = np.array([1.0, 2.0, 9.0]), np.array([3.0, 2.0, 1.0])
    persons = {"persons": list("abc"), "others": list("def")}
    plain = membership_area(trained, other, **persons)
    assert plain["value"] == pytest.approx((2 + 0.5 + 1 + 0.5) / 9, abs=1e-4)
    of_kinds = {"kinds": ["film", "film", "digital"], "other_kinds": ["film", "digital", "digital"]}
    assert membership_area(trained, other, **persons, **of_kinds)["value"] == pytest.approx(2 / 4)
    with pytest.raises(RequestError, match="nothing can be compared"):
        membership_area(trained, other, **persons, kinds=["film"] * 3, other_kinds=["digital"] * 3)


@pytest.mark.parametrize("has_stages", [False, True])
def test_figures_have_a_row_for_each_network(datalist, tmp_path, monkeypatch, has_stages):
    roots = write_tiny_bundles(tmp_path)
    if has_stages:
        write_stages(roots["mammo_diffusion"])
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path))
    told = []
    figures = evaluate("membership", datalist=datalist, n_images=10, device="cpu", progress=told.append)
    names = ["layout stage", "detail stage"] if has_stages else ["diffusion network"]
    assert [row["network"] for row in figures["rows"]] == names
    assert all(row["n"] == row["n_others"] == 10 and row["low"] < 0.5 < row["high"] for row in figures["rows"])
    assert told[-1].n_done == told[-1].n_all == 20 * len(names)
    assert f"| {names[0]} | 10 | 10 |" in markdown_table(figures)
    assert evaluate("membership", datalist=datalist, n_images=10, device="cpu") == figures


def test_what_tells_nothing_is_refused(datalist, tmp_path):
    with pytest.raises(RequestError, match="24 persons have images in training and external"):
        evaluate("membership", datalist=datalist, split="external", device="cpu")
    with pytest.raises(RequestError, match="1 images tell nothing"):
        evaluate("membership", datalist=datalist, split="test", device="cpu")
    with pytest.raises(RequestError, match="n_images"):
        evaluate("membership", datalist=datalist, n_images=3, device="cpu")
    vae = write_vae(tmp_path / "vae", conditional=False)
    with pytest.raises(RequestError, match="no diffusion network"):
        evaluate("membership", datalist=datalist, bundle=str(vae), device="cpu")
