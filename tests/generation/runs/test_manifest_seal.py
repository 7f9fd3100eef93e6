"""Nothing in a manifest changes without notice."""

from __future__ import annotations

import copy
import json

import pytest

from monai_mammo.generation.runs.manifest import MANIFEST, Manifest
from monai_mammo.generation.runs.manifest_seal import broken_seals, sealed

VALUES = {
    "version": 1,
    "synthetic": "Synthetic images",
    "run_sha256": "ab" * 32,
    "guidance": 1.5,
    "spacing_mm": 0.9,
    "request": {"count": 3, "seed": 7},
    "weights": [{"name": "a", "sha256": "c" * 64}],
    "warnings": [],
    "files": {"datalist.json": "d" * 64},
    "is_complete": True,
    "samples": [
        {"index": i, "tries": [{"dice": 0.5}], "warnings": [], "files": {"a.png": str(i) * 64}} for i in range(3)
    ],
}


def test_what_was_sealed_is_whole_after_a_file():
    assert list(broken_seals(json.loads(json.dumps(sealed(VALUES))))) == []
    assert list(broken_seals(sealed(sealed(VALUES)))) == []


@pytest.mark.parametrize(
    "path", ["synthetic", "guidance", "spacing_mm", "request.seed", "weights.0.sha256", "warnings", "files"]
)
def test_a_change_of_the_head_is_noticed(path):
    values = sealed(VALUES)
    *parents, last = path.split(".")
    place = values
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[last] = "other"
    (sentence,) = broken_seals(values)
    assert sentence.startswith("manifest.json was changed")


@pytest.mark.parametrize("name", ["tries", "warnings", "files"])
def test_a_change_of_an_entry_names_the_sample(name):
    values = sealed(VALUES)
    values["samples"][1][name] = []
    if name == "warnings":
        values["samples"][1][name] = ["made up"]
    assert [s for s in broken_seals(values) if s.startswith("sample")] == [
        "sample 1: its entry in manifest.json was changed since the run wrote it"
    ]


def test_an_entry_left_out_or_swapped_breaks_the_chain():
    values = sealed(VALUES)
    shorter = copy.deepcopy(values)
    del shorter["samples"][1]
    assert any(s.startswith("sample 2") for s in broken_seals(shorter))
    values["samples"][0], values["samples"][1] = values["samples"][1], values["samples"][0]
    assert len(list(broken_seals(values))) > 2


def test_a_manifest_without_hashes_was_changed(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps(VALUES))
    assert len(Manifest.load(tmp_path).changes) == 4
    Manifest.load(tmp_path).save()
    assert Manifest.load(tmp_path).changes == ()
