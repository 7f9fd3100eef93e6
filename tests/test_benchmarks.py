"""The benchmark that compares with other programs: what it makes of a peer's sampler, where the result is known."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from monai_mammo.sampling import CosineSchedule

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
PARTS = ["distances", "sampler", "model", "generate", "insert", "reading"]


@pytest.fixture(scope="module")
def benchmark():
    sys.path.append(str(FOLDER))
    spec = importlib.util.spec_from_file_location("all_benchmarks", FOLDER / "all.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))


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
