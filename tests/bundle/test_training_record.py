"""What had a part in a training is written beside its weights, stated by the bundle, and believed of no other file."""

from __future__ import annotations

import json

import pytest

from monai_mammo.bundle import BundleFolder, PartInTraining, put_weights, seal, write_trained_with
from monai_mammo.bundle.training_record import (
    forget_parts,
    note_part,
    note_start,
    parts_noted,
    record_of,
    write_record,
)
from monai_mammo.errors import MammoError
from monai_mammo.generation.runs.checked_weights import checked_weights

JUDGE = PartInTraining("examiners", "0.4.0", "models/judge.pt", "ab" * 32)


@pytest.fixture(autouse=True)
def _nothing_noted():
    before = parts_noted()
    forget_parts()
    yield
    forget_parts()
    for part in before:
        note_part(part)


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "generator"
    for folder in ("configs", "models"):
        (root / folder).mkdir(parents=True)
    network = {"_target_": "monai_mammo.networks.LayoutUNet", "channels": [8]}
    for name, content in {"metadata": {"version": "1.0.0"}, "train": {"network_def": network}}.items():
        (root / "configs" / f"{name}.json").write_text(json.dumps(content))
    (root / "configs" / "inference.json").write_text(json.dumps({"network_def": network}))
    (root / "models" / "model.onnx").write_bytes(b"shipped")
    return seal(root)


def test_trained_weights_bring_their_record_into_the_bundle(home, tmp_path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"trained")
    put = put_weights(home, weights)
    assert put.trained_with == {}, "nothing was written beside them"
    write_record(weights, [JUDGE, JUDGE])
    assert record_of(weights) == (JUDGE,)
    put = put_weights(home, weights)
    assert [PartInTraining(**one) for one in put.trained_with["models/model.pt"]] == [JUDGE]


def test_a_record_of_other_weights_says_nothing(home, tmp_path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"trained")
    write_record(weights, [JUDGE])
    weights.write_bytes(b"trained again, elsewhere")
    assert record_of(weights) is None
    stated = write_trained_with(home, "models/model.onnx", [JUDGE])
    assert set(stated.trained_with) == {"models/model.onnx"}
    (home.root / "models" / "model.onnx").write_bytes(b"exchanged")
    assert seal(stated).trained_with == {}


def test_none_is_another_thing_than_not_known(home):
    assert home.trained_with == {}
    assert write_trained_with(home, "models/model.onnx", []).trained_with == {"models/model.onnx": []}
    with pytest.raises(MammoError, match="states no weights models/other.pt"):
        write_trained_with(home, "models/other.pt", [])


def test_what_begins_from_weights_inherits_their_record(home):
    write_trained_with(home, "models/model.onnx", [JUDGE])
    note_start(home.root / "models" / "model.onnx")
    begun = PartInTraining.of(BundleFolder(home.root), "models/model.onnx")
    assert parts_noted() == tuple(sorted([begun, JUDGE]))
    forget_parts()
    (home.root / "models" / "model.onnx").write_bytes(b"exchanged")
    note_start(home.root / "models" / "model.onnx")
    assert [part.name for part in parts_noted()] == [""], "of another file nothing is known but its hash"


@pytest.mark.parametrize(
    "stated",
    [["x"], {"models/model.onnx": []}, {"models/model.onnx": {"sha256": "a", "networks": [{"name": "x"}]}}],
    ids=["a list", "no hash", "half a network"],
)
def test_a_statement_of_another_form_is_refused(home, stated):
    with pytest.raises(MammoError, match="states trained_with as .*: it must be for each weight file its sha256"):
        _ = seal(home, trained_with=stated).trained_with


def test_a_damaged_record_is_told(tmp_path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"trained")
    write_record(weights, [JUDGE]).write_text("{}")
    with pytest.raises(MammoError, match="model.trained_with.json is damaged and not the record of a training"):
        record_of(weights)


def test_a_run_states_what_its_weights_were_trained_with(home):
    (unknown,) = checked_weights([(home, "models/model.onnx", "generator")])
    assert unknown.trained_with is None
    stated = write_trained_with(home, "models/model.onnx", [JUDGE])
    (known,) = checked_weights([(stated, "models/model.onnx", "generator")])
    assert known.trained_with == (JUDGE.sha256,)
