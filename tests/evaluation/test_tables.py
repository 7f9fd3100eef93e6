"""Tables of figures, and model cards that carry them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.cards import fill_card
from monai_mammo.evaluation.tables import markdown_table

GOLDEN = Path(__file__).with_name("golden_tables.md")
DATA = {"split": "validation", "n_images": 238, "n_persons": 118, "sources": ["CBIS-DDSM", "CDD-CESM"]}


def mean(value, n=30, spread=0.5):
    return {"mean": value, "low": value - spread, "high": value + spread, "n": n}


RECONSTRUCTION = {
    "name": "reconstruction",
    "command": "reconstruction",
    "data": DATA,
    "settings": {"latent_values": 12288, "bicubic_shape": [128, 96]},
    "rows": [
        {
            "kind": "digital",
            "region": "breast",
            "psnr": mean(33.24),
            "psnr_bicubic": mean(30.61),
            "psnr_gain": mean(2.63, spread=0.2),
            "ssim": mean(0.9123, spread=0.01),
            "ssim_bicubic": mean(0.8501),
            "ssim_gain": mean(0.0622),
        },
        {
            "kind": "digital",
            "region": "lesion boxes",
            "psnr": {"mean": 31.0, "low": None, "high": None, "n": 1},
            "psnr_bicubic": {"mean": 30.0, "low": None, "high": None, "n": 1},
            "psnr_gain": {"mean": 1.0, "low": None, "high": None, "n": 1},
            "ssim": None,
            "ssim_bicubic": None,
            "ssim_gain": None,
        },
    ],
}
LESIONS = {
    "name": "lesions",
    "command": "lesions",
    "data": DATA,
    "settings": {"threshold": 0.5},
    "rows": [
        {"network": name, "kind": kind, "measure": measure, **mean(value, spread=0.1), "n_persons": 14, **more}
        for name, value in (("lesion network", 0.5), ("judge", 0.4))
        for kind in ("digital", "all")
        for measure, more in (("view", {"most_frequent": 0.51}), ("Dice", {}))
    ],
}
ADHERENCE = {
    "name": "adherence",
    "command": "adherence",
    "data": DATA,
    "settings": {"threshold": 0.5},
    "runs": [{"n_samples": 60}, {"n_samples": 40}],
    "sides": {"n": 100, "as_requested": 99, "n_dicom": 60, "image_laterality": 60, "patient_orientation": 59},
    "first_try_dice": mean(0.41, n=90, spread=0.05),
    "rows": [
        {
            "network": "judge",
            "kind": "digital",
            "measure": "view",
            "synthetic": mean(0.96, n=100, spread=0.03),
            "acquired": mean(0.98, spread=0.02),
            "ratio": {"mean": 0.98, "low": 0.95, "high": 1.01},
        },
        {
            "network": "judge",
            "kind": "film",
            "measure": "Dice",
            "synthetic": mean(0.45, spread=0.1),
            "acquired": None,
            "ratio": None,
        },
    ],
}


def test_tables_read_as_agreed():
    """The golden file is what model cards show; its diff is to be read when it changes."""
    made = "\n".join(markdown_table(figures) for figures in (RECONSTRUCTION, LESIONS, ADHERENCE))
    assert made == GOLDEN.read_text(encoding="utf-8")


def test_figures_of_an_unknown_command_are_refused():
    with pytest.raises(RequestError, match="not one of reconstruction, spots, lesions, examiners, adherence"):
        markdown_table({"command": "weather"})


def card(tmp_path, *names):
    path = tmp_path / "README.md"
    places = "\n".join(f"<!-- figures:{name} -->\nold \\1 figures\n<!-- /figures:{name} -->\nbetween" for name in names)
    path.write_text(f"# Card\n{places}\nend\n", encoding="utf-8")
    return path


def test_a_card_is_filled_between_its_markers_and_again_to_the_same(tmp_path):
    path = card(tmp_path, "lesions", "reconstruction")
    assert fill_card(path, [RECONSTRUCTION, LESIONS]) == ["reconstruction", "lesions"]
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Card\n<!-- figures:lesions -->\n") and text.endswith("\nbetween\nend\n")
    assert "old" not in text and text.count("between") == 2
    assert text.index(markdown_table(LESIONS)) < text.index(markdown_table(RECONSTRUCTION))
    fill_card(path, RECONSTRUCTION)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(("names", "known"), [(("lesions",), "lesions"), ((), "no figures at all")])
def test_a_card_without_a_place_is_left_alone(tmp_path, names, known):
    path = card(tmp_path, *names)
    before = path.read_bytes()
    with pytest.raises(RequestError, match=f"no single place for figures 'reconstruction': it has places for {known}"):
        fill_card(path, [RECONSTRUCTION])
    assert path.read_bytes() == before


def test_two_places_of_one_name_are_refused(tmp_path):
    with pytest.raises(RequestError, match="no single place"):
        fill_card(card(tmp_path, "lesions", "lesions"), LESIONS)


def test_commands_write_figures_and_fill_a_card(datalist, tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert main(["evaluate", "reconstruction", "--datalist", str(datalist), "--device", "cpu", "--out", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert capsys.readouterr().out == markdown_table(figures)
    path = card(tmp_path, "reconstruction")
    assert main(["evaluate", "card", str(path), str(out)]) == 0
    assert markdown_table(figures) in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--datalist", "no.json"], "datalist no.json is not in"),
        (["--datalist", "{datalist}", "--split", "test"], "split 'test'"),
        (["--datalist", "{datalist}", "--autoencoder", "nowhere"], "bundle 'nowhere'"),
        (["--datalist", "{datalist}", "--device", "tpu"], "device 'tpu'"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_code_2(datalist, tmp_path, capsys, words, sentence):
    words = [word.format(datalist=datalist) for word in words]
    assert main(["evaluate", "reconstruction", *words, "--out", str(tmp_path / "f.json")]) == 2
    shown = capsys.readouterr()
    assert sentence in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert not (tmp_path / "f.json").exists()
