"""Several generators in one table: each column holds its own figures, beside the same acquired images."""

from __future__ import annotations

import json

import pytest
from stated_figures import mean

from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.comparison import comparison_figures
from monai_mammo.evaluation.tables import markdown_table

DATA = {"split": "validation", "n_images": 251, "n_persons": 120, "sources": ["CBIS-DDSM"], "datalist_sha256": "ab"}
WEIGHTS = [{"name": "mammo_vae", "version": "0.1.0", "sha256": "cd"}]


def realism(
    ridge: float, frechet: float, *, control: float = 0.4, n_persons: int = 120, acquired: float = 11.0
) -> dict:
    def value(number):
        return {"value": number, "low": number - 0.1, "high": number + 0.1, "n": 60}

    share = {"mean": ridge, "low": ridge - 0.1, "high": ridge + 0.1}
    kinds, control_share = ("film", "all"), {"mean": 1.0, "low": 0.9, "high": 1.1}
    measure = {"measure": "ridge length", "synthetic": mean(8.0, n=41), "acquired": mean(acquired), "share": share}
    return {
        "name": "realism",
        "command": "realism",
        "data": {"synthetic": "run", "split": "validation"},
        "measures": [{"kind": kind, **measure, "control_share": control_share} for kind in kinds],
        "frechet": [
            {"kind": kind, "features": "last layer", "synthetic": value(frechet + i), "control": value(control)}
            for i, kind in enumerate(reversed(kinds))
        ],
        "auc": [
            {"kind": "all", "size": "half", "features": "radiomic", "synthetic": value(0.8), "control": value(0.5)},
        ],
        "settings": {
            "shape": [64, 48],
            "sizes": {"half": [32, 24]},
            "n_images": {"reference": 251},
            "n_persons": {"reference": n_persons},
        },
    }


def entries(*words: str) -> list[str]:
    """Table entries of ``value low high`` and, for generated images, ``n``."""
    parts = [word.split() for word in words]
    return [f"{value} ({low} to {high})" + "".join(f", n {one}" for one in n) for value, low, high, *n in parts]


def adherence(dice: float, **more) -> dict:
    row = {"network": "judge", "measure": "Dice", "kind": "all", "synthetic": mean(dice, n=54), "acquired": mean(0.4)}
    runs = [{"n_samples": 60, "weights": WEIGHTS}]
    return {"name": "adherence", "command": "adherence", "data": {**DATA, **more}, "runs": runs, "rows": [row]}


def texture(power: float) -> dict:
    rows = [{"kind": "film", "measure": "1/4 to 1/2", "acquired": mean(-40.0), "generated": mean(power, n=41)}]
    return {"name": "texture", "command": "texture", "data": DATA, "rows": rows}


@pytest.fixture
def files(tmp_path):
    def write(**figures):
        words = []
        for place, values in figures.items():
            path = tmp_path / f"{place}.json"
            path.write_text(json.dumps(values), encoding="utf-8")
            words.append(f"{place.partition('__')[0]}={path}")
        return words

    return write


def test_each_generator_has_its_column_and_acquired_images_theirs(files, tmp_path, capsys):
    words = files(
        ours__1=realism(0.7, 0.6),
        vae__1=realism(0.2, 1.9),
        ours__2=texture(-1.6),
        vae__2=texture(-9.0),
        ours__3=adherence(0.37),
        vae__3=adherence(0.71),
    )
    assert main(["evaluate", "compare", *words, "--out", str(tmp_path / "comparison.json")]) == 0
    shown = capsys.readouterr().out
    figures = json.loads((tmp_path / "comparison.json").read_text())
    assert shown == markdown_table(figures) == markdown_table(comparison_figures(words))
    assert [tuple(line.strip("| ").split(" | ")) for line in shown.splitlines()[2:]] == [
        ("measure", "kind", "acquired", "ours", "vae"),
        ("---",) * 5,
        (
            "ridge length, share of acquired",
            "film",
            *entries("1.00 0.90 1.10", "0.70 0.60 0.80 41", "0.20 0.10 0.30 41"),
        ),
        ("Fréchet distance, last layer", "all", *entries("0.40 0.30 0.50", "0.60 0.50 0.70 60", "1.90 1.80 2.00 60")),
        (
            "area under the curve, radiomic, 32 x 24",
            "all",
            *entries("0.50 0.40 0.60", "0.80 0.70 0.90 60", "0.80 0.70 0.90 60"),
        ),
        (
            "power 1/4 to 1/2, generated less acquired, dB",
            "film",
            "–",
            *entries("-1.60 -2.10 -1.10 41", "-9.00 -9.50 -8.50 41"),
        ),
        ("Dice, read by judge", "all", *entries("0.40 -0.10 0.90", "0.37 -0.13 0.87 54", "0.71 0.21 1.21 54")),
    ]
    assert "vae: mammo_vae 0.1.0." in shown


