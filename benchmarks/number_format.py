"""A U-Net's forward and backward pass in float32 and in bfloat16, in turn, one thread.

    python benchmarks/number_format.py [--rounds N] [--json]

Says which of the two trainings choose on this processor, and which was faster; ratios are medians of the ratios within
a round, above 1 where bfloat16 is faster.
"""

from __future__ import annotations

import argparse
import json
import os

import torch
from interleaved import compare, ratio

from monai_mammo import machine
from monai_mammo.networks import DiffusionUNet
from monai_mammo.training.precision import autocast_dtype


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = DiffusionUNet(latent_channels=4, channels=(96, 128, 160), n_blocks=(1, 2, 2), context_channels=128)
    network = network.to(memory_format=torch.channels_last)
    n = arguments.batch_size
    latent = torch.randn(n, 4, 24, 24).to(memory_format=torch.channels_last)
    told = {"timesteps": torch.rand(n), "attributes": torch.zeros(n, 10), "spatial": torch.zeros(n, 2, 24, 24)}

    def step(dtype: torch.dtype | None) -> None:
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            out = network(latent, **told)
        out.float().square().mean().backward()

    times = compare({"float32": lambda: step(None), "bfloat16": lambda: step(torch.bfloat16)}, arguments.rounds)
    chosen = "float32" if autocast_dtype("bfloat16", "cpu") is None else "bfloat16"
    of_cpu, of_clock = (ratio(times["float32"], times["bfloat16"], of=of) for of in ("cpu_s", "wall_s"))
    values = {
        "ratio_cpu": round(of_cpu, 2),
        "ratio_clock": round(of_clock, 2),
        "cpu_ms": {name: round(seen.cpu_ms) for name, seen in times.items()},
        "chosen": chosen,
        "faster": "bfloat16" if of_cpu > 1 else "float32",
        "load_average": os.getloadavg()[0],
        "machine": machine.describe()[:2],
    }
    print(json.dumps(values, indent=2) if arguments.json else "\n".join(f"{k}: {v}" for k, v in values.items()))


if __name__ == "__main__":
    main()
