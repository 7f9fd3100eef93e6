"""The bundles with tiny networks and random weights, and a working folder that is not theirs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from monai_mammo import networks
from monai_mammo.bundle import DETAIL, BundleFolder, find, seal

TINY = {
    "mammo_autoencoder": {"channels": [8, 8], "n_blocks": 1},
    "mammo_diffusion": {"channels": [8, 8], "n_blocks": 1, "attention_scales": [1], "context_channels": 8},
    "mammo_lesion_segmentation": {"channels": [8, 8, 8], "working_rows": None},
    "mammo_conditional_vae": {"channels": [8, 8], "latent_shape": [16, 12], "context_channels": 8},
    "mammo_vae": {"channels": [8, 8], "latent_shape": [16, 12]},
}
SHAPE = [64, 48]
PARTS = ("guide", "detail", "detail_guide", "finish")
TINY_PARTS = {"finish": {"channels": 8, "dilations": [1, 2]}}


@pytest.fixture(scope="module")
def tiny_bundles(tmp_path_factory):
    """Copies of the bundles with tiny networks and random weights, found before the package's."""
    home = tmp_path_factory.mktemp("bundles")
    for name, sizes in TINY.items():
        root = Path(shutil.copytree(find(name).root, home / name))
        for config in ("train", "inference"):
            path = root / "configs" / f"{config}.json"
            values = json.loads(path.read_text(encoding="utf-8"))
            values["network_def"] |= sizes
            path.write_text(json.dumps(values), encoding="utf-8")
        shutil.rmtree(root / "models", ignore_errors=True)
        (root / "models").mkdir()
        for encoder in (find(name).root / "models").glob("encoder_*.pt"):  # where training starts
            shutil.copy(encoder, root / "models")
        torch.manual_seed(0)
        target, arguments = BundleFolder(root).network_definition()
        state = {k: v.half() for k, v in networks.build(target, arguments).state_dict().items()}
        torch.save(state, root / "models" / "model.pt")
        if BundleFolder(root).defines(DETAIL):
            _write_detail(root)
        seal(root, prepared_shape=SHAPE)
    before = os.environ.get("MONAI_MAMMO_BUNDLES")
    os.environ["MONAI_MAMMO_BUNDLES"] = str(home)
    yield home
    os.environ.pop("MONAI_MAMMO_BUNDLES")
    if before is not None:
        os.environ["MONAI_MAMMO_BUNDLES"] = before


def _write_detail(root: Path) -> None:
    """Tiny detail stage, its guide, its finish and the guide of the layout stage, with random weights."""
    sizes = {"channels": [8, 8], "n_blocks": 1, "context_channels": 8}
    parts = {("inference", f"{name}_def"): TINY_PARTS.get(name, sizes) for name in PARTS}
    parts |= {("detail", "network_def"): sizes, ("finish", "network_def"): TINY_PARTS["finish"]}
    for (config, key), tiny in parts.items():
        path = root / "configs" / f"{config}.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        values[key] |= tiny
        path.write_text(json.dumps(values), encoding="utf-8")
    for name in PARTS:
        network = networks.build(*BundleFolder(root).network_definition("inference", f"{name}_def"))
        torch.save({k: v.half() for k, v in network.state_dict().items()}, root / "models" / f"{name}.pt")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder that is not the bundle's."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "cwd"
