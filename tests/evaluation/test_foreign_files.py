"""Files that `evaluate` takes, of any JSON shape and any sort: one sentence each, never a traceback or a wait."""

from __future__ import annotations

import functools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_places import Place, replaced, telling_places, without
from PIL import Image
from stated_figures import ADHERENCE, LESIONS, RECONSTRUCTION

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation import evaluate, lesion_readings
from monai_mammo.evaluation.adherence import side_figures
from monai_mammo.evaluation.realism.compared_images import acquired_images, acquired_items
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.generation.runs.manifest_seal import sealed
from monai_mammo.generation.runs.output_format import OutputFormat
from monai_mammo.prepare.datalist_items import load_items

OTHERS = (None, True, 0, -1, 10**30, 0.5, 1e308, "", "x", "../x", "\u0000", [], [0], {}, {"x": 0}, [[]])


def mutants(value: Any, place: Place) -> list[Any]:
    """Copies of a JSON value with each of `OTHERS` at a place, and one without what stands there."""
    return [replaced(value, place, other) for other in OTHERS] + ([without(value, place)] if place else [])


@pytest.fixture
def folder(datalist, tmp_path):
    """Copy of a prepared folder, of which the validation split has two images."""
    made = Path(shutil.copytree(datalist.parent, tmp_path / "prepared"))
    values = json.loads((made / "datalist.json").read_text())
    values["validation"] = values["validation"][1:3]
    (made / "datalist.json").write_text(json.dumps(values))
    return made


def kept(function, *arguments):
    """Whether a function takes its arguments; if not, it says why in one sentence."""
    try:
        function(*arguments)
    except MammoError as error:
        assert str(error) and "\n" not in str(error)
        return False
    return True


def test_a_datalist_of_any_shape(folder, monkeypatch):
    """Each value in turn is another: what the form lets through, the networks examine (loaded once)."""
    monkeypatch.setattr(lesion_readings, "examiners", functools.cache(lesion_readings.examiners))
    path = folder / "datalist.json"
    values = json.loads(path.read_text())
    n_refused = n_examined = 0
    for place in [p for p in telling_places(values) if not p or p[0] == "validation"]:
        allowed = []
        for mutant in mutants(values, place):
            path.write_text(json.dumps(mutant))
            if kept(load_items, path):
                allowed.append(mutant)
            else:
                n_refused += 1
        for mutant in allowed[:: max(1, len(allowed) - 1)]:  # the first and the last
            path.write_text(json.dumps(mutant))
            n_examined += kept(lambda: evaluate("lesions", datalist=path, device="cpu"))
            kept(lambda: evaluate("requests", datalist=path, n=1))
            kept(lambda: acquired_images(acquired_items(folder)))
    assert n_refused > 250
    assert n_examined > 10


def test_a_manifest_of_any_shape(make_run, drawn, tmp_path):
    image, lesion = drawn(0)
    run = make_run([("R", image, lesion)], output_format=OutputFormat.PNG)
    values = json.loads((run / "manifest.json").read_text())
    n_refused = n_read = 0
    for place in telling_places(values):
        for mutant in mutants(values, place):
            try:
                text = json.dumps(sealed(mutant))
            except (TypeError, KeyError, AttributeError, ValueError):  # nothing to put a hash on
                text = json.dumps(mutant)
            (run / "manifest.json").write_text(text)
            is_read = kept(lambda: (items_of_run(run), side_figures([load_run(run)])))
            n_read, n_refused = n_read + is_read, n_refused + (not is_read)
    assert n_refused > 400
    assert n_read > 40


@pytest.mark.parametrize("figures", [RECONSTRUCTION, LESIONS, ADHERENCE], ids=lambda one: one["name"])
def test_figures_of_any_shape(figures, tmp_path):
    card, path = tmp_path / "card.md", tmp_path / "figures.json"
    text = f"<!-- figures:{figures['name']} -->\n<!-- /figures:{figures['name']} -->\n"
    n_refused = 0
    for place in telling_places(figures):
        for mutant in mutants(figures, place):
            card.write_text(text)
            path.write_text(json.dumps(mutant))
            if not kept(lambda: evaluate("card", card=card, files=[path])):
                n_refused += 1
                assert card.read_text() == text
    assert n_refused > 100


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nested(path: Path) -> None:
    path.write_text("[" * 100_000 + "]" * 100_000)


def program(path: Path) -> None:
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/made) (w) file pop\n")


