"""Counts of support written into metadata and model card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_mammo.bundle import write_metrics, write_support
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError

ITEMS = [
    {"person_id": "a", "conditions": {"kind": "film", "density": "B", "view": "CC", "finding": "mass", "birads": 4}},
    {"person_id": "a", "conditions": {"kind": "film", "density": "B", "view": "CC", "finding": "mass", "birads": 5}},
    {"person_id": "b", "conditions": {"kind": "film", "density": "B", "view": "CC", "finding": "mass", "birads": 5}},
    {"person_id": "b", "conditions": {"kind": "contrast", "view": "MLO", "finding": "none"}},
]


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("configs", "docs", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "configs" / "metadata.json").write_text(json.dumps({"version": "0.1.0"}), encoding="utf-8")
    card = "# A\n<!-- figures:support -->\nold\n<!-- /figures:support -->\nend\n"
    (tmp_path / "docs" / "README.md").write_text(card, encoding="utf-8")
    return tmp_path


def test_a_person_in_two_categories_counts_once_in_the_card(root):
    write_support(root, ITEMS)
    card = (root / "docs" / "README.md").read_text(encoding="utf-8")
    assert "| film | B | CC | mass | 3 | 2 |" in card
    assert "| contrast | unknown | MLO | none | 1 | 1 |" in card
    assert "old" not in card and card.startswith("# A\n") and card.endswith("-->\nend\n")


def test_the_metadata_keep_the_categories(root):
    support = write_support(root, ITEMS).support
    asked = Conditions(kind="film", density="B", view="CC", finding="mass", birads=5)
    assert (support.images(asked), support.persons(asked)) == (2, 2)
    assert support.images(asked.replace(birads=4)) == 1


def test_writing_again_changes_nothing(root):
    write_support(root, ITEMS)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    write_support(root, ITEMS)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("card", ["", "# A", "<!-- figures:support -->\n<!-- /figures:support -->\n" * 2])
def test_a_card_without_a_single_place_is_refused_and_nothing_is_written(root, card):
    (root / "docs" / "README.md").write_text(card, encoding="utf-8")
    with pytest.raises(MammoError, match="figures:support"):
        write_support(root, ITEMS)
    assert json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8")) == {"version": "0.1.0"}


def test_measured_means_become_metrics_by_name(root):
    reconstruction = {
        "name": "reconstruction",
        "rows": [{"kind": "film", "region": "breast", "psnr": {"mean": 39.2, "low": 39.0, "high": 39.5, "n": 157}}],
    }
    lesions = {"name": "lesions", "rows": [{"network": "judge", "kind": "all", "mean": 0.5, "n": 43}]}
    metrics = write_metrics(root, reconstruction, lesions).metadata["eval_metrics"]
    assert metrics == {"reconstruction film breast psnr": 39.2, "lesions judge all": 0.5}
    with pytest.raises(MammoError, match="no measured figure"):
        write_metrics(root, {"name": "x", "rows": [{"kind": "film", "psnr": None}]})
