"""A kit from folders to figures: what is written, what is refused, and readers who know or guess."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo import RequestError, reader_kit, reader_kit_analyse
from monai_mammo.cli.main import main
from monai_mammo.evaluation.reader_study.kit_page import display_check


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """24 pictures on either side; one of the acquired ones is flat."""
    rng = np.random.default_rng(0)
    out = []
    for name in ("real", "synthetic"):
        folder = tmp_path_factory.mktemp(name)
        for i in range(24):
            picture = rng.integers(60, 200, (32, 24)).astype(np.uint8)
            picture[:, 20:] = 0
            if name == "real" and i == 3:
                picture[:] = 9
            Image.fromarray(picture).save(folder / f"{name}{i}.png")
        out.append(folder)
    return out


@pytest.fixture(scope="module")
def kit(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("kit") / "out"
    words = ["--real", str(folders[0]), "--synthetic", str(folders[1]), "--pairs", "8", "--ratings", "20", "--quiet"]
    assert main(["reader-kit", str(out), *words]) == 0
    return out, json.loads((out / "key.json").read_text())


def answers(key, reader, *, is_right, display=None):
    """CSV of a reader; `is_right` says of each item whether it is told."""
    seen = display or key["display"]
    rows = ["kit,reader,item,task,answer,seconds,place"]
    rows += [f"{key['kit']},{reader},display-{field},display,{seen[field]},," for field in ("dark", "bright")]
    for place, item in enumerate(key["items"]):
        origins, right = [image["origin"] for image in item["images"]], is_right(place)
        if item["task"] == "pair":
            answer = ("left", "right")[origins.index("synthetic" if right else "acquired")]
        else:
            answer = 5 if (origins[0] == "synthetic") == right else 1
        rows.append(f"{key['kit']},{reader},{item['item']},{item['task']},{answer},1.5,{place}")
    return "\r\n".join(rows) + "\r\n"


def test_what_readers_get_does_not_tell_what_is_acquired(kit):
    out, key = kit
    page = (out / "stick" / "index.html").read_text()
    assert "person_id" not in page and '"origin"' not in page and "real" not in page.split('id="kit">')[1].split("<")[0]
    assert "http:" not in page and "https:" not in page and "default-src 'none'" in page
    files = [image["file"] for item in key["items"] for image in item["images"]]
    assert sorted(files) == sorted(path.name for path in (out / "stick" / "images").iterdir())
    assert len(set(files)) == 8 * 2 + 20
    sources = [image["image_id"] for item in key["items"] for image in item["images"]]
    assert len(set(sources)) == len(sources) and "real3.png" not in sources, "no image twice, no flat one"
    lefts = [item["images"][0]["origin"] for item in key["items"] if item["task"] == "pair"]
    assert lefts.count("acquired") == 4
    rated = [item["images"][0]["origin"] for item in key["items"] if item["task"] == "rating"]
    assert rated.count("synthetic") == 10
    about = {Image.open(out / "stick" / "images" / name).text["Description"] for name in files}
    assert about == {"Image of a reader study, acquired or synthetic; not for diagnosis"}


def test_the_same_call_changes_nothing_and_another_loses_no_key(kit, folders):
    out, key = kit
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = reader_kit(out, real=folders[0], synthetic=folders[1], pairs=8, ratings=20)
    assert again == key and all(path.read_bytes() == data for path, data in before.items())
    with pytest.raises(RequestError, match="holds another kit, whose key would be lost"):
        reader_kit(out, real=folders[0], synthetic=folders[1], pairs=8, ratings=20, seed=1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"pairs": 3}, "pairs 3 say nothing"),
        ({"ratings": 11}, "ratings 11 are not 0 or an even number"),
        ({"pairs": 0, "ratings": 0}, "both are 0"),
        ({"pairs": 20}, "there are 23"),
        ({"real": "SYNTHETIC"}, "is pixel for pixel image"),
        ({"real": "nowhere"}, "is not a run, a prepared folder or a folder of pictures"),
        ({"seed": "x"}, "seed 'x' is not a whole number"),
    ],
)
def test_what_gives_no_study_is_said(folders, tmp_path, words, sentence):
    asked = {"real": folders[0], "synthetic": folders[1], "pairs": 5, "ratings": 10} | words
    if asked["real"] == "SYNTHETIC":
        asked["real"] = folders[1]
    with pytest.raises(RequestError, match=sentence):
        reader_kit(tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


def test_readers_who_know_and_readers_who_guess(kit, tmp_path, capsys):
    out, key = kit
    rng = np.random.default_rng(4)
    paths = []
    for reader, share in (("A", 1.0), ("B", 0.8), ("C", 0.9)):
        told = rng.random(len(key["items"])) < share
        paths.append(tmp_path / f"{reader}.csv")
        seen = {"dark": 0, "bright": 0} if reader == "B" else None
        paths[-1].write_text(answers(key, reader, is_right=lambda i, t=told: t[i], display=seen))
    paths[2].write_text("\ufeff" + paths[2].read_text().replace(",", ";"))  # as a spreadsheet may save it
    assert main(["reader-kit", "analyse", str(out), *map(str, paths), "--out", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    areas = {row["reader"]: row["area"]["value"] for row in figures["rating"]["readers"]}
    assert areas["A"] == 1.0 and 0.5 < areas["B"] < 1.0
    mean = figures["rating"]["mean"]
    assert mean["holds_for"] == "other readers and cases" and 0.5 < mean["low"] < mean["value"] < mean["high"] <= 1.0
    assert (
        figures["pair"]["readers"][0]["share"]["value"] == 1.0 and figures["pair"]["readers"][0]["share"]["low"] < 0.8
    )
    assert figures["notes"] == ["The display of reader B did not show all grey steps."]
    said = capsys.readouterr().out
    assert (
        said.startswith("In images rated alone, 3 readers told synthetic from acquired images") and "| mean |" in said
    )
    card = tmp_path / "card.md"
    card.write_text("Read.\n<!-- figures:reader-study -->\nEARLIER\n<!-- /figures:reader-study -->\n")
    assert main(["evaluate", "card", str(card), str(tmp_path / "figures.json")]) == 0
    assert (
        figures["sentence"] in card.read_text() and "| mean |" in card.read_text() and "EARLIER" not in card.read_text()
    )
    lone = tmp_path / "lone.csv"
    lone.write_text(answers(key, "D", is_right=lambda place: place % 2 == 0))
    alone = reader_kit_analyse(out, [lone])
    assert "1 reader was not shown to tell" in alone["sentence"]
    assert alone["rating"]["agreement"] is None and alone["notes"] == [
        "One reader: intervals say nothing of other readers."
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text, kit: text.replace(kit, "kit-0"), "line 2 is of 'kit-0', and this kit is"),
        (lambda text, kit: "\r\n".join(text.split("\r\n")[:-3]) + "\r\n", "lacks 2 of 28 answers"),
        (lambda text, kit: text.replace(",rating,5", ",rating,6"), "answer '6' is not one of 1, 2, 3, 4, 5"),
        (lambda text, kit: text + text.split("\r\n")[-2] + "\r\n", "a second time"),
        (lambda text, kit: text.replace("p001", "p999"), "answers 'p999', which is not in the kit"),
        (lambda text, kit: text.replace("answer", "said"), "it has no column answer"),
        (lambda text, kit: "", "is not a table of answers"),
        (lambda text, kit: text.replace(f"{kit},A,p002", f"{kit},B,p002"), "answers of 2 readers"),
    ],
)
def test_answers_that_do_not_fit_are_said(kit, tmp_path, capsys, change, sentence):
    out, key = kit
    path = tmp_path / "a.csv"
    path.write_bytes(change(answers(key, "A", is_right=lambda place: True), key["kit"]).encode())
    assert main(["reader-kit", "analyse", str(out), str(path)]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_two_files_of_one_reader_and_a_kit_without_key_are_said(kit, tmp_path):
    out, key = kit
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(answers(key, "A", is_right=lambda place: True))
    with pytest.raises(RequestError, match="are both of reader A"):
        reader_kit_analyse(out, [tmp_path / "a.csv", tmp_path / "b.csv"])
    with pytest.raises(RequestError, match="holds no key.json"):
        reader_kit_analyse(out / "stick", [tmp_path / "a.csv"])


def test_the_display_check_has_the_squares_that_are_counted():
    from scipy.ndimage import label

    picture = display_check(dark=3, bright=6)
    assert label(picture[80:, :360] > 0)[1] == 3 and label(picture[80:, 360:] < 255)[1] == 6
    assert np.unique(picture[:80]).size == 18
