"""What a config runs is what lies beside it, however it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import monai.bundle
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder, beside, find, root_of_config, seal

REPOSITORY = Path(__file__).resolve().parents[2]
SHAPE = [64, 48]
NAMES = ("mammo_autoencoder", "mammo_conditional_vae", "mammo_diffusion", "mammo_lesion_segmentation")
names = pytest.mark.parametrize("name", NAMES)
pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")


def copy_of(root: Path, home: Path, *, seed: int) -> Path:
    """Copy of a bundle with other random weights."""
    copied = Path(shutil.copytree(root, home / root.name))
    torch.manual_seed(seed)
    network = networks.build(*BundleFolder(copied).network_definition())
    state = {
        k: torch.randn_like(v).mul(0.1).half() if v.is_floating_point() else v for k, v in network.state_dict().items()
    }
    if "latent_std" in state:
        state["latent_std"] = torch.ones_like(state["latent_std"])
    torch.save(state, copied / "models" / "model.pt")
    seal(copied)
    return copied


def run_inference(root: Path, out: str, **overrides) -> dict[str, np.ndarray]:
    monai.bundle.run(
        config_file=str(root / "configs" / "inference.json"), logging_file=False, output_dir=out, **overrides
    )
    return {path.name: np.asarray(Image.open(path)).astype(int) for path in sorted(Path(out).glob("*.png"))}


def overrides_of(name: str) -> dict:
    conditions = {"kind": "film", "density": "B", "view": "MLO", "finding": "mass", "birads": 4}
    if name == "mammo_conditional_vae":
        return {"conditions": conditions}
    return {"steps": 2, "conditions": conditions} if name == "mammo_diffusion" else {"shape": SHAPE}


def differ(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    assert one.keys() == other.keys() and one
    return any((one[name] != other[name]).any() for name in one)


@names
def test_a_copy_draws_with_its_own_weights(tiny_bundles, elsewhere, tmp_path, name):
    copied = copy_of(tiny_bundles / name, tmp_path / "mine", seed=7)
    installed = run_inference(tiny_bundles / name, "installed", **overrides_of(name))
    own = run_inference(copied, "own", **overrides_of(name))
    assert differ(installed, own)
    (copied / "models" / "model.pt").write_bytes((tiny_bundles / name / "models" / "model.pt").read_bytes())
    seal(copied)
    assert not differ(installed, run_inference(copied, "same", **overrides_of(name)))


def test_a_copied_pair_works_together(tiny_bundles, elsewhere, tmp_path):
    name = "mammo_diffusion"
    copied = Path(shutil.copytree(tiny_bundles / name, tmp_path / "mine" / name))
    alone = run_inference(copied, "alone", **overrides_of(name))
    copy_of(tiny_bundles / "mammo_autoencoder", tmp_path / "mine", seed=8)
    assert differ(alone, run_inference(copied, "pair", **overrides_of(name)))


@names
def test_garbage_in_place_of_weights_is_an_error(tiny_bundles, elsewhere, tmp_path, name):
    copied = copy_of(tiny_bundles / name, tmp_path / "mine", seed=7)
    (copied / "models" / "model.pt").write_bytes(b"garbage")
    with pytest.raises(Exception, match="."):
        run_inference(copied, "own", **overrides_of(name))
    assert not list(Path("own").glob("*.png"))


@names
@pytest.mark.parametrize("config", ["train", "inference"])
def test_every_way_in_finds_the_folder(tiny_bundles, elsewhere, tmp_path, name, config):
    copied = copy_of(tiny_bundles / name, tmp_path / "mine", seed=7)
    other = monai.bundle.create_workflow(
        config_file=str(tiny_bundles / name / "configs" / f"{config}.json"), workflow_type=config, logging_file=False
    )
    path = str(copied / "configs" / f"{config}.json")
    workflow = monai.bundle.create_workflow(config_file=path, workflow_type=config, logging_file=False)
    assert workflow.bundle_root == str(copied)
    assert workflow.parser.get_parsed_content("ckpt_path") == str(copied / "models" / "model.pt")
    assert other.parser.get_parsed_content("bundle_root") == str(tiny_bundles / name)
    network = monai.bundle.load(name, bundle_dir=str(copied.parent), source="github", workflow_type=config)
    stated = torch.load(copied / "models" / "model.pt", weights_only=True)
    state = network.state_dict()  # in training it may have grown by attributes that the weights lack
    assert all(torch.equal(state[key].half(), value) for key, value in stated.items())


def test_the_cards_command_runs_from_the_folder_of_the_bundle(tiny_bundles, elsewhere, tmp_path):
    copied = copy_of(tiny_bundles / "mammo_autoencoder", tmp_path / "mine", seed=7)
    words = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json"]
    words += ["--shape", str(SHAPE), "--output_dir", str(elsewhere / "command")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, env=environment, cwd=copied, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    written = {path.name: np.asarray(Image.open(path)).astype(int) for path in (elsewhere / "command").glob("*.png")}
    assert not differ(written, run_inference(copied, "own", shape=SHAPE))
    assert differ(written, run_inference(tiny_bundles / "mammo_autoencoder", "installed", shape=SHAPE))


def test_a_bare_parser_takes_the_working_folder_or_what_it_is_told(tiny_bundles, elsewhere):
    parser = ConfigParser()
    parser.read_config(str(tiny_bundles / "mammo_autoencoder" / "configs" / "inference.json"))
    assert parser.get_parsed_content("bundle_root") == str(elsewhere)
    parser["bundle_root"] = "told"
    assert parser.get_parsed_content("ckpt_path") == os.path.join("told", "models", "model.pt")
    assert root_of_config() == elsewhere


def test_another_bundle_is_the_one_beside_else_the_one_of_that_name(tiny_bundles, tmp_path):
    assert beside(tmp_path / "mammo_diffusion", "mammo_autoencoder") == find("mammo_autoencoder").root
    shutil.copytree(tiny_bundles / "mammo_autoencoder", tmp_path / "mammo_autoencoder")
    assert beside(tmp_path / "mammo_diffusion", "mammo_autoencoder") == tmp_path / "mammo_autoencoder"


@names
def test_no_config_names_an_installed_bundle(name):
    for path in sorted((find(name).root / "configs").glob("*.json")):
        assert "bundle.root(" not in path.read_text(encoding="utf-8"), path.name
