"""Finding, opening and checking bundles on disk."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import monai_mammo
from monai_mammo.bundle import BundleFolder, find, list_bundles, notice, put_weights, root, seal, support_rows
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError

NETWORK = {"_target_": "monai_mammo.networks.Net", "channels": [8, "@width"], "n_blocks": "@sizes#n", "_desc_": "x"}


def make(folder: Path, *, inference: object = None, **metadata) -> BundleFolder:
    """A small bundle with a weight file that is a zip, as torch.save writes it."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    with zipfile.ZipFile(folder / "models" / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", bytes(range(256)) * 20)
    digest = hashlib.sha256((folder / "models" / "model.pt").read_bytes()).hexdigest()
    stated = {"version": "0.2.0", "weights_sha256": {"models/model.pt": digest}} | metadata
    (folder / "configs" / "metadata.json").write_text(json.dumps(stated), encoding="utf-8")
    config = {"width": 16, "sizes": {"n": 2}, "network_def": NETWORK} if inference is None else inference
    (folder / "configs" / "inference.json").write_text(json.dumps(config), encoding="utf-8")
    return BundleFolder(folder)


@pytest.fixture
def folder(tmp_path) -> BundleFolder:
    return make(tmp_path / "mammo_small")


def test_reads_what_it_states(folder):
    assert (folder.name, folder.version) == ("mammo_small", "0.2.0")
    assert folder.check_weights() == folder.root / "models" / "model.pt"


def test_prepared_shape_and_spacing_come_from_the_metadata(tmp_path):
    bundle = make(tmp_path / "b", prepared_shape=[320, 240], nominal_spacing_mm=0.5)
    assert bundle.prepared_shape == (320, 240)
    assert bundle.nominal_spacing_mm == 0.5


def test_the_network_is_read_without_monai(folder):
    target, arguments = folder.network_definition()
    assert target == "monai_mammo.networks.Net"
    assert arguments == {"channels": [8, 16], "n_blocks": 2}


@pytest.mark.parametrize(
    "network, names",
    [
        ({"_target_": "a.B", "n": "$2 + 2"}, "'$2 + 2'"),
        ({"_target_": "a.B", "n": "@width * 2"}, "'@width * 2'"),
        ({"_target_": "a.B", "n": "%other.json"}, "'%other.json'"),
        ({"_target_": "a.B", "n": "@nothing"}, "does not define"),
        ({"_target_": "a.B", "n": "@width#deep"}, "does not define"),
        ({"_target_": "a.B", "n": "@network_def"}, "not a plain value"),
        ({"n": 2}, "names no network"),
        ({"_target_": 3}, "names no network"),
        (None, "names no network"),
        ("text", "names no network"),
    ],
)
def test_a_network_that_needs_running_is_refused(tmp_path, network, names):
    bundle = make(tmp_path / "b", inference={"width": 16, "network_def": network})
    with pytest.raises(MammoError) as caught:
        bundle.network_definition()
    assert names in str(caught.value) and "network_def" in str(caught.value)


def test_references_follow_each_other(tmp_path):
    config = {"a": "@b", "b": 3, "network_def": "@net", "net": {"_target_": "a.B", "n": "@a"}}
    assert make(tmp_path / "b", inference=config).network_definition() == ("a.B", {"n": 3})


@pytest.mark.parametrize("text", ["{", "[1]", "", "\xff"])
def test_unreadable_json_is_one_sentence(folder, text):
    (folder.root / "configs" / "inference.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(MammoError, match=r"inference\.json"):
        folder.network_definition()


def test_a_missing_config_is_named(folder):
    with pytest.raises(MammoError, match=r"train\.json is missing"):
        folder.network_definition("train")


def test_weights_missing(folder):
    (folder.root / "models" / "model.pt").unlink()
    with pytest.raises(MammoError, match="is missing"):
        folder.check_weights()


def test_weights_empty(folder):
    (folder.root / "models" / "model.pt").write_bytes(b"")
    with pytest.raises(MammoError, match="is empty"):
        folder.check_weights()


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_weights_truncated(folder, kept):
    path = folder.root / "models" / "model.pt"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MammoError, match=r"model\.pt is truncated or"):
        folder.check_weights()


def test_weights_of_another_hash(folder):
    path = folder.root / "models" / "model.pt"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(MammoError, match="has sha256 [0-9a-f]{12}…, but"):
        folder.check_weights()


def test_weights_of_another_hash_that_begins_alike(folder):
    path = folder.root / "models" / "model.pt"
    stated = folder.weights_sha256["models/model.pt"]
    for number in range(1000):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", f"others {number}")
        if hashlib.sha256(path.read_bytes()).hexdigest()[0] == stated[0]:
            break
    with pytest.raises(MammoError, match="has sha256 [0-9a-f]{12}…, but"):
        folder.check_weights()


def test_weights_without_a_stated_hash(folder):
    (folder.root / "models" / "judge.pt").write_bytes((folder.root / "models" / "model.pt").read_bytes())
    with pytest.raises(MammoError, match="states no sha256 for models/judge.pt"):
        folder.check_weights("models/judge.pt")


def test_a_single_hash_stands_for_model_pt(tmp_path):
    bundle = make(tmp_path / "b")
    bundle = make(tmp_path / "c", weights_sha256=bundle.weights_sha256["models/model.pt"])
    assert set(bundle.weights_sha256) == {"models/model.pt"}


