"""The knob table of a tiny generator: every condition, the same noise, a call that goes on."""

from __future__ import annotations

import json
import shutil

import pytest

from monai_mammo.bundle import find
from monai_mammo.cli.main import main
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation import evaluate
from monai_mammo.evaluation.knobs.knob_figures import knob_figures
from monai_mammo.generation import generate

QUICK = {"seeds": 2, "steps": 1}


@pytest.fixture
def own(bundles, tmp_path):
    """A diffusion bundle that may be written to."""
    return shutil.copytree(bundles / "mammo_diffusion", tmp_path / "mammo_diffusion")


def test_each_chosen_knob_has_a_row_for_each_measure_and_a_verdict():
    found = knob_figures(**QUICK, only="density,finding,mask")
    assert [knob["knob"] for knob in found["knobs"]] == ["density", "mask", "finding"]
    density, mask, finding = found["knobs"]
    measures = {row["measure"] for row in density["rows"]}
    assert {"density read", "density judged", "birads judged", "found area", "view=MLO", "n regions"} <= measures
    assert density["levels"] == ["A", "B", "C", "D"] and finding["levels"] == ["mass", "calcification", "none"]
    assert density["decides"]["measure"] == "density read" and density["decides"]["n"] == 2
    assert mask["decides"]["measure"] == "found area"
    assert finding["decides"]["measure"] == "finding read as requested"
    assert [bundle["weights"] for bundle in found["bundles"]][-1] == "models/judge.pt"


def test_the_same_noise_stands_behind_all_levels_and_what_is_changed_reaches_the_pixels(tmp_path):
    rows = tmp_path / "rows.jsonl"
    knob_figures(**QUICK, only=["density"], rows=rows)
    figures = {entry["key"]: entry["figures"] for entry in map(json.loads, rows.read_text().splitlines())}
    assert set(figures) == {f"density/{level}/{k}" for level in "ABCD" for k in range(2)}
    assert figures["density/A/0"] != figures["density/D/0"]
    # the level of the base conditions is the same image whichever knob it belongs to
    knob_figures(**QUICK, only=["birads"], rows=rows)
    figures = {entry["key"]: entry["figures"] for entry in map(json.loads, rows.read_text().splitlines())}
    assert figures["birads/4/1"] == figures["density/B/1"]


def test_a_call_goes_on_where_another_one_was_stopped(tmp_path, monkeypatch):
    rows = tmp_path / "rows.jsonl"
    whole = knob_figures(**QUICK, only="laterality", rows=rows)
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join(lines[:3]) + '\n{"key": "latera')
    again = knob_figures(**QUICK, only="laterality", rows=rows)
    assert again["knobs"] == whole["knobs"]
    assert [json.loads(line) for line in rows.read_text().splitlines()[4:]] == [json.loads(lines[3])]
    other = knob_figures(seeds=2, steps=2, only="laterality", rows=rows)  # of other settings: nothing is taken over
    assert other["knobs"] != whole["knobs"]


def test_what_was_measured_is_stated_by_the_bundle_and_a_dead_knob_is_warned_about(own, tmp_path):
    found = knob_figures(**QUICK, only="laterality,birads", bundle=str(own), write=True)
    stated = find(str(own)).responds_to
    assert set(stated) == {"laterality", "birads"} and stated["birads"]["n_seeds"] == 2
    assert stated["birads"]["responds"] == found["knobs"][1]["responds"]
    metadata = json.loads((own / "configs" / "metadata.json").read_text())
    dead = {"responds": False, "measure": "birads read", "low": -0.1, "high": 0.2, "n_seeds": 16}
    metadata["responds_to"]["birads"] = dead
    (own / "configs" / "metadata.json").write_text(json.dumps(metadata))
    words = {"kind": "film", "density": "A", "view": "MLO", "finding": "mass"}
    words |= {"steps": 1, "max_tries": 1, "format": "png"}
    warned = generate(**words, birads=5, bundle=str(own), out=tmp_path / "asked")
    sentence = "does not respond to birads, as measured: birads read, -0.10 to +0.20 over 16 seeds"
    assert any(sentence in warning for warning in warned.samples[0]["warnings"])
    open_ = generate(**words, bundle=str(own), out=tmp_path / "open")
    assert not any("does not respond" in warning for warning in open_.samples[0]["warnings"])


def test_a_table_that_is_no_table_is_one_sentence(own):
    metadata = json.loads((own / "configs" / "metadata.json").read_text())
    (own / "configs" / "metadata.json").write_text(json.dumps({**metadata, "responds_to": {"birads": "no"}}))
    with pytest.raises(MammoError, match="responds_to .* an object with responds true, false or null"):
        _ = find(str(own)).responds_to


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"only": "colour"}, "knob 'colour' is not one of density, view"),
        ({"only": "age_years"}, "knob 'age_years' is not among what the bundle is told of"),
        ({"seeds": 0}, "seeds 0 is not a number of 1 or more"),
        ({"kind": "ultrasound"}, "kind"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(words, sentence):
    with pytest.raises(RequestError, match=sentence) as caught:
        evaluate("knobs", **{**QUICK, **words})
    assert "\n" not in str(caught.value)


def test_the_command_writes_figures_and_prints_their_table(tmp_path, capsys):
    path = tmp_path / "knobs.json"
    words = ["--only", "birads", "--seeds", "2", "--steps", "1", "--out", str(path)]
    assert main(["evaluate", "knobs", *words]) == 0
    assert json.loads(path.read_text())["command"] == "knobs"
    assert "| birads | 2, 3, 4, 5 | birads read, slope |" in capsys.readouterr().out
