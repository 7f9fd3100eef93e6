"""What travels to a borrowed machine is enough there, and what comes back is enough to go on."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.files.png import save_png
from monai_mammo.prepare import load_datalist, phantom_items

SCRIPT = Path(__file__).parents[2] / "tutorials" / "gpu" / "borrowed_gpu.py"
SHAPE = (64, 48)
ONE_STEP = "--max_epochs 1 --batch_size 2 --num_workers 0 --train#dataloader#dataset#n 1 --compile false".split()
OF_TORCH = set("sympy mpmath jinja2 markupsafe networkx filelock fsspec typing-extensions setuptools".split())


@pytest.fixture(scope="module")
def script():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("borrowed_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packed(tiny_bundles, tmp_path_factory, script):
    """Folder that travels, with four phantoms of each split and tiny networks."""
    home = tmp_path_factory.mktemp("home")
    datalist = {"test": [], "external": []}
    for split in ("training", "validation"):
        items = phantom_items(4, split=split, shape=SHAPE)
        datalist[split] = [_on_disk(item, home / "prepared") for item in items]
    (home / "prepared" / "datalist.json").write_text(json.dumps(datalist))
    _main(script, "pack", home / "prepared", "--out", home / "pack")
    return home / "pack"


def _on_disk(item: dict, folder: Path) -> dict:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    written = {key: value for key, value in item.items() if not isinstance(value, np.ndarray)}
    written["image"] = f"images/{item['image_id']}.npy"
    np.save(folder / written["image"], item["image"])
    if isinstance(item.get("label"), np.ndarray):
        written["label"] = f"masks/{item['image_id']}.png"
        save_png(item["label"].astype(np.float32), folder / written["label"])
    return written


def _main(script, *words) -> int:
    before, sys.argv = sys.argv, ["borrowed_gpu.py", *map(str, words)]
    try:
        return script.main()
    finally:
        sys.argv = before


def _absent(script) -> list[str]:
    """Top-level modules of this environment that are neither on board of that machine nor carried there."""
    there = {name.lower().replace("_", "-") for name in (*script.ON_BOARD, *script.CARRIED)} | OF_TORCH
    found = importlib.metadata.packages_distributions().items()
    return sorted(module for module, names in found if not {n.lower().replace("_", "-") for n in names} & there)


def _run(script, pack: Path, stage: str, folder: Path, *words) -> subprocess.CompletedProcess:
    """One slice as that machine runs it: another folder, and of the packages only those that are there."""
    (folder / "absent").mkdir(parents=True, exist_ok=True)
    absent = _absent(script)
    assert {"highdicom", "imagecodecs", "nibabel", "mlflow", "monai_mammo"} <= {*absent, "monai_mammo"}
    finder = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Present(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        is_absent = name.partition('.')[0] in {[name for name in absent if name != 'monai_mammo']}\n"
        "        return None if is_absent else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Present\n"
    )
    (folder / "absent" / "sitecustomize.py").write_text(finder)
    environment = {**os.environ, "PYTHONPATH": str(folder / "absent")}
    environment.pop("MONAI_MAMMO_BUNDLES", None)
    places = ["--pack", pack, "--work", folder / "work", "--back", folder / "back"]
    command = [sys.executable, pack / "borrowed_gpu.py", "run", stage, *places, "--seconds", "7200", *ONE_STEP, *words]
    return subprocess.run([str(w) for w in command], cwd=folder, env=environment, capture_output=True, text=True)


def _of_one_step(script, packed: Path, stage: str, folder: Path, *words) -> dict:
    done = _run(script, packed, stage, folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((folder / "back" / stage / "slice.json").read_text())
    assert record["epoch"] == 1 and record["iteration"] == 2 and np.isfinite(record["best"])
    return record


def test_the_pack_holds_what_the_machine_lacks(packed):
    names = {path.name for path in packed.iterdir()}
    assert names == {"images.zip", "package.zip", "borrowed_gpu.py"}
    inside = zipfile.ZipFile(packed / "package.zip").namelist()
    assert "monai_mammo/training/trainer.py" in inside
    weights = {name for name in inside if name.endswith(".pt")}
    assert weights == {
        "bundles/mammo_autoencoder/models/model.pt",
        "bundles/mammo_lesion_segmentation/models/encoder_lite0.pt",
    }


def test_one_step_of_the_layout_there_and_its_weights_here(packed, tiny_bundles, tmp_path, script):
    _of_one_step(script, packed, "layout", tmp_path, "--part-mib", "0.25")
    back = tmp_path / "back" / "layout"
    assert all(path.stat().st_size <= 2**18 for path in back.iterdir() if path.suffix[1:].isdigit())
    assert len(load_datalist(tmp_path / "work" / "prepared" / "datalist.json")) == 4
    assert "monai_mammo" in (tmp_path / "work" / "layout" / "log.txt").read_text()
    assert _main(script, "weights", back, "--out", tmp_path / "model.pt") == 0
    network = networks.build(*BundleFolder(tiny_bundles / "mammo_diffusion").network_definition("train"))
    networks.load_weights(network, tmp_path / "model.pt")
    assert all(torch.isfinite(p).all() for p in network.parameters())


@pytest.mark.slow
def test_a_training_goes_on_from_what_was_brought_back(packed, tmp_path, script):
    _of_one_step(script, packed, "layout", tmp_path / "first", "--slices-after", "1")
    brought = tmp_path / "first" / "back" / "layout"
    done = _run(script, packed, "layout", tmp_path / "second", "--brought", brought, "--max_epochs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "second" / "back" / "layout" / "slice.json").read_text())
    assert record["epoch"] == 2 and record["iteration"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["detail", "decoder"])
def test_one_step_of_the_other_stages(packed, tmp_path, script, stage):
    _of_one_step(script, packed, stage, tmp_path)
    assert (tmp_path / "back" / stage / "model.pt.parts.json").is_file()


def test_a_pack_that_is_too_large_and_a_slice_without_time_are_said(packed, tmp_path, script, capsys):
    words = ["pack", packed.parent / "prepared", "--out", tmp_path / "pack", "--most-mib", "0.01"]
    assert _main(script, *words) == 1
    assert "allowed are 0.01" in capsys.readouterr().err
    assert _main(script, "pack", tmp_path, "--out", tmp_path / "pack") == 1
    assert capsys.readouterr().err.startswith("borrowed_gpu: datalist datalist.json is not in")
    places = ["--pack", packed, "--work", tmp_path / "work", "--back", tmp_path / "back"]
    assert _main(script, "run", "layout", *places, "--seconds", "10") == 2
    assert "10 seconds are no slice" in capsys.readouterr().err
