"""Benchmarks: what they make of what is known."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from monai_mammo.files.png import save_png
from monai_mammo.prepare.sidecar import Sidecar, sidecar_path
from monai_mammo.sampling import CosineSchedule

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
PARTS = ["distances", "sampler", "model", "generate", "insert", "reading"]


@pytest.fixture(scope="module", autouse=True)
def beside_each_other():
    sys.path.append(str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benchmark(beside_each_other):
    return loaded("all")


def test_it_has_all_parts_by_default(benchmark):
    assert list(benchmark.PARTS) == PARTS


@pytest.mark.parametrize("sort", ["ddim", "flow"])
def test_a_network_of_our_schedule_is_sampled_by_theirs_as_a_perfect_one_is(benchmark, sort):
    """With the perfect network as the network, MONAI's sampler makes what it makes of the closed form."""
    data, schedule, n = benchmark.latent_data(), CosineSchedule(), 10
    noise = torch.stack([torch.zeros_like(data.mean), torch.ones_like(data.mean)])

    def predict(z, t):
        levels = schedule.alpha(t.double())[:, None], schedule.sigma(t.double())[:, None]
        return data.z0(z, alpha=levels[0], sigma=levels[1])

    exact = data.mean + noise * data.spread
    if sort == "flow":
        found, expected = benchmark.flow_of_network(predict, noise, n, schedule), benchmark._monai_flow(data, noise, n)
        assert torch.allclose(found, expected, atol=1e-3)  # the schedule ends at lambda -10, a flow at minus infinity
    else:
        found, expected = benchmark.ddim_of_network(predict, noise, n, schedule), benchmark._monai_ddim(data, noise, n)
        wrong = [((one - exact) / data.spread).pow(2).mean().sqrt() for one in (found, expected)]
        assert wrong[0] == pytest.approx(float(wrong[1]), rel=0.3)  # MONAI's cosine has an offset, ours none


def test_the_samplers_errors_are_measured_against_both_peers(benchmark):
    rows = benchmark.sampler(1)
    assert {row["peer"] for row in rows} == {"MONAI DDIM, cosine schedule", "MONAI rectified flow"}
    assert len(rows) == 4 and all(row["ratio"] > 4 for row in rows), "Seen in benchmarks/README.md"


def test_of_an_outline_that_is_too_large_the_largest_piece_that_is_not_is_taken_out(tmp_path):
    removals = loaded("removals")
    outline = np.zeros((400, 300), dtype=bool)
    outline[20:60, 20:80] = outline[350:380, 200:230] = outline[200, 5:8] = True
    for name, mask in (("large", outline), ("small", outline & (np.arange(400) < 100)[:, None])):
        save_png(np.full(outline.shape, 120, dtype=np.uint8), tmp_path / f"{name}.png")
        save_png(mask, tmp_path / f"{name}_mask.png")
        (tmp_path / f"{name}.json").write_text(json.dumps({"kind": "film", "lesion_mask": f"{name}_mask.png"}))
    assert removals.piece_of(tmp_path / "small.png", tmp_path / "pieces") == tmp_path / "small.png"
    piece = removals.piece_of(tmp_path / "large.png", tmp_path / "pieces")
    told = Sidecar.read(sidecar_path(piece)).lesion_mask
    assert piece.parent == tmp_path / "pieces" and piece.read_bytes() == (tmp_path / "large.png").read_bytes()
    assert np.array_equal(np.asarray(Image.open(told)) > 0, outline & (np.arange(400) < 100)[:, None])


def test_validators_count_what_the_source_does_not_have(tmp_path, monkeypatch):
    edited = loaded("edited_files")
    said = {"source.dcm": ["Error - a", "Warning - b"], "edited.dcm": ["Error - a", "Error - c", "Error - 0008,001c"]}
    lines = {"dciodvfy": lambda *paths: said[paths[-1].name], "dcentvfy": lambda *paths: ["Error - d", "Warning - e"]}
    monkeypatch.setattr(edited, "said_by", lambda program, *words: lines[program](*words))
    assert edited.errors_of(tmp_path / "source.dcm", [tmp_path / "one" / "edited.dcm"]) == [
        "one/edited.dcm: Error - c",
        "Error - d",
    ]
    visits = [tmp_path / name / "edited.dcm" for name in ("one", "two")]
    assert edited.errors_of(tmp_path / "source.dcm", visits).count("Error - d") == 3, "each visit, and all together"
    row = {"command": "insert", "file": "a", "exit_code": 0, "said": "", "seconds": 2.0, "processor_seconds": 1.0}
    rows = [{**row, "megabytes": 9, "n_objects": 3, "errors": ["x"]}]
    rows.append({**row, "megabytes": 7, "n_objects": 0, "errors": [], "exit_code": 2, "said": "not a mammogram"})
    assert edited.table(rows)[-1] == "| insert | 2, 1 | 3 | 1 | 2.0, 1.0 | 9 |"
    assert edited.line_of(rows[1]).endswith("exit 2: not a mammogram")


def test_the_texture_of_lesions_is_read_from_folders_and_from_runs(tmp_path):
    texture = loaded("texture_of_lesions")
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.standard_normal((200, 200)), 2)
    mask = np.hypot(*(np.mgrid[:200, :200] - 100)) < 25
    pixels = 120 + 10 * noise / noise.std() * np.where(mask, 2, 1)
    save_png(pixels.astype(np.uint8), tmp_path / "a.png")
    save_png(mask, tmp_path / "a_mask.png")
    (tmp_path / "a.json").write_text(json.dumps({"kind": "film", "person_id": "p", "lesion_mask": "a_mask.png"}))
    ((kind, person, depth),) = texture.of_lesions(tmp_path)
    assert (kind, person) == ("film", "p") and depth == pytest.approx(2, abs=0.4)
    sample = {"id": "0000", "window": [40, 40, 160, 160], "source": {"sha256": "s"}}
    save_png(mask, tmp_path / "0000" / "requested.png", make_folder=True)
    for name in ("before", "after"):
        save_png(pixels[40:160, 40:160].astype(np.uint8), tmp_path / "0000" / f"{name}.png")
    (tmp_path / "manifest.json").write_text(json.dumps({"samples": [sample]}))
    assert [name.rpartition(", ")[2] for name, _, _ in texture.of_run(tmp_path)] == ["before", "after"]
