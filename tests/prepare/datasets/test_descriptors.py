"""Published words for shape, margin and calcifications, as conditions of an image."""

from __future__ import annotations

import csv
import json

import pytest

from monai_mammo.prepare import relabel
from monai_mammo.prepare.datasets import table
from monai_mammo.prepare.datasets.descriptors import described_lesions, described_report, described_words
from monai_mammo.prepare.entry import Entry
from monai_mammo.terms import FindingCategory


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("lesion_shape", "LOBULATED", "oval"),
        ("lesion_shape", "IRREGULAR-ARCHITECTURAL_DISTORTION", "irregular"),
        ("lesion_shape", "ROUND-OVAL", "round"),
        ("lesion_shape", "OVAL|LOBULATED|OVAL", "oval"),
        ("lesion_shape", "OVAL|IRREGULAR", None),
        ("lesion_shape", "OVAL|N/A", None),
        ("lesion_shape", "LYMPH_NODE", None),
        ("lesion_shape", "SPIC", None),  # a class of mini-MIAS
        ("lesion_shape", "OVAL|SPIC", None),
        ("lesion_margin", "CIRCUMSCRIBED-ILL_DEFINED", "indistinct"),
        ("lesion_margin", "OBSCURED-ILL_DEFINED-SPICULATED", "spiculated"),
        ("lesion_margin", "SPICULATED|SPICULATED", "spiculated"),
        ("lesion_margin", "CIRCUMSCRIBED|SPICULATED", None),
        ("lesion_margin", "N/A", None),
        ("calc_type", "PUNCTATE-PLEOMORPHIC", "fine_pleomorphic"),
        ("calc_distribution", "CLUSTERED", "grouped"),
    ],
)
def test_words_of_one_lesion_and_of_several(name, words, expected):
    assert described_words(words, name=name) == expected


def test_masses_and_calcifications_of_one_view_each_have_their_own():
    mass = ([FindingCategory.MASS], {"shape": ["OVAL"], "margin": ["ILL_DEFINED"], "subtlety": ["4"]})
    calcification = ([FindingCategory.CALCIFICATION], {"type": ["PLEOMORPHIC"], "subtlety": ["4"]})
    expected = {"lesion_shape": "oval", "lesion_margin": "indistinct", "calc_type": "fine_pleomorphic", "subtlety": 4}
    assert described_lesions([mass, calcification]) == expected
    assert "subtlety" not in described_lesions([mass, (mass[0], {**mass[1], "subtlety": ["2"]})])
    assert "subtlety" not in described_lesions([(mass[0], {"subtlety": ["0"]})])  # published for "not rated"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("High density mass with speculated margin. malignant mass, speculated", {"lesion_margin": "spiculated"}),
        ("Irregular heterogenously enhancing mass", {"lesion_shape": "irregular"}),
        ("Multiple equal density masses with circumscribed margin$Benign", {"lesion_margin": "circumscribed"}),
        ("Segmental non mass enhancement", {}),
        ("No mass or non mass enhancement", {}),
        (
            "High density mass with indistinct margin and overlying segmental microcalcification",
            {"lesion_margin": "indistinct", "calc_distribution": "segmental"},
        ),
    ],
)
def test_words_of_a_report(text, expected):
    assert described_report(text) == expected


def write_table(folder, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with open(folder / "metadata.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "person_id", *columns])
        writer.writeheader()
        writer.writerows({"file": f"{row['image_id']}.png", "person_id": "p", **row} for row in rows)
    return folder


BOX = {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}
ROWS = [
    {"image_id": "a", "finding": "mass", "shape_published": "LOBULATED", "margin_published": "ILL_DEFINED"},
    {"image_id": "b", "finding": "mass", "lesion_shape": "round", "shape_published": "OVAL", "subtlety": "2"},
    {"image_id": "c", "finding": "mass", "boxes": json.dumps([BOX] * 12), "findings_published": "spiculated mass"},
    {"image_id": "d", "finding": "none", "findings_published": "No mass", "tags_published": "normal"},
    {"image_id": "e", "finding": "mass", "boxes": json.dumps([BOX]), "n_findings": "3"},
]
EXPECTED = {
    "a": {"lesion_shape": "oval", "lesion_margin": "indistinct"},
    "b": {"lesion_shape": "round", "subtlety": 2},
    "c": {"lesion_margin": "spiculated", "n_findings": 10},
    "d": {},
    "e": {"n_findings": 3},
}


def test_a_table_gives_them_by_its_own_columns_first_and_then_by_published_words(tmp_path):
    found = {entry.image_id: entry.conditions.to_dict() for entry in table.entries(write_table(tmp_path, ROWS))}
    for values in found.values():
        del values["finding"]
    assert found == EXPECTED


def test_a_wrong_word_costs_its_line_alone(tmp_path):
    rows = [{**ROWS[0], "lesion_shape": "square"}, ROWS[1]]
    wrong, right = table.entries(write_table(tmp_path, rows))
    assert "lesion_shape 'square' in metadata.csv line 2 is not one of oval" in wrong.detail
    assert isinstance(right, Entry)


def test_labels_are_made_anew_and_places_stay(tmp_path):
    item = {"image_id": "a", "image": "images/a.npy", "conditions": {"finding": "mass", "box": [0.1, 0.2, 0.3, 0.4]}}
    other = {"image_id": "z", "image": "images/z.npy", "conditions": {"finding": "none"}}
    content = {"version": 2, "training": [item, other], "validation": [], "test": [], "external": []}
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    assert relabel(tmp_path / "datalist.json", write_table(tmp_path, ROWS), out=tmp_path / "new.json") == 1
    made = json.loads((tmp_path / "new.json").read_text())
    assert made["training"][0]["conditions"] == {"finding": "mass", **EXPECTED["a"], "box": [0.1, 0.2, 0.3, 0.4]}
    assert made["training"][1] == other and {**made["training"][0], "conditions": item["conditions"]} == item