@pytest.mark.parametrize("key", ["version", "prepared_shape", "nominal_spacing_mm", "support"])
def test_what_is_not_stated_is_named(tmp_path, key):
    bundle = make(tmp_path / "b")
    (bundle.root / "configs" / "metadata.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MammoError, match=f"does not state '{key}'"):
        getattr(bundle, key)


def test_sealing_states_the_hash_of_every_weight_file(folder):
    path = folder.root / "models" / "judge.pt"
    path.write_bytes(b"other weights")
    table = support_rows([{"person_id": "p", "conditions": {"view": "CC", "birads": 4}}])
    sealed = seal(folder, support=table.to_dict(), prepared_shape=[8, 6])
    assert sealed.weights_sha256["models/judge.pt"] == hashlib.sha256(b"other weights").hexdigest()
    assert sealed.check_weights() == folder.check_weights()
    assert sealed.support.images(Conditions(view="CC")) == 1
    assert sealed.version == folder.version
    assert not list(folder.root.rglob("*.part"))


def test_sealed_metadata_is_the_same_json_with_short_tables(folder):
    table = support_rows([{"person_id": f"p{i}", "conditions": {"birads": i}} for i in range(7)])
    changes = {"support": table.to_dict(), "text": "é", "empty": {}, "none": [], "deep": {"a": [1, [2, {"b": None}]]}}
    text = (seal(folder, **changes).root / "configs" / "metadata.json").read_text(encoding="utf-8")
    values = json.loads(text)
    assert {key: values[key] for key in changes} == changes
    assert text.count("\n") < 60


def test_an_explicit_path_is_found(folder, monkeypatch):
    assert find(folder.root).root == folder.root
    assert find(str(folder.root)) == folder
    monkeypatch.chdir(folder.root.parent)
    assert find("./mammo_small") == folder
    assert find("mammo_small") == folder


def test_a_path_is_never_taken_for_a_name(tmp_path, monkeypatch):
    make(tmp_path / "known" / "mammo_small")
    here = make(tmp_path / "here" / "mammo_small")
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path / "known"))
    monkeypatch.chdir(tmp_path / "here")
    assert find("./mammo_small") == here
    assert find("mammo_small") != here


def test_the_environment_comes_before_the_package(tmp_path, monkeypatch):
    first = make(tmp_path / "one" / "mammo_diffusion", version="9.0.0")
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", f"{tmp_path / 'none'}:{tmp_path / 'one'}")
    assert find("mammo_diffusion") == first
    assert "did not come with monai_mammo" in notice(find("mammo_diffusion"))
    assert first in list_bundles()
    assert len({bundle.name for bundle in list_bundles()}) == len(list_bundles())


@pytest.mark.parametrize("name", ["mammo_autoencoder", "mammo_diffusion", "mammo_lesion_segmentation", "mammo_vae"])
def test_the_packages_own_bundles_are_found_from_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONAI_MAMMO_BUNDLES", raising=False)
    assert find(name).is_own and notice(find(name)) == ""
    assert root(name) == find(name).root
    assert name in [bundle.name for bundle in list_bundles()]


@pytest.mark.parametrize("name", ["mammo_nothing", "no/such/folder", "..//nothing"])
def test_an_unknown_bundle_names_those_there_are(name):
    own = ("mammo_autoencoder", "mammo_conditional_vae", "mammo_diffusion", "mammo_lesion_segmentation", "mammo_vae")
    with pytest.raises(RequestError, match=", ".join(own)):
        find(name)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused(name):
    with pytest.raises(RequestError, match="needs a name"):
        find(name)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(MammoError, match="is not a bundle: configs/metadata.json is missing"):
        find(tmp_path)


def test_configs_reach_the_room_after_a_plain_import():
    code = (
        "import sys, monai_mammo; before = set(sys.modules); monai_mammo.bundle.root; "
        "heavy = {'torch', 'monai', 'numpy'} & set(sys.modules); assert not heavy, heavy; "
        "assert 'monai_mammo.bundle' not in before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        _ = monai_mammo.no_such_room


def test_trained_weights_come_with_the_network_that_they_fit(tmp_path):
    configs = tmp_path / "configs"
    configs.mkdir()
    (tmp_path / "models").mkdir()
    layout = {"_target_": "monai_mammo.networks.LayoutUNet", "channels": [8], "more_attributes": ["pathology"]}
    contents = {
        "metadata": {"version": "1"},
        "train": {"network_def": layout},
        "inference": {"network_def": {**layout, "more_attributes": []}, "count": 2},
        "wide": {"network_def#channels": "@widths", "widths": [16]},
        "detail": {"network_def": {"_target_": "monai_mammo.networks.DetailUNet", "channels": [24]}},
        "detail_guide": {"network_def#channels": [4]},
    }
    for name, values in contents.items():
        (configs / f"{name}.json").write_text(json.dumps(values))
    (tmp_path / "one.pt").write_bytes(b"one")
    (tmp_path / "two.pt").write_bytes(b"two")
    (tmp_path / "three.pt").write_bytes(b"three")
    put_weights(tmp_path, tmp_path / "one.pt", "wide")
    put_weights(tmp_path, tmp_path / "two.pt", "detail")
    folder = put_weights(tmp_path, tmp_path / "three.pt", "detail", "detail_guide", "wide")
    assert folder.network_definition() == (layout["_target_"], {"channels": [16], "more_attributes": ["pathology"]})
    assert folder.network_definition("inference", "detail_def")[1] == {"channels": [24]}
    assert folder.network_definition("inference", "detail_guide_def")[1] == {"channels": [16]}
    assert folder.config("inference")["count"] == 2
    assert (tmp_path / "models" / "model.pt").read_bytes() == b"one"
    assert (tmp_path / "models" / "detail.pt").read_bytes() == b"two"
    assert (tmp_path / "models" / "detail_guide.pt").read_bytes() == b"three"
    assert set(folder.weights_sha256) == {"models/model.pt", "models/detail.pt", "models/detail_guide.pt"}
    with pytest.raises(RequestError, match="weights .*none.pt are not there"):
        put_weights(tmp_path, tmp_path / "none.pt")
