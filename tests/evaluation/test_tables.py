"""Tables of figures, and model cards that carry them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stated_figures import ADHERENCE, LESIONS, RECONSTRUCTION

from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.cards import fill_card
from monai_mammo.evaluation.tables import markdown_table

GOLDEN = Path(__file__).with_name("golden_tables.md")


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
