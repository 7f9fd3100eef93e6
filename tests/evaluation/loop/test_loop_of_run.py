"""The loop on a tiny run, from folders to figures and pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate
from monai_mammo.evaluation.loop.triplet_sheet import ShownTriplet, triplet_sheet


@pytest.fixture(scope="module")
def run(make_run, drawn):
    """Two samples of one sort, of which the acquired images have one."""
    return make_run([("R", *drawn(0)), ("L", *drawn(1))])


def test_the_command_writes_figures_and_prints_them(run, datalist, tmp_path, capsys):
    out = tmp_path / "loop"
    assert main(["evaluate", "loop", str(run), "--datalist", str(datalist), "--out", str(out), "--device", "cpu"]) == 0
    figures = json.loads((out / "loop.json").read_text())
    assert (figures["n_triplets"], figures["n_without_partner"]) == (1, 1)
    triplet = figures["triplets"][0]
    assert triplet["acquired"] == "image_0" and triplet["synthetic"].startswith("sample_000")
    assert triplet["conditions"]["density"] == "C" and set(triplet["found"]) == {
        "acquired",
        "reconstructed",
        "synthetic",
    }
    assert triplet["stated"]["acquired"]["density"] == triplet["stated"]["synthetic"]["density"]
    assert all(row["reason"].startswith("1 triplets state it, and 10 at least") for row in figures["rows"])
    assert {row["verdict"] for rows in figures["trends"].values() for row in rows} == {"too few"}
    assert (out / "broken.png").is_file() == bool(figures["broken"])
    whose = [i for i, triplet in enumerate(figures["triplets"]) if triplet["broken"]]
    assert sorted(figures["broken"]) == whose, "places, not the triplets once more"
    printed = capsys.readouterr().out
    assert printed == (out / "loop.md").read_text() and "1 triplets of an acquired image" in printed
    evaluate("loop", synthetic=run, datalist=datalist, out=out, device="cpu")
    assert json.loads((out / "loop.json").read_text()) == figures, "written over, and the same"


def test_what_cannot_be_compared_is_said(run, datalist, tmp_path, make_run, drawn):
    with pytest.raises(RequestError, match="holds no run with samples"):
        evaluate("loop", synthetic=tmp_path, datalist=datalist, device="cpu")
    with pytest.raises(RequestError, match="has kind, view, density, finding of an acquired image of split 'external'"):
        evaluate("loop", synthetic=run, datalist=datalist, split="external", device="cpu")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="evaluate loop"):
        evaluate("loop", synthetic=run, datalist=datalist, out=tmp_path, device="cpu")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_sheet_shows_each_image_and_its_lesion(tmp_path):
    images = tuple(np.full((40, 30), value * 257, np.uint16) for value in (50, 100, 150))
    shown = ShownTriplet(images=images, boxes=((), ((0.5, 0.5, 0.75, 0.75),), ()), caption="sample_0001: density")
    path = tmp_path / "sheet.png"
    path.write_bytes(triplet_sheet([shown] * 3))
    sheet = np.asarray(Image.open(path).convert("RGB"))
    first = [sheet[16:56, left : left + 30] for left in (0, 34, 68)]
    assert (first[0] == 50).all() and (first[2] == 150).all()
    assert (first[1][20, 15:22] == (255, 200, 0)).all() and (first[1][25, 18] == 100).all()
    assert (first[1] == 100).all(axis=2).sum() > 40 * 30 - 60, "an outline and nothing else"
    assert (sheet[16:56, 118:148] == 50).all() and (sheet[76:116, :30] == 50).all(), "two beside each other"
