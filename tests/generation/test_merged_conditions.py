"""Conditions by name, from files and from pictures together, and what a bundle does not respond to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.bundle import find
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation import generate
from monai_mammo.generation.conditions_file import conditions_from_file
from monai_mammo.generation.merged_conditions import merged_conditions
from monai_mammo.generation.taken_attributes import keep_taken, taken_attributes
from monai_mammo.phantom import draw_mammogram

TAKEN = ("kind", "density", "view", "laterality", "finding", "birads", "box")


def test_a_row_that_says_something_else_than_a_flag_is_refused_naming_both():
    named = Conditions(density="C", box=Box(0.1, 0.2, 0.3, 0.4))
    assert merged_conditions(named, {"density": "C", "view": "CC"}, where="r.csv line 2").view == "CC"
    with pytest.raises(RequestError, match=r"^density is given as 'C' and stands as 'A' in r.csv line 2: leave out"):
        merged_conditions(named, {"density": "A"}, where="r.csv line 2")
    with pytest.raises(RequestError, match=r"box is given as 0.1,0.2,0.3,0.4 and stands as 0.1,0.2,0.3,0.5 in row 1"):
        merged_conditions(named, {"box": [0.1, 0.2, 0.3, 0.5]}, where="row 1")
    with pytest.raises(RequestError, match="a box is given with finding 'none' in row 1"):
        merged_conditions(named, {"finding": "none"}, where="row 1")


@pytest.mark.parametrize(
    "text", ["Density;VIEW;Box\nC;MLO;0.1,0.2,0.3,0.4\n", "density\tview\tbox\nC\tMLO\t0.1 0.2 0.3 0.4\n"]
)
def test_semicolons_tabs_and_capitals_are_read(tmp_path, text):
    (tmp_path / "r.csv").write_text("\ufeff" + text)
    (row,) = conditions_from_file(tmp_path / "r.csv")
    assert row == Conditions(density="C", view="MLO", box=Box(0.1, 0.2, 0.3, 0.4))


def test_a_column_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("density,Density\nA,B\n")
    with pytest.raises(RequestError, match="has the column 'density' twice"):
        conditions_from_file(tmp_path / "r.csv")


def test_what_a_bundle_ignores_is_refused_or_left_out_and_said():
    asked = Conditions(density="C", pathology="malignant", age_years=61)
    with pytest.raises(RequestError, match=r"pathology and age_years are not among what bundle b responds to \(kind"):
        keep_taken(asked, TAKEN, bundle="b", refuse=True)
    kept, said = keep_taken(asked, TAKEN, bundle="b", refuse=False)
    assert kept == Conditions(density="C") and said[0].endswith("and are left out")
    assert keep_taken(asked, (*TAKEN, "pathology", "age_years"), bundle="b", refuse=True) == (asked, ())
    shaped = Conditions(finding="mass", lesion_shape="oval", calc_type="punctate")
    with pytest.raises(RequestError, match="lesion_shape and calc_type are not among what bundle b responds to"):
        keep_taken(shaped, TAKEN, bundle="b", refuse=True)
    words = Conditions(text="a mass")
    assert keep_taken(words, TAKEN, bundle="b", refuse=True) == (words, ()), "a text is read before"
    described = words.replace(finding="mass", lesion_shape="oval", lesion_margin="spiculated")
    kept, said = keep_taken(described, (*TAKEN, "lesion_margin"), bundle="b", refuse=True)
    assert (kept, said) == (described.replace(lesion_shape=None), ()), "notes on the text say what is left out"


def test_the_definition_of_the_network_says_what_it_takes(tiny, tmp_path):
    folder = Path(shutil.copytree(tiny / "mammo_diffusion", tmp_path / "b"))
    assert taken_attributes(find(folder)) == TAKEN
    path = folder / "configs" / "inference.json"
    values = json.loads(path.read_text())
    values["network_def"]["more_attributes"] = ["age_years"]
    path.write_text(json.dumps(values))
    assert taken_attributes(find(folder)) == (*TAKEN, "age_years")
    values["network_def"]["more_attributes"] = ["lesion_margin", "calc_type"]  # of which no network is told
    path.write_text(json.dumps(values))
    assert taken_attributes(find(folder)) == (*TAKEN, "lesion_margin")


@pytest.fixture
def drawn(monkeypatch, drawn_generator, tiny):
    monkeypatch.setattr("monai_mammo.generation.engine.generator.Generator.load", lambda *_, **__: drawn_generator)


def test_a_list_of_dictionaries_is_a_sample_each_and_a_refused_one_is_named(tmp_path, drawn):
    rows = [{"density": "C", "view": "MLO"}, Conditions(density="B", view="CC", finding="calcification", birads=4)]
    run = generate(kind="digital", conditions=rows, format="png", unsupported="override", out=tmp_path / "run")
    assert [entry["conditions"]["density"] for entry in run.samples] == ["C", "B"]
    assert str(run) == repr(run) == f"<Run of 2 synthetic mammograms in {tmp_path / 'run'}, 2 passed>"
    few = [sentence for sentence in run.warnings if sentence.startswith("only 5 training persons")]
    assert few and few[0].endswith("(sample_0001)")
    coarse = {"kind": "digital", "density": "D", "view": "CC", "finding": "mass"}
    with pytest.raises(RequestError, match=r"no training image shows .*density D.* \(row 2 of 2\)$"):
        generate(conditions=[rows[0], coarse], out=tmp_path / "none")
    with pytest.raises(RequestError, match="age_years is not among .* \\(row 2 of 2\\)"):
        generate(conditions=[rows[0], {"age_years": 50}], out=tmp_path / "none")
    with pytest.raises(RequestError, match="row 2 of conditions is not a dictionary: 'x'"):
        generate(conditions=[rows[0], "x"], out=tmp_path / "none")
    with pytest.raises(RequestError, match="density is given as 'A' and stands as 'C' in row 1 of conditions"):
        generate(density="A", conditions=rows, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_picture_that_says_nothing_is_refused(tmp_path, tiny):
    drawn = draw_mammogram(Conditions(kind="digital", view="CC", laterality="L"), seed=2, shape=(256, 192))
    Image.fromarray(np.rint(drawn.pixels * 255).astype(np.uint8)).save(tmp_path / "one.png")
    with pytest.raises(RequestError, match="does not say what it shows, neither in itself nor in a JSON file"):
        generate(density="C", like=tmp_path / "one.png", out=tmp_path / "none")


def test_no_message_of_the_python_call_names_a_flag(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    for words in ({"out": tmp_path / "file"}, {"out": tmp_path / "full"}, {"kind": "contrast", "out": tmp_path / "n"}):
        with pytest.raises(RequestError) as caught:
            generate(**{"density": "C", "view": "MLO", "finding": "mass", **words})
        assert "--" not in str(caught.value)