def test_controls_that_differ_stand_side_by_side(files):
    figures = comparison_figures(files(ours=realism(0.7, 0.6), vae=realism(0.2, 1.9, control=0.3)))
    row = next(row for row in figures["rows"] if row["measure"].startswith("Fréchet"))
    assert [one["value"] for one in row["acquired"]] == [0.4, 0.3]
    assert "| 0.40 (0.30 to 0.50); 0.30 (0.20 to 0.40) |" in markdown_table(figures)


def test_a_figure_that_one_generator_lacks_is_left_open(files):
    other = adherence(0.5)
    other["rows"][0]["network"] = "lesion network"
    figures = comparison_figures(files(ours=adherence(0.4), vae=other))
    assert [[one and one["mean"] for one in row["generated"]] for row in figures["rows"]] == [[0.4, None], [None, 0.5]]


def test_a_generator_without_a_file_of_a_command_has_an_open_column(files):
    """A generator that is told nothing has no adherence."""
    words = files(ours__1=adherence(0.4), ours__2=texture(-1.0), vae=texture(-9.0))
    lines = markdown_table(comparison_figures(words)).splitlines()[-2:]
    assert [line.strip("| ").split(" | ")[-2:] for line in lines] == [
        entries("-1.00 -1.50 -0.50 41", "-9.00 -9.50 -8.50 41"),
        [*entries("0.40 -0.10 0.90 54"), "–"],
    ]


def test_what_a_single_image_shows_is_left_out(files):
    single = adherence(0.5)
    single["rows"][0]["synthetic"] = {"mean": 0.5, "low": None, "high": None, "n": 1}
    shown = markdown_table(comparison_figures(files(ours=adherence(0.4), vae=single)))
    assert shown.splitlines()[-1].endswith("0.40 (-0.10 to 0.90), n 54 | – |")


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"ours": realism(1, 1), "vae": realism(1, 1, n_persons=119)}, "ours and vae are of different acquired"),
        (
            {"ours": adherence(1), "vae": adherence(1, datalist_sha256="ef")},
            "ours and vae are of different acquired",
        ),
        ({"ours__1": texture(1), "ours__2": texture(1)}, "generator ours has two files of texture, the second is"),
        ({"ours": {"name": "spots", "command": "spots"}}, "of command 'spots', not one of realism, texture, adherence"),
        ({"ours": {"command": "realism"}}, "are not of this program"),
        ({"ours": {**texture(1), "rows": [{"kind": 3}]}}, "a row lacks what is compared"),
        ({"ours": {**realism(1, 1), "frechet": 7}}, "a row lacks what is compared"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(files, figures, sentence):
    with pytest.raises(RequestError, match=sentence):
        comparison_figures(files(**figures))


def test_a_file_without_a_name_is_refused(tmp_path, capsys):
    assert main(["evaluate", "compare", str(tmp_path / "realism.json")]) == 2
    assert "are not NAME=FIGURES.json" in capsys.readouterr().err


def report(coverage: float | None, *, n_persons: int = 120) -> dict:
    beside = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 60}
    figure = None if coverage is None else {**beside, "value": coverage}
    reference = {"name": "prepared", "split": "validation", "n_images": 251, "n_persons": n_persons}
    row = {"title": "coverage", "figure": figure, "beside": beside}
    sentence = {"title": "words alone", "figure": None, "beside": None}
    return {"name": "report", "command": "report", "reference": reference, "verdicts": [row, sentence]}


def test_reports_of_any_folders_stand_side_by_side(files):
    figures = comparison_figures(files(ours=report(0.7), theirs=report(0.2), unread=report(None)))
    (row,) = figures["rows"]
    assert [one and one["value"] for one in row["generated"]] == [0.7, 0.2, None]
    assert [one["value"] for one in row["acquired"]] == [0.8]
    with pytest.raises(RequestError, match="report of ours and theirs are of different acquired images"):
        comparison_figures(files(ours=report(0.7), theirs=report(0.2, n_persons=7)))
