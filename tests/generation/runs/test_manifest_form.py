"""A manifest of any JSON shape is one sentence or a report, never a traceback."""

from __future__ import annotations

import json
import shutil

import pytest
from drawn_runs import draw_run
from json_places import places, replaced, without

from monai_mammo.errors import MammoError
from monai_mammo.generation import verify
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.runs.manifest_form import check_manifest
from monai_mammo.generation.runs.manifest_seal import sealed

OTHERS = (None, True, 0, -1, 10**30, 0.5, 1e308, "", "x", "../x", "a" * 5000, [], [0], {}, {"x": 0}, [[]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return draw_run(tmp_path_factory.mktemp("form") / "run", count=1).folder


def test_what_a_run_writes_is_of_the_form(run):
    check_manifest(json.loads((run / "manifest.json").read_text()))


def test_every_value_of_another_type_is_a_sentence_or_is_seen_by_verify(run, tmp_path):
    """Each value in turn becomes each of `OTHERS`, or is left out; what the form allows goes through `verify`."""
    values = json.loads((run / "manifest.json").read_text())
    folder = shutil.copytree(run, tmp_path / "run")
    n_refused = n_verified = 0
    for path in places(values):
        mutants = [replaced(values, path, other) for other in OTHERS] + ([without(values, path)] if path else [])
        allowed = []
        for mutant in mutants:
            try:
                check_manifest(mutant)
                allowed.append(mutant)
            except ValueError as error:
                assert str(error) and "\n" not in str(error)
                n_refused += 1
        for mutant in allowed[:: max(1, len(allowed) - 1)]:  # the first and the last
            (folder / "manifest.json").write_text(json.dumps(sealed(mutant)))
            try:
                verify(folder)
            except MammoError as error:
                assert "\n" not in str(error)
            n_verified += 1
    assert n_refused > 500 and n_verified > 50


@pytest.mark.parametrize(
    ("path", "other", "sentence"),
    [
        (("guidance",), "much", "guidance must be a number"),
        (("request", "count"), 0, "request.count must be a whole number from 1"),
        (("samples", 0, "tries"), [], r"samples\[0\].tries must be a list of 1 values or more"),
        (("samples", 0, "kept_try"), 1, r"kept_try must be one of its 1 tries"),
        (("samples", 0, "conditions", "view"), "XX", r"conditions must be conditions: view 'XX' is not one of"),
        (("files",), {"a" * 300: "0"}, "files must name files of its own folder, not 'aaa"),
        (("files",), {"../secret": "0"}, "files must name files of its own folder, not '../secret'"),
    ],
)
def test_the_sentence_names_the_place_and_what_is_allowed(run, tmp_path, path, other, sentence):
    values = json.loads((run / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(replaced(values, path, other)))
    with pytest.raises(MammoError, match=f"cannot be read as the manifest of a run: .*{sentence}"):
        Manifest.load(tmp_path, is_strict=True)