def archive(path: Path) -> None:
    with open(path, "wb") as stream:
        np.savez(stream, a=np.ones((64, 48), np.uint16))


def of_another_size(path: Path) -> None:
    if path.suffix == ".npy":
        np.save(path, np.ones((9, 9), np.uint16))
    else:
        Image.fromarray(np.full((9, 9), 255, np.uint8)).save(path)


SPOILT = (a_pipe, a_device, a_folder, nested, program, archive)


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_datalist_and_figures_of_any_sort(folder, tmp_path, spoil):
    path = folder / "datalist.json"
    spoil(path)
    with pytest.raises(RequestError):
        evaluate("requests", datalist=path, n=1)
    figures, card = tmp_path / "figures.json", tmp_path / "card.md"
    figures.write_text(json.dumps(LESIONS))
    card.write_text("<!-- figures:lesions -->\n<!-- /figures:lesions -->\n")
    spoil(figures)
    with pytest.raises(RequestError, match="figures"):
        evaluate("card", card=card, files=[figures])
    figures.unlink() if not figures.is_dir() else figures.rmdir()
    figures.write_text(json.dumps(LESIONS))
    spoil(card)
    with pytest.raises(RequestError, match="model card"):
        evaluate("card", card=card, files=[figures])


@pytest.mark.parametrize("spoil", [*SPOILT, of_another_size])
@pytest.mark.parametrize("name", ["1.npy", "1_breast.png"])
def test_an_image_and_a_mask_of_any_sort(folder, name, spoil):
    spoil(folder / name)
    with pytest.raises(MammoError) as caught:
        evaluate("lesions", datalist=folder / "datalist.json", device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_run_whose_files_are_of_any_sort(make_run, drawn, spoil):
    image, lesion = drawn(0)
    run = make_run([("L", image, lesion)])
    spoil(run / "sample_0000" / "mammogram.dcm")
    if (run / "sample_0000" / "mammogram.dcm").is_file():  # else the preview is taken
        with pytest.raises(MammoError):
            items_of_run(run)
    spoil(run / "sample_0000" / "lesion.png")
    with pytest.raises(MammoError):
        items_of_run(run)


def test_a_sample_that_lies_elsewhere_gives_no_figures(make_run, drawn, tmp_path):
    image, lesion = drawn(0)
    run = make_run([("L", image, lesion)])
    (run / "sample_0000").rename(tmp_path / "elsewhere")
    (run / "sample_0000").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match="is a symbolic link"):
        items_of_run(run)


def test_a_run_that_was_edited_gives_no_figures(make_run, drawn):
    image, lesion = drawn(0)
    run = make_run([("L", image, lesion)])
    values = json.loads((run / "manifest.json").read_text())
    values["samples"][0]["tries"][0]["dice"] = 1.0
    (run / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(MammoError, match=r"entry in manifest\.json was changed since the run wrote it"):
        load_run(run)


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("requests", {"n": 1, "seed": -1}),
        ("requests", {"n": -1}),
        ("sheet", {"seed": -1, "n_columns": 1, "n_rows": 2}),
        ("sheet", {"steps": 0, "n_columns": 1, "n_rows": 2}),
        ("sheet", {"max_tries": 0, "n_columns": 1, "n_rows": 2}),
        ("sheet", {"guidance": float("nan"), "n_columns": 1, "n_rows": 2}),
        ("lesions", {"device": "abacus"}),
        ("lesions", {"split": "nowhere"}),
    ],
)
def test_numbers_and_words_that_are_not_allowed(folder, tmp_path, figures, words):
    with pytest.raises(RequestError):
        evaluate(figures, datalist=folder / "datalist.json", out=tmp_path / "out", **words)
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(folder, tmp_path):
    for out in (tmp_path / "nowhere" / "figures.json", tmp_path):
        with pytest.raises(RequestError, match="cannot be written"):
            evaluate("lesions", datalist="not read", out=out)


def test_images_smaller_than_any_that_is_prepared(folder):
    for name in ("1", "2"):
        np.save(folder / f"{name}.npy", np.full((6, 4), 9, np.uint16))
        Image.fromarray(np.full((6, 4), 255, np.uint8)).save(folder / f"{name}_breast.png")
        Image.fromarray(np.full((6, 4), 255, np.uint8)).save(folder / f"{name}_lesion.png")
    for figures in ("lesions", "reconstruction"):
        with pytest.raises(MammoError, match="images of 6 x 4 cannot be examined: 16 x 16 is the least"):
            evaluate(figures, datalist=folder / "datalist.json", device="cpu")
