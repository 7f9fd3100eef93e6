"""Metadata and configs of any JSON shape are one sentence, never a traceback. Needs no torch."""

from __future__ import annotations

import json

import pytest
from json_places import places, replaced

from monai_mammo.bundle import DETAIL, BundleFolder
from monai_mammo.errors import MammoError

METADATA = {
    "version": "0.1.0",
    "weights_sha256": {"models/model.pt": "a" * 64},
    "prepared_shape": [64, 48],
    "nominal_spacing_mm": 0.9,
    "guidance": 1.5,
    "support": {
        "columns": ["kind", "density", "view", "finding", "birads", "images", "persons"],
        "rows": [["digital", "C", "MLO", "mass", 5, 40, 25]],
    },
}
INFERENCE = {"channels": [8], "network_def": {"_target_": "a.Network", "channels": "@channels", "n": 1}}
OTHERS = (
    None,
    True,
    0,
    -1,
    10**400,
    0.5,
    float("inf"),
    "",
    "x",
    "@x",
    "@network_def",
    "$1",
    [],
    [0],
    {},
    {"x": 0},
    [[]],
)


def read_all(root) -> None:
    """All that a bundle says of itself, each in turn."""
    readings = (
        lambda folder: folder.version,
        lambda folder: folder.weights_sha256,
        lambda folder: folder.prepared_shape,
        lambda folder: folder.nominal_spacing_mm,
        lambda folder: folder.support,
        lambda folder: folder.number("guidance", 2.0),
        lambda folder: folder.network_definition(),
        lambda folder: folder.defines(DETAIL),
    )
    for reading in readings:
        try:
            reading(BundleFolder(root))
        except MammoError as error:
            assert "\n" not in str(error)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "metadata.json").write_text(json.dumps(METADATA))
    (tmp_path / "configs" / "inference.json").write_text(json.dumps(INFERENCE))
    return tmp_path


@pytest.mark.parametrize(("name", "values"), [("metadata", METADATA), ("inference", INFERENCE)])
def test_every_value_of_another_type_is_one_sentence(root, name, values):
    n_read = 0
    for path in places(values):
        for other in OTHERS:
            (root / "configs" / f"{name}.json").write_text(json.dumps(replaced(values, path, other)))
            read_all(root)
            n_read += 1
    assert n_read > 100


def test_a_file_nested_deep_is_one_sentence(root):
    (root / "configs" / "metadata.json").write_text("[" * 100_000)
    with pytest.raises(MammoError, match=r"metadata\.json can ?not be read"):
        _ = BundleFolder(root).version


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("prepared_shape", [64], r"states prepared_shape as \[64\]: it must be two whole numbers"),
        ("nominal_spacing_mm", -1, "it must be a number above 0"),
        ("guidance", "much", "states guidance as 'much': it must be a number"),
        ("weights_sha256", [1], "it must be the sha256 of each weight file by its path"),
    ],
)
def test_the_sentence_names_the_key_and_what_is_allowed(root, key, value, sentence):
    (root / "configs" / "metadata.json").write_text(json.dumps({**METADATA, key: value}))
    folder = BundleFolder(root)
    with pytest.raises(MammoError, match=sentence):
        _ = folder.prepared_shape, folder.nominal_spacing_mm, folder.number("guidance"), folder.weights_sha256
